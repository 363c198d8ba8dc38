"""Calendars: closed days do not age a source."""

from __future__ import annotations

import sys
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from pipelines.config.calendar import Calendar, _holiday_test
from pipelines.config.project import Freshness
from pipelines.ingest.freshness import assess, told

SATURDAY, SUNDAY, MONDAY = date(2026, 11, 14), date(2026, 11, 15), date(2026, 11, 16)
EVERY_DAY = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]


def calendar(**settings: Any) -> Calendar:
    return Calendar.model_validate(settings)


def test_without_a_calendar_every_day_ages() -> None:
    assert calendar().open_days(SATURDAY, MONDAY) == 2
    assert calendar().open_days(MONDAY, MONDAY) == 0
    assert calendar().open_days(MONDAY, SATURDAY) == 0, "newer than the day it is judged by"


@pytest.mark.parametrize(
    ("settings", "after", "until", "days"),
    [
        ({"closed_weekdays": ["sunday"]}, SATURDAY, SUNDAY, 0),
        ({"closed_weekdays": ["sunday"]}, SATURDAY, MONDAY, 1),
        ({"closed_weekdays": ["saturday", "sunday"]}, date(2026, 11, 13), date(2026, 11, 20), 5),
        ({"closed_dates": ["2026-11-16"]}, SATURDAY, MONDAY, 1),
        # Christmas Eve, Christmas Day and Boxing Day in Finland; the 27th is a Sunday and open here.
        ({"holidays": "FI"}, date(2026, 12, 23), date(2026, 12, 27), 1),
        ({"holidays": "FI", "closed_weekdays": ["sunday"]}, date(2026, 12, 23), date(2026, 12, 28), 1),
        # Epiphany is a holiday in Bavaria and not in Berlin.
        ({"holidays": "DE-BY"}, date(2026, 1, 5), date(2026, 1, 6), 0),
        ({"holidays": "DE-BE"}, date(2026, 1, 5), date(2026, 1, 6), 1),
    ],
)
def test_closed_days_do_not_count(settings: dict[str, Any], after: date, until: date, days: int) -> None:
    assert calendar(**settings).open_days(after, until) == days


@pytest.mark.parametrize(
    ("settings", "parts"),
    [
        ({"holidays": "FX"}, ("country FX", "did you mean")),
        ({"holidays": "DE-XX"}, ("DE-XX", "BY")),
        ({"holidays": "finland"}, ("pattern",)),
        ({"closed_weekdays": ["sundays"]}, ("sunday",)),
        ({"closed_weekdays": EVERY_DAY}, ("every weekday",)),
    ],
)
def test_a_calendar_that_cannot_be_meant_is_refused(settings: dict[str, Any], parts: tuple[str, ...]) -> None:
    with pytest.raises(ValidationError) as fault:
        calendar(**settings)
    assert all(part in str(fault.value) for part in parts)


def test_a_country_without_the_package_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    _holiday_test.cache_clear()
    monkeypatch.setitem(sys.modules, "holidays", None)
    with pytest.raises(ValidationError, match=r"pip install 'lohko\[holidays\]'.*closed_dates"):
        calendar(holidays="FI")


def test_a_source_that_is_closed_on_sundays_is_fresh_on_monday_morning() -> None:
    limits = {"warn_after_days": 0, "fail_after_days": 1}
    at = datetime(2026, 11, 14, 18, tzinfo=ZoneInfo("Europe/Helsinki"))
    closed = Freshness.model_validate({**limits, "calendar": {"closed_weekdays": ["sunday"]}})
    found = assess("shop", "orders", at, SATURDAY, SUNDAY, closed)
    assert (found.status, found.age_days) == ("fresh", 0)
    assert told(found, SUNDAY).endswith("1 days before 2026-11-15, 1 of them closed")
    assert assess("shop", "orders", at, SATURDAY, SUNDAY, Freshness.model_validate(limits)).status == "stale"
    # The Monday after, a delivery is missing; two open days later it has failed.
    assert assess("shop", "orders", at, SATURDAY, MONDAY, closed).status == "stale"
    assert assess("shop", "orders", at, SATURDAY, date(2026, 11, 17), closed).status == "failed"
