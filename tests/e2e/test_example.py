"""The example as shipped: a full refresh, the next day, and the same day again."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
from fixtures.shop import Shop

RECORD = ("segments.membership_event", "segments.recorded_day", "segments.definition_day")


@pytest.fixture(scope="module")
def twice(whole_year: Shop) -> dict[str, Any]:
    """What was there before and after the latest day was run again."""
    facts: dict[str, Any] = pickle.loads((whole_year.root / "facts").read_bytes())  # noqa: S301 - our own
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
        totals[row["segmentation_id"]] = totals.get(row["segmentation_id"], 0) + row["members"]
    customers = twice["first"]["run"]["customers"]
    # Audiences overlap and leave people out.
    assert totals.pop("shopping_habits") != customers
    assert totals == dict.fromkeys(("lifecycle", "rfm", "value_tier", "plan"), customers)


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
        assert added and all(2 in row for row in added), table
        # Which definition was in force is said of the day and its revision, not of a run.
        assert table == "segments.definition_day" or all(run_id in row for row in added), table
