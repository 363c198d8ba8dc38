"""Marts of the latest recorded day: built in one transaction, then judged by what the project expects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from pipelines.engine import DuckDB
from pipelines.features.vocabulary import features_now
from pipelines.ingest.ledger import now
from pipelines.ingest.quality import CheckResult
from pipelines.publish.bridge import READY
from pipelines.publish.expectations import judge_marts
from pipelines.publish.marts import build_marts, refresh_quality, table_of
from pipelines.publish.parts import Part, parts_of
from pipelines.refresh.checks import Check, Outcome, facts_of
from pipelines.refresh.context import Refresh
from pipelines.refresh.definitions import definitions_of
from pipelines.refresh.findings import DEFINITION_TEST, HELD_SEGMENTATION, holds
from pipelines.refresh.ports import Control, Project
from pipelines.segments.recorded import recorded_by
from pipelines.segments.verdicts import failed_on
from pipelines.segments.versions import in_force


@dataclass(frozen=True)
class MartsRefreshed:
    """Whether the marts were built, and how what the project expects of them came out."""

    built: bool
    checks: list[Outcome]


def checks_of(project: Project) -> list[Check]:
    """A check for every expectation of a mart; a critical one that fails stops what follows."""
    return [
        Check(table_of(suite.table), check.name, check.description, blocking=check.severity == "critical")
        for suite in project.suites
        if suite.kind == "mart"
        for check in suite.checks
    ]


def refresh_marts(refresh: Refresh) -> MartsRefreshed:
    """Rebuild and judge the marts; of a day that is not the latest nothing is built, and nothing judged."""
    refresh.progress("marts")
    con, project = refresh.con, refresh.project
    # What this run found opens or closes incidents now, so that its own report shows them.
    refresh.control.reconcile(refresh.run_id)
    if not refresh.is_of_latest:
        return MartsRefreshed(False, [])
    _build(refresh)
    judged = judge_marts(con, project.suites, refresh.run_id)
    if judged:
        refresh_quality(con, refresh.run_id)
    return MartsRefreshed(True, [_outcome(result) for result in judged])


def _build(refresh: Refresh) -> None:
    project = refresh.project
    build_marts(
        refresh.con,
        refresh.day,
        project=project.config.project,
        currency=project.config.currency,
        run_id=refresh.run_id,
        code_version=project.code_version,
        generated_at=now(),
        incidents=_incidents(refresh.control),
        rules=project.config.rules,
        personal=project.config.personal,
        parts=_parts(refresh),
        trouble=trouble_of(refresh.control, project),
        held=held_definitions(refresh),
        ready=READY if recorded_by(refresh.engine, refresh.day) == refresh.run_id else {},
    )


def _outcome(judged: CheckResult) -> Outcome:
    critical = judged.severity == "critical"
    check = Check(table_of(judged.table), judged.name, judged.description, blocking=critical)
    return check.outcome(judged.passed, critical=critical, **facts_of(judged))


def _parts(refresh: Refresh) -> list[Part]:
    """What is published, and from which sources."""
    con, project = refresh.con, refresh.project
    segmentations = definitions_of(con, project).segmentations
    return parts_of(segmentations, features_now(DuckDB(con), project.recipe), project.mapped)


def trouble_of(control: Control, project: Project) -> Mapping[str, str]:
    """What is wrong with each source that must not be published from; nothing where the project allows it.

    Read from the incidents and not from this run's findings: a run of some assets only evaluates no source.
    """
    if project.config.publish.when_stale == "publish":
        return {}
    found: dict[str, str] = {}
    for incident in control.open_incidents():
        # A segmentation may be named like a source.
        about_source = incident.kind not in (HELD_SEGMENTATION, DEFINITION_TEST)
        source = project.config.sources.get(incident.subject) if about_source else None
        # Without limits nothing looks at its age any more, and so nothing would close the incident.
        if source and holds(incident) and (source.freshness or incident.kind != "stale_source"):
            told = (found.get(incident.subject), incident.message)
            found[incident.subject] = "; ".join(filter(None, told))
    return found


def held_definitions(refresh: Refresh) -> dict[str, str]:
    """The segmentations that were not refreshed on a recorded day, or failed their own tests, and why."""
    incidents = refresh.control.open_incidents()
    told = {found.subject: found.message for found in incidents if found.kind == HELD_SEGMENTATION}
    held = [name for name, version in in_force(refresh.con, refresh.day).items() if version.held]
    failed = failed_on(refresh.con, refresh.day)
    return failed | told | {name: told.get(name, "was not refreshed") for name in held}


def _incidents(control: Control) -> list[tuple[str, str, str, str, datetime]]:
    """What is wrong now; that a run failed before is over when one publishes."""
    return [
        (i.kind, i.subject, i.severity, i.message, datetime.fromisoformat(i.opened_at).replace(tzinfo=None))
        for i in control.open_incidents()
        if i.kind != "failed_run"
    ]
