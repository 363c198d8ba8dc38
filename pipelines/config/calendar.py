"""When a source is expected to bring something: the days on which nobody can have produced an event."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from functools import lru_cache
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from pipelines.config.yaml import nearest

Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
_WEEKDAYS: tuple[Weekday, ...] = (
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
)


class Calendar(BaseModel):
    """Closed days: they do not age a source. Without any, every day counts."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    closed_weekdays: list[Weekday] = Field(default_factory=list, description="closed every week")
    closed_dates: list[date] = Field(default_factory=list, description="closed on these dates")
    holidays: str | None = Field(
        default=None,
        pattern=r"^[A-Z]{2}(-[A-Z0-9]{1,3})?$",
        description="closed on the public holidays of a country, FI, or of a part of one, DE-BY",
    )

    @field_validator("closed_weekdays")
    @classmethod
    def _some_day_is_open(cls, closed: list[Weekday]) -> list[Weekday]:
        if len(set(closed)) == len(_WEEKDAYS):
            raise ValueError("every weekday is closed: the source would never grow old; leave one open")
        return closed

    @field_validator("holidays")
    @classmethod
    def _known_country(cls, code: str | None) -> str | None:
        if code is not None:
            _holiday_test(code)
        return code

    def is_open(self, day: date) -> bool:
        """Whether an event of this day may be expected."""
        if _WEEKDAYS[day.weekday()] in self.closed_weekdays or day in self.closed_dates:
            return False
        return self.holidays is None or not _holiday_test(self.holidays)(day)

    def open_days(self, after: date, until: date) -> int:
        """How many open days lie in (after, until]; 0 when `until` is not later."""
        span = (until - after).days
        if not (self.closed_weekdays or self.closed_dates or self.holidays):
            return max(span, 0)
        return sum(self.is_open(after + timedelta(days=i)) for i in range(1, span + 1))

    def closed_days(self, until: date, days: int) -> list[date]:
        """The closed ones of so many days through `until`, the latest first."""
        if not (self.closed_weekdays or self.closed_dates or self.holidays):
            return []
        past = (until - timedelta(days=i) for i in range(days))
        return [day for day in past if not self.is_open(day)]


@lru_cache(maxsize=32)
def _holiday_test(code: str) -> Callable[[date], bool]:
    """Whether a day is a public holiday there; imported only where a calendar names a country.

    Raises
    ------
    ValueError
        When the package is not installed, or knows no such country or part of one.
    """
    try:
        import holidays
    except ImportError:
        raise ValueError(
            "needs the package holidays, which is not installed: pip install 'lohko[holidays]',"
            " or list the days in closed_dates"
        ) from None
    country, _, part = code.partition("-")
    known = holidays.list_supported_countries(include_aliases=False)
    if country not in known:
        raise ValueError(f"no holidays are known of country {country}{nearest(country, known)}")
    if part and part not in known[country]:
        raise ValueError(
            f"no holidays are known of {code}{nearest(part, known[country])}"
            f" (parts of {country}: {', '.join(known[country]) or 'none'})"
        )
    found = holidays.country_holidays(country, subdiv=part or None)
    return lambda day: day in found
