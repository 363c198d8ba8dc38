"""What is held stays and holds nothing else; a removed id does not come back unnoticed."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import duckdb
from population import RULES, empty_population, fill, load

from pipelines.segments import history
from pipelines.segments.model import Segmentation
from pipelines.segments.versions import in_force

D = date(2024, 6, 1)
OTHER = """
segmentation: other
name: Other
kind: rules
segments:
  - {id: near, name: Near, when: recency_days <= 5}
  - id: ten
    name: Ten
    when: cast(case when length(preferred_store) > 5 then preferred_store end as bigint) = 10
otherwise: {id: far, name: Far}
"""
REFERS = """
segmentation: refers
name: Refers
kind: audiences
audiences:
  - {id: close, name: Close, when: "in_segment('other.near')"}
"""


def day(number: int) -> date:
    return D + timedelta(days=number)


def run(
    con: duckdb.DuckDBPyConnection,
    on: date,
    recency: int,
    found: list[Segmentation],
    store: str = "1",
    **faults: str,
) -> history.Recorded:
    """Record a day on which ann has this recency and store."""
    fill(con, on, {"ann": {"recency_days": recency, "preferred_store": store}})
    return history.record(con, on, found, "run", faults)


def places(con: duckdb.DuckDBPyConnection) -> set[str]:
    found = con.execute("select segmentation_id, segment_id from segments.membership where left_date is null")
    return {f"{segmentation}.{segment}" for segmentation, segment in found.fetchall()}


def test_a_definition_that_fails_over_a_value_is_held_with_what_refers_to_it(tmp_path: Path) -> None:
    con, all_three = empty_population(), load(tmp_path, OTHER, REFERS, RULES)
    run(con, day(0), 1, all_three)
    assert places(con) == {"cycle.new", "other.near", "refers.close"}
    recorded = run(con, day(1), 20, all_three, store="Ann's own store")
    assert places(con) == {"cycle.near", "other.near", "refers.close"}
    assert recorded.held == {
        "other": "cannot be evaluated on 2024-06-02: conversion error in a condition",
        "refers": "refers to other, which is held",
    }
    assert {name for name, one in in_force(con, day(1)).items() if one.held} == {"other", "refers"}
    assert run(con, day(2), 20, all_three).held == {}
    assert places(con) == {"cycle.near", "other.far"}


def test_a_definition_at_fault_keeps_its_members_and_its_labels(tmp_path: Path) -> None:
    con, both = empty_population(), load(tmp_path, RULES, OTHER)
    run(con, day(0), 1, both)
    recorded = run(con, day(1), 20, both[:1], other="line 3: no such feature")
    assert recorded.held == {"other": "line 3: no such feature"}
    assert places(con) == {"cycle.near", "other.near"}
    labels = con.execute("select count(*) from segments.label where segmentation_id = 'other'").fetchone()
    assert labels == (3,)
    assert in_force(con, day(1))["other"].version == both[1].version


def test_while_a_file_cannot_be_read_nothing_is_taken_for_removed(tmp_path: Path) -> None:
    con, both = empty_population(), load(tmp_path, RULES, OTHER)
    run(con, day(0), 1, both)
    recorded = run(con, day(1), 20, both[:1], two="two.yaml:1: is not YAML")
    assert places(con) == {"cycle.near", "other.near"}
    assert "two.yaml:1: is not YAML" in recorded.held["other"]


def test_a_removed_segmentation_does_not_come_back_unnoticed(tmp_path: Path) -> None:
    con, both = empty_population(), load(tmp_path, RULES, OTHER)
    run(con, day(0), 1, both)
    run(con, day(1), 1, both)
    run(con, day(2), 1, both[:1])
    assert places(con) == {"cycle.new"}
    recorded = run(con, day(3), 1, both)
    assert "recorded from 2024-06-01 to 2024-06-02" in recorded.held["other"]
    assert "`reuse: true`" in recorded.held["other"]
    assert places(con) == {"cycle.new"}
    meant = load(tmp_path, RULES, OTHER + "reuse: true\n")
    assert meant[1].version == both[1].version, "saying so moves nobody"
    assert run(con, day(4), 1, meant).held == {}
    assert run(con, day(5), 1, both).held == {}, "it is there again: nothing more is to be said"
    assert places(con) == {"cycle.new", "other.near"}


def test_a_removed_segment_does_not_come_back_unnoticed(tmp_path: Path) -> None:
    con, cycle = empty_population(), load(tmp_path, RULES)
    run(con, day(0), 20, cycle)
    without = load(tmp_path, RULES.replace("  - {id: near, name: Near, when: recency_days <= 30}\n", ""))
    run(con, day(1), 20, without)
    assert places(con) == {"cycle.away"}
    recorded = run(con, day(2), 20, cycle)
    assert (
        "cycle.near named a segment that was recorded from 2024-06-01 to 2024-06-01"
        in (recorded.held["cycle"])
    )
    assert places(con) == {"cycle.away"}
    meant = load(tmp_path, RULES.replace("<= 30}", "<= 30, reuse: true}"))
    assert run(con, day(3), 20, meant).held == {}
    assert places(con) == {"cycle.near"}


def test_the_day_of_the_removal_may_be_recorded_again_with_it(tmp_path: Path) -> None:
    """What the last revision of the latest day says does not count before it is recorded."""
    con, both = empty_population(), load(tmp_path, RULES, OTHER)
    run(con, day(0), 1, both)
    run(con, day(1), 1, both[:1])
    assert run(con, day(1), 20, both).held == {}
    assert places(con) == {"cycle.near", "other.far"}


def test_a_new_name_is_the_same_segment(tmp_path: Path) -> None:
    con, first = empty_population(), load(tmp_path, RULES)
    run(con, day(0), 1, first)
    renamed = load(tmp_path, RULES.replace("name: New", "name: Brand new").replace("Life cycle", "Stages"))
    assert renamed[0].version == first[0].version
    run(con, day(1), 1, renamed)
    assert con.execute("select count(*) from segments.membership_event").fetchone() == (1,)
    names = con.execute("select segmentation_name, segment_name from segments.label where segment_id = 'new'")
    assert names.fetchone() == ("Stages", "Brand new")


def test_an_id_of_customers_does_not_become_one_of_accounts_unnoticed(tmp_path: Path) -> None:
    from dataclasses import replace

    con, cycle = empty_population(), load(tmp_path, RULES)
    run(con, day(0), 1, cycle)
    firms = replace(cycle[0], definition=cycle[0].definition.model_copy(update={"entity": "account"}))
    held = run(con, day(1), 1, [firms]).held["cycle"]
    assert "names a segmentation of customers since 2024-06-01, and now one of accounts" in held
    assert places(con) == {"cycle.new"}
