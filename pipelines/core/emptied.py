"""Mappings under which values that core holds would go: landed rows have them, and nothing is read of them.

When a mapping changes, core is made anew from everything that has landed. A typo in it, or a column that
landed files do not have, would empty a column of core, and no check of a batch would tell: they were judged
long before. So each row of a file that counts before and after is compared, column by column. Rows that
another file says now are not looked at: what newer data no longer say is theirs to say.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlglot import exp

from pipelines.config.expression import columns_in
from pipelines.contracts.model import Contract
from pipelines.engine import (
    Statement,
    Table,
    columns_of,
    load_query,
    quote,
    relation_exists,
)
from pipelines.errors import InvariantError
from pipelines.ingest.known import said_last
from pipelines.ingest.mapping import Mapping

if TYPE_CHECKING:
    import duckdb

_SAMPLES = 3


@dataclass(frozen=True)
class Emptied:
    """A mapped column of which core holds `given` values that landed rows gave, and `gone` would be empty."""

    mapping: Mapping
    column: str
    given: int
    gone: int
    places: tuple[str, ...] = ()

    @property
    def refused(self) -> bool:
        """Whether more goes than a new batch may lack; of a condition, which means some to go, all of it."""
        tree = self.mapping.expressions.get(self.column)
        conditional = tree is not None and tree.find(exp.Case, exp.If, exp.Nullif) is not None
        least = self.given - 1 if conditional else self.mapping.max_bad_share * self.given
        return self.gone > least and self.mapping.max_bad_share < 1

    @property
    def told(self) -> str:
        where = f"sources.{self.mapping.source}.tables.{self.mapping.contract.table}.{self.column}"
        return (
            f"{where}: nothing is read in {self.gone:,} of {self.given:,} landed rows whose value core has"
            f" (for example {', '.join(self.places)})"
        )


# Told what an edited mapping would empty; raises where that is refused.
Judge = Callable[[Sequence[Emptied]], None]


def keep(
    con: duckdb.DuckDBPyConnection,
    contract: Contract,
    edited: Sequence[Mapping],
) -> None:
    """Keep what landed rows say of columns whose mapping may have changed, before the table is made anew.

    Parameters
    ----------
    contract : the contract of the canonical table.
    edited : the mappings that are not those by which the table was brought up.
    """
    con.execute("drop table if exists emptied_was")
    if not edited or not relation_exists(con, f"core.{contract.table}"):
        return
    relation = said_last(con, contract)
    there = {name.lower(): name for name, _ in columns_of(con, relation)}
    names = dict.fromkeys(name for mapping in edited for name in judged(mapping) if name.lower() in there)
    if not names:
        return
    query = load_query("core/queries/row_in_place").filled(
        standing=Table(relation), columns=[there[name.lower()] for name in names], live=_live(con, relation)
    )
    sources = [mapping.source for mapping in edited]
    con.execute(f"create temp table emptied_was as {query}", {"sources": sources})


def emptied(con: duckdb.DuckDBPyConnection, contract: Contract, edited: Sequence[Mapping]) -> list[Emptied]:
    """What of that is gone now, of each mapped column that had values; call it after `keep` and a rebuild.

    Parameters
    ----------
    contract : the contract of the canonical table.
    edited : the mappings given to `keep`.
    """
    if not relation_exists(con, "emptied_was"):
        return []
    relation = said_last(con, contract)
    was = {name.lower() for name, _ in columns_of(con, "emptied_was")}
    now = {name.lower() for name, _ in columns_of(con, relation)}
    found = []
    for mapping in edited:
        columns = [name for name in judged(mapping) if name.lower() in was & now]
        found += _compared(con, relation, mapping, columns)
    con.execute("drop table emptied_was")
    return found


def refuse(found: Sequence[Emptied]) -> None:
    """Refuse mappings that empty what core holds.

    Raises
    ------
    InvariantError
        Naming each column with the counts and some places; the caller's transaction takes everything back.
    """
    refused = [column for column in found if column.refused]
    if not refused:
        return
    sources = dict.fromkeys(column.mapping.source for column in refused)
    verbs = ", ".join(f'`lohko quarantine accept-mapping {source} --why "…"`' for source in sources)
    raise InvariantError(
        "\n".join(
            [
                "an edited mapping would empty what core holds; nothing was changed",
                *(column.told for column in refused),
                f"Correct the mapping and run again. Where the values are meant to go: {verbs}",
            ]
        )
    )


def judged(mapping: Mapping) -> list[str]:
    """The columns that a mapping reads from columns of a file, and that a row may lack.

    Of required ones a row without a value goes to quarantine, which `refuse_loss` judges.
    """
    contract = mapping.contract
    written = [name for name, tree in mapping.expressions.items() if columns_in(tree)]
    typed = [column.name for column in mapping.declared]
    keys = {*contract.key, *contract.unit, *contract.told_by}
    return [name for name in dict.fromkeys([*written, *typed]) if name not in keys]


def _compared(
    con: duckdb.DuckDBPyConnection, relation: str, mapping: Mapping, columns: Sequence[str]
) -> list[Emptied]:
    """The counts of a mapping's columns, with some places of those that lose values."""
    if not columns:
        return []
    flags = {}
    for i, name in enumerate(columns):
        given = f"w.{quote(name)} is not null"
        flags[f"given_{i}"] = Statement(given)
        flags[f"gone_{i}"] = Statement(f"{given} and s.{quote(name)} is null")
    query = load_query("core/queries/row_compared_in_place").filled(
        standing=Table(relation), flags=flags, live=_live(con, relation)
    )
    counts = ", ".join(f"count_if({name})" for name in flags)
    values = {"source": mapping.source}
    (row,) = con.execute(f"select {counts} from ({query})", values).fetchall()
    found = []
    for i, name in enumerate(columns):
        given, gone = row[2 * i], row[2 * i + 1]
        if gone:
            places = con.execute(
                f"select path, _row from ({query}) join ingest.file on file_id = _file_id where gone_{i}"
                f" order by _file_id, _row limit {_SAMPLES}",
                values,
            ).fetchall()
            found.append(
                Emptied(mapping, name, given, gone, tuple(f"{path}:{line}" for path, line in places))
            )
    return found


def _live(con: duckdb.DuckDBPyConnection, relation: str) -> Statement:
    """The condition on rows of `s` that were not deleted."""
    deleted = "_row_deleted" in {name for name, _ in columns_of(con, relation)}
    return Statement("not s._row_deleted" if deleted else "true")
