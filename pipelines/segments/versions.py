"""Versions of definitions: every content there was, and which was in force on which recorded day.

The history of a segment hangs on its id. So an id that was removed must not come back for something else
unnoticed: whoever means to go on with it says `reuse: true`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from pipelines.config.segments import Combination, Entity
from pipelines.engine import insert_rows, load_query, transaction
from pipelines.ingest.ledger import now
from pipelines.segments.model import Segmentation

if TYPE_CHECKING:
    import duckdb

SCHEMA = """
create table if not exists segments.definition (
    segmentation_id varchar not null, definition_version varchar not null, content varchar not null,
    first_seen_at timestamp not null, primary key (segmentation_id, definition_version)
);
create table if not exists segments.definition_day (
    as_of_date date not null, revision bigint not null, segmentation_id varchar not null,
    entity_kind varchar not null, exclusive boolean not null, definition_version varchar not null,
    held boolean not null, segments varchar[] not null
);
create table if not exists segments.label (
    segmentation_id varchar not null, segmentation_name varchar not null, segment_id varchar not null,
    segment_name varchar not null, description varchar not null, position bigint not null,
    definition_version varchar not null, entity_kind varchar not null, exclusive boolean not null
);
"""


@dataclass(frozen=True)
class InForce:
    """A segmentation as it stood at the end of a recorded day; `held` when it was not evaluated then."""

    id: str
    entity: Entity
    exclusive: bool
    version: str
    held: bool
    segments: tuple[str, ...]


def create(con: duckdb.DuckDBPyConnection) -> None:
    """Create the tables where they are missing."""
    con.execute(SCHEMA)


def in_force(con: duckdb.DuckDBPyConnection, day: date | None) -> dict[str, InForce]:
    """The segmentations of a recorded day, by id; none where `day` is none."""
    definitions = load_query("segments/queries/definition_in_force").sql
    found = con.execute(
        "select segmentation_id, entity_kind, exclusive, definition_version, held, segments"
        f" from ({definitions}) where as_of_date = ? order by segmentation_id",
        [day],
    ).fetchall()
    return {row[0]: InForce(row[0], row[1], row[2], row[3], row[4], tuple(row[5])) for row in found}


def store_definitions(
    con: duckdb.DuckDBPyConnection, segmentations: Sequence[Segmentation], held: Iterable[str] = ()
) -> None:
    """Keep every version of every definition, and the labels of today's; those of the held stay."""
    with transaction(con):
        con.execute(
            "delete from segments.label where segmentation_id not in (select unnest($held::varchar[]))",
            {"held": list(held)},
        )
        for segmentation in segmentations:
            con.execute(
                "insert or ignore into segments.definition values (?, ?, ?, ?)",
                [segmentation.id, segmentation.version, segmentation.definition.model_dump_json(), now()],
            )
        labels = [
            (*label.values(), segmentation.version, segmentation.entity, segmentation.exclusive)
            for segmentation in segmentations
            for label in segmentation.labels()
        ]
        insert_rows(con, "segments.label", labels)


def remember(con: duckdb.DuckDBPyConnection, day: date, revision: int, found: Iterable[InForce]) -> None:
    """Write which version of which segmentation is in force on a day.

    Parameters
    ----------
    revision : the revision of the day.
    found : the segmentations as they stood at the end of the day.
    """
    rows = [
        (
            day,
            revision,
            segmentation.id,
            segmentation.entity,
            segmentation.exclusive,
            segmentation.version,
            segmentation.held,
            list(segmentation.segments),
        )
        for segmentation in found
    ]
    insert_rows(con, "segments.definition_day", rows)


def of_today(segmentation: Segmentation) -> InForce:
    """A segmentation that was evaluated."""
    return InForce(
        segmentation.id,
        segmentation.entity,
        segmentation.exclusive,
        segmentation.version,
        False,
        tuple(segment for segment, *_ in segmentation.compiled.labels),
    )


def refused(
    con: duckdb.DuckDBPyConnection, before: date | None, segmentations: Iterable[Segmentation]
) -> dict[str, str]:
    """Segmentations that take up a removed id without saying `reuse: true`, with what to write.

    Parameters
    ----------
    before : the last recorded day before the one to be recorded.
    """
    if before is None:
        return {}
    standing = in_force(con, before)
    spans = _spans(con, before)
    found = {}
    for segmentation in segmentations:
        reason = _of_segmentation(segmentation, standing, spans) or _of_segments(
            segmentation, standing, spans
        )
        if reason:
            found[segmentation.id] = reason
    return found


Spans = Mapping[tuple[str, str | None], tuple[date, date]]


def _spans(con: duckdb.DuckDBPyConnection, until: date) -> Spans:
    """From when to when a segmentation, or a segment of it, was recorded."""
    spans = load_query("segments/queries/recorded_span").filled(
        definition_in_force=load_query("segments/queries/definition_in_force")
    )
    found = con.execute(spans, {"until": until}).fetchall()
    return {(segmentation, segment): (first, last) for segmentation, segment, first, last in found}


def _of_segmentation(segmentation: Segmentation, standing: Mapping[str, InForce], spans: Spans) -> str | None:
    span = spans.get((segmentation.id, None))
    if span is None or segmentation.definition.reuse:
        return None
    known = standing.get(segmentation.id)
    if known is None:
        return (
            f"the id {segmentation.id} named a segmentation that was recorded from {span[0]} to {span[1]} and"
            " then removed; write `reuse: true` in its file to go on with that history, or choose another id"
        )
    if known.entity != segmentation.entity:
        return (
            f"the id {segmentation.id} names a segmentation of {known.entity}s since {span[0]}, and now one"
            f" of {segmentation.entity}s; write `reuse: true` in its file to mean that, or choose another id"
        )
    return None


def _of_segments(segmentation: Segmentation, standing: Mapping[str, InForce], spans: Spans) -> str | None:
    """Of a combination the ids follow from the segmentations it combines, where the same is asked."""
    known = standing.get(segmentation.id)
    if known is None or segmentation.definition.reuse or isinstance(segmentation.definition, Combination):
        return None
    allowed = segmentation.definition.reused_segments
    for segment, *_ in segmentation.compiled.labels:
        span = spans.get((segmentation.id, segment))
        if span and segment not in known.segments and segment not in allowed:
            return (
                f"the id {segmentation.id}.{segment} named a segment that was recorded from {span[0]}"
                f" to {span[1]} and then removed; write `reuse: true` beside it to go on with it, or"
                " choose another id"
            )
    return None
