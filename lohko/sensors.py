"""Sensors for runs the daemon starts: how each ended, told as the command tells its own."""

from datetime import date

import dagster as dg

from lohko.after_run import after_run, held_subjects
from lohko.jobs import DAILY
from resources.control import ControlStore, Status
from resources.project import Project


def build_sensors(project: Project, control: ControlStore) -> list[dg.SensorDefinition]:
    """One sensor for runs that succeed, one for runs that fail."""

    @dg.run_status_sensor(
        run_status=dg.DagsterRunStatus.SUCCESS,
        name="after_success",
        description="Logs the run, opens and closes incidents, sends alerts",
        default_status=dg.DefaultSensorStatus.RUNNING,
    )
    def after_success(context: dg.RunStatusSensorContext) -> None:
        _settle(project, control, context.dagster_run, None)

    @dg.run_failure_sensor(
        name="after_failure",
        description="Logs the failed run and sends an alert",
        default_status=dg.DefaultSensorStatus.RUNNING,
    )
    def after_failure(context: dg.RunFailureSensorContext) -> None:
        event = context.failure_event
        _settle(project, control, context.dagster_run, event.message or "the run failed")

    return [after_success, after_failure]


def _settle(project: Project, control: ControlStore, run: dg.DagsterRun, failure: str | None) -> None:
    """The command settles its own runs, and says so in a tag."""
    if run.job_name != DAILY or run.tags.get("lohko/settled_by") == "command":
        return
    day = run.tags.get("dagster/partition") or run.tags.get("dagster/asset_partition_range_end")
    if day is None:
        return
    latest = max((known.as_of_date for known in control.runs()), default="")
    control.start_run(run.run_id, date.fromisoformat(day), "schedule")
    held = held_subjects(control, run.run_id)
    status: Status = "failed" if failure else ("held" if held else "success")
    control.finish_run(run.run_id, status, failure or "; ".join(held))
    after_run(project, control, run.run_id, failure=failure, current=day >= latest)
