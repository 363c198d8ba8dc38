"""The relation of what each source said last of each key of a canonical table.

A table whose rows can leave, overtake each other or come from several sources has it beside core
(`pipelines/core/following.py` fills it); of any other it is core itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.contracts.model import Contract
from pipelines.engine import relation_exists

if TYPE_CHECKING:
    import duckdb


def known_table(contract: Contract) -> str:
    """The table beside core; not every canonical table has one."""
    return f"ingest.known__{contract.table}"


def said_last(con: duckdb.DuckDBPyConnection, contract: Contract) -> str:
    """The relation, whether or not it is there yet: rows of each source with `_source` and their place."""
    known = known_table(contract)
    return known if relation_exists(con, known) else f"core.{contract.table}"
