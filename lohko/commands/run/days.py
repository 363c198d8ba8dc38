"""Run the daily job from the command: one Dagster run a business day, in this process.

Belongs here: what surrounds a run (the instance, its lock, runs that were killed, how it ended). Does not:
anything a run computes.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from lohko.after_run import COMMAND, COMMAND_TRIGGER, RunFacts, log_start, settle
from lohko.commands.check.configuration import check_configuration
from lohko.commands.shared.options import is_interruption
from pipelines.engine import DuckDB, load_query, relation_exists
from pipelines.errors import ExternalError, InvariantError, LohkoError, UsageError
from pipelines.segments.recorded import days_to_record, latest_day
from resources.connectors import fetch_attributes
from resources.control import ControlStore
from resources.control_file import is_full
from resources.instance import instance_of
from resources.locks import hold
from resources.project import EARLIEST, Project
from resources.warehouse import Warehouse

if TYPE_CHECKING:
    from collections.abc import Iterator

    import dagster as dg

RUN_LOCK_TIMEOUT = 10.0
KILLED = "the run was killed; what it had not finished is done again by the next run"


@dataclass(frozen=True)
class DayRun:
    """How the run of one business day ended."""

    day: date
    run_id: str
    held: list[str] = field(default_factory=list)
    alerts_failed: int = 0


def plan_days(project: Project, as_of: date | None) -> list[date]:
    """The days to run, through `as_of` (default yesterday): those missed since the latest recorded one.

    Where nothing is recorded yet, they begin with `first_day`.

    Raises
    ------
    UsageError
        When `as_of` has not ended yet, or lies before what is recorded.
    """
    wanted = as_of or project.yesterday
    if wanted < EARLIEST:
        raise UsageError(f"{wanted} is before {EARLIEST}, the earliest day that can be run")
    if wanted > project.yesterday:
        raise UsageError(
            f"{wanted} has not ended in {project.config.timezone} (today is {project.today}); the latest day"
            f" that can be run is {project.yesterday}"
        )
    latest = None
    if project.warehouse_path.exists():
        with Warehouse(project.warehouse_path, project.config.timezone).open("plan") as con:
            if relation_exists(con, "segments.recorded_day"):
                latest = latest_day(DuckDB(con))
    days = days_to_record(latest, wanted, project.config.first_day)
    if latest is not None and latest < days[0] and _published_day(project) != latest:
        # It was recorded, and its run ended before it was measured and published: that comes first.
        return [latest, *days]
    return days


def _published_day(project: Project) -> date | None:
    """The business day of what is published; None when nothing is, or it cannot be read."""
    try:
        manifest = json.loads((project.current / "manifest.json").read_text(encoding="utf-8"))
        return date.fromisoformat(manifest["run"]["as_of_date"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


@contextmanager
def exclusive(project: Project) -> Iterator[None]:
    """One command run at a time in a project."""
    with hold(project.state / "run.lock", "lohko run", timeout=RUN_LOCK_TIMEOUT):
        yield


def run_days(project: Project, days: list[date], progress: Callable[[date, str], None]) -> list[DayRun]:
    """Run the daily job for each day in order; the first failure ends it.

    Raises
    ------
    LohkoError
        What stopped a run, after it was logged and told.
    """
    control = ControlStore(project.control_path)
    try:
        fetch_attributes(project)
        check_configuration(project, faulty_definitions=True)
    except LohkoError as fault:
        # A new column in the CRM's file can be such a fault too: it is told like a run that failed.
        run_id = str(uuid.uuid4())
        _settle(project, control, RunFacts(run_id, days[0], COMMAND_TRIGGER), str(fault))
        raise
    with job_runs(project, control) as runs:
        return [_run_day(project, control, runs, day, progress) for day in days]


class Runs(Protocol):
    """How days are run."""

    def execute(self, facts: RunFacts, progress: Callable[[str], None]) -> None:
        """Refresh the day of a run; what stops it is raised."""
        ...

    def timed(self, facts: RunFacts) -> RunFacts:
        """The same with the times of the run, where they are known."""
        ...


@dataclass(frozen=True)
class JobRuns:
    """Days run by the daily job, in this process."""

    project: Project
    instance: dg.DagsterInstance

    def execute(self, facts: RunFacts, progress: Callable[[str], None]) -> None:
        """Run the job for a day."""
        from lohko.definitions import build_defs
        from lohko.jobs import DAILY

        build_defs(self.project, {"progress": progress}).resolve_job_def(DAILY).execute_in_process(
            instance=self.instance,
            partition_key=facts.day.isoformat(),
            run_id=facts.run_id,
            tags=COMMAND,
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        )

    def timed(self, facts: RunFacts) -> RunFacts:
        """The same with the times that Dagster has of the run, where it came to be one."""
        from lohko.dagster_runs import times_of

        record = self.instance.get_run_record_by_id(facts.run_id)
        if record is None:
            return facts
        started_at, finished_at = times_of(record)
        return replace(facts, started_at=started_at, finished_at=finished_at)


@contextmanager
def job_runs(project: Project, control: ControlStore) -> Iterator[Runs]:
    """Runs of the daily job on the project's own instance.

    Those of killed commands are settled before; after days that went well, old runs are forgotten.
    """
    from lohko.dagster_runs import forget_old_runs

    with instance_of(project) as instance:
        forget_dead_runs(instance, control, project)
        yield JobRuns(project, instance)
        forget_old_runs(project, instance)


def _run_day(
    project: Project,
    control: ControlStore,
    runs: Runs,
    day: date,
    progress: Callable[[date, str], None],
) -> DayRun:
    # In the log before the definitions are made: their partitions begin with the earliest day there.
    facts = RunFacts(str(uuid.uuid4()), day, COMMAND_TRIGGER)
    log_start(control, facts)
    try:
        runs.execute(facts, partial(progress, day))
    except BaseException as fault:
        explained = _explain(fault)
        try:
            _settle(project, control, runs.timed(facts), _said_of(explained))
        except LohkoError as unlogged:
            # What stopped the run is what must be known; that it was not logged comes after it.
            raise _with_note(explained, f"It could not be logged either: {unlogged}") from None
        if explained is fault:
            raise
        raise explained from None
    held, alerts_failed = _settle(project, control, runs.timed(facts), None)
    return DayRun(day, facts.run_id, held, alerts_failed)


def _settle(
    project: Project, control: ControlStore, facts: RunFacts, failure: str | None
) -> tuple[list[str], int]:
    """Log how a run ended and tell; returns what it left held and how many alerts were not delivered."""
    aftermath = settle(project, control, facts, failure)
    return aftermath.held, aftermath.delivery.failed


def _explain(fault: BaseException) -> BaseException:
    """A failed blocking check is a broken invariant; Dagster's wrapping of our own faults is taken off."""
    import dagster as dg

    if isinstance(fault, dg.DagsterError) and isinstance(fault.__cause__, LohkoError):
        return fault.__cause__
    if is_full(fault):
        return ExternalError(
            "the disk is full or cannot be written (.lohko/ of the project); expected room there. What was"
            " published stays. Make room and run again: what was not finished is done again"
        )
    if type(fault).__name__ == "DagsterAssetCheckFailedError":
        checks = [line for line in str(fault).splitlines()[1:] if line.strip()]
        return InvariantError(
            f"an invariant does not hold: {'; '.join(checks) or fault}. Nothing was published; what was"
            " published before stays. `lohko status` shows the state"
        )
    if _is_too_large(fault):
        return InvariantError(
            "a sum of money does not fit DECIMAL(18,4), which holds 14 digits before the mark; expected the"
            " amounts of one company in whole units of its currency, also after their conversion. Look for"
            " absurd amounts and rates in what landed last (`lohko status`), correct the file and run again,"
            " or divide in the mapping. The previous publication stays"
        )
    return fault


