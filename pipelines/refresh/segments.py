"""Segments: the days are recorded, the past days in use are brought up, and who is held is told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import partial

from pipelines.core import money
from pipelines.engine import DuckDB, run_step
from pipelines.errors import InvariantError
from pipelines.features.compute import has_features
from pipelines.features.mark import features_mark
from pipelines.publish.bridge import compute_bridge
from pipelines.refresh.checks import Check, Outcome
from pipelines.refresh.context import Refresh
from pipelines.refresh.coverage import measure_lists
from pipelines.refresh.definitions import TESTS, definitions_of, faults_of, judge_tests
from pipelines.refresh.features import compute_day, compute_past_day
from pipelines.refresh.findings import HELD_SEGMENTATION, Finding
from pipelines.refresh.invariants import assert_recordable
from pipelines.refresh.losses import lost_to
from pipelines.segments import history, replay
from pipelines.segments.deals import record_stages
from pipelines.segments.definitions import Definitions
from pipelines.segments.recorded import days_to_record, latest_day
from pipelines.segments.versions import in_force

INVARIANTS = Check(
    "segments.membership_event",
    "invariants",
    "accounting adds up, keys stand once, segments exclude each other, and the revenue bridge ends where it"
    " leads; otherwise nothing of the day is recorded",
    blocking=True,
)
REPLAYED = Check(
    "segments.snapshot_day",
    "replayed",
    "the past days that returns, drift and charts use stand; otherwise the day is recorded and not published",
    blocking=True,
)
REFRESHED = Check("segments.membership", "refreshed", "no segmentation is held at its last good state")
CHECKS = (INVARIANTS, REPLAYED, REFRESHED, TESTS)


@dataclass(frozen=True)
class SegmentsRefreshed:
    """The days that were recorded, facts of them and of what was replayed, and how the checks came out."""

    days: tuple[date, ...]
    facts: Mapping[str, object]
    checks: list[Outcome]


def refresh_segments(refresh: Refresh) -> SegmentsRefreshed:
    """Record the days of the refresh, replay the past days in use, and judge the definitions' tests.

    A day before the latest recorded one is left as it was recorded: a backfill never rewrites the record.
    """
    con, days = refresh.con, refresh.days_due
    history.create(con)
    if not days:
        return SegmentsRefreshed((), {}, [])
    definitions = definitions_of(con, refresh.project)
    try:
        days, recorded = _record(refresh, definitions)
    except InvariantError as fault:
        return _unrecorded(definitions, fault)
    replayed, fault_of_past = _replay(refresh, definitions, recorded.held)
    known, held = definitions.segmentations, recorded.held
    if refresh.is_of_latest:
        measure_lists(refresh, refresh.day, [found for found in known if found.id not in held])
        refresh.control.record_findings(refresh.run_id, _findings(refresh, [s.id for s in known], held))
    facts: dict[str, object] = {"revision": recorded.revision, "replayed_days": replayed}
    if recorded.remarks:
        facts["remarks"] = "; ".join(recorded.remarks)
    checks = [
        INVARIANTS.outcome(True, message="hold"),
        REPLAYED.outcome(fault_of_past is None, message=fault_of_past or "stand"),
        *judge_tests(refresh, [found for found in known if found.id not in held]),
        _refreshed(held),
    ]
    return SegmentsRefreshed(days, facts, checks)


def _unrecorded(definitions: Definitions, fault: InvariantError) -> SegmentsRefreshed:
    checks = [INVARIANTS.outcome(False, message=str(fault)), _refreshed(faults_of(definitions))]
    return SegmentsRefreshed((), {}, checks)


def _refreshed(held: Mapping[str, str]) -> Outcome:
    return REFRESHED.outcome(not held, held="; ".join(_told(held)) or "nothing")


def _told(held: Mapping[str, str]) -> list[str]:
    return [f"segmentation {name} stays as it was: {reason}" for name, reason in sorted(held.items())]


def _findings(refresh: Refresh, known: Iterable[str], held: Mapping[str, str]) -> list[Finding]:
    """One finding a segmentation: held, or well; also of those that were held before and are no more."""
    incidents = refresh.control.open_incidents()
    before = {incident.subject for incident in incidents if incident.kind == HELD_SEGMENTATION}
    well = sorted({*known, *before} - held.keys())
    found = [Finding(HELD_SEGMENTATION, name, True, "critical", "refreshed") for name in well]
    return found + [
        Finding(HELD_SEGMENTATION, name, False, "critical", told)
        for name, told in zip(sorted(held), _told(held), strict=True)
    ]


def _record(refresh: Refresh, definitions: Definitions) -> tuple[tuple[date, ...], history.Recorded]:
    """Record the days, the missed ones before them first; returns them, and what the last of them gave."""
    latest = latest_day(refresh.engine)
    held = lost_to(refresh, definitions.segmentations) | faults_of(definitions)
    recorded = history.Recorded(0, held)
    days = tuple(days_to_record(latest, refresh.day, refresh.begins))
    for day in days:
        recorded = _record_day(refresh, day, definitions, held)
    return days, recorded


def _record_day(
    refresh: Refresh, day: date, definitions: Definitions, held: Mapping[str, str]
) -> history.Recorded:
    """Record a day with its profiles, or, when an invariant does not hold, nothing of it.

    Of the refresh's own days the features are new, but only those of the last stand when there are several;
    of a missed day there may be some that an earlier run left.
    """
    con, project = refresh.con, refresh.project
    refresh.progress(f"segments of {day}")
    if day not in refresh.days or not has_features(DuckDB(con), day):
        compute_day(con, project.recipe, day)
    compute_bridge(con, day)
    known = definitions.segmentations
    with history.recording(con, day, known, refresh.run_id, held) as recorded:
        run_step(con, "segments/profile_day", {"as_of": day, "as_of_date": day, "basis": "recorded"})
        record_stages(refresh.engine, day)
        assert_recordable(con, day, [found.id for found in known if found.exclusive])
    return recorded


def _replay(refresh: Refresh, definitions: Definitions, held: Mapping[str, str]) -> tuple[int, str | None]:
    """Bring up the past days that returns, drift and charts use.

    Returns
    -------
    How many were computed anew, and what was wrong with one of them.
    """
    refresh.progress("segments of the past")
    con, project = refresh.con, refresh.project
    versions = {name: version.version for name, version in in_force(con, refresh.day).items()}
    worth = money.terms_of(project.config).mark
    inputs = replay.inputs_hash(versions, features_mark(DuckDB(con), project.recipe), worth)
    compute = partial(compute_past_day, con, project.recipe)
    known, months = definitions.segmentations, project.config.roi.months
    try:
        replayed = replay.bring_up(refresh.engine, refresh.day, known, months, inputs, compute, held)
        return len(replayed), None
    except InvariantError as fault:
        return 0, f"{refresh.day} is recorded, but a past day could not be replayed: {fault}"
