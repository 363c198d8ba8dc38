"""The record of membership: append-only events of who entered and left which segment on which day.

A day may be recorded again while it is the latest: that adds a revision, and the last revision counts.
Earlier days are never recorded again; they can be replayed beside the record (see replay.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING

from pipelines.errors import InvariantError, UsageError
from pipelines.ingest.ledger import now
from pipelines.segments.model import Segmentation
from pipelines.segments.plan import Plan
from pipelines.steps import quote, run_step, transaction

if TYPE_CHECKING:
    import duckdb

SCHEMA = """
create schema if not exists segments;
create table if not exists segments.membership_event (
    segmentation_id varchar not null, segment_id varchar not null, entity_kind varchar not null,
    entity_id varchar not null, as_of_date date not null, event varchar not null,
    definition_version varchar not null, run_id varchar not null, revision bigint not null
);
create table if not exists segments.recorded_day (
    as_of_date date not null, revision bigint not null, run_id varchar not null,
    recorded_at timestamp not null, customers bigint not null
);
create table if not exists segments.definition (
    segmentation_id varchar not null, definition_version varchar not null, content varchar not null,
    first_seen_at timestamp not null, primary key (segmentation_id, definition_version)
);
create table if not exists segments.label (
    segmentation_id varchar not null, segmentation_name varchar not null, segment_id varchar not null,
    segment_name varchar not null, description varchar not null, position bigint not null,
    definition_version varchar not null
);
"""


def create(con: duckdb.DuckDBPyConnection) -> None:
    """Create the record where it is missing."""
    con.execute(SCHEMA)
    run_step(con, "segments/membership")


def latest_day(con: duckdb.DuckDBPyConnection) -> date | None:
    """The last recorded day."""
    row = con.execute("select max(as_of_date) from segments.recorded_day").fetchone()
    return row[0] if row else None


def is_recorded(con: duckdb.DuckDBPyConnection, day: date) -> bool:
    """Whether the day stands in the record."""
    row = con.execute("select count(*) from segments.recorded_day where as_of_date = ?", [day]).fetchone()
    return bool(row and row[0])


def previous_day(con: duckdb.DuckDBPyConnection, day: date) -> date | None:
    """The last recorded day before `day`."""
    row = con.execute(
        "select max(as_of_date) from segments.recorded_day where as_of_date < ?", [day]
    ).fetchone()
    return row[0] if row else None


def days_to_record(latest: date | None, wanted: date, first: date | None = None) -> list[date]:
    """The days a run for `wanted` records: those missed since the latest, one by one, and itself.

    Raises
    ------
    UsageError
        When `wanted` lies before the latest recorded day: the record is never rewritten.
    """
    if latest is None:
        start = min(first, wanted) if first else wanted
    elif wanted < latest:
        raise UsageError(
            f"{wanted} lies before {latest}, the latest recorded day. What was recorded is not rewritten;"
            f" run {latest} again or a later day"
        )
    else:
        start = wanted if wanted == latest else latest + timedelta(days=1)
    return [start + timedelta(days=i) for i in range((wanted - start).days + 1)]


def store_definitions(con: duckdb.DuckDBPyConnection, segmentations: Sequence[Segmentation]) -> None:
    """Keep every version of every definition, and the labels of today's."""
    with transaction(con):
        con.execute("delete from segments.label")
        for segmentation in segmentations:
            con.execute(
                "insert or ignore into segments.definition values (?, ?, ?, ?)",
                [segmentation.id, segmentation.version, segmentation.definition.model_dump_json(), now()],
            )
            for label in segmentation.labels():
                con.execute(
                    "insert into segments.label values (?, ?, ?, ?, ?, ?, ?)",
                    [*label.values(), segmentation.version],
                )


def assign(con: duckdb.DuckDBPyConnection, day: date, segmentations: Sequence[Segmentation]) -> None:
    """Fill the partition `day` of `segments.assignment` from the features of that day.

    Raises
    ------
    InvariantError
        When an exclusive segmentation leaves a customer out or puts one into two segments.
    """
    plan = Plan(
        "customer",
        tuple(one for one in segmentations if one.entity == "customer"),
        tuple(segmentations),
    )
    with transaction(con):
        _clear_assignment(con, day)
        if not plan.segmentations:
            return
        if plan.needs_standing:
            _stand_before(con, day)
        plan.prepare(con, day)
        con.execute(f"insert into segments.assignment {_unpivoted(plan)}", plan.parameters(day))
        assert_exclusive(con, day, [one.id for one in plan.segmentations if one.exclusive])


def _stand_before(con: duckdb.DuckDBPyConnection, day: date) -> None:
    """`segments.standing`: who stands where at the end of the last recorded day before `day`."""
    con.execute(
        "create or replace table segments.standing as"
        " select segmentation_id, entity_id, segment_id, entered_date from segments.membership"
        " where entered_date < $day and (left_date is null or left_date >= $day)",
        {"day": day},
    )


