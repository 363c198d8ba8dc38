"""How the result of a SELECT is stored: `replace`, `append`, `partition COLUMN` or `view`.

A file holds the SELECT alone, so that another engine can run it; how it is stored is done here, in one place.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pipelines.engine.files import Step, load_step
from pipelines.engine.header import STORES
from pipelines.engine.names import qualified, quote
from pipelines.engine.relations import columns_of, relation_exists
from pipelines.engine.session import transaction
from pipelines.engine.statement import parameters_in

if TYPE_CHECKING:
    import duckdb


def bound(sql: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters this SQL names, and no other (DuckDB refuses the excess).

    Raises
    ------
    ValueError
        It names one that is not given.
    """
    named = parameters_in(sql)
    if missing := sorted(named - parameters.keys()):
        raise ValueError(
            f"the SELECT binds ${', $'.join(missing)}, which its caller does not give; rename it, or give it"
            f" (given: {', '.join(sorted(parameters))})"
        )
    return {name: parameters[name] for name in named}


def run_step(
    con: duckdb.DuckDBPyConnection,
    step: Step | str,
    parameters: Mapping[str, Any] | None = None,
) -> None:
    """Run a step and store its result in one transaction (joins the caller's if one is open)."""
    step = load_step(step) if isinstance(step, str) else step
    store_select(con, step.table, step.sql, step.store, parameters or {})


def store_select(
    con: duckdb.DuckDBPyConnection,
    table: str,
    sql: str,
    store: str,
    parameters: Mapping[str, Any],
    *,
    fits: bool = False,
) -> None:
    """Store the result of a SELECT.

    Parameters
    ----------
    table : the table that takes the result.
    sql : the SELECT.
    store : `replace` (the table is the result), `append`, `partition COLUMN` (the rows whose COLUMN stands in
        the result, or equals the value bound to it, are replaced), or `view` (the SELECT itself is kept).
    parameters : what the SELECT binds, and possibly more.
    fits : the table has every column of the result, and a large SELECT is not bound once more to see it.

    Raises
    ------
    ValueError
        An unknown way of storing.
    KeyError
        The SELECT binds what `parameters` lack.
    """
    how, _, column = store.partition(" ")
    if how not in STORES:
        raise ValueError(f"{table}: unknown store {store!r}")
    values = bound(sql, parameters)
    con.execute(f"create schema if not exists {quote(table.split('.')[0])}")
    if how == "view":
        con.execute(f"create or replace view {qualified(table)} as {sql}", values)
        return
    if how == "replace" or not relation_exists(con, table):
        con.execute(f"create or replace table {qualified(table)} as {sql}", values)
        return
    with transaction(con):
        if how == "append" or column in parameters:
            if how == "partition":
                con.execute(
                    f"delete from {qualified(table)} where {quote(column)} = $v", {"v": parameters[column]}
                )
            if not fits:
                _align(con, table, sql, values)
            con.execute(f"insert into {qualified(table)} by name {sql}", values)
            return
        con.execute(f"create or replace temp table step_result as {sql}", values)
        con.execute(
            f"delete from {qualified(table)} where {quote(column)} in"
            f" (select distinct {quote(column)} from step_result)"
        )
        _align(con, table, "from step_result", {})
        con.execute(f"insert into {qualified(table)} by name select * from step_result")
        con.execute("drop table step_result")


def _align(con: duckdb.DuckDBPyConnection, table: str, sql: str, values: Mapping[str, Any]) -> None:
    """Add to the table the columns that the result has and it lacks (a new attribute or feature)."""
    have = {name for name, _ in columns_of(con, table)}
    found = con.execute(f"select column_name, column_type from (describe {sql})", values).fetchall()
    for name, kind in found:
        if name not in have:
            con.execute(f"alter table {qualified(table)} add column {quote(name)} {kind}")
