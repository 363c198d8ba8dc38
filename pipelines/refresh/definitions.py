"""The definitions of a project against the features it has, and the tests they bring along."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.engine import DuckDB
from pipelines.features.vocabulary import features_absent, features_now, further_of_others
from pipelines.refresh.checks import Check, Outcome
from pipelines.refresh.context import Refresh
from pipelines.refresh.findings import DEFINITION_TEST, Finding
from pipelines.refresh.ports import Project
from pipelines.segments.definitions import Definitions, load_definitions
from pipelines.segments.model import Segmentation
from pipelines.segments.testing import Verdict
from pipelines.segments.verdicts import judge_day

if TYPE_CHECKING:
    import duckdb

# One check for the tests of all definitions: which there are is known when they are read.
TESTS = Check(
    "segments.assignment",
    "definition_tests",
    "every test in segments/*.yaml passes; a segmentation with a failed one is not published",
)


def definitions_of(
    con: duckdb.DuckDBPyConnection, project: Project, folder: Path | None = None
) -> Definitions:
    """The project's definitions, checked against the features it has, and the faults of the others.

    With `folder`, those in there, as if they were the project's.
    """
    return load_definitions(
        folder or project.segments,
        features_now(DuckDB(con), project.recipe),
        features_absent(project.mapped),
        project.mapped,
        project.root,
        further_of_others(DuckDB(con)),
    )


def faults_of(definitions: Definitions) -> dict[str, str]:
    """Segmentation, or file, -> the first line of its fault."""
    return {name: str(fault).splitlines()[0] for name, fault in definitions.faults.items()}


def judge_tests(refresh: Refresh, segmentations: Sequence[Segmentation]) -> list[Outcome]:
    """Judge the tests of the latest day, now recorded, and record which segmentations are held by their own.

    Returns
    -------
    How the check came out; nothing when no test was judged.
    """
    if not refresh.is_of_latest:
        return []
    verdicts = judge_day(refresh.con, refresh.day, segmentations)
    incidents = refresh.control.open_incidents()
    open_now = [incident.subject for incident in incidents if incident.kind == DEFINITION_TEST]
    # A removed segmentation has no tests left to fail.
    subjects = dict.fromkeys([*(segmentation.id for segmentation in segmentations), *open_now])
    findings = [_finding(subject, verdicts) for subject in subjects]
    refresh.control.record_findings(refresh.run_id, findings)
    failed = [verdict.message for verdict in verdicts if not verdict.passed]
    told = "; ".join(failed) or "none"
    return [TESTS.outcome(not failed, tests=len(verdicts), failed=told)] if verdicts else []


def _finding(segmentation: str, verdicts: Sequence[Verdict]) -> Finding:
    """What is told of one segmentation, also that its tests pass again."""
    of_it = [verdict for verdict in verdicts if verdict.segmentation_id == segmentation]
    failed = [verdict.outcome for verdict in of_it if not verdict.passed]
    message = "its tests pass"
    if failed:
        message = f"{segmentation} stays as last published, its tests fail: {'; '.join(failed)}"
    return Finding(DEFINITION_TEST, segmentation, not failed, "warning", message)
