"""Runs as Dagster has them: what the log of runs says of one, and settling those that have ended.

Belongs here: reading Dagster's records. Does not: what follows from a run's end (see after_run.py).
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Collection, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import dagster as dg
from dagster._core.storage.dagster_run import RunRecord
from dagster._core.storage.tags import (
    ASSET_PARTITION_RANGE_END_TAG,
    ASSET_RESUME_RETRY_TAG,
    AUTOMATION_CONDITION_TAG,
    BACKFILL_ID_TAG,
    PARENT_RUN_ID_TAG,
    PARTITION_NAME_TAG,
    RESUME_RETRY_TAG,
    RETRY_NUMBER_TAG,
    SCHEDULE_NAME_TAG,
    SENSOR_NAME_TAG,
    STEP_SELECTION_TAG,
)

from lohko.after_run import COMMAND, COMMAND_TRIGGER, RunFacts, settle
from resources.control import ControlStore
from resources.history import prune_runs
from resources.project import Project

_log = logging.getLogger(__name__)

# In this order: an automation's run carries its sensor's tag too.
_TRIGGERS = {
    BACKFILL_ID_TAG: "backfill",
    AUTOMATION_CONDITION_TAG: "automation",
    SCHEDULE_NAME_TAG: "schedule",
    SENSOR_NAME_TAG: "sensor",
}
_RESUMES = (RESUME_RETRY_TAG, ASSET_RESUME_RETRY_TAG)
ENDED = (dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED)


def facts_of(
    project: Project, run: dg.DagsterRun, assets: Collection[dg.AssetKey], record: RunRecord | None = None
) -> RunFacts:
    """Facts of a run.

    Parameters
    ----------
    assets : every asset of the project.
    record : Dagster's record of the run, which has its times.
    """
    trigger, scope = trigger_of(run.tags), scope_of(run, assets)
    times = times_of(record) if record else (None, None)
    return RunFacts(run.run_id, day_of(project, run.tags, record), trigger, scope, resumed_by(run), *times)


def times_of(record: RunRecord) -> tuple[datetime, datetime | None]:
    """When a run started, or was created where it came to no step, and when it ended."""
    started = _moment(record.start_time) if record.start_time else record.create_timestamp
    return started, _moment(record.end_time) if record.end_time else None


def resumed_by(run: dg.DagsterRun) -> str | None:
    """The run whose failed part this one executes again."""
    return run.get_parent_run_id() if any(run.tags.get(tag) == "true" for tag in _RESUMES) else None


def is_of_command(tags: Mapping[str, str]) -> bool:
    """Whether a run is the command's, which settles it itself."""
    return tags.items() >= COMMAND.items()


def day_of(project: Project, tags: Mapping[str, str], record: RunRecord | None = None) -> date:
    """The business day of a run: its partition, the last of its range, or the day before it started."""
    for tag in (PARTITION_NAME_TAG, ASSET_PARTITION_RANGE_END_TAG):
        if tag in tags:
            return date.fromisoformat(tags[tag])
    if record is None or project.config.today is not None:
        return project.yesterday
    return record.create_timestamp.astimezone(project.config.zone).date() - timedelta(days=1)


def trigger_of(tags: Mapping[str, str]) -> str:
    """What started a run: command, schedule, backfill, sensor, automation, or a person (manual)."""
    if is_of_command(tags):
        return COMMAND_TRIGGER
    if PARENT_RUN_ID_TAG in tags and RETRY_NUMBER_TAG not in tags:
        # Executed again by hand: the tags of the run before come with it.
        return "manual"
    return next((trigger for tag, trigger in _TRIGGERS.items() if tag in tags), "manual")


def scope_of(run: dg.DagsterRun, assets: Collection[dg.AssetKey]) -> str:
    """Empty when a run covers every asset of the project; otherwise how many."""
    chosen = run.asset_selection or frozenset()
    if (chosen or run.asset_check_selection) and len(chosen) < len(assets):
        return f"{len(chosen)} of {len(assets)} assets"
    parts = run.op_selection or run.tags.get(STEP_SELECTION_TAG) or run.tags.get(RESUME_RETRY_TAG) == "true"
    return "some steps" if parts else ""


def failure_of(instance: dg.DagsterInstance, run: dg.DagsterRun) -> str | None:
    """What went wrong in a run that has ended, for a person; None for one that succeeded."""
    if run.status == dg.DagsterRunStatus.SUCCESS:
        return None
    if run.status == dg.DagsterRunStatus.CANCELED:
        return "the run was cancelled"
    failed = instance.all_logs(run.run_id, of_type=dg.DagsterEventType.STEP_FAILURE)
    steps = [entry.dagster_event.step_failure_data for entry in failed if entry.dagster_event]
    if causes := [_cause(step.error) for step in steps if step.error]:
        return causes[0]
    ended = instance.all_logs(run.run_id, of_type=dg.DagsterEventType.RUN_FAILURE)
    told = [entry.dagster_event.message for entry in ended if entry.dagster_event]
    return next(filter(None, told), "the run failed")


def _cause(error: Any) -> str:
    """The message of an error's first cause, without the path of its class."""
    while error.cause is not None:
        error = error.cause
    return str(error.message).strip().removeprefix(f"{error.cls_name}: ") or "the run failed"


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def forget_old_runs(project: Project, instance: dg.DagsterInstance) -> int:
    """Take away the runs that are older than the project keeps them; returns how many.

    A history that cannot be pruned now is pruned by the next run, and fails none.
    """
    before = datetime.now(UTC) - timedelta(days=project.config.retention.runs_days)
    try:
        return prune_runs(instance, project.dagster_home, before)
    except sqlite3.Error as fault:
        _log.warning("old runs of Dagster were not taken away: %s", fault)
        return 0


def settle_run(
    project: Project,
    control: ControlStore,
    instance: dg.DagsterInstance,
    run_id: str,
    assets: Collection[dg.AssetKey],
) -> None:
    """Settle a run that has ended; one of the command is left to the command."""
    record = instance.get_run_record_by_id(run_id)
    if record is not None and not is_of_command(record.dagster_run.tags):
        run = record.dagster_run
        settle(project, control, facts_of(project, run, assets, record), failure_of(instance, run))


def settle_unseen(project: Project, control: ControlStore, instance: dg.DagsterInstance) -> None:
    """Settle the runs that the log takes for running and that have ended, in the order of their ends.

    A sensor begins with what ends after its first tick, and one that is switched off sees nothing.
    """
    logged = {run.run_id: run for run in control.unfinished_runs() if run.trigger != COMMAND_TRIGGER}
    if not logged:
        return
    filters = dg.RunsFilter(run_ids=list(logged), statuses=list(ENDED))
    for record in sorted(instance.get_run_records(filters), key=lambda record: record.update_timestamp):
        run, entry = record.dagster_run, logged[record.dagster_run.run_id]
        started_at, finished_at = times_of(record)
        day = date.fromisoformat(entry.as_of_date)
        facts = RunFacts(
            run.run_id, day, entry.trigger, entry.scope, resumed_by(run), started_at, finished_at
        )
        settle(project, control, facts, failure_of(instance, run))
