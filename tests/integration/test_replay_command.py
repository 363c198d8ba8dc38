"""`lohko replay`: past days beside the record, as known then and as known now."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fixtures.shop import Shelf, Shop

from pipelines.engine import connect

pytestmark = pytest.mark.alone

LATE = '9001,C001,2026-03-29 12:00:00,web,paid,"10,00","0,00"'
DAYS = ("--from", "2026-03-29", "--to", "2026-03-30", "--every", "day")


def replayed(shop: Shop, *words: str, name: str = "lifecycle") -> list[dict[str, Any]]:
    ended = shop.lohko("replay", "-s", name, *DAYS, *words, "--json")
    assert ended.code == 0, ended.err
    found: list[dict[str, Any]] = ended.json
    return found


@pytest.fixture
def late(shelf: Shelf) -> Shop:
    """A shop recorded on two days; an order of the first day lands before the second."""

    def deliver(shop: Shop) -> None:
        shop.deliver("orders-2.csv", LATE)
        assert shop.lohko("run", "--as-of", "2026-03-30", "--json").code == 0

    return shelf.at("late", deliver)


@pytest.mark.parametrize("name", ["lifecycle", "value_tier"])
def test_what_was_known_then_gives_what_was_recorded(late: Shop, name: str) -> None:
    before = late.tables("segments", "core", "features")
    found = replayed(late, "--known", "then", name=name)
    assert {row["day"] for row in found} == {"2026-03-29", "2026-03-30"}
    assert [row["size"] for row in found] == [row["recorded"] for row in found]
    assert late.tables("segments", "core", "features") == before


def test_what_is_known_now_counts_the_late_order(late: Shop) -> None:
    def sizes(known: str) -> dict[str, int]:
        rows = replayed(late, "--known", known, "--definition", str(given))
        return {row["segment_id"]: row["size"] for row in rows if row["day"] == "2026-03-29"}

    given = late.root / "bought.yaml"
    given.write_text(
        "segmentation: lifecycle\nname: L\nkind: rules\nsegments:\n"
        "  - {id: today, name: Today, when: 'did(orders, within: 1d)'}\notherwise: {id: rest, name: Rest}\n"
    )
    now, then = sizes("now"), sizes("then")
    assert now["today"] == then["today"] + 1
    assert sum(now.values()) == sum(then.values())


def test_a_definition_may_ask_for_a_feature_of_the_project(late: Shop) -> None:
    late.edit(
        "timezone:",
        "features:\n  custom:\n    - {name: buys_30d, from: orders, aggregate: count, window: 30d,"
        " unit: orders, meaning: Orders}\ntimezone:",
    )
    given = late.root / "bought.yaml"
    given.write_text(
        "segmentation: lifecycle\nname: L\nkind: rules\nsegments:\n"
        "  - {id: recent, name: Recent, when: 'buys_30d >= 1'}\notherwise: {id: rest, name: Rest}\n"
    )
    found = replayed(late, "--definition", str(given))
    assert all(row["size"] for row in found if row["segment_id"] == "recent")


def test_members_are_written_and_nothing_is_left_behind(late: Shop, tmp_path: Path) -> None:
    path = tmp_path / "members.parquet"
    found = replayed(late, "--output", str(path))
    with connect() as con:
        counted = con.execute(
            f"select cast(as_of_date as varchar), segment_id, count(*) from '{path}' group by all"
        ).fetchall()
    assert sorted(counted) == sorted((r["day"], r["segment_id"], r["size"]) for r in found if r["size"])
    assert not list(late.project.state.glob("replay-*"))


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--every", "year"), "expected day, week or month"),
        (("--known", "never"), "expected then or now"),
        (("--known", "then", "--from", "2026-03-20"), "was not recorded"),
        (("--output", "members.xlsx"), "ends with .parquet or .csv"),
        (("--from", "2026-03-30", "--to", "2026-03-29"), "expected --from before --to"),
        (("-s", "lifecicle"), "did you mean lifecycle"),
    ],
)
def test_what_cannot_be_replayed_is_refused(shop: Shop, words: tuple[str, ...], says: str) -> None:
    ended = shop.lohko("replay", "-s", "lifecycle", *DAYS, *words)
    assert ended.code == 2 and says in ended.err, ended.err
