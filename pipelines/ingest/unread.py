"""Mappings that make nothing of a filled column: a `try_cast` of "$40,000", a day and month that are swapped.

A declared type of an attribute is such a mapping too.

Such a value is no fault of its row, for the mapping allows it to be empty. That it is empty everywhere, or
often, is a fault of the mapping, and is told with the column, the counts and where some of the rows stand.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from collections.abc import Mapping as Mapped
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlglot import exp

from pipelines.config.expression import columns_in, to_sql
from pipelines.contracts.model import Column, Severity
from pipelines.engine import Statement, Table, literal, load_query, quote
from pipelines.ingest import declared
from pipelines.ingest.mapping import Mapping
from pipelines.ingest.quality import SAMPLES, CheckResult
from pipelines.ingest.reading import Reading

if TYPE_CHECKING:
    import duckdb

READ = "mapped_values_read"
_TOLD = "what a mapping reads of a filled column has a value"
# Of fewer filled rows nothing is said that would reject a batch.
FEW = 3
# A condition means some of its rows to be empty: only of so many that all are is it told.
MANY = 20
# How many rows of a file are looked at before anything is run.
LOOKED_AT = 10_000


@dataclass(frozen=True)
class Unread:
    """A mapped column: of how many good rows what it reads is filled, and of how many of them it is empty."""

    column: str
    given: int
    empty: int
    limit: float
    conditional: bool
    attempted: bool

    @property
    def fails(self) -> bool:
        if self.conditional:
            return self.empty == self.given >= MANY
        return self.empty > self.limit * self.given

    @property
    def critical(self) -> bool:
        """Whether nothing at all could be read of what was to be read as another type."""
        tried = self.attempted and not self.conditional
        return self.fails and tried and self.empty == self.given >= FEW

    @property
    def told(self) -> str:
        return f"{self.column}: nothing was read in {self.empty:,} of {self.given:,} filled rows"


def _judged(mapping: Mapping) -> dict[str, exp.Expr]:
    """The columns that may have nothing where what they read is filled; a plain column of no type cannot."""
    written = {
        name: tree
        for name, tree in mapping.expressions.items()
        if not isinstance(tree, exp.Column) and columns_in(tree)
    }
    return written | {column.name: _read_by(mapping, column.name) for column in _typed(mapping)}


def _typed(mapping: Mapping) -> list[Column]:
    """The attributes with a declared type that read a column."""
    return [column for column in mapping.declared if columns_in(_read_by(mapping, column.name))]


def _read_by(mapping: Mapping, name: str) -> exp.Expr:
    """What gives an attribute: its expression, or the column of its name."""
    return mapping.expressions.get(name, exp.column(name, quoted=True))


def _counted(mapping: Mapping, name: str, given: int, empty: int) -> Unread:
    tree = _read_by(mapping, name)
    attempts = (
        any(column.name == name for column in mapping.declared)
        or tree.find(exp.TryCast) is not None
        or any(call.name.lower().startswith("try_") for call in tree.find_all(exp.Anonymous))
    )
    conditional = tree.find(exp.Case, exp.If, exp.Nullif) is not None
    return Unread(name, given, empty, mapping.max_bad_share, conditional, attempts)


def _filled(tree: exp.Expr, relation: str = "") -> str:
    """Whether a column that an expression reads is filled."""
    row = f"{relation}." if relation else ""
    columns = sorted(columns_in(tree))
    return " or ".join(f"trim(cast({row}{quote(column)} as varchar)) <> ''" for column in columns)


def check_read(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> list[CheckResult]:
    """Whether the staged batch has values where what is mapped is filled; nothing without such a mapping."""
    judged = _judged(mapping)
    if not judged:
        return []
    given = {f"given {name}": Statement(f"({_filled(tree, 'r')})") for name, tree in judged.items()}
    rows = load_query("ingest/queries/read_row").filled(
        stage=Table(mapping.stage), raw=Table(f"raw.{mapping.source}"), columns=list(judged), given=given
    )
    found = _count(con, mapping, judged, rows, {})
    failed = [column for column in found if column.fails]
    table = mapping.contract.table
    severity: Severity = "critical" if any(column.critical for column in failed) else "advisory"
    worst = max(failed or found, key=lambda column: column.empty)
    told = f"{_TOLD} ({'; '.join(column.told for column in failed)})" if failed else _TOLD
    places = [place for column in failed for place in _places(con, rows, column.column)]
    return [
        CheckResult(table, READ, told, severity, not failed, worst.empty, worst.given, samples=tuple(places))
    ]


def _count(
    con: duckdb.DuckDBPyConnection,
    mapping: Mapping,
    judged: Collection[str],
    rows: str,
    values: Mapped[str, object],
) -> list[Unread]:
    """Count over a SELECT with each judged column and whether what it reads is filled, as `given NAME`."""
    counts = ", ".join(
        f"count(*) filter (where {quote(f'given {name}')}),"
        f" count(*) filter (where {quote(f'given {name}')} and {quote(name)} is null)"
        for name in judged
    )
    (row,) = con.execute(f"select {counts} from ({rows})", dict(values)).fetchall()
    return [_counted(mapping, name, row[2 * i], row[2 * i + 1]) for i, name in enumerate(judged)]


def _places(con: duckdb.DuckDBPyConnection, rows: str, column: str) -> list[str]:
    """Where some rows stand whose column is empty and what it reads is not."""
    found = con.execute(
        f"with rows as ({rows}) select path, _row from rows join ingest.file on file_id = _file_id"
        f" where {quote(f'given {column}')} and {quote(column)} is null"
        f" order by _file_id, _row limit {SAMPLES}"
    ).fetchall()
    return [f"{column}: {path}:{row}" for path, row in found]


def unread_in_file(
    con: duckdb.DuckDBPyConnection, mapping: Mapping, reading: Reading
) -> list[tuple[str, bool]]:
    """What a mapping makes nothing of in a file's first rows, each with whether a run would reject it."""
    judged = _judged(mapping)
    if not judged:
        return []
    read = {name: to_sql(tree) for name, tree in judged.items()}
    read |= {column.name: _in_either_mark(column, read[column.name]) for column in _typed(mapping)}
    columns = ", ".join(
        f"nullif(trim(cast({read[name]} as varchar)), '') as {quote(name)},"
        f" ({_filled(tree)}) as {quote(f'given {name}')}"
        for name, tree in judged.items()
    )
    rows = f"select {columns} from (select * from {reading.clause} limit {LOOKED_AT})"
    found = _count(con, mapping, judged, rows, {"path": str(reading.at)})
    where = f"sources.{mapping.source}.tables.{mapping.contract.table}"
    return [(f"{reading.path}: {where}.{column.told}", column.critical) for column in found if column.fails]


def _in_either_mark(column: Column, given: str) -> str:
    """An attribute as its declared type, with either decimal mark: which one a file has is not known yet."""
    if column.type not in declared.NUMBERS:
        return declared.typed(column, given, None)
    text = f"cast({given} as varchar)"
    marks = (literal("."), literal(","))
    return f"coalesce({', '.join(declared.typed(column, text, mark) for mark in marks)})"


def specs(tables: Sequence[str]) -> list[tuple[str, str, str]]:
    """Table, name and description of the check of each mapped table."""
    return [(table, READ, _TOLD) for table in tables]
