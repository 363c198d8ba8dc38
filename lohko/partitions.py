"""Daily partitions in the project's time zone: a partition is a business day, closed at midnight there."""

from __future__ import annotations

from datetime import date

import dagster as dg

from resources.project import Project


def daily(project: Project) -> dg.DailyPartitionsDefinition:
    """The business days of a project; with a fixed today they end with the day before it."""
    first = project.config.first_day or date(2015, 1, 1)
    end = project.config.today.isoformat() if project.config.today else None
    return dg.DailyPartitionsDefinition(
        start_date=first.isoformat(), end_date=end, timezone=project.config.timezone
    )
