"""Names and literals as SQL text: the only place where either becomes a part of a statement.

Values are bound wherever DuckDB takes a parameter. It takes none in a view, in DDL and in options of a
reader: there a value is written by `literal`.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path


def quote(identifier: str) -> str:
    """Quote one identifier."""
    return '"' + identifier.replace('"', '""') + '"'


def qualified(table: str) -> str:
    """Quote `schema.table`."""
    return ".".join(quote(part) for part in table.split("."))


def literal(value: str | Path | date) -> str:
    """A text, a path or a day as SQL, where nothing can be bound."""
    if isinstance(value, date):
        return f"date '{value:%Y-%m-%d}'"
    return "'" + str(value).replace("'", "''") + "'"