def _unpivoted(plan: Plan) -> str:
    """The plan's SELECT as rows of `segments.assignment`: one pass, a row a member and segment."""
    parts = []
    for one in plan.segmentations:
        held = quote(one.id) if not one.exclusive else f"[{quote(one.id)}]"
        parts.append(f"list_transform({held}, lambda s: {{'of': '{one.id}', 'segment': s}})")
    return (
        "select cast($as_of as date), place.of, place.segment, entity_id from"
        f" (select entity_id, unnest(flatten([{', '.join(parts)}])) as place from ({plan.sql}))"
        " where place.segment is not null"
    )


def _clear_assignment(con: duckdb.DuckDBPyConnection, day: date) -> None:
    con.execute(
        "create table if not exists segments.assignment"
        " (as_of_date date, segmentation_id varchar, segment_id varchar, customer_id varchar)"
    )
    con.execute("delete from segments.assignment where as_of_date = ?", [day])


def assert_exclusive(con: duckdb.DuckDBPyConnection, day: date, exclusive: Sequence[str]) -> None:
    """Every customer of the day stands in exactly one segment of each segmentation of `exclusive`."""
    found = con.execute(
        """
        with expected as (select count(*) as customers from features.customer where as_of_date = $day)
        select
            wanted.segmentation_id,
            count(a.customer_id),
            count(distinct a.customer_id),
            any_value(expected.customers)
        from (select unnest($exclusive) as segmentation_id) as wanted
        cross join expected
        left join segments.assignment as a
            on a.segmentation_id = wanted.segmentation_id and a.as_of_date = $day
        group by wanted.segmentation_id
        having count(a.customer_id) <> any_value(expected.customers)
            or count(distinct a.customer_id) <> any_value(expected.customers)
        order by wanted.segmentation_id
        """,
        {"day": day, "exclusive": list(exclusive)},
    ).fetchall()
    if found:
        name, rows, distinct, customers = found[0]
        raise InvariantError(
            f"segmentation {name} on {day}: {customers} customers, but {rows} memberships of {distinct}"
            " customers; expected every customer in exactly one segment"
        )


def assignment_from_record(con: duckdb.DuckDBPyConnection, day: date) -> None:
    """Fill the partition `day` of `segments.assignment` with what the record says of that day."""
    with transaction(con):
        _clear_assignment(con, day)
        con.execute(
            "insert into segments.assignment"
            " select $day, segmentation_id, segment_id, entity_id from segments.membership"
            " where entered_date <= $day and (left_date is null or left_date > $day)",
            {"day": day},
        )


def record(
    con: duckdb.DuckDBPyConnection, day: date, segmentations: Sequence[Segmentation], run_id: str
) -> int:
    """Append the events that lead from the previous recorded day to the assignment of `day`.

    Returns
    -------
    The revision written: 1, or one more than the last when the latest day is recorded again.
    """
    versions = {segmentation.id: segmentation.version for segmentation in segmentations}
    with transaction(con):
        latest = latest_day(con)
        if latest is not None and day < latest:
            raise UsageError(f"{day} lies before {latest}, the latest recorded day")
        row = con.execute(
            "select coalesce(max(revision), 0) + 1 from segments.recorded_day where as_of_date = ?", [day]
        ).fetchone()
        revision = int(row[0]) if row else 1
        con.execute(
            """
            insert into segments.membership_event
            with before as (
                select segmentation_id, segment_id, entity_id, definition_version
                from segments.membership
                where entered_date < $day and (left_date is null or left_date >= $day)
            ),
            version as (
                select unnest($ids) as segmentation_id, unnest($versions) as definition_version
            ),
            after as (
                select segmentation_id, segment_id, customer_id as entity_id, definition_version
                from segments.assignment join version using (segmentation_id) where as_of_date = $day
            ),
            change as (
                select *, 'enter' as event from after
                anti join before using (segmentation_id, segment_id, entity_id)
                union all
                select b.segmentation_id, b.segment_id, b.entity_id,
                    coalesce(v.definition_version, b.definition_version), 'leave'
                from before as b left join version as v using (segmentation_id)
                anti join after as a
                    on a.segmentation_id = b.segmentation_id and a.segment_id = b.segment_id
                    and a.entity_id = b.entity_id
            )
            select segmentation_id, segment_id, 'customer', entity_id, $day, event, definition_version,
                $run_id, $revision
            from change
            order by all
            """,
            {
                "day": day,
                "ids": list(versions),
                "versions": list(versions.values()),
                "run_id": run_id,
                "revision": revision,
            },
        )
        con.execute(
            "insert into segments.recorded_day select $day, $revision, $run_id, $now,"
            " (select count(distinct customer_id) from segments.assignment where as_of_date = $day)",
            {"day": day, "revision": revision, "run_id": run_id, "now": now()},
        )
        run_step(con, "segments/membership")
    return revision
