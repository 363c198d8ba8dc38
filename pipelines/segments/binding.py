"""What DuckDB itself says of a condition, before any customer is read: does it bind, and is it a yes or no?

The database asked is empty and in memory: DuckDB as the checker of types, nothing of the warehouse.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from pipelines.engine import connect, quote

if TYPE_CHECKING:
    import duckdb

# Values of each type, so that what must fail on the first customer, or on the first with nothing, fails here.
SAMPLES = {
    "VARCHAR": ("'x'", "''", "'Ä 1'", "'-1'"),
    "DATE": ("date '2000-01-01'", "date '2024-02-29'", "date '2026-12-31'", "date '1970-01-01'"),
    "BOOLEAN": ("false", "true", "false", "true"),
}
NUMBERS = ("1", "0", "-1", "1000000")
_NUMERIC = ("BIGINT", "INTEGER", "DOUBLE", "DECIMAL", "HUGEINT", "FLOAT", "SMALLINT", "TINYINT")


def fault_of(condition: str, types: Mapping[str, str]) -> str | None:
    """Why `condition` cannot decide over columns of these types; None when it can.

    It is run over made-up customers: of one nothing is known, the others have a value everywhere. So text
    cast to a number, or a division by 0, is found here; DuckDB would notice only in the middle of a run.
    """
    return _asked(condition, tuple(types.items()))


@cache
def _empty() -> duckdb.DuckDBPyConnection:
    """One for all: to make a database takes ten milliseconds, and nothing is ever written to it."""

    return connect(config={"threads": 1})


@lru_cache(maxsize=4096)
def _asked(condition: str, columns: tuple[tuple[str, str], ...]) -> str | None:
    """Kept: a run reads the same definitions several times, and the answer follows from the text alone."""
    import duckdb

    types = dict(columns)
    rows = [
        ", ".join(f"cast({value} as {kind}) as {quote(name)}" for name, kind, value in _made_up(types, i))
        for i in range(-1, len(NUMBERS))
    ]
    source = f"from (select {' union all select '.join(rows)})" if types else ""
    try:
        with _empty().cursor() as con:
            found = con.execute(f"select {condition} as holds {source}")
            kind = str(found.description[0][1])
            found.fetchall()
    except duckdb.Error as error:
        return f"cannot be evaluated: {_reason(error)}"
    if kind != "BOOLEAN":
        return f"is {kind}, not a condition; expected something true or false, such as `recency_days > 30`"
    return None


def _made_up(types: Mapping[str, str], i: int) -> list[tuple[str, str, str]]:
    """Name, type and value of each column of made-up customer `i`; of -1 nothing is known."""
    return [(name, kind, "null" if i < 0 else _sample(kind, i)) for name, kind in types.items()]


def _sample(kind: str, i: int) -> str:
    if kind.upper().startswith(_NUMERIC):
        return NUMBERS[i]
    return SAMPLES[kind.upper()][i] if kind.upper() in SAMPLES else "null"


def _reason(error: Exception) -> str:
    """The first line without DuckDB's name for the kind of error, and what helps where text meets numbers."""
    reason = str(error).splitlines()[0].split("Error: ", 1)[-1]
    hint = " (compare text with quoted text, or convert it with try_cast)" if "convert" in reason else ""
    return reason + hint
