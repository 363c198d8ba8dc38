"""What segments return and whether they have moved: ROI and drift, for the latest recorded day only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pipelines.drift.measure import comparable, create, measure_drift
from pipelines.drift.summary import summary
from pipelines.engine import DuckDB
from pipelines.features.vocabulary import features_now
from pipelines.refresh.checks import Check, Outcome
from pipelines.refresh.context import Refresh
from pipelines.refresh.findings import Finding
from pipelines.roi.compute import compute_roi
from pipelines.segments import replay

NO_DRIFT = Check(
    "drift.verdict", "no_drift", "no segment has moved beyond the limits since four weeks before"
)


@dataclass(frozen=True)
class DriftMeasured:
    """How the check of drift came out."""

    checks: list[Outcome]


def refresh_roi(refresh: Refresh) -> None:
    """Compute what segments return; on a day that is not the latest, nothing."""
    refresh.progress("roi")
    config = refresh.project.config
    if refresh.is_of_latest:
        compute_roi(
            refresh.engine,
            refresh.day,
            margin_rate=config.margin_rate,
            contact_cost=config.costs.contact,
        )


def refresh_drift(refresh: Refresh) -> DriftMeasured:
    """Measure drift; what is found on the latest day is recorded.

    A backfill says nothing of now: it neither opens nor closes an incident.
    """
    refresh.progress("drift")
    moved = _measured(refresh)
    if refresh.is_of_latest:
        refresh.control.record_findings(refresh.run_id, _findings(refresh, moved))
    return DriftMeasured([NO_DRIFT.outcome(not moved, critical=False, segments_moved=len(moved))])


def _measured(refresh: Refresh) -> list[dict[str, Any]]:
    """Compare with the day four weeks before, where there is one; returns the segments that moved."""
    con, engine, day, project = refresh.con, refresh.engine, refresh.day, refresh.project
    create(engine)
    baseline = replay.four_weeks_before(day)
    basis = replay.basis_of(con, baseline)
    if basis is None or not refresh.is_of_latest:
        return []
    features = comparable(engine, features_now(DuckDB(con), project.recipe)["customer"], baseline)
    measure_drift(
        engine,
        as_of=day,
        baseline=baseline,
        baseline_basis=basis,
        features=features,
        limits=project.config.drift,
    )
    return summary(engine, day)


def _findings(refresh: Refresh, moved: Sequence[dict[str, Any]]) -> list[Finding]:
    """One finding a segment that was checked: moved, or quiet."""
    by_subject = {_subject(found["segmentation_id"], found["segment_id"]): found for found in moved}
    checked = refresh.con.execute(
        "select distinct segmentation_id, segment_id from drift.verdict where as_of_date = ?"
        " and verdict <> 'not enough data'",
        [refresh.day],
    ).fetchall()
    subjects = {_subject(*names) for names in checked} | by_subject.keys()
    return [_finding(subject, by_subject.get(subject)) for subject in sorted(subjects)]


def _finding(subject: str, moved: dict[str, Any] | None) -> Finding:
    if moved is None:
        return Finding("drift", subject, True, "advisory", "within limits")
    what = ", ".join(moved["features"]) or "share of customers"
    message = (
        f"{subject} has moved since {moved['baseline_date']}: {what} (largest PSI {moved['max_psi']:.2f});"
        f" see `lohko drift`"
    )
    severity = "critical" if moved["verdict"] == "alert" else "advisory"
    return Finding("drift", subject, False, severity, message)


def _subject(segmentation: str | None, segment: str | None) -> str:
    if segmentation is None:
        return "all customers"
    return f"{segmentation}.{segment}" if segment else f"{segmentation} (shares)"
