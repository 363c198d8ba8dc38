"""Rows of every canonical table: two values for each column, both right, as a file writes them."""

from __future__ import annotations

from collections.abc import Mapping

from pipelines.contracts.model import Column, Contract

ATTRIBUTE = "hobby"


def value(column: Column, other: bool) -> str:
    """A value of a column, or another one."""
    if column.allowed:
        return column.allowed[1 if other else 0]
    family = column.type.partition("(")[0]
    values = {
        "VARCHAR": ("x1", "x2"),
        "DECIMAL": ("0.2", "0.3"),
        "BIGINT": ("2", "3"),
        "DOUBLE": ("0.2", "0.3"),
        "BOOLEAN": ("true", "false"),
        "DATE": ("2024-05-01", "2024-05-02"),
        "TIMESTAMPTZ": ("2024-05-01 12:00", "2024-05-02 12:00"),
    }
    return values[family][1 if other else 0]


def columns(contract: Contract) -> list[str]:
    """The columns of a file of the table: all of the contract, and an attribute where it takes some."""
    return [*contract.names, *([ATTRIBUTE] if contract.attributes else [])]


def row(contract: Contract, changed: Mapping[str, str] | None = None) -> dict[str, str]:
    """A row that fills every column, some of them with what `changed` says."""
    found = {column.name: value(column, False) for column in contract.columns}
    if contract.attributes:
        found[ATTRIBUTE] = "chess"
    return found | dict(changed or {})


def another(contract: Contract, name: str) -> dict[str, str]:
    """The column with its other value."""
    column = contract.column(name)
    return {name: value(column, True) if column else "tennis"}


def lines(contract: Contract, *rows: Mapping[str, str]) -> list[str]:
    """The lines of a file, the header first."""
    names = columns(contract)
    return [",".join(names), *(",".join(found[name] for name in names) for found in rows)]


def mapping(contract: Contract) -> dict[str, str]:
    """Every column of the contract read from the file's column of the same name, and what has to be named."""
    named = [ATTRIBUTE] if contract.attributes == "named" else []
    return {name: name for name in [*contract.names, *named]}
