"""Freshness is measured on the newest event by the end of the day, against the source's limits."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from pipelines.config.project import Freshness, Source
from pipelines.contracts.registry import CONTRACTS
from pipelines.core.merge import refresh
from pipelines.core.state import create_state
from pipelines.engine import connect
from pipelines.errors import ConfigError
from pipelines.ingest.freshness import assess, event_table, measure, store

DAY = date(2024, 5, 10)
LIMITS = Freshness(warn_after_days=1, fail_after_days=3)


def source(table: str, limits: Freshness | None = LIMITS) -> Source:
    return Source(files="*", tables={table: {}}, freshness=limits)


@pytest.mark.parametrize(
    ("newest", "limits", "status"),
    [
        (date(2024, 5, 10), LIMITS, "fresh"),
        (date(2024, 5, 9), LIMITS, "fresh"),
        (date(2024, 5, 8), LIMITS, "stale"),
        (date(2024, 5, 7), LIMITS, "stale"),
        (date(2024, 5, 6), LIMITS, "failed"),
        (date(2020, 1, 1), None, "no limit"),
        (None, LIMITS, "failed"),
        (None, None, "no data"),
    ],
)
def test_a_source_is_judged_by_the_age_of_its_newest_event(
    newest: date | None, limits: Freshness | None, status: str
) -> None:
    assert assess("shop", "orders", None, newest, DAY, limits).status == status


def test_a_watermark_ignores_other_sources_and_events_after_the_day() -> None:
    with connect() as con:
        con.execute("set TimeZone = 'Europe/Helsinki'")
        create_state(con)
        refresh(con, CONTRACTS["orders"], [])
        for name, at in (
            ("shop", "2024-05-08 23:59:59"),
            ("shop", "2024-05-11 00:00"),
            ("web", "2024-05-10"),
        ):
            con.execute(
                "insert into core.orders by name select ? as _source, ?::timestamptz as ordered_at,"
                " ?::timestamptz::date as business_date",
                [name, at, at],
            )
        found = measure(con, {"shop": source("orders"), "crm": source("customers", None)}, DAY)
        (watermark,) = found
        assert watermark.watermark_at == datetime(2024, 5, 8, 20, 59, 59, tzinfo=UTC)
        assert (watermark.watermark_date, watermark.age_days, watermark.status) == (
            date(2024, 5, 8),
            2,
            "stale",
        )
        store(con, DAY, found)
        store(con, DAY, found)
        assert con.execute("select source, status, warn_after_days from ingest.freshness").fetchall() == [
            ("shop", "stale", 1)
        ]


def test_limits_on_a_source_without_event_time_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"sources\.crm\.freshness: none of its tables \(customers\)"):
        event_table("crm", source("customers"))
