"""Segments as they would be: definitions judged on the features of a day, and nothing of it kept.

All that is written on the way (cut points, uploaded lists, temporary tables) is undone at the end.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import date
from typing import TYPE_CHECKING

from pipelines.engine import bound, is_view, qualified, quote, relation_exists, transaction
from pipelines.segments.model import Segmentation
from pipelines.segments.plan import Plan
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
    con.execute("create schema if not exists segments")
    if plan.needs_standing:
        stand_before(con, day)
    remarks = plan.prepare(con, day)
    con.execute(
        f"create or replace temp table {quote(table)} as {plan.sql}", bound(plan.sql, plan.parameters(day))
    )
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


def stand_before(con: duckdb.DuckDBPyConnection, day: date, only: Collection[str] | None = None) -> None:
    """Make `segments.standing` say who stands where at the end of the last recorded day before `day`.

    Call it within `undone`: the relation is replaced, whatever it was. With `only`, of these members.
    """
    drop_relation(con, "segments.standing")
    stays = "select null, null, null, null where false"
    if relation_exists(con, "segments.membership"):
        stays = (
            "select segmentation_id, entity_id, segment_id, entered_date from segments.membership"
            " where entered_date < $day and (left_date is null or left_date >= $day)"
            " and ($only::varchar[] is null or list_contains($only::varchar[], entity_id))"
        )
    con.execute(
        "create table segments.standing (segmentation_id varchar, entity_id varchar, segment_id varchar,"
        " entered_date date)"
    )
    told = {"day": day, "only": None if only is None else list(only)}
    con.execute(f"insert into segments.standing {stays}", bound(stays, told))


def drop_relation(con: duckdb.DuckDBPyConnection, relation: str) -> None:
    """Drop a table or view, if there is one of the name."""
    kind = "view" if is_view(con, relation) else "table"
    con.execute(f"drop {kind} if exists {qualified(relation)}")
