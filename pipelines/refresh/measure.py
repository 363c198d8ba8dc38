"""What segments return and whether they have moved: ROI and drift, for the latest recorded day only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pipelines.drift.measure import comparable, create, measure_drift
from pipelines.drift.remembered import remember
from pipelines.drift.summary import summary
from pipelines.engine import DuckDB
from pipelines.features.recipe import attributes_of
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
    """Whether drift was looked at, and how its check came out; without enough data it is not judged."""

    measured: bool
    checks: list[Outcome]


def refresh_roi(refresh: Refresh) -> bool:
    """Compute what segments return; on a day that is not the latest, nothing. Returns whether it did."""
    refresh.progress("roi")
    config = refresh.project.config
    if not refresh.is_of_latest:
        return False
    compute_roi(
        refresh.engine, refresh.day, margin_rate=config.margin_rate, contact_cost=config.costs.contact
    )
    return True


def refresh_drift(refresh: Refresh) -> DriftMeasured:
    """Measure drift of the latest day, and record what is found; of another day nothing is measured.

    A backfill says nothing of now: it neither opens nor closes an incident.
    """
    refresh.progress("drift")
    create(refresh.engine)
    if not refresh.is_of_latest:
        return DriftMeasured(False, [])
    moved, subjects = _measured(refresh)
    _remember(refresh)
    found = [_finding(subject, moved.get(subject)) for subject in subjects]
    refresh.control.record_findings(refresh.run_id, found)
    judged = [NO_DRIFT.outcome(not moved, critical=False, segments_moved=len(moved))] if subjects else []
    return DriftMeasured(True, judged)


def _remember(refresh: Refresh) -> None:
    """Keep the day's counts of attributes for the day that it is compared with, four weeks later."""
    attributes = [name for name, _ in attributes_of(refresh.engine, "customer")]
    there = [name for name, _ in refresh.engine.columns("features.customer")]
    remember(
        refresh.engine,
        refresh.day,
        [name for name in there if name in attributes],
        bins=refresh.project.config.drift.bins,
        since=replay.four_weeks_before(refresh.day),
    )


def _measured(refresh: Refresh) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """Compare with the day four weeks before; returns what moved, and every subject that was judged."""
    con, engine, day, project = refresh.con, refresh.engine, refresh.day, refresh.project
    baseline = replay.four_weeks_before(day)
    basis = replay.basis_of(engine, baseline)
    if basis is None:
        return {}, []
    features = comparable(engine, features_now(DuckDB(con), project.recipe)["customer"], baseline)
    measure_drift(
        engine,
        as_of=day,
        baseline=baseline,
        baseline_basis=basis,
        features=features,
        limits=project.config.drift,
    )
    moved = {_subject(found["segmentation_id"], found["segment_id"]): found for found in summary(engine, day)}
    judged = con.execute(
        "select distinct segmentation_id, segment_id from drift.verdict where as_of_date = ?"
        " and verdict <> 'not enough data'",
        [day],
    ).fetchall()
    return moved, sorted({_subject(*names) for names in judged} | moved.keys())


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
