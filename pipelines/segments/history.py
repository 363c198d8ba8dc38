"""The record of membership: append-only events of who entered and left which segment on which day.

A day may be recorded again while it is the latest: that adds a revision, and the last revision counts.
Earlier days are never recorded again; they can be replayed beside the record (see replay.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING

from pipelines.config.segments import Entity
from pipelines.engine import DuckDB, Table, load_query, quote, relation_exists, run_step, transaction
from pipelines.errors import InvariantError, UsageError
from pipelines.ingest.ledger import now
from pipelines.segments import assignment, current, deals, recorded, unrecorded_cuts, versions
from pipelines.segments.definitions import ENTITIES
from pipelines.segments.evaluate import Evaluated, evaluate_all, with_dependants
from pipelines.segments.model import Segmentation
from pipelines.segments.versions import InForce
from pipelines.segments.versions import store_definitions as store_definitions

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
create table if not exists segments.recorded_batch (
    as_of_date date not null, revision bigint not null, batch_seq bigint not null, known boolean not null
);
"""


@dataclass(frozen=True)
class Recorded:
    """What recording a day gave: its revision, the segmentations that were held and why, and remarks."""

    revision: int
    held: Mapping[str, str]
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Prepared:
    """A day's evaluations, what is held, and what was in force on the recorded day before it."""

    found: Sequence[Evaluated]
    held: Mapping[str, str]
    standing: Mapping[str, InForce]


def create(con: duckdb.DuckDBPyConnection) -> None:
    """Create the record where it is missing, and take back what a killed run left of a day."""
    con.execute(SCHEMA + deals.SCHEMA)
    unrecorded_cuts.take_back(DuckDB(con))
    versions.create(con)
    if not relation_exists(con, "segments.membership"):
        run_step(con, "segments/membership")
    assignment.create(DuckDB(con))


def assert_exclusive(con: duckdb.DuckDBPyConnection, day: date, exclusive: Sequence[str]) -> None:
    """Every member of the latest recorded day stands in a segment of each of these that is not held.

    And has one open stay there: a stay too many, or of another segment, changes the sum over all of them.

    Raises
    ------
    InvariantError
        Naming the segmentation.
    """
    open_stays = _open_stays(con)
    for name, segmentation in versions.in_force(con, day).items():
        if name not in exclusive or segmentation.held or not segmentation.exclusive:
            continue
        ((members, placed, places),) = con.execute(
            f"select (select count(*) from features.{segmentation.entity} where as_of_date = $day),"
            f" count({quote(name)}), sum(hash(entity_id, {quote(name)})) filter ({quote(name)} is not null)"
            f" from {current.table_of(segmentation.entity)}",
            {"day": day},
        ).fetchall()
        if members != placed:
            raise InvariantError(
                f"segmentation {name} on {day}: {members} {segmentation.entity}s, but {placed} memberships;"
                f" expected every {segmentation.entity} in exactly one segment"
            )
        stays = open_stays.get((name, segmentation.entity), (0, None))
        if (placed, places) != stays:
            raise InvariantError(
                f"segmentation {name} on {day}: {placed} {segmentation.entity}s in a segment, but {stays[0]}"
                " open stays, or others than theirs; expected one each"
            )


def _open_stays(con: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], tuple[int, int | None]]:
    """Segmentation and entity -> how many open stays there are, and the sum of their hashes."""
    found = con.execute(
        "select segmentation_id, entity_kind, count(*), sum(hash(entity_id, segment_id))"
        " from segments.membership where left_date is null group by segmentation_id, entity_kind"
    ).fetchall()
    return {(segmentation, entity): (stays, places) for segmentation, entity, stays, places in found}


@contextmanager
def recording(
    con: duckdb.DuckDBPyConnection,
    day: date,
    segmentations: Sequence[Segmentation],
    run_id: str,
    faults: Mapping[str, str] | None = None,
) -> Iterator[Recorded]:
    """Evaluate a day, append it, and commit it when the block ends well; a block that raises leaves nothing.

    What belongs to the record and follows from it is written in the block, and what must hold is checked
    there. What it raises is what `record` raises.

    Parameters
    ----------
    faults : segmentations (or files, where they do not tell their id) that are at fault, with the fault.
    """
    engine = DuckDB(con)
    with unrecorded_cuts.taken_back_unless_kept(engine, day):
        prepared = _prepare(con, day, segmentations, faults or {})
        with transaction(con):
            yield _append(con, day, run_id, prepared)
            unrecorded_cuts.keep(engine)


def record(
    con: duckdb.DuckDBPyConnection,
    day: date,
    segmentations: Sequence[Segmentation],
    run_id: str,
    faults: Mapping[str, str] | None = None,
) -> Recorded:
    """Evaluate a day and append the events that lead to it from the previous recorded day.

    Not to be called within a transaction: a segmentation that fails would end it.

    Parameters
    ----------
    segmentations : in order of reference.
    faults : segmentations (or files, where they do not tell their id) that are at fault, with the fault.

    Raises
    ------
    UsageError
        When the day lies before the latest recorded one.
    """
    with recording(con, day, segmentations, run_id, faults) as recorded:
        return recorded


