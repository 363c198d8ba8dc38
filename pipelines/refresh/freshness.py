"""Freshness: the watermark of every source as of the day, against the limits that the source sets."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from pipelines.ingest import freshness
from pipelines.ingest.freshness import Watermark
from pipelines.refresh.checks import Check, Outcome
from pipelines.refresh.context import Refresh
from pipelines.refresh.findings import Finding
from pipelines.refresh.ports import Project

TABLE = "ingest.freshness"


@dataclass(frozen=True)
class FreshnessMeasured:
    """Every source's watermark, how the checks came out, and whether that says anything of now.

    A backfill says nothing of now: a source that is stale stays so.
    """

    watermarks: list[Watermark]
    checks: list[Outcome]
    current: bool

    @property
    def limited(self) -> list[Watermark]:
        """The watermarks of sources that have limits."""
        return [watermark for watermark in self.watermarks if watermark.limits is not None]


def checks_of(project: Project) -> list[Check]:
    """A check for every source with limits."""
    return [_fresh(name) for name, source in project.config.sources.items() if source.freshness]


def _fresh(name: str) -> Check:
    return Check(TABLE, f"{name}_fresh", f"the newest event of {name} is not too old")


def measure_freshness(refresh: Refresh) -> FreshnessMeasured:
    """Measure every source; a day that is not past stores the watermarks, judges them and records that."""
    refresh.progress("freshness")
    day = refresh.day
    found = freshness.measure(refresh.con, refresh.project.config.sources, day)
    current = not refresh.is_of_past
    measured = FreshnessMeasured(found, [], current)
    if current:
        measured.checks.extend(_outcome(watermark, day) for watermark in measured.limited)
        freshness.store(refresh.con, day, found)
        refresh.control.record_findings(
            refresh.run_id, [_finding(watermark, day) for watermark in measured.limited]
        )
    return measured


def _outcome(watermark: Watermark, day: date) -> Outcome:
    return _fresh(watermark.source).outcome(
        watermark.status == "fresh",
        critical=watermark.status == "failed",
        message=freshness.told(watermark, day),
    )


def _finding(watermark: Watermark, day: date) -> Finding:
    severity = "critical" if watermark.status == "failed" else "advisory"
    fresh, message = watermark.status == "fresh", freshness.told(watermark, day)
    return Finding("stale_source", watermark.source, fresh, severity, message)
