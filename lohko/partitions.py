"""Daily partitions in the project's time zone: a partition is a business day, closed at midnight there."""

from __future__ import annotations

import dagster as dg

from resources.project import EARLIEST, Project


def daily(project: Project) -> dg.DailyPartitionsDefinition:
    """The business days of a project; with a fixed today they end with the day before it."""
    end = project.config.today.isoformat() if project.config.today else None
    return dg.DailyPartitionsDefinition(
        start_date=EARLIEST.isoformat(), end_date=end, timezone=project.config.timezone
    )
