"""Columns that no two rows of one key may tell differently: whose it is, when it happened, what it is worth.

They follow from a contract. A customer, a company, a person or a product has none: what two rows say of one
differently is worth a warning, and no row of money.
"""

from __future__ import annotations

from pipelines.contracts.fact import Link
from pipelines.contracts.model import Contract


def owners(contract: Contract) -> frozenset[str]:
    """The columns of a row that say whose it is."""
    if contract.fact is None:
        return frozenset()
    paths = {path for paths in contract.fact.owners.values() for path in paths}
    named = {path.column if isinstance(path, Link) else path for path in paths}
    return frozenset(name for name in named if contract.column(name))


def days(contract: Contract) -> frozenset[str]:
    """The columns of a row that say when it happened: the day of the fact, and every day it must have."""
    if contract.entity is not None:
        return frozenset()
    found = {column.name for column in contract.columns if column.required and column.type == "DATE"}
    stated = contract.event or (contract.fact.day if contract.fact else None)
    return frozenset(found | ({stated} & contract.stored.keys() if stated else set()))


def amounts(contract: Contract) -> frozenset[str]:
    """The columns of a row that say how much."""
    if contract.entity is not None:
        return frozenset()
    return frozenset(column.name for column in contract.columns if column.type.startswith("DECIMAL"))


def decisive(contract: Contract) -> frozenset[str]:
    """All of them but those of the key, in which the rows of one key cannot differ."""
    return (owners(contract) | days(contract) | amounts(contract)) - {*contract.key, *contract.told_by}
