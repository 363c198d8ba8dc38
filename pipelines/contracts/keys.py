"""Whose a key is: which columns hold the number of which table, and what decides whether sources share them.

People, companies and products are the same for every source. An order, a deal or a ticket is the source's
that numbered it: two shops both have an order 1.
"""

from __future__ import annotations

from collections.abc import Iterable

from pipelines.contracts.model import Column, Contract
from pipelines.contracts.registry import CONTRACTS


def numbers_in(contract: Contract) -> dict[str, str]:
    """Column -> the table whose number it holds: its own, or one that the row mentions."""
    found = ((column.name, _numbered_by(contract, column)) for column in contract.columns)
    return {name: table for name, table in found if table is not None}


def _numbered_by(contract: Contract, column: Column) -> str | None:
    if column.name == contract.number:
        return contract.table
    if column.number_of is not None:
        return column.number_of
    for reference in contract.references:
        if reference.column == column.name and CONTRACTS[reference.table].number == reference.target:
            return reference.table
    return next((table for table, other in CONTRACTS.items() if other.number == column.name), None)


def decided_by(contract: Contract) -> str:
    """The table for which a project says whether sources share its keys: lines go with their orders."""
    if len(contract.own_key) == 1:
        return numbers_in(contract).get(contract.own_key[0], contract.table)
    return contract.table


def parts_of(contract: Contract) -> list[str]:
    """The tables with keys of their sources' own whose rows are parts of rows of this one: held with it."""
    if not contract.own_key or contract.number is None:
        return []
    return [
        table
        for table, other in CONTRACTS.items()
        if table != contract.table
        and any(numbers_in(other).get(column) == contract.table for column in other.key)
    ]


def families(tables: Iterable[str]) -> list[tuple[str, ...]]:
    """The tables in groups that enter core together or not at all, in the order in which it is built."""
    wanted = set(tables)
    whole: dict[str, str] = {}
    for table, contract in CONTRACTS.items():
        for part in parts_of(contract):
            whole[part] = table
    groups: dict[str, list[str]] = {}
    for table in CONTRACTS:
        if table in wanted:
            groups.setdefault(whole.get(table, table), []).append(table)
    return [tuple(group) for group in groups.values()]
