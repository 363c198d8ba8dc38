"""The example as shipped: a full refresh, the next day, and the same day again."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import pytest
from fixtures.shop import Shop

DERIVED = ("core", "features", "roi", "drift")
RECORD = ("segments.membership_event", "segments.recorded_day")


def look(shop: Shop) -> dict[str, Any]:
    """What a second run of the same day must not change, and the record, which grows."""
    with shop.warehouse() as con:
        tables = con.execute(
            "select table_schema || '.' || table_name from information_schema.tables"
            " where list_contains($schemas, table_schema) order by 1",
            {"schemas": [*DERIVED, "segments"]},
        ).fetchall()
        # Of 1.5 million lines a digest is enough.
        digests = {
            table: con.execute(
                f"select count(*), bit_xor(hash(t)), sum(hash(t)) from {table} as t"
            ).fetchone()
            for (table,) in tables
            if table not in (*RECORD, "features.scope", "features.day_scope")
        }
        record = {table: con.execute(f"from {table}").fetchall() for table in RECORD}
    return {"digests": digests, "record": record, "rows": shop.rows()}


@pytest.fixture(scope="module")
def twice(once: Callable[..., Shop]) -> dict[str, Any]:
    """As shipped, and what was there before and after the latest day was run again."""

    def run(shop: Shop) -> None:
        first = shop.process("run", "--json")
        assert first.code == 0, first.err
        before = look(shop)
        again = shop.process("run", "--json")
        assert again.code == 0, again.err
        facts = {"first": first.json, "before": before, "again": again.json, "after": look(shop)}
        (shop.root / "facts").write_bytes(pickle.dumps(facts))

    shop = once("as_shipped", run)
    facts: dict[str, Any] = pickle.loads((shop.root / "facts").read_bytes())  # noqa: S301 - our own
    return facts


def test_the_full_refresh_is_followed_by_the_next_day(twice: dict[str, Any]) -> None:
    assert [run["day"] for run in twice["first"]["runs"]] == ["2017-12-29", "2017-12-30"]
    assert [run["held"] for run in twice["first"]["runs"]] == [[], []]
    assert twice["first"]["run"]["previous_date"] == "2017-12-29"
    landed = {row["table_name"]: row["landed"] for row in twice["first"]["batches"]}
    assert 1_450_000 < int(landed["order_lines"]) < 1_469_307


def test_segments_add_up_to_the_customers(twice: dict[str, Any]) -> None:
    totals: dict[str, int] = {}
    for row in twice["first"]["segments"]:
        totals[row["segmentation_id"]] = totals.get(row["segmentation_id"], 0) + row["customers"]
    assert totals == dict.fromkeys(("lifecycle", "rfm", "value_tier"), twice["first"]["run"]["customers"])


def test_the_same_day_again_changes_no_derived_table(twice: dict[str, Any]) -> None:
    assert twice["again"]["run"]["revision"] == 2
    before, after = twice["before"]["digests"], twice["after"]["digests"]
    assert len(before) > 20
    assert [table for table in before if before[table] != after[table]] == []
    assert before.keys() == after.keys()


def test_the_same_day_again_changes_no_published_row(twice: dict[str, Any]) -> None:
    before, after = twice["before"]["rows"], twice["after"]["rows"]
    assert before.keys() == after.keys() and len(before) > 10
    assert [mart for mart in before if before[mart] != after[mart]] == []


def test_the_same_day_again_adds_one_revision_to_the_record(twice: dict[str, Any]) -> None:
    run_id = twice["again"]["runs"][0]["run_id"]
    for table in RECORD:
        before, after = twice["before"]["record"][table], twice["after"]["record"][table]
        assert after[: len(before)] == before
        added = after[len(before) :]
        assert added and all(run_id in row and 2 in row for row in added), table
