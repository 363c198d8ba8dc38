"""The record under random runs: definitions edited, removed and brought back, days recorded again.

Three things must agree after any sequence of runs: the stays that were kept up with what all events say, the
current places with the open stays, and the events with those of the same runs played into an empty database.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from fixtures.seeds import seeds
from population import FEATURES, empty_population, fill

from pipelines.engine import DuckDB, load_step, quote
from pipelines.segments import assignment, current, history
from pipelines.segments.definitions import Definitions, load_definitions
from pipelines.segments.model import Segmentation
from pipelines.segments.standing import stood_before
from pipelines.segments.versions import in_force

D = date(2024, 6, 1)
CYCLE = """
segmentation: cycle
name: {name}
kind: rules
reuse: true
segments:
  - {{id: new, name: New, when: recency_days <= {near}, exit: recency_days > {far}, dwell_days: {dwell}}}
  - {{id: old, name: Old, when: recency_days > {far}}}
otherwise: {{id: unknown, name: Unknown}}
"""
GROUPS = """
segmentation: groups
name: Groups
kind: audiences
reuse: true
audiences:
  - {{id: recent, name: Recent, when: recency_days < {near}, dwell_days: {dwell}, reuse: true}}
  - {{id: worthy, name: Worthy, when: revenue_365d > {worth}, reuse: true}}
  - {{id: back, name: Back, when: "in_segment('cycle.new')", reuse: true}}
"""
# The same id, exclusive and not.
KIND = """
segmentation: kind
name: Kind
kind: {kind}
reuse: true
{part}:
  - {{id: recent, name: Recent, when: recency_days < {near}}}
  - {{id: old, name: Old, when: recency_days > {near}}}
{rest}"""
ACCOUNTS = """
segmentation: firms
name: Firms
kind: rules
entity: account
reuse: true
segments:
  - {{id: near, name: Near, when: recency_days < {near}}}
