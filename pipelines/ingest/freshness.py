"""Freshness on event time: the newest event in the data, never when something last ran."""

from __future__ import annotations

from collections.abc import Mapping as Mapped
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Literal

from pipelines.config.calendar import Calendar
from pipelines.config.project import Freshness, Source
from pipelines.contracts.model import Contract
from pipelines.contracts.registry import CONTRACTS
from pipelines.engine import insert_rows, qualified, quote, transaction
from pipelines.errors import ConfigError

if TYPE_CHECKING:
    import duckdb

Status = Literal["fresh", "stale", "failed", "no limit", "no data"]


@dataclass(frozen=True)
class Watermark:
    """The newest event of a source by the end of a day, and what that means against its limits."""

    source: str
    table: str
    watermark_at: datetime | None
    watermark_date: date | None
    age_days: int | None
    limits: Freshness | None
    status: Status


def event_table(name: str, source: Source) -> str | None:
    """The table of a source that carries its event time; None where none does.

    Raises
    ------
    ConfigError
        When the source has freshness limits and no table with an event time.
    """
    dated = [table for table in source.tables if table in CONTRACTS and CONTRACTS[table].event]
    if not dated and source.freshness:
        raise ConfigError(
            f"{source.place(name, 'freshness')}: none of its tables ({', '.join(source.tables)}) has an event"
            " time; freshness is measured on the newest event"
        )
    return dated[0] if dated else None


def newest_event(con: duckdb.DuckDBPyConnection, table: str) -> datetime | None:
    """Instant of the newest event of a canonical table; None of one without event time, or without rows."""
    contract = CONTRACTS[table]
    if not contract.event:
        return None
    row = con.execute(f"select max({_instant(contract)}) from {qualified('core.' + table)}").fetchone()
    return row[0] if row else None


def _instant(contract: Contract) -> str:
    """The SQL of an event's instant: of a day, its beginning in the project's time zone."""
    event = quote(contract.event or "")
    return quote(contract.watermark) if contract.watermark else f"cast({event} as timestamptz)"


def measure(con: duckdb.DuckDBPyConnection, sources: Mapped[str, Source], as_of: date) -> list[Watermark]:
    """The watermark of every source with an event time, as of the end of a day."""
    found = []
    for name, source in sources.items():
        table = event_table(name, source)
        if table is None:
            continue
        contract = CONTRACTS[table]
        event = quote(contract.event or "")
        row = con.execute(
            f"select max({_instant(contract)}), max({event}) from {qualified('core.' + table)}"
            f" where _source = ? and {event} <= ?",
            [name, as_of],
        ).fetchone()
        at, day = row or (None, None)
        found.append(assess(name, table, at, day, as_of, source.freshness))
    return found


def assess(
    source: str, table: str, at: datetime | None, day: date | None, as_of: date, limits: Freshness | None
) -> Watermark:
    """Compare a watermark with its limits; a source with limits and no event at all has failed.

    Its age is counted in days on which an event could be expected: closed days do not age it.

    Parameters
    ----------
    table : the canonical table whose newest event counts.
    at : the instant of the newest event; None if there is none.
    as_of : the business day at whose end everything is counted.
    limits : the limits on the source's age; None for none.
    """
    calendar = limits.calendar if limits else Calendar()
    age = calendar.open_days(day, as_of) if day is not None else None
    status: Status
    if age is None:
        status = "failed" if limits else "no data"
    elif limits is None:
        status = "no limit"
    elif age > limits.fail_after_days:
        status = "failed"
    else:
        status = "stale" if age > limits.warn_after_days else "fresh"
    return Watermark(source, table, at, day, age, limits, status)


def told(watermark: Watermark, as_of: date) -> str:
    """A watermark's age for a person, closed days told apart."""
    if watermark.watermark_date is None:
        return f"source {watermark.source}: it has brought no event by {as_of}"
    days = (as_of - watermark.watermark_date).days
    closed = days - (watermark.age_days or 0)
    return (
        f"source {watermark.source}: newest event on {watermark.watermark_date}, {days} days before {as_of}"
        + (f", {closed} of them closed" if closed else "")
    )


def store(con: duckdb.DuckDBPyConnection, as_of: date, watermarks: list[Watermark]) -> None:
    """Write `ingest.freshness`: a row a source, of the day of the run."""
    with transaction(con):
        con.execute(
            "create or replace table ingest.freshness (as_of_date date, source varchar, table_name varchar,"
            " watermark_at timestamptz, watermark_date date, age_days bigint, warn_after_days bigint,"
            " fail_after_days bigint, status varchar)"
        )
        found = [
            (
                *(as_of, w.source, w.table, w.watermark_at, w.watermark_date, w.age_days),
                *((w.limits.warn_after_days, w.limits.fail_after_days) if w.limits else (None, None)),
                w.status,
            )
            for w in watermarks
        ]
        insert_rows(con, "ingest.freshness", found)
