"""Who is in which segment on the days in use: a view over the record, and the replayed days beside it.

`segments.assignment` has a row a day, member and segment; `entity_kind` says whether `entity_id` is that of a
customer or of an account. The latest recorded day is read from the current places, earlier recorded days from
the stays, so no day is written twice; days without a record are in `segments.replayed`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date

from pipelines.config.segments import Entity
from pipelines.engine import Engine, Statement, literal, load_query, quote
from pipelines.errors import InvariantError
from pipelines.segments import current, cuts, recorded
from pipelines.segments.definitions import ENTITIES
from pipelines.segments.evaluate import Evaluated, evaluate_all
from pipelines.segments.model import Segmentation

REPLAYED, REPLAYED_DAY, SNAPSHOT_DAY = (
    "segments.replayed",
    "segments.replayed_day",
    "segments.snapshot_day",
)
SCHEMA = {
    REPLAYED: {
        "as_of_date": "date not null",
        "segmentation_id": "varchar not null",
        "segment_id": "varchar not null",
        "entity_kind": "varchar not null",
        "entity_id": "varchar not null",
    },
    REPLAYED_DAY: {"as_of_date": "date primary key"},
    SNAPSHOT_DAY: {
        "as_of_date": "date primary key",
        "basis": "varchar not null",
        "inputs": "varchar not null",
    },
}
VIEW = "segments.assignment"
_COLUMNS = "as_of_date, segmentation_id, segment_id, entity_kind, entity_id"


def ensure(engine: Engine) -> None:
    """Create what replays are kept in, where it is missing."""
    for table, columns in SCHEMA.items():
        engine.ensure(table, columns)


def create(engine: Engine) -> None:
    """Create what is missing, the view as well."""
    ensure(engine)
    make_view(engine)


def make_view(engine: Engine) -> None:
    """Bind the view to the days and segmentations there are now."""
    latest = recorded.latest_day(engine)
    replayed = _days(engine, f"select as_of_date from {REPLAYED_DAY}")
    earlier = _days(engine, f"select as_of_date from {SNAPSHOT_DAY} where basis = 'recorded'")
    parts = [f"select {_COLUMNS} from {REPLAYED}"]
    if latest is not None and latest not in replayed:
        parts += [part for entity in ENTITIES for part in _of_latest(engine, entity, latest)]
    parts += [_of_day(day) for day in earlier if day != latest and day not in replayed]
    engine.store(VIEW, " union all ".join(parts), "view", {})


def _days(engine: Engine, sql: str) -> list[date]:
    return sorted(row["as_of_date"] for row in engine.rows(sql))


def _of_latest(engine: Engine, entity: Entity, day: date) -> list[str]:
    """A branch a segmentation: whoever asks for one reads one column."""
    parts = []
    for name, exclusive in current.columns(engine, entity).items():
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


def assign(engine: Engine, day: date, segmentations: Sequence[Segmentation]) -> None:
    """Put the segments of a day, as its features give them, into the view.

    This is a replay and no record. Not to be called within a transaction.

    Raises
    ------
    InvariantError
        When a segmentation cannot be evaluated, or leaves a member out.
    """
    found = evaluate_all(engine, day, segmentations)
    for evaluated in found:
        for name, reason in evaluated.held.items():
            raise InvariantError(f"segmentation {name}: {reason}")
    with engine.transaction():
        store_replayed(engine, day, found)


def store_replayed(engine: Engine, day: date, found: Sequence[Evaluated]) -> None:
    """Put the evaluations of a day in the place of what it had; what is held stays."""
    for evaluated in found:
        _store(engine, day, evaluated)
    engine.delete(REPLAYED_DAY, "as_of_date = $day", {"day": day})
    engine.insert(REPLAYED_DAY, [(day,)])
    make_view(engine)


def _store(engine: Engine, day: date, evaluated: Evaluated) -> None:
    of = {"day": day, "entity": evaluated.entity}
    engine.delete(
        REPLAYED,
        "as_of_date = $day and entity_kind = $entity"
        " and segmentation_id not in (select unnest($held::varchar[]))",
        of | {"held": list(evaluated.held)},
    )
    place = load_query("segments/queries/replayed_member")
    for segmentation in evaluated.segmentations:
        sql = place.filled(places=Statement(places(evaluated.table, segmentation)))
        engine.store(REPLAYED, sql, "append", of, fits=True)


def places(table: str, segmentation: Segmentation) -> str:
    """Segmentation, segment and member of an evaluation that stands in a table."""
    segment = quote(segmentation.id) if segmentation.exclusive else f"unnest({quote(segmentation.id)})"
    return (
        f"select {literal(segmentation.id)} as segmentation_id, {segment} as segment_id, entity_id"
        f" from {table} where {quote(segmentation.id)} is not null"
    )


def remember(engine: Engine, day: date, basis: str, inputs: str) -> None:
    """Keep where the assignment of a day comes from.

    Parameters
    ----------
    day : the day.
    basis : `recorded` or `replayed`.
    inputs : what it was made by: other inputs would make it anew.
    """
    with engine.transaction():
        engine.delete(SNAPSHOT_DAY, "as_of_date = $day", {"day": day})
        engine.insert(SNAPSHOT_DAY, [(day, basis, inputs)])


def forget_from(engine: Engine, day: date) -> None:
    """Drop what was replayed of a day, and of later ones: it stands in the record now."""
    for table in (REPLAYED, REPLAYED_DAY):
        engine.delete(table, "as_of_date >= $day", {"day": day})
    make_view(engine)


def forget_replayed(engine: Engine, keep: Collection[date]) -> None:
    """Drop the replayed days but these, and the cut points of days that are neither recorded nor kept."""
    for table in SCHEMA:
        engine.delete(table, "as_of_date not in (select unnest($keep::date[]))", {"keep": list(keep)})
    cuts.forget(engine, keep)
