"""Two definitions side by side on five customers, by hand."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from population import RULES, D, empty_population, fill, load

from pipelines.segments.compare import Change, compare
from pipelines.segments.definitions import Definitions
from pipelines.segments.dry import assigned, undone

PEOPLE = {
    "a": {"recency_days": 1, "revenue_365d": 100},
    "b": {"recency_days": 9, "revenue_365d": 40},
    "c": {"recency_days": 11, "revenue_365d": 20},
    "d": {"recency_days": 31, "revenue_365d": 7},
    "e": {},
}
AUDIENCES = """
segmentation: cycle
name: Audiences
kind: audiences
audiences:
  - {id: rich, name: Rich, when: revenue_365d >= 40}
  - {id: here, name: Here, when: recency_days <= 9}
"""


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with empty_population() as con:
        fill(con, D, PEOPLE)
        yield con


def change(
    con: duckdb.DuckDBPyConnection, folder: Path, old: str | None, new: str | None, sample: int = 0
) -> Change:
    with undone(con):
        sides = {}
        for name, text in (("old", old), ("new", new)):
            (sides[name],) = load(folder, text) if text else (None,)
            if sides[name] is not None:
                assigned(con, Definitions((sides[name],)).plan("customer"), D, f"dry_{name}")
        return compare(con, D, sides["old"], sides["new"], "dry_old", "dry_new", sample=sample)


def segments(found: Change) -> dict[str, tuple[int, int, int, int, int]]:
    return {s.segment_id: (s.before, s.after, s.added, s.removed, s.unchanged) for s in found.segments}


def test_an_edited_limit_moves_the_customers_between(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    found = change(con, tmp_path, RULES, RULES.replace("recency_days <= 10", "recency_days <= 5"), sample=1)
    assert segments(found) == {"new": (2, 1, 0, 1, 1), "near": (1, 2, 1, 0, 1), "away": (2, 2, 0, 0, 2)}
    assert (found.status, found.members, found.moved, found.revenue) == ("changed", 5, 1, Decimal(40))
    (flow,) = found.flows
    assert (flow.from_segment, flow.to_segment, flow.members, flow.revenue, flow.sample) == (
        "new",
        "near",
        1,
        Decimal(40),
        ["b"],
    )
    assert found.version_before != found.version_after


def test_without_a_sample_no_id_is_told(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    found = change(con, tmp_path, RULES, RULES.replace("recency_days <= 10", "recency_days <= 5"))
    assert [flow.sample for flow in found.flows] == [[]]


def test_a_new_and_a_removed_definition(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    added = change(con, tmp_path, None, RULES)
    assert (added.status, added.moved, added.revenue) == ("added", 5, Decimal(167))
    assert {(f.from_segment, f.to_segment, f.members) for f in added.flows} == {
        (None, "new", 2),
        (None, "near", 1),
        (None, "away", 2),
    }
    removed = change(con, tmp_path, RULES, None)
    assert (removed.status, removed.moved) == ("removed", 5)
    assert segments(removed)["new"] == (2, 0, 0, 2, 0)


def test_a_removed_segment_is_listed_last(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    renamed = RULES.replace("{id: new, name: New", "{id: fresh, name: Fresh")
    found = change(con, tmp_path, RULES, renamed)
    assert list(segments(found)) == ["fresh", "near", "away", "new"]
    assert segments(found)["new"] == (2, 0, 0, 2, 0) and segments(found)["fresh"] == (0, 2, 2, 0, 0)


def test_of_overlapping_segments_a_member_may_leave_one_and_stay_in_another(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    edited = AUDIENCES.replace(">= 40", ">= 20").replace("recency_days <= 9", "recency_days <= 5")
    found = change(con, tmp_path, AUDIENCES, edited)
    # rich: a, b -> a, b, c; here: a, b -> a.
    assert segments(found) == {"rich": (2, 3, 1, 0, 2), "here": (2, 1, 0, 1, 1)}
    assert (found.moved, found.revenue) == (2, Decimal(60))
    assert {(f.from_segment, f.to_segment) for f in found.flows} == {(None, "rich"), ("here", None)}
