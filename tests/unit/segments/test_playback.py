"""Past days are played beside the record, day by day where it counts where members stood."""

from __future__ import annotations

import random
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest
from population import FEATURES, empty_population, fill, load

from pipelines.engine import DuckDB
from pipelines.errors import UsageError
from pipelines.segments import history, playback, scratch_database
from pipelines.segments.definitions import load_definitions

D = date(2024, 6, 1)
STICKY = """
segmentation: sticky
name: Sticky
kind: rules
segments:
  - {id: warm, name: Warm, when: recency_days <= 10, exit: recency_days > 30, dwell_days: 4}
  - {id: cool, name: Cool, when: recency_days <= 30}
otherwise: {id: cold, name: Cold}
"""


def day(number: int) -> date:
    return D + timedelta(days=number)


def test_days_are_each_or_each_seventh_or_the_last_of_a_month() -> None:
    assert playback.days_between(day(0), day(2), "day") == [day(0), day(1), day(2)]
    assert playback.days_between(day(0), day(15), "week") == [day(0), day(7), day(14)]
    ends = [date(2024, 6, 30), date(2024, 7, 31)]
    assert playback.days_between(D, date(2024, 8, 30), "month") == ends
    with pytest.raises(UsageError, match="no month between"):
        playback.days_between(D, day(3), "month")


@pytest.mark.parametrize("every", ["day", "week"])
def test_played_is_what_was_recorded_where_members_depend_on_where_they_stood(
    tmp_path: Path, every: playback.Every
) -> None:
    rng, con = random.Random(3), empty_population()
    sticky = load(tmp_path, STICKY)
    for number in range(16):
        fill(con, day(number), {f"c{i}": {"recency_days": rng.choice([5, 20, 40])} for i in range(9)})
        history.record(con, day(number), sticky, "run")
    con.execute("create table features.every_day as from features.customer")
    events = con.execute("from segments.membership_event").fetchall()
    days = playback.days_between(day(0), day(15), every)

    def compute(on: date) -> None:
        con.execute(
            "create or replace view features.customer as"
            f" from features.every_day where as_of_date = date '{on}'"
        )

    with scratch_database.beside(con, tmp_path) as warehouse:
        playback.play(DuckDB(con), days, sticky[0], sticky, compute)
        found = scratch_database.sizes(con, warehouse, sticky[0], days)
    assert [one.size for one in found] == [one.recorded for one in found]
    assert [one.segment_id for one in found[:3]] == ["warm", "cool", "cold"]
    for before, now in zip(found, found[3:], strict=False):
        assert now.size == before.size + now.entered - now.departed
    assert con.execute("from segments.membership_event").fetchall() == events
    assert con.execute(
        "select count(*) from duckdb_databases() where database_name = 'playback'"
    ).fetchone() == (0,)


KEPT = """
segmentation: kept
name: Kept
kind: rules
entity: account
segments:
  - {id: cared, name: Cared, when: "all_members(where: in_segment('sticky.warm'))", exit: recency_days > 10}
otherwise: {id: alone, name: Alone}
"""


@pytest.mark.parametrize("every", ["day", "week"])
def test_accounts_are_played_with_the_customers_they_are_judged_by(
    tmp_path: Path, every: playback.Every
) -> None:
    rng, con = random.Random(5), empty_population()
    con.execute("create schema core; create table core.customers (customer_id varchar, account_id varchar)")
    con.execute("insert into core.customers select 'c' || i, 'a' || i // 3 from range(9) as r(i)")
    con.execute(
        "create table core.past_customers as select *, cast(null as date) as _since,"
        " cast(null as date) as _until, false as _absent from core.customers limit 0"
    )
    con.execute(
        "create table features.every_account (as_of_date date, account_id varchar, recency_days bigint)"
    )
    con.execute("create view features.account as from features.every_account")
    for name, text in (("sticky", STICKY), ("kept", KEPT)):
        (tmp_path / f"{name}.yaml").write_text(text)
    both = load_definitions(tmp_path, {"customer": FEATURES, "account": FEATURES}).checked()
    kept = next(one for one in both if one.id == "kept")
    for number in range(16):
        fill(con, day(number), {f"c{i}": {"recency_days": rng.choice([5, 20, 40])} for i in range(9)})
        for i in range(3):
            known = [day(number), f"a{i}", rng.choice([5, 20, 40])]
            con.execute("insert into features.every_account values (?, ?, ?)", known)
        history.record(con, day(number), both, "run")
    con.execute("create table features.every_day as from features.customer")
    days = playback.days_between(day(0), day(15), every)

    def compute(on: date) -> None:
        for entity, source in (("customer", "every_day"), ("account", "every_account")):
            con.execute(
                f"create or replace view features.{entity} as"
                f" from features.{source} where as_of_date = date '{on}'"
            )

    with scratch_database.beside(con, tmp_path) as warehouse:
        playback.play(DuckDB(con), days, kept, both, compute)
        found = scratch_database.sizes(con, warehouse, kept, days)
    assert [one.size for one in found] == [one.recorded for one in found]
    assert any(one.departed for one in found if one.segment_id == "cared")


def test_a_day_without_record_has_no_recorded_size(tmp_path: Path) -> None:
    con, sticky = empty_population(), load(tmp_path, STICKY)
    con.execute("create table features.every_day as from features.customer")

    def compute(on: date) -> None:
        con.execute("create or replace view features.customer as from features.every_day")

    with scratch_database.beside(con, tmp_path) as warehouse:
        playback.play(DuckDB(con), [D], sticky[0], sticky, compute)
        found = scratch_database.sizes(con, warehouse, sticky[0], [D])
    assert [(one.size, one.recorded) for one in found] == [(0, None)] * 3


def test_the_warehouse_is_current_again_when_playing_fails(tmp_path: Path) -> None:
    con, sticky = empty_population(), load(tmp_path, STICKY)

    def compute(on: date) -> None:
        raise duckdb.Error("out of luck")

    with pytest.raises(duckdb.Error, match="out of luck"), scratch_database.beside(con, tmp_path):
        playback.play(DuckDB(con), [D], sticky[0], sticky, compute)
    assert con.execute("select current_database()").fetchone() == ("memory",)
