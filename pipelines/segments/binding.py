"""What DuckDB itself says of a condition, before any customer is read: does it bind, and is it a yes or no?

The database asked is empty and in memory: DuckDB as the checker of types, nothing of the warehouse.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pipelines.steps import quote

if TYPE_CHECKING:
    import duckdb

# A value of each type, so that a comparison that must fail on the first customer fails here.
SAMPLES = {"VARCHAR": "'x'", "DATE": "date '2000-01-01'", "BOOLEAN": "false"}


def checker() -> duckdb.DuckDBPyConnection:
    """The empty database that is asked; close it after use."""
    import duckdb

    return duckdb.connect(config={"threads": 1})


def fault_of(con: duckdb.DuckDBPyConnection, condition: str, types: Mapping[str, str]) -> str | None:
    """Why `condition` cannot decide over columns of these types; None when it can.

    It is run over two made-up customers: of one nothing is known, the other has a value everywhere. So text
    compared with a number is found here, which DuckDB would notice only in the middle of a run.
    """
    import duckdb

    unknown = ", ".join(f"cast(null as {kind}) as {quote(name)}" for name, kind in types.items())
    known = ", ".join(f"cast({_sample(kind)} as {kind}) as {quote(name)}" for name, kind in types.items())
    source = f"from (select {unknown} union all select {known})" if types else ""
    try:
        found = con.execute(f"select {condition} as holds {source}")
        kind = str(found.description[0][1])
        found.fetchall()
    except duckdb.Error as error:
        return f"cannot be evaluated: {_reason(error)}"
    if kind != "BOOLEAN":
        return f"is {kind}, not a condition; expected something true or false, such as `recency_days > 30`"
    return None


def _sample(kind: str) -> str:
    if kind.startswith(("BIGINT", "INTEGER", "DOUBLE", "DECIMAL", "HUGEINT", "FLOAT", "SMALLINT", "TINYINT")):
        return "1"
    return SAMPLES.get(kind, "null")


def _reason(error: Exception) -> str:
    """The first line without DuckDB's name for the kind of error, and what helps where text meets numbers."""
    reason = str(error).splitlines()[0].split("Error: ", 1)[-1]
    hint = " (compare text with quoted text, or convert it with try_cast)" if "convert" in reason else ""
    return reason + hint
