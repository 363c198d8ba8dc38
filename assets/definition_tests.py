"""The tests of definitions as an asset check: a failed one holds its segmentation, and no run."""

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

import dagster as dg

from assets.common import check
from pipelines.segments import history
from pipelines.segments.model import Segmentation
from pipelines.segments.testing import Verdict
from pipelines.segments.verdicts import judge_day
from resources.control import DEFINITION_TEST, ControlStore, Finding

if TYPE_CHECKING:
    import duckdb

TABLE, NAME = "segments.assignment", "definition_tests"


def definition_tests_spec() -> dg.AssetCheckSpec:
    """One check for the tests of all definitions: which there are is known when they are read."""
    return dg.AssetCheckSpec(
        NAME,
        asset=dg.AssetKey(TABLE.split(".")),
        description="every test in segments/*.yaml passes; a segmentation with a failed one is not published",
    )


def judge_definitions(
    con: "duckdb.DuckDBPyConnection",
    control: ControlStore,
    run_id: str,
    days: Sequence[date],
    segmentations: Sequence[Segmentation],
    recorded: bool,
) -> dg.AssetCheckResult:
    """Judge the latest day, and tell which segmentations are held by their own tests.

    Parameters
    ----------
    recorded : whether the run has recorded its days; otherwise there is nothing to judge.
    """
    day = max(days)
    if not recorded or history.latest_day(con) != day:
        return check(TABLE, NAME, True, critical=False, judged="no: the run did not record the latest day")
    verdicts = judge_day(con, day, segmentations)
    known = [one.id for one in segmentations]
    open_now = [one.subject for one in control.open_incidents() if one.kind == DEFINITION_TEST]
    # A removed segmentation has no tests left to fail.
    subjects = dict.fromkeys([*known, *open_now])
    control.record_findings(run_id, [_finding(one, verdicts) for one in subjects])
    failed = [one.message for one in verdicts if not one.passed]
    return check(TABLE, NAME, not failed, tests=len(verdicts), failed="; ".join(failed) or "none")


def _finding(segmentation: str, verdicts: Sequence[Verdict]) -> Finding:
    """What is told of one segmentation, also that its tests pass again."""
    failed = [one.outcome for one in verdicts if one.segmentation_id == segmentation and not one.passed]
    message = "its tests pass"
    if failed:
        message = f"{segmentation} stays as last published, its tests fail: {'; '.join(failed)}"
    return Finding(DEFINITION_TEST, segmentation, not failed, "warning", message)
