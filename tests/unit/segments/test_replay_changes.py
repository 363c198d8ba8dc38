"""A past day that stands is a past day that would come out the same."""

import random
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from fixtures.seeds import seeds
from shop import (
    EVENT_TABLES,
    FIRST,
    SAID,
    SETTINGS,
    random_day,
    random_event,
    random_order,
    random_shop,
    values_of,
)

from pipelines.config.attributes import AttributeRule
from pipelines.contracts.registry import CONTRACTS, FACTS
from pipelines.core import changes, following, marks, merge
from pipelines.engine import DuckDB
from pipelines.features.accounts.compute import compute_accounts
from pipelines.features.compute import compute_past, keep_features, refresh_state
from pipelines.features.recipe import Recipe
from pipelines.segments import assignment, history, replay
from pipelines.segments.assignment import assign
from pipelines.segments.definitions import load_definitions

DAYS = [FIRST + timedelta(days=n) for n in (60, 180, 300)]
RULES = """
segmentation: cycle
name: Life cycle
kind: rules
segments:
  - {id: visited, name: Visited, when: "did(interactions, where: channel = 'web', within: 90d)"}
  - {id: told, name: Told, when: "did(campaign_contacts, within: 60d)"}
  - {id: bought, name: Bought, when: "did(orders, where: category = 'A', within: 120d)"}
  - {id: asked, name: Asked, when: "did(feedback, where: closed_on is null)"}
  - {id: dealt, name: Dealt, when: "did(opportunities, where: outcome = 'won')"}
  - {id: grown, name: Grown, when: age >= '30'}
otherwise: {id: away, name: Away}
"""
WITHOUT_DEALS = "\n".join(line for line in RULES.splitlines() if "opportunities" not in line)
RECIPE = Recipe(
    margin_rate=0.25,
    currency="EUR",
    settings=SETTINGS.model_copy(update={"scores_expire_after": {"nps": "150d", "csat": "60d"}}),
    rules={"age": AttributeRule(as_of="created_on", expires_after="200d")},
)


class Past:
    """A random shop whose core tables change as a run changes them, and its past days."""

    def __init__(self, folder: Path, seed: int, rules: str) -> None:
        self.rng = random.Random(seed)
        self.shop = random_shop(seed, orders=40)
        self.con = self.shop.con
        history.create(self.con)
        (folder / "cycle.yaml").write_text(rules, encoding="utf-8")
        self.segmentations = list(load_definitions(folder, {"customer": self.shop.catalogue()}).checked())
        for i in range(6):
            self.deal(f"d{i}")
        self.count = 0
        refresh_state(DuckDB(self.con))

    def deal(self, name: str) -> None:
        opened = random_day(self.rng, 500)
        self.shop.add(
            "core.opportunities",
            {
                "opportunity_id": name,
                "account_id": f"c{self.rng.randrange(8)}",
                "opened_on": opened,
                "closed_on": opened + timedelta(days=self.rng.randrange(60)),
                "outcome": self.rng.choice(["won", "lost"]),
            },
        )

    def day(self, day: date) -> dict[str, tuple[Any, ...]]:
        """Customer -> features and segments of a day, as they come out now."""
        compute_past(DuckDB(self.con), day, RECIPE)
        assign(DuckDB(self.con), day, self.segmentations)
        found = self.shop.select(
            "select f.customer_id, f, a.segment_id from features.customer as f"
            " left join segments.assignment as a"
            " on a.as_of_date = f.as_of_date and a.entity_id = f.customer_id where f.as_of_date = ?",
            day,
        )
        return {row[0]: row[1:] for row in found}

    def change(self, table: str, rebuilt: bool, edit: Callable[[], object] | None = None) -> None:
        """Let rows of a table come, go and change, and let core tell it."""
        contract = CONTRACTS[table]
        content = following.content_of(self.con, contract)
        self.con.execute(f"create or replace temp table was as select {content} from core.{table}")
        if rebuilt:
            known = merge._keep_before(self.con, contract)
        edit() if edit else self._edit(table)
        if rebuilt:
            merge._mark_rebuilt(self.con, contract, known)
        else:
            following.keep_changed(self.con, "from was", f"select {content} from core.{table}")
            marks.mark_changed(self.con, contract)
        refresh_state(DuckDB(self.con))

    def _edit(self, table: str) -> None:
        self.count += 1
        name = f"n{self.count}"
        edits: list[Callable[[], object]] = [lambda: self._move(table), lambda: self._drop(table)]
        if table == "orders":
            edits.append(lambda: random_order(self.shop, self.rng, name, 6, 500))
        elif table in EVENT_TABLES:
            edits.append(lambda: random_event(self.shop, self.rng, table, name, 6, 500))
        elif table == "opportunities":
            edits.append(lambda: self.deal(name))
        elif table == "customers":
            row = {"customer_id": name, "created_on": self._some_day(), "age": "30"}
            edits.append(lambda: self.shop.add("core.customers", row))
        self.rng.choice(edits)()

    def _some_day(self) -> date | None:
        return self.rng.choice([None, *(random_day(self.rng, 500) for _ in range(3))])

    def _one(self, table: str) -> str:
        """The condition of one random row."""
        found = self.shop.select(f"select rowid from core.{table} order by all")
        return f"rowid = {self.rng.choice(found)[0]}" if found else "false"

    def _drop(self, table: str) -> None:
        self.con.execute(f"delete from core.{table} where {self._one(table)}")

    def _move(self, table: str) -> None:
        """Give one row another day, or another value, or another owner."""
        column, value = self.rng.choice(MOVES[table])(self)
        self.con.execute(f"update core.{table} set {column} = ? where {self._one(table)}", [value])


