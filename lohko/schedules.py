"""When the daily job starts."""

from __future__ import annotations

import dagster as dg
from dagster._core.definitions.partitions.partitioned_schedule import (
    UnresolvedPartitionedAssetScheduleDefinition,
)
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from resources.project import Project


def daily_schedule(
    job: UnresolvedAssetJobDefinition, project: Project
) -> UnresolvedPartitionedAssetScheduleDefinition | dg.ScheduleDefinition:
    """Every day at the project's hour, for the business day that has just ended there."""
    return dg.build_schedule_from_partitioned_job(
        job,
        name="daily_at_" + project.config.schedule.at.replace(":", ""),
        hour_of_day=project.config.schedule.hour,
        minute_of_hour=project.config.schedule.minute,
        default_status=dg.DefaultScheduleStatus.RUNNING,
    )
