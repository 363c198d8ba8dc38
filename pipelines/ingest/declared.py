"""Attributes whose type the project declares: their values are read as that type, whatever a file holds.

Without a declaration an attribute has the type that its files give it: all text in a CSV file. A value that
cannot be read as the declared type is unknown, and no fault of its row; how many there are, and where, tells
`pipelines/ingest/unread.py`.
"""

from __future__ import annotations

from collections.abc import Mapping

from pipelines.config.attributes import AttributeType
from pipelines.contracts.model import Column
from pipelines.ingest.decimals import to_number
from pipelines.ingest.text import as_finite_instant, as_text

_TYPES: dict[AttributeType, str] = {
    "text": "VARCHAR",
    "integer": "BIGINT",
    "number": "DOUBLE",
    "date": "DATE",
    "timestamp": "TIMESTAMPTZ",
    "boolean": "BOOLEAN",
}
# Types whose texts have a decimal mark.
NUMBERS = frozenset({"BIGINT", "DOUBLE"})
# Wide enough for any BIGINT with its fraction.
_EXACT = "DECIMAL(38,9)"


def columns_of(types: Mapping[str, AttributeType], attributes: tuple[str, ...]) -> tuple[Column, ...]:
    """The attributes with a declared type, as columns of it.

    Parameters
    ----------
    types : attribute -> its type; the letter case of a name does not matter.
    attributes : the attributes that a source brings.
    """
    wanted = {name.lower(): kind for name, kind in types.items()}
    return tuple(
        Column(name, _TYPES[wanted[name.lower()]], "") for name in attributes if name.lower() in wanted
    )


def typed(column: Column, given: str, mark: str | None) -> str:
    """A given value as the declared type, as SQL; NULL where it is none of that type.

    Parameters
    ----------
    column : the attribute.
    given : what gives its value, as SQL.
    mark : SQL that gives the decimal mark of its file; None where the value is no text.
    """
    if column.type == "VARCHAR":
        return f"nullif({as_text(given)}, '')"
    if column.type == "TIMESTAMPTZ":
        return as_finite_instant(given)
    kind = _EXACT if column.type == "BIGINT" else column.type
    value = to_number(f"trim({given})", kind, mark) if mark else f"try_cast({given} as {kind})"
    if column.type == "BIGINT":
        # A cast alone would round 12.5.
        return f"case when {value} = floor({value}) then try_cast({value} as bigint) end"
    if column.type == "DOUBLE":
        return f"case when isfinite({value}) then {value} end"
    return value
