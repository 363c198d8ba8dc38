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
from pipelines.refresh.definitions import TESTS, definitions_of, faults_of, judge_tests
from pipelines.refresh.features import compute_day, compute_past_day
from pipelines.refresh.findings import HELD_SEGMENTATION, Finding
from pipelines.refresh.invariants import assert_recordable
from pipelines.segments import history, replay
from pipelines.segments.definitions import Definitions
from pipelines.segments.versions import in_force

INVARIANTS = Check(
    "segments.membership_event",
    "invariants",
    "accounting adds up, keys stand once, segments exclude each other, and the revenue bridge ends where it"
    " leads; otherwise nothing of the day is recorded",
    blocking=True,
)
REFRESHED = Check("segments.membership", "refreshed", "no segmentation is held at its last good state")
CHECKS = (INVARIANTS, REFRESHED, TESTS)


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
    facts: Mapping[str, object] = {}
    fault = None
    held: Mapping[str, str] = faults_of(definitions)
    try:
        days, facts, held = _record(refresh, definitions)
    except InvariantError as error:
        days, fault = (), str(error)
    if fault is None and refresh.is_of_latest:
        findings = _findings(refresh, [known.id for known in definitions.segmentations], held)
        refresh.control.record_findings(refresh.run_id, findings)
    refreshed = [known for known in definitions.segmentations if known.id not in held]
    checks = [
        INVARIANTS.outcome(fault is None, message=fault or "hold"),
        *judge_tests(refresh, refreshed, fault is None),
        REFRESHED.outcome(not held, held="; ".join(_told(held)) or "nothing"),
    ]
    return SegmentsRefreshed(days, facts, checks)


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


def _record(
    refresh: Refresh, definitions: Definitions
) -> tuple[tuple[date, ...], dict[str, object], Mapping[str, str]]:
    """Record the days, the missed ones before them first, then bring up the past days in use.

    Returns
    -------
    The days, what to tell, and which segmentations are held, with the reason.
    """
    latest = history.latest_day(refresh.con)
    recorded = history.Recorded(0, faults_of(definitions))
    days = tuple(history.days_to_record(latest, refresh.day, min(refresh.days)))
    for day in days:
        recorded = _record_day(refresh, day, definitions)
    replayed = _replay(refresh, definitions, recorded.held)
    facts: dict[str, object] = {"revision": recorded.revision, "replayed_days": len(replayed)}
    if recorded.remarks:
        facts["remarks"] = "; ".join(recorded.remarks)
    return days, facts, recorded.held


def _record_day(refresh: Refresh, day: date, definitions: Definitions) -> history.Recorded:
    """Record a day with its profiles, or, when an invariant does not hold, nothing of it.

    Of the refresh's own days the features are new, but only those of the last stand when there are several;
    of a missed day there may be some that an earlier run left.
    """
    con, project = refresh.con, refresh.project
    refresh.progress(f"segments of {day}")
    if day not in refresh.days or not has_features(DuckDB(con), day):
        compute_day(con, project.recipe, day)
    compute_bridge(con, day)
    known, faults = definitions.segmentations, faults_of(definitions)
    with history.recording(con, day, known, refresh.run_id, faults) as recorded:
        run_step(con, "segments/profile_day", {"as_of": day, "as_of_date": day, "basis": "recorded"})
        assert_recordable(con, day, [found.id for found in known if found.exclusive])
    return recorded


def _replay(refresh: Refresh, definitions: Definitions, held: Mapping[str, str]) -> list[date]:
    """Bring up the past days that returns, drift and charts use; returns those computed anew."""
    refresh.progress("segments of the past")
    con, project = refresh.con, refresh.project
    versions = {name: version.version for name, version in in_force(con, refresh.day).items()}
    worth = money.terms_of(project.config).mark
    return replay.bring_up(
        con,
        refresh.day,
        definitions.segmentations,
        project.config.roi.months,
        replay.inputs_hash(versions, features_mark(DuckDB(con), project.recipe), worth),
        partial(compute_past_day, con, project.recipe),
        held,
    )
