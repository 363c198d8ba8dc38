"""The statements of the size of the history, of both examples, on a second engine: every cell is the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from fixtures.second_engine import PYTHON, SecondEngine, differences, of_duckdb, second_engine
from fixtures.shop import Shop

from pipelines.core.facts import with_facts
from pipelines.drift import shares
from pipelines.engine import DuckDB, Statement, load_step
from pipelines.features import entry, state
from pipelines.features.compute import STATE, state_day
from pipelines.features.kinds import KINDS
from pipelines.features.recipe import make
from pipelines.refresh.definitions import definitions_of
from pipelines.roi.compute import STEPS as ROI
from pipelines.segments import cuts
from pipelines.segments.definitions import ENTITIES, Definitions
from pipelines.segments.select import bindings
from pipelines.segments.standing import stood_before

if TYPE_CHECKING:
    import duckdb


@pytest.fixture
def other(tmp_path: Path) -> Iterator[SecondEngine]:
    if not PYTHON.exists():
        pytest.skip("Sail is missing: `make spark` installs it")
    with second_engine(tmp_path) as engine:
        yield engine


def statements(con: duckdb.DuckDBPyConnection, shop: Shop) -> dict[str, tuple[str, Mapping[str, Any]]]:
    """Name -> a SELECT that the latest day is made of, and what it binds."""
    engine, project = DuckDB(con), shop.project
    day = state_day(engine) or date.min
    made, of_accounts = (make(engine, entity, project.recipe) for entity in KINDS)
    of_day = {"as_of": day, "as_of_date": day, "basis": "recorded"}
    worth = {"margin_rate": project.config.margin_rate, "contact_cost": project.config.costs.contact}
    dated = f"(select cast($as_of as date) as as_of_date, * from {STATE})"
    found: dict[str, tuple[str, Mapping[str, Any]]] = {
        "features stored": (made.stored_sql, made.bindings(day)),
        "features read": (made.public_sql(dated), made.bindings(day)),
        "accounts": (of_accounts.stored_sql if of_accounts.fragments else "", of_accounts.bindings(day)),
        "sizes": (shares._SIZES, {"as_of": day, "baseline": day}),
    }
    found |= of_segments(definitions_of(con, project), day)
    steps = [
        load_step(name) for name in (entry.PRODUCTS, *ROI, "segments/membership", "segments/profile_day")
    ]
    for step in (state.state_step(), entry.entry_step(), *steps):
        found[step.table] = (with_facts(step).sql, of_day | worth)
    return found


def of_segments(definitions: Definitions, day: date) -> dict[str, tuple[str, Mapping[str, Any]]]:
    """Name -> a SELECT that evaluates the project's definitions, and what it binds."""
    found: dict[str, tuple[str, Mapping[str, Any]]] = {}
    for entity in ENTITIES:
        plan = definitions.plan(entity)
        if plan.segmentations:
            found[f"segments of every {entity}"] = plan.sql, plan.parameters(day)
    for one in definitions.segmentations:
        for cut in one.compiled.cuts:
            sql = cuts.points(one.entity, cut)
            whose = {"segmentation": one.id, "name": cut.name}
            found[f"cut points of {one.id}.{cut.name}"] = sql, bindings(sql, day) | whose
        if one.clauses:
            asked = definitions.plan(one.entity, {one.id}).inspect(one)
            found[f"conditions of {one.id}"] = asked.sql, asked.parameters(day)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("example", ["whole_year", "b2b"])
def test_every_cell_is_the_same_on_a_second_engine(
    example: str, other: SecondEngine, request: pytest.FixtureRequest
) -> None:
    shop: Shop = request.getfixturevalue(example)
    found: dict[str, list[str]] = {}
    rows = 0
    with ExitStack() as open_:
        con = open_.enter_context(shop.warehouse())
        day = state_day(DuckDB(con)) or date.min
        known = definitions_of(con, shop.project).segmentations
        open_.enter_context(stood_before(DuckDB(con), day, known))
        for name, (sql, parameters) in statements(con, shop).items():
            if name == "accounts" and "accounts" not in shop.project.mapped:
                continue
            other.bring(con, Statement(sql).inputs)
            ours = of_duckdb(con, sql, parameters)
            rows += len(ours)
            columns = [column[0] for column in con.description or []]
            found[name] = differences(ours, other.rows(sql, parameters), columns)
    assert {name: faults for name, faults in found.items() if faults} == {}
    assert rows > 10_000
