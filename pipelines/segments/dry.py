"""Segments as they would be: definitions judged on the features of a day, and nothing of it kept.

All that is written on the way (cut points, uploaded lists, temporary tables) is undone at the end.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import TYPE_CHECKING

from pipelines.engine import DuckDB, quote, transaction
from pipelines.segments.model import Segmentation
from pipelines.segments.plan import Plan
from pipelines.segments.standing import stand_before
from pipelines.segments.testing import Membership

if TYPE_CHECKING:
    import duckdb


class _UndoneError(Exception):
    """Ends a transaction that must leave nothing behind."""


@contextmanager
def undone(con: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """A transaction that is rolled back at the end, however the block ends."""
    try:
        with transaction(con):
            yield
            raise _UndoneError
    except _UndoneError:
        pass


def assigned(con: duckdb.DuckDBPyConnection, plan: Plan, day: date, table: str = "dry_assigned") -> list[str]:
    """Judge the members of a plan as of a day into a temporary table; call it within `undone`.

    Parameters
    ----------
    plan : the compiled definitions and the order in which they are evaluated.
    table : the temporary table to create.

    Returns
    -------
    Remarks to tell, see `Plan.prepare`. The table has `entity_id` and a column a segmentation.
    """
    engine = DuckDB(con)
    if plan.needs_standing:
        stand_before(engine, day)
    remarks = plan.prepare(engine, day)
    engine.keep(table, plan.sql, plan.parameters(day))
    return remarks


def members_of(segmentation: Segmentation, table: str = "dry_assigned") -> Membership:
    """Who is in which segment, from such a table."""
    column = quote(segmentation.id)
    if segmentation.exclusive:
        sql = f"select {column} as segment_id, entity_id from {quote(table)} where {column} is not null"
    else:
        sql = f"select unnest({column}) as segment_id, entity_id from {quote(table)}"
    return Membership(sql, {})


def recorded_members(segmentation: Segmentation, day: date) -> Membership:
    """Who is in which segment on a day, as it was assigned by the run."""
    return Membership(
        "select segment_id, entity_id from segments.assignment where as_of_date = $assigned_day"
        " and segmentation_id = $assigned_to and entity_kind = $assigned_entity",
        {"assigned_day": day, "assigned_to": segmentation.id, "assigned_entity": segmentation.entity},
    )
