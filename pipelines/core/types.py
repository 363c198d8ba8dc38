"""Types of columns that several sources bring: the one they share, and whether a batch still has it.

A contract says the types of its columns. An attribute has the type it landed with, and two sources may bring
one of the same name as something else: numbers of two kinds share the wider one, days and instants the
instant, and whatever else differs is text.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pipelines.contracts.model import Contract
from pipelines.engine import columns_of, relation_exists
from pipelines.ingest.known import known_table
from pipelines.ingest.mapping import Mapping

if TYPE_CHECKING:
    import duckdb

_NUMBERS = (
    *("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "FLOAT", "DOUBLE", "DECIMAL"),
    *("UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT"),
)
_DAYS = ("DATE", "TIMESTAMP")


def shared(con: duckdb.DuckDBPyConnection, one: str, other: str) -> str:
    """The type of a column that one source brings as this and another as that."""
    if one == other:
        return one
    for family in (_NUMBERS, _DAYS):
        if all(kind.partition("(")[0] in family for kind in (one, other)):
            both = f"select cast(null as {one}) as both union all select cast(null as {other})"
            return str(con.execute(f"select column_type from (describe {both})").fetchall()[0][0])
    return "VARCHAR"


def of_stages(
    con: duckdb.DuckDBPyConnection, contract: Contract, mappings: Sequence[Mapping]
) -> dict[str, tuple[str, str]]:
    """Column in lower case -> how it is spelled in what is known or staged, and the type they share.

    Parameters
    ----------
    contract : the contract of the canonical table.
    mappings : the mappings of the sources that are staged.
    """
    found: dict[str, tuple[str, str]] = {}
    known = columns_of(con, known_table(contract))
    for name, kind in [*known, *(column for mapping in mappings for column in _staged(con, mapping))]:
        spelled, have = found.get(name.lower(), (name, kind))
        found[name.lower()] = spelled, shared(con, have, kind)
    return found


def hold(
    con: duckdb.DuckDBPyConnection, contract: Contract, mappings: Sequence[Mapping], together: bool
) -> bool:
    """Whether what is staged has the types of the core table; an attribute's type is what landed.

    Parameters
    ----------
    contract : the contract of the canonical table.
    mappings : the mappings of every source that feeds the table.
    together : whether rows of several sources are put together, in a type they share.
    """
    have = {name.lower(): (name, kind) for name, kind in columns_of(con, f"core.{contract.table}")}
    spelled: dict[str, str] = {}
    for mapping in mappings:
        for name in mapping.columns:
            spelled.setdefault(name.lower(), name)
    for mapping in mappings:
        for name, kind in _staged(con, mapping):
            first, known = have.get(name.lower(), (spelled[name.lower()], kind))
            if first != spelled[name.lower()]:
                return False  # a rebuild spells it as the source that comes first
            if known != (shared(con, known, kind) if together else kind):
                return False
    return True


def _staged(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> list[tuple[str, str]]:
    """The columns of a stage that its mapping fills, with their types."""
    if not relation_exists(con, mapping.stage):
        return []
    filled = {name.lower() for name in mapping.columns}
    return [column for column in columns_of(con, mapping.stage) if column[0].lower() in filled]