otherwise: {{id: far, name: Far}}
"""


def edited(rng: random.Random, folder: Path) -> Definitions:
    """Some of the definitions, each in one of several versions."""
    for old in folder.glob("*.yaml"):
        old.unlink()
    numbers = {"near": rng.choice([5, 15]), "far": rng.choice([20, 30]), "dwell": rng.choice([0, 3])}
    texts = {"cycle": CYCLE.format(name=rng.choice("ab"), **numbers)}
    if rng.random() < 0.8:
        texts["groups"] = GROUPS.format(worth=rng.choice([10, 50]), **numbers)
    if rng.random() < 0.7:
        exclusive = rng.random() < 0.5
        rest = "otherwise: {id: none, name: None}\n" if exclusive else ""
        kind, part = ("rules", "segments") if exclusive else ("audiences", "audiences")
        texts["kind"] = KIND.format(kind=kind, part=part, rest=rest, near=numbers["near"])
    if rng.random() < 0.7:
        texts["firms"] = ACCOUNTS.format(**numbers)
    if rng.random() < 0.35:
        texts["cycle"] = texts["cycle"].replace("recency_days", "recency")
    for name, text in texts.items():
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    return load_definitions(folder, {"customer": FEATURES, "account": FEATURES})


Known = dict[str, Any]


@dataclass(frozen=True)
class Run:
    """One run: its day, what is known of customers and accounts, and the definitions."""

    day: date
    customers: dict[str, Known]
    accounts: dict[str, Known]
    definitions: Definitions = field(repr=False)

    @property
    def faults(self) -> dict[str, str]:
        return dict.fromkeys(self.definitions.faults, "at fault")


def random_runs(rng: random.Random, folder: Path, number: int) -> list[Run]:
    """Days go on, or come again with late data; definitions are edited every third run or so."""
    runs: list[Run] = []
    day, definitions = D, edited(rng, folder)
    for i in range(number):
        # One day comes again in every history.
        day += timedelta(days=0 if i == 3 else rng.choice([0, 1, 1, 2]))
        if rng.random() < 0.6:
            definitions = edited(rng, folder)
        runs.append(Run(day, _members(rng, "c", 7), _members(rng, "a", 3), definitions))
    return runs


def _members(rng: random.Random, prefix: str, most: int) -> dict[str, Known]:
    return {
        f"{prefix}{i}": {
            "recency_days": rng.choice([None, 1, 10, 18, 25, 40]),
            "revenue_365d": rng.choice([None, 5, 20, 100]),
        }
        for i in range(most)
        if rng.random() < 0.85
    }


def empty() -> duckdb.DuckDBPyConnection:
    con = empty_population()
    con.execute("create or replace table features.account as select * rename (customer_id as account_id)"
                " from features.customer limit 0")  # fmt: skip
    return con


def play(con: duckdb.DuckDBPyConnection, runs: Sequence[Run]) -> list[history.Recorded]:
    found = []
    for number, run in enumerate(runs):
        fill(con, run.day, run.customers)
        fill_accounts(con, run.day, run.accounts)
        found.append(history.record(con, run.day, run.definitions.segmentations, f"run {number}", run.faults))
    return found


def fill_accounts(con: duckdb.DuckDBPyConnection, day: date, accounts: dict[str, Known]) -> None:
    con.execute("delete from features.account where as_of_date = ?", [day])
    for account, known in accounts.items():
        con.execute(
            "insert into features.account (as_of_date, account_id, recency_days, revenue_365d)"
            " values (?, ?, ?, ?)",
            [day, account, known["recency_days"], known["revenue_365d"]],
        )


def table(con: duckdb.DuckDBPyConnection, sql: str) -> list[tuple[Any, ...]]:
    return con.execute(f"{sql} order by all").fetchall()


def derived_stays(con: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
    """Stays as they follow from all events."""
    return table(con, f"select * from ({load_step('segments/membership').sql})")


def places(con: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
    """Entity, segmentation, segment and member, out of the wide tables."""
    found = []
    for entity in ("customer", "account"):
        for name, exclusive in current.columns(DuckDB(con), entity).items():
            segment = quote(name) if exclusive else f"unnest({quote(name)})"
            found += [
                (entity, name, *row)
                for row in con.execute(
                    f"select {segment}, entity_id from segments.current_{entity}"
                ).fetchall()
                if row[0] is not None
            ]
    return sorted(found)


SEEDS = seeds(2, 20)


@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_kept_up_day_by_day_is_what_all_events_say(tmp_path: Path, seed: int) -> None:
    rng, con = random.Random(seed), empty()
    for run in random_runs(rng, tmp_path, 7):
        play(con, [run])
        assert table(con, "from segments.membership") == derived_stays(con)
        open_stays = "from segments.membership where left_date is null"
        assert places(con) == table(
            con, f"select entity_kind, segmentation_id, segment_id, entity_id {open_stays}"
        )
        standing = in_force(con, run.day)
        assert {name for _, name, *_ in places(con)} <= standing.keys()


@pytest.mark.parametrize("seed", SEEDS)
def test_the_record_equals_the_replay_of_the_same_runs(tmp_path: Path, seed: int) -> None:
    runs = random_runs(random.Random(seed), tmp_path, 6)
    once, again = empty(), empty()
    play(once, runs)
    half = len(runs) // 2
    play(again, runs[:half])
    history.create(again)  # as every run does
    play(again, runs[half:])
    for name in ("membership_event", "membership", "definition_day"):
        told = f"select columns(lambda name: name <> 'run_id') from segments.{name}"
        assert table(once, told) == table(again, told)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_day_recorded_again_counts_as_if_it_had_been_recorded_once(tmp_path: Path, seed: int) -> None:
    """Stays and their versions depend on the last revision of each day alone."""
    runs = random_runs(random.Random(seed), tmp_path, 7)
    last_of_each_day = list({run.day: run for run in runs}.values())
    again, once = empty(), empty()
    play(again, runs)
    play(once, last_of_each_day)
    assert table(again, "from segments.membership") == table(once, "from segments.membership")
    assert places(again) == places(once)
    assert table(again, f"from {assignment.VIEW}") == table(once, f"from {assignment.VIEW}")


@pytest.mark.parametrize("seed", SEEDS)
def test_every_day_has_the_members_that_its_evaluation_gave(tmp_path: Path, seed: int) -> None:
    """Members are those that the plan gives; of what is held, those of the day before."""
    con = empty()
    before: set[tuple[Any, ...]] = set()
    previous: date | None = None
    for run in random_runs(random.Random(seed), tmp_path, 6):
        if run.day == previous:
            continue
        (recorded,) = play(con, [run])
        now = set(places(con))
        evaluated = [one for one in run.definitions.segmentations if one.id not in recorded.held]
        expected = {row for row in before if row[1] in recorded.held}
        for one in evaluated:
            expected |= evaluate_alone(con, run, one)
        assert now == expected
        before, previous = now, run.day


def evaluate_alone(con: duckdb.DuckDBPyConnection, run: Run, one: Segmentation) -> set[tuple[Any, ...]]:
    """Entity, segmentation, segment and member, from the plan of one segmentation."""
    engine, plan = DuckDB(con), run.definitions.plan(one.entity, only=[one.id])
    with stood_before(engine, run.day, run.definitions.segmentations):
        plan.prepare(engine, run.day)
        rows = con.execute(plan.sql, plan.parameters(run.day)).fetchall()
    found = set()
    for member, held in rows:
        for segment in [held] if one.exclusive else held:
            found.add((one.entity, one.id, segment, member))
    return found
