"""What contracts say of facts holds together: each column and table they name is there, and SQL follows."""

from datetime import date

import duckdb
import pytest
import sqlglot
from sqlglot.errors import ErrorLevel

from pipelines.contracts.bearing import made_of
from pipelines.contracts.fact import Entity, Link
from pipelines.contracts.registry import CONTRACTS, FACTS
from pipelines.core import money
from pipelines.core.facts import ENDED_ON, HAPPENED, columns_of, resolved
from pipelines.core.merge import refresh
from pipelines.core.state import create_state
from pipelines.engine import DuckDB, connect
from pipelines.ingest import ledger

ENTITIES: tuple[Entity, ...] = ("customer", "account")


@pytest.fixture(scope="module")
def empty() -> duckdb.DuckDBPyConnection:
    con = connect(config={"threads": 1})
    ledger.create(con)
    create_state(con)
    for contract in CONTRACTS.values():
        refresh(con, contract, [])
    money.ensure(DuckDB(con))
    return con


def everything_of(table: str) -> str:
    """A SELECT of every column that facts of a table have."""
    names = [*columns_of(table), HAPPENED, *([ENDED_ON] if FACTS[table].ends else [])]
    return f"select {', '.join(f'f.{name}' for name in names)} from facts.{table} as f"


@pytest.mark.parametrize("table", FACTS)
def test_a_fact_names_columns_and_tables_that_are_there(table: str) -> None:
    fact, columns = FACTS[table], columns_of(table)
    links = [
        *fact.looked_up,
        *(path for paths in fact.owners.values() for path in paths if isinstance(path, Link)),
    ]
    links += [fact.amounts.lines] if fact.amounts and fact.amounts.lines else []
    named = {fact.day, *(link.column for link in links), *(fact.amounts.columns if fact.amounts else ())}
    named |= {path for paths in fact.owners.values() for path in paths if isinstance(path, str)}
    named |= {fact.counts.column} if fact.counts else set()
    named |= {fact.ends.day, *([fact.ends.column] if fact.ends.column else [])} if fact.ends else set()
    assert named <= columns.keys()
    for link in links:
        assert {link.key, *link.gives} <= CONTRACTS[link.table].stored.keys()
    assert {*(fact.amounts.terms if fact.amounts else ())} <= CONTRACTS.keys()
    assert "account" in fact.owners
    assert table in made_of("customer" if fact.of_customers else "account")


@pytest.mark.parametrize("table", FACTS)
def test_values_that_count_and_end_are_values_of_their_columns(table: str) -> None:
    fact, columns = FACTS[table], columns_of(table)
    if fact.counts:
        assert {*fact.counts.values} <= {*columns[fact.counts.column].allowed}
    if fact.ends and fact.ends.column:
        said = {*fact.ends.ends, fact.ends.before, fact.ends.blank, fact.ends.blank_with_day}
        assert said <= {*columns[fact.ends.column].allowed}


@pytest.mark.parametrize("entity", ENTITIES)
@pytest.mark.parametrize("table", FACTS)
def test_facts_are_one_portable_select(empty: duckdb.DuckDBPyConnection, table: str, entity: Entity) -> None:
    sql = resolved(everything_of(table), entity)
    assert empty.execute(sql, {"as_of": date(2024, 6, 30)}).fetchall() == []
    (tree,) = sqlglot.parse(sql, dialect="duckdb")
    assert tree is not None
    assert tree.sql(dialect="spark", unsupported_level=ErrorLevel.RAISE)
