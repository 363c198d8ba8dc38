"""Daily partitions in the project's time zone: a partition is a business day, closed at midnight there."""

from __future__ import annotations

from datetime import date

import dagster as dg

from resources.project import Project

# Before any day that a project can run; `first_day` says where its record begins, not what can be asked for.
EARLIEST = date(2000, 1, 1)


def daily(project: Project) -> dg.DailyPartitionsDefinition:
    """The business days of a project; with a fixed today they end with the day before it."""
    end = project.config.today.isoformat() if project.config.today else None
    return dg.DailyPartitionsDefinition(
        start_date=EARLIEST.isoformat(), end_date=end, timezone=project.config.timezone
    )
