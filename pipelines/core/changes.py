"""Since which business day core says something else: a mark whenever a table changes.

Whoever computes a day remembers the newest mark (`newest`), and asks later whether one that came since bears
on that day (`since`). A row bears on the days from its own on, and a moved one on those from the day it was
moved from; a row without a day bears on every day.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date
from typing import TYPE_CHECKING

from pipelines.engine import DuckDB, Engine, value

if TYPE_CHECKING:
    import duckdb

SCHEMA = """
create table if not exists ingest.core_change (
    change_seq bigint not null, table_name varchar not null, first_day date
);
"""
_EVERY_DAY = "select cast(null as date)"


def remember_everything(con: duckdb.DuckDBPyConnection, table: str) -> None:
    """Mark that any row of a table may have changed."""
    remember(con, table, _EVERY_DAY)


def remember(con: duckdb.DuckDBPyConnection, table: str, days: str) -> None:
    """Mark the first of the days of a SELECT of one column, every day if one is NULL; nothing if it is empty.

    Earlier marks that this one covers go, so that there are never more than there are days.
    """
    row = con.execute(
        f"select count(*), case when count(*) = count(day) then min(day) end from ({days}) as found(day)"
    ).fetchone()
    count, first = row or (0, None)
    if not count:
        return
    seq = newest(DuckDB(con)) + 1
    con.execute(
        "delete from ingest.core_change where table_name = $table"
        " and ($first::date is null or first_day >= $first)",
        {"table": table, "first": first},
    )
    con.execute("insert into ingest.core_change values (?, ?, ?)", [seq, table, first])


def newest(engine: Engine) -> int:
    """The number of the newest mark; 0 when there is none."""
    return int(value(engine, "select coalesce(max(change_seq), 0) from ingest.core_change"))


def since(
    engine: Engine,
    marks: Mapping[date, int],
    *,
    without: Collection[str] = (),
) -> set[date]:
    """Which days something bears on that changed after the mark of each.

    Parameters
    ----------
    marks : day -> the newest mark when it was computed.
    without : tables that are not read.
    """
    changed = engine.rows(
        "select change_seq, first_day from ingest.core_change"
        " where change_seq > $mark and table_name not in (select unnest($without::varchar[]))",
        {"mark": min(marks.values(), default=0), "without": list(without)},
    )
    return {
        day
        for day, mark in marks.items()
        if any(row["change_seq"] > mark and _bears_on(day, row["first_day"]) for row in changed)
    }


def _bears_on(day: date, first: date | None) -> bool:
    """Whether a change of rows from a day on, or of every day, bears on a day."""
    return first is None or first <= day