def _day_of(column: str) -> Callable[[Past], tuple[str, object]]:
    return lambda past: (column, random_day(past.rng, 500))


def _perhaps(column: str) -> Callable[[Past], tuple[str, object]]:
    return lambda past: (column, past._some_day())


def _owner(column: str) -> Callable[[Past], tuple[str, object]]:
    return lambda past: (column, f"c{past.rng.randrange(8)}")


def _one_of(column: str, *values: object) -> Callable[[Past], tuple[str, object]]:
    return lambda past: (column, past.rng.choice(values))


def _moves_of(table: str) -> list[Callable[[Past], tuple[str, object]]]:
    """The moves of a table of events: its day, its owner, when it ended, and what else a row says."""
    contract, fact = CONTRACTS[table], FACTS[table]
    said = [column for column in contract.columns if column.allowed or column.name in SAID]
    said += [column for column in contract.columns if column.type == "BOOLEAN"]
    return [
        _day_of(fact.day),
        *([_perhaps(fact.ends.day)] if fact.ends else []),
        _owner("customer_id"),
        *(_one_of(column.name, *values_of(column)) for column in said if column.name not in contract.key),
    ]


MOVES: dict[str, list[Callable[[Past], tuple[str, object]]]] = {
    "orders": [_day_of("business_date"), _owner("customer_id"), _one_of("status", "completed", "returned")],
    "order_lines": [
        _one_of("revenue", 1, 50),
        _one_of("product_id", "p1", "p2"),
        _one_of("order_id", "o1", "o2"),
    ],
    "products": [_one_of("category", "A", "B", None)],
    "customers": [_perhaps("created_on"), _one_of("age", "20", "30", None), _owner("account_id")],
    "campaigns": [_day_of("start_date")],
    "campaign_contacts": [_perhaps("contacted_on"), _one_of("arm", "control", "treatment")],
    "opportunities": [_day_of("opened_on"), _day_of("closed_on"), _owner("account_id")],
    **{table: _moves_of(table) for table in EVENT_TABLES},
}


CASES = [(table, WITHOUT_DEALS) for table in sorted(MOVES)]
CASES += [("opportunities", RULES), ("customers", RULES)]
IDS = [f"{table}{'-with-deals' if rules is RULES else ''}" for table, rules in CASES]


@pytest.mark.parametrize(("table", "rules"), CASES, ids=IDS)
def test_a_day_that_stands_would_come_out_the_same(tmp_path: Path, table: str, rules: str) -> None:
    past = Past(tmp_path, len(table), rules)
    known = {day: past.day(day) for day in DAYS}
    for day in DAYS:
        assignment.remember(DuckDB(past.con), day, "replayed", f"same {changes.newest(DuckDB(past.con))}")
    for _ in range(12):
        past.change(table, rebuilt=not CONTRACTS[table].large and past.rng.random() < 0.5)
        for day in {*known} - replay._standing(DuckDB(past.con), [*known], "same", past.segmentations):
            # Once told, any difference is.
            del known[day]
    for day, before in known.items():
        assert past.day(day) == before, f"{table} changed {day}, and nobody was told"


@pytest.mark.parametrize("seed", seeds(1, 6))
def test_a_baseline_carried_on_day_by_day_is_the_one_computed_alone(tmp_path: Path, seed: int) -> None:
    past = Past(tmp_path, seed, RULES)
    carried = 0

    def compute(day: date, after: date | None) -> None:
        nonlocal carried
        carried += after is not None
        compute_past(DuckDB(past.con), day, RECIPE, after)
        compute_accounts(DuckDB(past.con), day, RECIPE)

    for i in range(10):
        if past.rng.random() < 0.5:
            past.change(past.rng.choice(sorted(MOVES)), rebuilt=False)
        day = FIRST + timedelta(days=300 + i)
        replay.bring_up(DuckDB(past.con), day, past.segmentations, 2, "same", compute)
        baseline = replay.four_weeks_before(day)
        of_baseline = f"from features.customer where as_of_date = date '{baseline}' order by all"
        found = past.shop.select(of_baseline)
        compute_past(DuckDB(past.con), baseline, RECIPE)
        assert past.shop.select(of_baseline) == found
        keep_features(DuckDB(past.con), [day, baseline])
    assert carried


@pytest.mark.parametrize("rebuilt", [False, True])
@pytest.mark.parametrize(
    ("table", "column"),
    [("interactions", "business_date"), ("feedback", "received_on"), ("customers", "created_on")],
)
def test_days_before_a_change_stand_and_those_after_it_do_not(
    tmp_path: Path, table: str, column: str, rebuilt: bool
) -> None:
    past = Past(tmp_path, 1, WITHOUT_DEALS)
    mark = changes.newest(DuckDB(past.con))
    last = past.shop.select(f"select max({column}) from core.{table}")[0][0]

    def move() -> None:
        past.con.execute(f"update core.{table} set {column} = {column} + 9 where {column} = ?", [last])

    past.change(table, rebuilt, move)
    assert changes.since(DuckDB(past.con), {last - timedelta(days=1): mark, last: mark}) == {last}
