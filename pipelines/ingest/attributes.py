"""Attributes of a batch: under which names they come, and what of them is filled.

Attributes are the columns that a source brings beyond a contract. Nothing declares them, so what a file
brings is compared with what came before it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from pipelines.contracts.registry import CONTRACTS
from pipelines.engine import insert_rows, load_query
from pipelines.ingest.mapping import Mapping
from pipelines.ingest.quality import CheckResult

if TYPE_CHECKING:
    import duckdb

SPELLED = "attributes_spelled"
_SPELLED_TOLD = "every attribute is spelled as it first came; letter case makes no other attribute"


def specs(tables: Collection[str]) -> list[tuple[str, str, str]]:
    """Table, name and description of every check of attributes of a source."""
    carrying = [table for table in tables if (found := CONTRACTS.get(table)) and found.carries_all]
    return [(table, SPELLED, _SPELLED_TOLD) for table in carrying]


def one_of_each(columns: Iterable[str]) -> list[str]:
    """Columns without those that differ from an earlier one in letter case only: SQL takes them for one."""
    found: dict[str, str] = {}
    for column in columns:
        found.setdefault(column.lower(), column)
    return list(found.values())


def record_columns(
    con: duckdb.DuckDBPyConnection, source: str, seq: int, file_id: int, columns: Sequence[str]
) -> None:
    """Write down which columns a file has, as it spells them.

    Parameters
    ----------
    seq : the number of the batch.
    file_id : the number of the file in the ledger.
    columns : the columns of the file.
    """
    insert_rows(con, "ingest.file_column", [(file_id, seq, source, column) for column in columns])


def as_first_spelled(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> Mapping:
    """The mapping with attributes that nobody mapped under the name that came first."""
    if not mapping.attributes:
        return mapping
    query = load_query("ingest/queries/first_spelling").sql
    first = dict(con.execute(query, {"table": mapping.contract.table}).fetchall())
    names = [
        name if name in mapping.expressions else first.get(name.lower(), name) for name in mapping.attributes
    ]
    return replace(mapping, attributes=tuple(names))


def check_spelling(con: duckdb.DuckDBPyConnection, mapping: Mapping, seq: int) -> list[CheckResult]:
    """Whether the files of a batch spell attributes as they are known; nothing of a table without any.

    Parameters
    ----------
    mapping : the mapping of the source onto the canonical table.
    seq : the number of the batch.
    """
    if not mapping.contract.carries_all:
        return []
    query = load_query("ingest/queries/spelling_of_batch").sql
    brought = con.execute(query, {"seq": seq}).fetchall()
    known = {name.lower(): name for name in mapping.attributes if name not in mapping.expressions}
    judged = [(path, name, known[name.lower()]) for path, name in brought if name.lower() in known]
    other = [(path, name, taken) for path, name, taken in judged if name != taken]
    pairs = dict.fromkeys(f"{name} is read as {taken}" for _, name, taken in other)
    told = f"{_SPELLED_TOLD} ({', '.join(pairs)})" if other else _SPELLED_TOLD
    places = tuple(f"{path}: {name} is read as {taken}" for path, name, taken in other[:5])
    return [
        CheckResult(
            *(mapping.contract.table, SPELLED, told, "advisory", not other, len(other), len(judged)),
            samples=places,
        )
    ]
