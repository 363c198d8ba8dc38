"""What a preview counts, on six customers, by hand."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest
from population import RULES, D, empty_population, fill, load

from pipelines.engine import DuckDB
from pipelines.segments.assignment import assign
from pipelines.segments.definitions import Definitions
from pipelines.segments.dry import assigned, undone
from pipelines.segments.preview import Funnel, Preview, preview

PEOPLE = {
    "a": {"recency_days": 1, "orders_365d": 9, "in_crm": True, "revenue_365d": 100},
    "b": {"recency_days": 5, "orders_365d": 1, "in_crm": True, "revenue_365d": 50},
    "c": {"recency_days": 20, "orders_365d": 9, "in_crm": False, "revenue_365d": 30},
    "d": {"recency_days": 25, "orders_365d": 2, "in_crm": True, "revenue_365d": 20},
    "e": {"recency_days": 90, "orders_365d": 9, "in_crm": True, "revenue_365d": 0},
    "f": {},
}
NEW = """
segmentation: fresh
name: Fresh
kind: rules
segments:
  - {id: best, name: Best, when: recency_days <= 30 and (orders_365d >= 9 or revenue_365d >= 50) and in_crm}
  - {id: near, name: Near, when: recency_days <= 30}
otherwise: {id: away, name: Away}
"""


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with empty_population() as con:
        con.execute("alter table features.customer add column reachable_email boolean")
        con.execute("alter table features.customer add column reachable_channels bigint")
        fill(con, D, {**PEOPLE, "a": {**PEOPLE["a"], "reachable_email": True}})
        yield con


@contextmanager
def previewed(
    con: duckdb.DuckDBPyConnection, folder: Path, *texts: str, only: str | None = None, sample: int = 2
) -> Iterator[Preview]:
    """The preview of the first definition."""
    found = load(folder, *texts)
    one = next(s for s in found if f"segmentation: {s.id}\n" in texts[0])
    plan = Definitions(tuple(found)).plan("customer", {one.id})
    with undone(con):
        assigned(con, plan, D)
        yield preview(con, D, plan, one, "dry_assigned", only=only, sample=sample)


def steps(funnel: Funnel) -> list[tuple[str, int, int, int, bool]]:
    return [(one.text, one.alone, one.left, one.dropped, one.either) for one in funnel.steps]


def test_a_funnel_keeps_and_drops_term_by_term(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    with previewed(con, tmp_path, NEW) as found:
        best, near = found.funnels
    assert steps(best) == [
        ("recency_days <= 30", 4, 4, 2, False),
        ("orders_365d >= 9 OR revenue_365d >= 50", 4, 3, 1, False),
        ("orders_365d >= 9", 3, 3, 3, True),
        ("revenue_365d >= 50", 2, 2, 4, True),
        ("in_crm", 4, 2, 1, False),
    ]
    assert (best.holds, best.elsewhere, best.kept_in) == (2, 0, 0)
    assert steps(near) == [("recency_days <= 30", 4, 4, 2, False)]
    assert (near.holds, near.elsewhere, near.kept_in) == (4, 2, 0), "a and b are in best, which comes first"


def test_sizes_shares_reach_and_samples(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    with previewed(con, tmp_path, NEW) as found:
        pass
    assert [(one.segment_id, one.size, round(one.share, 3), one.recorded) for one in found.segments] == [
        ("best", 2, 0.333, None),
        ("near", 2, 0.333, None),
        ("away", 2, 0.333, None),
    ]
    assert found.channels == ["reachable_email"], "a count of channels is none of them"
    assert [one.reachable for one in found.segments] == [
        {"reachable_email": 1},
        {"reachable_email": 0},
        {"reachable_email": 0},
    ]
    assert [sorted(one.sample) for one in found.segments] == [["a", "b"], ["c", "d"], ["e", "f"]]


def test_one_segment_alone(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    with previewed(con, tmp_path, NEW, only="near", sample=0) as found:
        pass
    assert [one.segment_id for one in found.segments] == ["near"] and found.segments[0].sample == []
    assert [one.segment_id for one in found.funnels] == ["near"]


def test_who_stays_by_exit_is_counted_though_the_condition_does_not_hold(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    sticky = NEW.replace(
        "name: Near, when: recency_days <= 30}",
        "name: Near, when: recency_days <= 30, exit: recency_days > 100}",
    )
    with undone(con):
        con.execute(
            "insert into segments.membership (segmentation_id, segment_id, entity_kind, entity_id,"
            " entered_date, definition_version) values ('fresh', 'near', 'customer', 'e', ?, 'v')",
            [D - timedelta(days=9)],
        )
        with previewed(con, tmp_path, sticky) as found:
            near = next(one for one in found.funnels if one.segment_id == "near" and one.role == "when")
            sizes = {one.segment_id: one.size for one in found.segments}
    assert (near.holds, near.elsewhere, near.kept_in) == (4, 2, 1)
    assert sizes == {"best": 2, "near": 3, "away": 1}


def test_overlap_with_what_is_recorded(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    with undone(con):
        assign(DuckDB(con), D, load(tmp_path, RULES))  # new: a, b; near: c, d; away: e, f
        with previewed(con, tmp_path, NEW, RULES) as found:
            pass
    best = [one for one in found.overlaps if one.segment_id == "best"]
    assert [(one.other_segment_id, one.shared, one.size, one.other_size, one.jaccard) for one in best] == [
        ("new", 2, 2, 2, 1.0)
    ]
    with undone(con):
        assign(DuckDB(con), D, load(tmp_path, RULES))
        with previewed(con, tmp_path, NEW.replace("in_crm}", "true}"), RULES) as found:
            pass
    best = [one for one in found.overlaps if one.segment_id == "best"]
    # a, b and c against new (a, b): 2 of 3; against near (c, d): 1 of 4.
    assert [(one.other_segment_id, one.shared, round(one.jaccard, 3)) for one in best] == [
        ("new", 2, 0.667),
        ("near", 1, 0.25),
    ]


def test_cut_points_of_tiers(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    tiers = """
segmentation: value
name: Value
kind: tiers
by: revenue_365d
tiers: [{id: top, name: Top, until: 0.5}, {id: rest, name: Rest, until: 1}]
otherwise: {id: none, name: None}
"""
    with previewed(con, tmp_path, tiers) as found:
        pass
    # Of 200 in all, 100 reach the half: above b lie 0.5, no longer below it.
    assert [(one["feature"], one["position"], one["value"]) for one in found.cut_points] == [
        ("revenue_365d", 1, "100.0000")
    ]
    assert found.funnels == [] and [one.size for one in found.segments] == [1, 3, 2]
