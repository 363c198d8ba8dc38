"""Sensors that settle every run the command did not start, whatever its job: see after_run.py.

They watch the whole instance, which is the project's own: a run started by Dagster's own command has no code
location, and is a run all the same.
"""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress

import dagster as dg

from lohko.dagster_runs import ENDED, forget_old_runs, settle_run, settle_unseen
from pipelines.errors import BusyError
from resources.control import ControlStore
from resources.locks import hold
from resources.project import Project


def build_sensors(
    project: Project, control: ControlStore, assets: Collection[dg.AssetKey]
) -> list[dg.SensorDefinition]:
    """A sensor for each way a run can end.

    Parameters
    ----------
    assets : every asset of the project.
    """
    on = dg.DefaultSensorStatus.RUNNING

    def settled(context: dg.RunStatusSensorContext) -> None:
        settle_unseen(project, control, context.instance)
        settle_run(project, control, context.instance, context.dagster_run.run_id, assets)
        with suppress(BusyError), hold(project.state / "run.lock", "pruning of old runs", timeout=0):
            forget_old_runs(project, context.instance)

    def ended(status: dg.DagsterRunStatus, name: str, description: str) -> dg.SensorDefinition:
        return dg.run_status_sensor(
            status,
            name=name,
            description=description,
            default_status=on,
            monitor_all_code_locations=True,
        )(settled)

    success, failure, cancelled = ENDED
    return [
        ended(success, "after_success", "Logs the run, opens and closes incidents, sends alerts"),
        ended(failure, "after_failure", "Logs the failed run and sends an alert"),
        ended(cancelled, "after_cancellation", "Logs the cancelled run and sends an alert"),
    ]
