"""Which days stand in the record, and which a run adds to it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, timedelta

from pipelines.engine import Engine, value
from pipelines.errors import UsageError

DAYS = "segments.recorded_day"


def latest_day(engine: Engine) -> date | None:
    """The last recorded day."""
    found: date | None = value(engine, f"select max(as_of_date) from {DAYS}")
    return found


def recorded_by(engine: Engine, day: date) -> str | None:
    """The run that recorded a day last."""
    sql = f"select arg_max(run_id, revision) from {DAYS} where as_of_date = $day"
    found: str | None = value(engine, sql, {"day": day})
    return found


def recorded_among(engine: Engine, days: Collection[date]) -> set[date]:
    """Those of some days that stand in the record."""
    found = engine.rows(
        f"select distinct as_of_date from {DAYS} where as_of_date in (select unnest($days::date[]))",
        {"days": list(days)},
    )
    return {row["as_of_date"] for row in found}


def previous_day(engine: Engine, day: date) -> date | None:
    """The last recorded day before `day`."""
    sql = f"select max(as_of_date) from {DAYS} where as_of_date < $day"
    found: date | None = value(engine, sql, {"day": day})
    return found


def days_to_record(latest: date | None, wanted: date, first: date | None = None) -> list[date]:
    """The days a run for `wanted` records: those missed since the latest, one by one, and itself.

    Raises
    ------
    UsageError
        When `wanted` lies before the latest recorded day: the record is never rewritten.
    """
    if latest is None:
        start = min(first, wanted) if first else wanted
    elif wanted < latest:
        raise UsageError(
            f"{wanted} is before {latest}, the latest recorded day. What was recorded is not rewritten;"
            f" run {latest} again or a later day"
        )
    else:
        start = wanted if wanted == latest else latest + timedelta(days=1)
    return [start + timedelta(days=i) for i in range((wanted - start).days + 1)]
