"""Who is in which segment on the days in use: a view over the record, and the replayed days beside it.

`segments.assignment` has a row a day, member and segment; `entity_kind` says whether `entity_id` is that of a
customer or of an account. The latest recorded day is read from the current places, earlier recorded days from
the stays, so no day is written twice; days without a record are in `segments.replayed`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date
from typing import TYPE_CHECKING

from pipelines.config.segments import Entity
from pipelines.engine import literal, quote, relation_exists
from pipelines.segments import current
from pipelines.segments.definitions import ENTITIES
from pipelines.segments.evaluate import Evaluated

if TYPE_CHECKING:
    import duckdb

SCHEMA = """
create table if not exists segments.replayed (
    as_of_date date not null, segmentation_id varchar not null, segment_id varchar not null,
    entity_kind varchar not null, entity_id varchar not null
);
create table if not exists segments.replayed_day (as_of_date date primary key);
create table if not exists segments.snapshot_day (
    as_of_date date primary key, basis varchar not null, inputs varchar not null
);
"""
VIEW = "segments.assignment"
_COLUMNS = "as_of_date, segmentation_id, segment_id, entity_kind, entity_id"


def create(con: duckdb.DuckDBPyConnection) -> None:
    """Create what is missing."""
    con.execute(SCHEMA)
    make_view(con)


def make_view(con: duckdb.DuckDBPyConnection) -> None:
    """Bind the view to the days and segmentations there are now."""
    row = con.execute("select max(as_of_date) from segments.recorded_day").fetchone()
    latest = row[0] if row else None
    replayed = _days(con, "select as_of_date from segments.replayed_day")
    earlier = _days(con, "select as_of_date from segments.snapshot_day where basis = 'recorded' order by 1")
    parts = [f"select {_COLUMNS} from segments.replayed"]
    if latest is not None and latest not in replayed:
        parts += [part for entity in ENTITIES for part in _of_latest(con, entity, latest)]
    parts += [_of_day(day) for day in earlier if day != latest and day not in replayed]
    con.execute(f"create or replace view {VIEW} as {' union all '.join(parts)}")


def _days(con: duckdb.DuckDBPyConnection, sql: str) -> list[date]:
    return [row[0] for row in con.execute(sql).fetchall()]


def _of_latest(con: duckdb.DuckDBPyConnection, entity: Entity, day: date) -> list[str]:
    """A branch a segmentation: whoever asks for one reads one column."""
    parts = []
    for name, exclusive in current.columns(con, entity).items():
        segment = quote(name) if exclusive else f"unnest({quote(name)})"
        parts.append(
            f"select {literal(day)} as as_of_date, {literal(name)} as segmentation_id,"
            f" {segment} as segment_id, {literal(entity)} as entity_kind, entity_id"
            f" from {current.table_of(entity)} where {quote(name)} is not null"
        )
    return parts


def _of_day(day: date) -> str:
    return (
        f"select {literal(day)} as as_of_date, segmentation_id, segment_id, entity_kind, entity_id"
        f" from segments.membership where entered_date <= {literal(day)}"
        f" and (left_date is null or left_date > {literal(day)})"
    )


def store_replayed(con: duckdb.DuckDBPyConnection, day: date, found: Sequence[Evaluated]) -> None:
    """Put the evaluations of a day in the place of what it had; what is held stays."""
    for evaluated in found:
        _store(con, day, evaluated)
    con.execute("insert or ignore into segments.replayed_day values (?)", [day])
    make_view(con)


def _store(con: duckdb.DuckDBPyConnection, day: date, evaluated: Evaluated) -> None:
    con.execute(
        "delete from segments.replayed where as_of_date = $day and entity_kind = $entity"
        " and segmentation_id not in (select unnest($held::varchar[]))",
        {"day": day, "entity": evaluated.entity, "held": list(evaluated.held)},
    )
    for segmentation in evaluated.segmentations:
        segment = quote(segmentation.id) if segmentation.exclusive else f"unnest({quote(segmentation.id)})"
        con.execute(
            f"insert into segments.replayed select $day, {literal(segmentation.id)}, {segment}, $entity,"
            f" entity_id from {evaluated.table} where {quote(segmentation.id)} is not null",
            {"day": day, "entity": evaluated.entity},
        )


def forget_replayed(con: duckdb.DuckDBPyConnection, keep: Collection[date]) -> None:
    """Drop the replayed days but these, and the cut points of days that are neither recorded nor kept."""
    for table in ("segments.replayed", "segments.replayed_day", "segments.snapshot_day"):
        con.execute(
            f"delete from {table} where as_of_date not in (select unnest($keep::date[]))",
            {"keep": list(keep)},
        )
    if relation_exists(con, "segments.cut_point"):
        con.execute(
            "delete from segments.cut_point where as_of_date not in (select unnest($keep::date[]))"
            " and as_of_date not in (select as_of_date from segments.recorded_day)",
            {"keep": list(keep)},
        )