def _said_of(fault: BaseException) -> str:
    """What the log says of a run that a fault stopped."""
    return stopped_by(fault) if is_interruption(fault) else str(fault).strip() or stopped_by(fault)


def _with_note(fault: BaseException, note: str) -> BaseException:
    """The fault, with a line more where a person reads its message."""
    if isinstance(fault, LohkoError):
        return type(fault)(f"{fault}\n{note}")
    fault.add_note(note)
    return fault


def stopped_by(fault: BaseException) -> str:
    """What is told of a run that ended without a word, such as by Ctrl-C or SIGTERM."""
    return "the run was interrupted" if is_interruption(fault) else f"stopped by {type(fault).__name__}"


def _is_too_large(fault: BaseException) -> bool:
    """Whether a value that no column holds stopped a step; others may have wrapped what DuckDB says."""
    import duckdb

    found: BaseException | None = fault
    while found is not None and not isinstance(
        found, (duckdb.ConversionException, duckdb.OutOfRangeException)
    ):
        found = found.__cause__
    return (
        found is not None
        and any(told in str(found) for told in ("out of range", "Overflow in", "could not be represented"))
        and "DECIMAL" in str(found).upper()
    )


def forget_dead_runs(instance: dg.DagsterInstance, control: ControlStore, project: Project) -> None:
    """Settle the runs of commands that were killed: they would keep their slot of the pool for ever.

    And those of others that ended unseen. Called behind the project's run lock, so the run of no other
    command can be alive.
    """
    import dagster as dg

    from lohko.dagster_runs import settle_unseen

    statuses = [dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED]
    unfinished = instance.get_runs(dg.RunsFilter(statuses=statuses, tags=COMMAND))
    for run in unfinished:
        instance.report_run_failed(run, KILLED)
    _free_slots(instance)
    for entry in control.unfinished_runs():
        if entry.trigger != COMMAND_TRIGGER:
            continue
        known = instance.get_run_by_id(entry.run_id)
        done = known is not None and known.status == dg.DagsterRunStatus.SUCCESS
        facts = RunFacts(entry.run_id, date.fromisoformat(entry.as_of_date), COMMAND_TRIGGER)
        _settle(project, control, JobRuns(project, instance).timed(facts), None if done else KILLED)
    settle_unseen(project, control, instance)