def _prepare(
    con: duckdb.DuckDBPyConnection,
    day: date,
    segmentations: Sequence[Segmentation],
    faults: Mapping[str, str],
) -> _Prepared:
    """Evaluate a day against the last recorded one before it."""
    engine = DuckDB(con)
    latest = recorded.latest_day(engine)
    if latest is not None and day < latest:
        raise UsageError(f"{day} is before {latest}, the latest recorded day")
    before = recorded.previous_day(engine, day)
    standing = versions.in_force(con, before)
    held = _held(faults, standing, versions.refused(con, before, segmentations), segmentations)
    found = evaluate_all(engine, day, segmentations, held)
    for evaluated in found:
        # What accounts hold may be customers' fault, never the other way round; all is told once.
        held |= evaluated.held
    return _Prepared(found, held, standing)


def _held(
    faults: Mapping[str, str],
    standing: Mapping[str, InForce],
    refused: Mapping[str, str],
    segmentations: Sequence[Segmentation],
) -> dict[str, str]:
    """What is held before anything is evaluated.

    A file that does not tell its id may be that of any recorded segmentation that is missing: none of these
    is taken for removed while there is such a file.
    """
    held = {**faults, **refused}
    here = {segmentation.id for segmentation in segmentations}
    unknown = [fault for name, fault in faults.items() if name not in standing and name not in here]
    if unknown:
        missing = standing.keys() - here - held.keys()
        held |= dict.fromkeys(sorted(missing), f"has no definition, and one may be at fault: {unknown[0]}")
    return with_dependants(held, segmentations)


def _append(con: duckdb.DuckDBPyConnection, day: date, run_id: str, prepared: _Prepared) -> Recorded:
    """Write a day: its events, the stays and places they change, and what was in force."""
    found, held, standing = prepared.found, prepared.held, prepared.standing
    row = con.execute(
        "select coalesce(max(revision), 0) + 1 from segments.recorded_day where as_of_date = ?", [day]
    ).fetchone()
    revision = int(row[0]) if row else 1
    if revision > 1:
        places = {
            entity: {
                segmentation.id: segmentation.exclusive
                for segmentation in standing.values()
                if segmentation.entity == entity
            }
            for entity in ENTITIES
        }
        current.undo(con, day, revision - 1, places)
    con.execute(
        "insert into segments.recorded_day select $day, $revision, $run_id, $now,"
        " (select count(*) from features.customer where as_of_date = $day)",
        {"day": day, "revision": revision, "run_id": run_id, "now": now()},
    )
    _remember_batches(con, day, revision)
    in_force = {name: replace(standing[name], held=True) for name in held if name in standing}
    in_force |= {s.id: versions.of_today(s) for part in found for s in part.segmentations}
    versions.remember(con, day, revision, in_force.values())
    known = {name: segmentation.version for name, segmentation in {**standing, **in_force}.items()}
    for evaluated in found:
        current.move(con, evaluated.entity, evaluated.table, evaluated.columns, held)
        _write_events(con, day, revision, run_id, evaluated.entity, known)
    assignment.forget_from(DuckDB(con), day)
    versions.store_definitions(con, [s for part in found for s in part.segmentations], held)
    return Recorded(revision, held, tuple(remark for part in found for remark in part.remarks))


def _write_events(
    con: duckdb.DuckDBPyConnection,
    day: date,
    revision: int,
    run_id: str,
    entity: Entity,
    versions_known: Mapping[str, str],
) -> None:
    """Append what changed, close the stays that were left and open those that were entered."""
    happened = load_query("segments/queries/event_of_member").filled(change=Table(current.CHANGE))
    con.execute(
        f"insert into segments.membership_event by name {happened}",
        {
            "entity": entity,
            "day": day,
            "run_id": run_id,
            "revision": revision,
            "ids": list(versions_known),
            "versions": list(versions_known.values()),
        },
    )
    con.execute(
        f"""
        update segments.membership as m set left_date = $day from {current.CHANGE} as c
        where c.event = 'leave' and m.left_date is null and m.entity_kind = $entity
            and m.segmentation_id = c.segmentation_id and m.segment_id = c.segment_id
            and m.entity_id = c.entity_id
        """,
        {"day": day, "entity": entity},
    )
    begun = load_query("segments/queries/stay_begun").sql
    con.execute(
        f"insert into segments.membership by name {begun}",
        {"day": day, "revision": revision, "entity": entity},
    )
    con.execute(f"drop table {current.CHANGE}")


def _remember_batches(con: duckdb.DuckDBPyConnection, day: date, revision: int) -> None:
    """Keep which accepted batches a day was recorded with: what became known, or was withdrawn, since."""
    if not relation_exists(con, "ingest.batch"):
        return
    since = load_query("segments/queries/batch_known_since").sql
    con.execute(f"insert into segments.recorded_batch by name {since}", {"day": day, "revision": revision})
