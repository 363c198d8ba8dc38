"""Daily partitions in the project's time zone: a partition is a business day, closed at midnight there."""

from __future__ import annotations

from datetime import date, timedelta

import dagster as dg

from resources.control import ControlStore
from resources.project import EARLIEST, Project

# How far back the days of a project reach of which nothing is known yet.
UNKNOWN_DAYS = 365


def daily(project: Project, control: ControlStore) -> dg.DailyPartitionsDefinition:
    """The business days of a project; with a fixed today they end with the day before it."""
    end = project.config.today.isoformat() if project.config.today else None
    return dg.DailyPartitionsDefinition(
        start_date=first_partition(project, control).isoformat(),
        end_date=end,
        timezone=project.config.timezone,
    )


def first_partition(project: Project, control: ControlStore) -> date:
    """The first business day: `first_day`, else the earliest that rows are of; never after a day that ran.

    Until rows have been accepted nothing is known of them, and the days of a year can be run.
    """
    first_run = first_rows = None
    if project.control_path.exists():
        first_run, first_rows = control.first_day_of_runs(), control.first_day_of_rows()
    begins = project.config.first_day or first_rows or project.yesterday - timedelta(days=UNKNOWN_DAYS)
    return max(EARLIEST, min(begins, first_run or begins, project.yesterday))
