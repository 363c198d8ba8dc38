"""What the columns of canonical tables refer to, by their contracts: whose ids they hold.

A column with the name of another table's only key holds ids of that table, whether or not its contract
declares that each of them has to stand there. Tables that hold ids of one entity are a family of columns.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from pipelines.contracts.model import Reference
from pipelines.contracts.registry import CONTRACTS, FACTS

# The column by which a table tells its things apart -> the table; of several columns none refers to it.
_KEYS = {contract.unit[0]: table for table, contract in CONTRACTS.items() if len(contract.unit) == 1}


@dataclass(frozen=True, order=True)
class IdColumn:
    """A column of a canonical table that holds ids."""

    table: str
    column: str

    def __str__(self) -> str:
        return f"{self.table}.{self.column}"


@dataclass(frozen=True)
class Family:
    """The columns that hold ids of one entity: the key of its table, and those that refer to it."""

    key: IdColumn
    referring: tuple[IdColumn, ...]
    has_key: bool = True

    @property
    def columns(self) -> tuple[IdColumn, ...]:
        """All of them that are there, the key first."""
        return (*((self.key,) if self.has_key else ()), *self.referring)

    @property
    def telling(self) -> tuple[IdColumn, ...]:
        """The referring columns of tables that tell of something that happened."""
        return tuple(
            found for found in self.referring if found.table in FACTS or CONTRACTS[found.table].event
        )


def references_of(table: str) -> tuple[Reference, ...]:
    """The references of a table: those its contract declares, and those that follow from a column's name."""
    contract = CONTRACTS[table]
    declared = {reference.column for reference in contract.references}
    named = (
        Reference(column.name, _KEYS[column.name], column.name)
        for column in contract.columns
        if column.name in _KEYS and _KEYS[column.name] != table and column.name not in declared
    )
    return (*contract.references, *named)


def families(mapped: Mapping[str, Collection[str]]) -> list[Family]:
    """The families of ids among mapped tables: each entity that a mapped column of one of them refers to.

    Parameters
    ----------
    mapped : canonical table -> its columns that some source maps.
    """
    found: dict[IdColumn, list[IdColumn]] = {}
    for table in CONTRACTS:
        for reference in references_of(table):
            if reference.column not in mapped.get(table, ()):
                continue
            key = IdColumn(reference.table, reference.target)
            found.setdefault(key, []).append(IdColumn(table, reference.column))
    return [Family(key, tuple(referring), key.table in mapped) for key, referring in sorted(found.items())]