def _free_slots(instance: dg.DagsterInstance) -> None:
    """Give back the slots that ended runs hold; a command may have been killed before it came to that."""
    storage = instance.event_log_storage
    for key in storage.get_concurrency_keys():
        info = storage.get_concurrency_info(key)
        for run_id in info.active_run_ids | info.assigned_run_ids | info.pending_run_ids:
            run = instance.get_run_by_id(run_id)
            if run is None or run.is_finished:
                storage.free_concurrency_slots_for_run(run_id)


def summary_rows(project: Project) -> dict[str, Any]:
    """What the end of a run shows, read from the published file."""
    from lohko.commands.shared.published import Published

    with Published(project) as published:
        return {
            "run": published.one("from marts.run"),
            "segments": published.segments(),
            "batches": published.rows(BATCH_SUMMARY),
            "quality": published.rows(FAILED_CHECKS),
            "coverage": published.rows(LOW_COVERAGE),
            "freshness": published.rows("from marts.freshness order by source"),
            "held_parts": published.held_parts(),
            "unpublished": published.unclassified(),
            "incidents": published.rows(OPEN_INCIDENTS),
        }


BATCH_SUMMARY = load_query(Path(__file__).parent / "queries" / "accepted_table.sql").sql

OPEN_INCIDENTS = (
    "select severity, count(*) as incidents from marts.incident group by severity order by severity"
)

# Below this share of rows whose id is known, a run says so; the status shows every column of ids.
ENOUGH_KNOWN = 0.9
COVERAGE = "from marts.coverage order by referenced_table, table_name, column_name, source"
LOW_COVERAGE = (
    f"select * from ({COVERAGE}) where least(known_row_share, newest_known_row_share) < {ENOUGH_KNOWN}"
)
WITHOUT_EVENTS = "from marts.coverage_of_events where ids > 0 order by table_name"

FAILED_CHECKS = "from marts.quality where not passed order by severity desc, source, check_name"
