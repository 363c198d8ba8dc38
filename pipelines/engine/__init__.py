"""The engine room: SQL files, what they read, and how their results are stored.

What belongs here knows SQL and no canonical table: `files` (steps, fragments, queries), `header` (what a
file says of itself), `statement` (SQL as text and tree), `slots` (names put into a query), `edit`
(a SELECT over other relations), `store`,
`relations` and `session` (one connection), `connect`, `names` (identifiers and literals).

`protocol` is what work of the size of the history asks of an engine, `on_duckdb` answers it.

A step is run by `run_step(con, "features/customer_day", {...})`. A query is read and filled by
`load_query("core/queries/value").filled(table=Table("core.orders"))` and run as any SQL, its values bound.
"""

from pipelines.engine.connect import connect
from pipelines.engine.edit import binding, named, reading
from pipelines.engine.files import (
    Fragment,
    Query,
    Step,
    load_fragment,
    load_query,
    load_step,
    parse_step,
    tables_read,
)
from pipelines.engine.names import literal, qualified, quote
from pipelines.engine.on_duckdb import DuckDB
from pipelines.engine.protocol import Engine, QueryError, value
from pipelines.engine.relations import columns_of, is_view, relation_exists, row_count
from pipelines.engine.session import beside, insert_rows, rows, transaction
from pipelines.engine.slots import Table
from pipelines.engine.statement import Statement, parameters_in
from pipelines.engine.store import bound, run_step, store_select

__all__ = [
    "DuckDB",
    "Engine",
    "Fragment",
    "Query",
    "QueryError",
    "Statement",
    "Step",
    "Table",
    "beside",
    "binding",
    "bound",
    "columns_of",
    "connect",
    "insert_rows",
    "is_view",
    "literal",
    "load_fragment",
    "load_query",
    "load_step",
    "named",
    "parameters_in",
    "parse_step",
    "qualified",
    "quote",
    "reading",
    "relation_exists",
    "row_count",
    "rows",
    "run_step",
    "store_select",
    "tables_read",
    "transaction",
    "value",
]
