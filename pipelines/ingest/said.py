"""What a row says: which columns of its mapping it fills, and with what, as SQL over typed columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.engine import quote

if TYPE_CHECKING:
    from pipelines.ingest.mapping import Mapping


def content(mapping: Mapping) -> list[str]:
    """The columns beside the key whose values come from the source, in the order of the table."""
    given = {*mapping.expressions, *mapping.attributes, *(column.name for column in mapping.contract.derived)}
    return [name for name in mapping.columns if name in given and name not in mapping.contract.key]


def says(mapping: Mapping, name: str, row: str = "") -> str:
    """Whether a row has a value in a column; an attribute of blanks has none."""
    column = f"{row}.{quote(name)}" if row else quote(name)
    if name not in mapping.attributes:
        return f"{column} is not null"
    return f"nullif(trim(cast({column} as varchar)), '') is not null"


def filled(mapping: Mapping) -> str:
    """How many columns a row fills: of the rows of a key in one file, the one that says most counts.

    In a change feed a blank is a change too, and the last row counts.
    """
    derived = {column.name for column in mapping.contract.derived}
    names = [name for name in content(mapping) if name not in derived]
    if mapping.operation is not None or not names:
        return "0"
    return " + ".join(f"cast({says(mapping, name)} as integer)" for name in names)
