"""The record: events of who entered and left, and what they say of any day."""

import random
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from fixtures.seeds import seeds
from population import RULES, empty_population, fill, load

from pipelines.engine import DuckDB, rows
from pipelines.errors import InvariantError, UsageError
from pipelines.segments import history
from pipelines.segments.assignment import assign
from pipelines.segments.model import Segmentation
from pipelines.segments.recorded import days_to_record, latest_day

D = date(2024, 6, 1)
OTHER = RULES.replace("segmentation: cycle", "segmentation: other").replace("<= 10", "<= 5")


def day(number: int) -> date:
    return D + timedelta(days=number)


def run(
    con: duckdb.DuckDBPyConnection, on: date, recency: Mapping[str, int | None], found: list[Segmentation]
) -> int:
    """Record a day on which customers have these recencies."""
    fill(con, on, {customer: {"recency_days": value} for customer, value in recency.items()})
    return history.record(con, on, found, f"run {on}").revision


def events(con: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
    return con.execute(
        "select entity_id, segment_id, event, as_of_date, revision from segments.membership_event"
        " order by as_of_date, revision, entity_id, event desc"
    ).fetchall()


def members(con: duckdb.DuckDBPyConnection, on: date) -> list[tuple[Any, ...]]:
    """Day, segmentation, segment and member, as the record gives them."""
    return con.execute(
        "select cast($on as date), segmentation_id, segment_id, entity_kind, entity_id"
        " from segments.membership where entered_date <= $on and (left_date is null or left_date > $on)"
        " order by all",
        {"on": on},
    ).fetchall()


def test_a_move_is_a_leave_and_an_enter_of_that_day(tmp_path: Path) -> None:
    con, cycle = empty_population(), load(tmp_path, RULES)
    run(con, day(0), {"ann": 1, "bob": 40}, cycle)
    run(con, day(1), {"ann": 20, "bob": 40, "cyd": 1}, cycle)
    run(con, day(2), {"ann": 20, "bob": 40}, cycle)
    assert events(con) == [
        ("ann", "new", "enter", day(0), 1),
        ("bob", "away", "enter", day(0), 1),
        ("ann", "new", "leave", day(1), 1),
        ("ann", "near", "enter", day(1), 1),
        ("cyd", "new", "enter", day(1), 1),
        ("cyd", "new", "leave", day(2), 1),
    ]
    stays = con.execute(
        "select entity_id, segment_id, entered_date, left_date from segments.membership order by all"
    ).fetchall()
    assert stays == [
        ("ann", "near", day(1), None),
        ("ann", "new", day(0), day(1)),
        ("bob", "away", day(0), None),
        ("cyd", "new", day(1), day(2)),
    ]


def test_the_same_day_again_is_a_revision_and_the_last_counts(tmp_path: Path) -> None:
    con, cycle = empty_population(), load(tmp_path, RULES)
    run(con, day(0), {"ann": 1}, cycle)
    assert run(con, day(1), {"ann": 20}, cycle) == 1
    first = [event for event in events(con) if event[-1] == 1]
    assert run(con, day(1), {"ann": 50}, cycle) == 2
    assert [row[2] for row in members(con, day(1))] == ["away"]
    assert run(con, day(1), {"ann": 1}, cycle) == 3
    assert [row[2] for row in members(con, day(1))] == ["new"]
    assert [event for event in events(con) if event[-1] == 1] == first
    stays = con.execute("select entered_date, left_date from segments.membership").fetchall()
    assert stays == [(day(0), None)]


def test_a_day_recorded_again_does_not_know_where_its_first_recording_put_members(tmp_path: Path) -> None:
    staying = RULES.replace("when: recency_days <= 10", "when: recency_days <= 10, exit: recency_days > 25")
    con, cycle = empty_population(), load(tmp_path, staying)
    run(con, day(0), {"ann": 20}, cycle)
    run(con, day(1), {"ann": 1}, cycle)
    run(con, day(1), {"ann": 20}, cycle)
    assert [row[2] for row in members(con, day(1))] == ["near"]
    run(con, day(2), {"ann": 1}, cycle)
    run(con, day(3), {"ann": 20}, cycle)
    assert [row[2] for row in members(con, day(3))] == ["new"]


def test_recording_an_unchanged_day_again_changes_no_stay(tmp_path: Path) -> None:
    con, cycle = empty_population(), load(tmp_path, RULES)
    run(con, day(0), {"ann": 1, "bob": 20}, cycle)
    run(con, day(1), {"ann": 20, "bob": 20}, cycle)
    before = rows(con, "from segments.membership order by all")
    assert run(con, day(1), {"ann": 20, "bob": 20}, cycle) == 2
    assert rows(con, "from segments.membership order by all") == before


def test_an_earlier_day_is_refused_and_leaves_the_record_as_it_was(tmp_path: Path) -> None:
    con, cycle = empty_population(), load(tmp_path, RULES)
    run(con, day(1), {"ann": 1}, cycle)
    before = events(con)
    with pytest.raises(UsageError, match="is before"):
        run(con, day(0), {"ann": 40}, cycle)
    assert events(con) == before
    assert latest_day(DuckDB(con)) == day(1)


def test_missed_days_are_recorded_one_by_one() -> None:
    assert days_to_record(day(0), day(3)) == [day(1), day(2), day(3)]
    assert days_to_record(day(3), day(3)) == [day(3)]
    assert days_to_record(None, day(3)) == [day(3)]
    assert days_to_record(None, day(3), day(1)) == [day(1), day(2), day(3)]
    assert days_to_record(None, day(3), day(5)) == [day(3)]
    with pytest.raises(UsageError, match="run 2024-06-04 again or a later day"):
        days_to_record(day(3), day(2))


def test_a_segmentation_that_is_removed_is_left_by_all(tmp_path: Path) -> None:
    con = empty_population()
    both = load(tmp_path, RULES, OTHER)
    run(con, day(0), {"ann": 1, "bob": 20}, both)
    run(con, day(1), {"ann": 1, "bob": 20}, both[:1])
    assert {row[1] for row in members(con, day(0))} == {"cycle", "other"}
    assert {row[1] for row in members(con, day(1))} == {"cycle"}
    left = rows(con, "from segments.membership_event where event = 'leave' order by entity_id")
    assert [(one["entity_id"], one["segmentation_id"]) for one in left] == [
        ("ann", "other"),
        ("bob", "other"),
    ]
    assert {one["definition_version"] for one in left} == {both[1].version}


def test_a_stay_keeps_the_version_it_was_entered_under(tmp_path: Path) -> None:
    con = empty_population()
    first = load(tmp_path, RULES)
    run(con, day(0), {"ann": 1, "bob": 20}, first)
    second = load(tmp_path, RULES.replace("<= 30", "<= 15"))
    run(con, day(1), {"ann": 1, "bob": 20}, second)
    versions = con.execute(
        "select entity_id, segment_id, definition_version from segments.membership order by all"
    ).fetchall()
    assert versions == [
        ("ann", "new", first[0].version),
        ("bob", "away", second[0].version),
        ("bob", "near", first[0].version),
    ]


@pytest.mark.parametrize("seed", seeds(2, 8))
def test_stays_say_of_every_day_what_was_assigned_on_it(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    con = empty_population()
    choices = [load(tmp_path, RULES), load(tmp_path, RULES, OTHER), load(tmp_path, OTHER)]
    assigned: dict[date, list[tuple[Any, ...]]] = {}
    number = 0
    for _ in range(12):
        number += rng.choice([0, 1, 1, 2])
        customers = {f"c{i}": rng.choice([1, 8, 20, 40, None]) for i in range(6) if rng.random() < 0.8}
        run(con, day(number), customers, rng.choice(choices))
        assigned[day(number)] = con.execute(
            "from segments.assignment where as_of_date = ? order by all", [day(number)]
        ).fetchall()
    for on, expected in assigned.items():
        assert members(con, on) == expected
    overlapping = con.execute(
        "select count(*) from segments.membership a join segments.membership b"
        " using (segmentation_id, entity_id)"
        " where a.entered_date < b.entered_date and coalesce(a.left_date, date '9999-01-01') > b.entered_date"
    ).fetchone()
    assert overlapping == (0,)
    twice = con.execute(
        "select 1 from segments.assignment group by as_of_date, segmentation_id, entity_id"
        " having count(*) > 1"
    ).fetchall()
    assert twice == []


def test_the_record_equals_the_replay_of_the_same_runs(tmp_path: Path) -> None:
    cycle = load(tmp_path, RULES)

    def recorded() -> list[tuple[Any, ...]]:
        rng = random.Random(5)
        con = empty_population()
        for number in (0, 1, 1, 3, 4, 4, 4):
            run(con, day(number), {f"c{i}": rng.choice([1, 20, 40]) for i in range(5)}, cycle)
        return con.execute("from segments.membership_event").fetchall()

    assert recorded() == recorded()


def test_an_interrupted_record_leaves_nothing(tmp_path: Path) -> None:
    con, cycle = empty_population(), load(tmp_path, RULES)
    run(con, day(0), {"ann": 1}, cycle)
    before = events(con)
    places = rows(con, "from segments.current_customer")
    con.execute("alter table segments.membership drop column definition_version")
    fill(con, day(1), {"ann": {"recency_days": 40}})
    with pytest.raises(duckdb.Error):
        history.record(con, day(1), cycle, "run")
    assert events(con) == before
    assert rows(con, "from segments.current_customer") == places
    assert latest_day(DuckDB(con)) == day(0)


def forgetful(segmentation: Segmentation) -> Segmentation:
    """One that leaves out whoever was not here yesterday."""
    compiled = segmentation.compiled
    forgetting = replace(compiled.result, sql=f"case when recency_days = 1 then {compiled.result.sql} end")
    return replace(segmentation, compiled=replace(compiled, result=forgetting))


def test_a_segmentation_that_leaves_a_customer_out_assigns_nothing(tmp_path: Path) -> None:
    con, cycle = empty_population(), load(tmp_path, RULES)
    fill(con, day(0), {"ann": {"recency_days": 1}, "bob": {}})
    assign(DuckDB(con), day(0), cycle)
    with pytest.raises(InvariantError, match="cycle: on 2024-06-01, 2 customers but 1 in a segment"):
        assign(DuckDB(con), day(0), [forgetful(cycle[0])])
    assert con.execute("select count(*) from segments.assignment").fetchone() == (2,)


def test_a_customer_who_counts_twice_stops_the_day(tmp_path: Path) -> None:
    con, cycle = empty_population(), load(tmp_path, RULES)
    run(con, day(0), {"ann": 1}, cycle)
    before = events(con)
    result = cycle[0].compiled.result
    doubling = replace(result, sql=f"unnest([{result.sql}, 'away'])")
    twice = replace(cycle[0], compiled=replace(cycle[0].compiled, result=doubling))
    with pytest.raises(InvariantError, match="1 customers, but 2 rows evaluated"):
        run(con, day(1), {"ann": 1}, [twice])
    assert events(con) == before and latest_day(DuckDB(con)) == day(0)


def test_publishing_checks_once_more_that_everyone_has_a_segment(tmp_path: Path) -> None:
    con, both = empty_population(), load(tmp_path, RULES, OTHER)
    run(con, day(0), {"ann": 1, "bob": 2}, both)
    history.assert_exclusive(con, day(0), ["cycle", "other"])
    con.execute("update segments.current_customer set other = null where entity_id = 'ann'")
    history.assert_exclusive(con, day(0), ["cycle"])
    with pytest.raises(InvariantError, match="segmentation other on 2024-06-01: 2 customers, but 1"):
        history.assert_exclusive(con, day(0), ["cycle", "other"])


def test_every_version_of_a_definition_is_kept_and_labels_are_of_today(tmp_path: Path) -> None:
    con = empty_population()
    first, second = load(tmp_path, RULES, OTHER), load(tmp_path, RULES.replace("<= 30", "<= 31"))
    for found in (first, second, second):
        history.store_definitions(con, found)
    versions = con.execute("select segmentation_id, definition_version from segments.definition").fetchall()
    assert sorted(versions) == sorted((one.id, one.version) for one in [*first, *second])
    labels = con.execute(
        "select segment_id, definition_version from segments.label order by position"
    ).fetchall()
    assert labels == [(segment, second[0].version) for segment in ("new", "near", "away")]
