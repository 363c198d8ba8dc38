"""Cut points of a day that is being recorded: they stay when it is recorded, and are taken back when not.

They are committed before the day is evaluated, outside the transaction that appends it: a segmentation that
fails would end that one. What the day had before stands in `segments.cut_point_before` until the transaction
takes it away. A process that is killed in between leaves it, and whoever comes next takes the day back.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

from pipelines.engine import Engine
from pipelines.segments import cuts

BEFORE = "segments.cut_point_before"


@contextmanager
def taken_back_unless_kept(engine: Engine, day: date) -> Iterator[None]:
    """Cut points of a day that are written in the block; without `keep`, those before it come back."""
    take_back(engine)
    with engine.transaction():
        cuts.ensure(engine)
        # A day that had none has one row, which tells the day.
        sql = (
            "select cast($day as date) as day, c.* from (select 1 as one)"
            f" left join {cuts.TABLE} as c on c.as_of_date = $day"
        )
        engine.store(BEFORE, sql, "replace", {"day": day})
    try:
        yield
    except BaseException:
        take_back(engine)
        raise


def keep(engine: Engine) -> None:
    """Let the new cut points stand; to be called in the transaction that appends their day."""
    engine.drop(BEFORE)


def take_back(engine: Engine) -> None:
    """Put back the cut points of a day whose recording did not end; without one, nothing happens."""
    if not engine.columns(BEFORE):
        return
    with engine.transaction():
        engine.delete(cuts.TABLE, f"as_of_date in (select day from {BEFORE})")
        before = f"select * exclude (day) from {BEFORE} where as_of_date is not null"
        engine.store(cuts.TABLE, before, "append", {}, fits=True)
        engine.drop(BEFORE)
