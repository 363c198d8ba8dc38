"""Connections to DuckDB: opened here and nowhere else, so that all look names up alike."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

Setting = str | bool | int | float | list[str]


def connect(
    database: str | Path = ":memory:", *, read_only: bool = False, config: Mapping[str, Setting] | None = None
) -> duckdb.DuckDBPyConnection:
    """Open a database.

    DuckDB looks a relation it does not find up among the variables of the Python functions that are running:
    a source named `con` would be read from the connection itself. That is off.

    Parameters
    ----------
    database : a file, or nothing for one in memory.
    read_only : nothing is written; the file may be open elsewhere likewise.
    config : further settings of DuckDB's.

    Raises
    ------
    duckdb.Error
        The file cannot be opened, or a setting is wrong.
    """
    import duckdb

    settings = {"python_enable_replacements": "false", **(config or {})}
    return duckdb.connect(str(database), read_only=read_only, config=settings)
