"""Cut points of a day that is being recorded: they stay when it is recorded, and are taken back when not.

They are committed before the day is evaluated, outside the transaction that appends it: a segmentation that
fails would end that one. What the day had before stands in `segments.cut_point_before` until the transaction
takes it away. A process that is killed in between leaves it, and whoever comes next takes the day back.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import TYPE_CHECKING

from pipelines.engine import relation_exists, transaction
from pipelines.segments import cuts

if TYPE_CHECKING:
    import duckdb

BEFORE = "segments.cut_point_before"


@contextmanager
def taken_back_unless_kept(con: duckdb.DuckDBPyConnection, day: date) -> Iterator[None]:
    """Cut points of a day that are written in the block; without `keep`, those before it come back."""
    take_back(con)
    with transaction(con):
        con.execute(cuts.TABLE)
        # A day that had none has one row, which tells the day.
        con.execute(
            f"create table {BEFORE} as select cast($day as date) as day, c.* from (select 1)"
            " left join segments.cut_point as c on c.as_of_date = $day",
            {"day": day},
        )
    try:
        yield
    except BaseException:
        take_back(con)
        raise


def keep(con: duckdb.DuckDBPyConnection) -> None:
    """Let the new cut points stand; to be called in the transaction that appends their day."""
    con.execute(f"drop table {BEFORE}")


def take_back(con: duckdb.DuckDBPyConnection) -> None:
    """Put back the cut points of a day whose recording did not end; without one, nothing happens."""
    if not relation_exists(con, BEFORE):
        return
    with transaction(con):
        con.execute(f"delete from segments.cut_point where as_of_date in (select day from {BEFORE})")
        con.execute(
            f"insert into segments.cut_point select * exclude (day) from {BEFORE}"
            " where as_of_date is not null"
        )
        con.execute(f"drop table {BEFORE}")
