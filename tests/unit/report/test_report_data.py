"""What the queries pick: the latest, the current names, sums that add up."""

from __future__ import annotations

from functools import partial

import duckdb

from pipelines.report import data, sections, svg
from resources.renderer import Renderer


def test_history_thins_old_days_to_weeks(full: duckdb.DuckDBPyConnection) -> None:
    full.execute("delete from marts.segment_day")
    full.execute("""
        insert into marts.segment_day
        select day::date, 'rfm', 'customer', 'loyal', 'Old name', 2, 10, 0.1, 1, 0.1, 1, 'recorded'
        from generate_series(date '2025-08-01', date '2026-07-31', interval 1 day) as t(day)
    """)
    found = data.history(full, "rfm")
    assert 28 + 46 < len(found) < 28 + 52
    assert {row["segment_name"] for row in found} == {"Loyal"}


def test_a_recorded_day_wins_over_the_same_day_replayed(full: duckdb.DuckDBPyConnection) -> None:
    full.execute("""
        insert into marts.segment_day
        select * replace ('replayed' as basis, 1 as members) from marts.segment_day
        where as_of_date = '2026-07-31'
    """)
    newest = [row for row in data.history(full, "rfm") if str(row["as_of_date"]) == "2026-07-31"]
    assert {row["basis"] for row in newest} == {"recorded"}


def test_movement_is_the_latest_month(full: duckdb.DuckDBPyConnection) -> None:
    assert {(row["period"], str(row["from_date"])) for row in data.movement(full, "rfm")} == {
        ("four_weeks", "2026-06-30")
    }


def test_movement_falls_back_to_the_last_run(full: duckdb.DuckDBPyConnection) -> None:
    full.execute("delete from marts.segment_movement where period = 'four_weeks'")
    assert {row["period"] for row in data.movement(full, "rfm")} == {"day"}


def test_a_campaign_is_the_sum_of_its_segments(full: duckdb.DuckDBPyConnection) -> None:
    row = next(row for row in data.roi_campaigns(full, "rfm") if row["campaign_id"] == "c9")
    margin, cost = full.execute(
        "select sum(margin), sum(cost) from marts.roi_campaign"
        " where campaign_id = 'c9' and segmentation_id = 'rfm'"
    ).fetchone()  # type: ignore[misc]
    assert round(row["roi"], 6) == round(float((margin - cost) / cost), 6)


def test_the_best_segment_needs_enough_contacts(full: duckdb.DuckDBPyConnection) -> None:
    full.execute("update marts.roi_campaign set contacted = 3 where segment_id = 'champions'")
    assert "Champions" not in {row["best_segment"] for row in data.roi_campaigns(full, "rfm")}


def test_only_the_latest_result_of_a_check_counts(full: duckdb.DuckDBPyConnection) -> None:
    full.execute("update marts.quality set passed = true, unexpected_count = 0")
    full.execute(
        "insert into marts.quality select * replace (false as passed, 1 as batch_seq) from marts.quality"
    )
    assert all(row["passed"] for row in data.checks(full))


def test_rows_that_landed_are_accounted_for(full: duckdb.DuckDBPyConnection) -> None:
    for row in data.accounting(full):
        left_out = ("repeated", "conflicting", "superseded", "deleted", "rejected")
        parts = ("accepted", "quarantined", *left_out)
        assert row["missing"] == 0 and row["landed"] == sum(row[part] for part in parts)
    # A key that a snapshot lacks is no row that landed.
    assert [sum(row[gone] for row in data.accounting(full)) for gone in ("deleted", "vanished")] == [7, 3]


def test_a_lost_row_shows_as_missing(full: duckdb.DuckDBPyConnection) -> None:
    full.execute("update marts.batch set rows_accepted = rows_accepted - 5 where batch_seq = 1")
    assert sum(row["missing"] for row in data.accounting(full)) == 5


def test_the_total_roi_comes_from_sums(full: duckdb.DuckDBPyConnection, engine: Renderer) -> None:
    item = sections.roi(full, data.segmentations(full)[:1], partial(svg.draw, engine))[0]
    total = item["latest_total"]
    assert total["roi"] == (total["margin"] - total["cost"]) / total["cost"]
    assert total["roi_change"] == total["roi"] - total["roi_previous"]


def test_campaigns_of_the_same_name_are_told_apart(full: duckdb.DuckDBPyConnection) -> None:
    full.execute("update marts.roi_campaign set campaign_name = 'Spring' where campaign_id in ('c20', 'c21')")
    names = {row["campaign_name"] for row in data.roi_campaign_cells(full, "rfm")}
    assert len(names) == data.RECENT_CAMPAIGNS
    assert {name for name in names if name.startswith("Spring")} == {"Spring 2026-03-16", "Spring 2026-03-31"}


def test_guests_are_counted_over_all_days(full: duckdb.DuckDBPyConnection) -> None:
    expected = {
        "orders": 4020,
        "guest_orders": 211,
        "revenue": 1240,
        "guest_revenue": 60,
        "keyed_revenue": 15,
    }
    assert data.guests(full) == expected


def test_the_bridge_shows_totals_and_what_moved_of_all_sources(full: duckdb.DuckDBPyConnection) -> None:
    assert [(row["step"], row["amount"]) for row in data.bridge(full)] == [
        *(("gross", 1500), ("vat", -260), ("net_revenue", 1240), ("guests", -45))
    ]
