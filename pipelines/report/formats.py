"""How numbers, shares and dates are written for people: no more digits than a reader needs."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime
from typing import Any

NOTHING = "–"


def finite(value: Any) -> float | None:
    """The value as a float, or None for NULL, NaN and infinity (a ratio over nothing)."""
    if value is None:
        return None
    number = float(value)
    return number if math.isfinite(number) else None


def _write(value: float, digits: int, sign: str = "-") -> str:
    text = f"{value:{sign},.{digits}f}"
    if not any(digit in text for digit in "123456789"):
        text = text.lstrip("+-")  # what rounds to nothing has no sign
    return text.replace("-", "−")


def number(value: Any, digits: int = 0) -> str:
    """1234567 -> 1,234,567."""
    found = finite(value)
    return NOTHING if found is None else _write(found, digits)


def signed(value: Any, digits: int = 0) -> str:
    """12 -> +12; a change of nothing is 0."""
    found = finite(value)
    return NOTHING if found is None else _write(found, digits, "+")


def percent(value: Any, digits: int = 1) -> str:
    """0.1234 -> 12.3%."""
    found = finite(value)
    return NOTHING if found is None else _write(found * 100, digits) + "%"


def points(value: Any) -> str:
    """A difference of two ratios, in percentage points."""
    found = finite(value)
    return NOTHING if found is None else _write(found * 100, 0, "+") + " pp"


def compact(value: Any) -> str:
    """4123456 -> 4.12 M, for headlines and chart labels."""
    found = finite(value)
    if found is None:
        return NOTHING
    for limit, unit in ((1e9, "bn"), (1e6, "M"), (1e3, "k")):
        if abs(found) >= limit * 0.9995:
            scaled = found / limit
            digits = 2 if abs(scaled) < 9.995 else 1 if abs(scaled) < 99.95 else 0
            return f"{_write(scaled, digits)} {unit}"
    return _write(found, 0)


def probability(value: Any) -> str:
    """Three digits are enough for a probability."""
    found = finite(value)
    if found is None:
        return NOTHING
    return "<0.001" if found < 0.001 else f"{found:.3f}"


def day(value: date | None) -> str:
    return NOTHING if value is None else value.strftime("%Y-%m-%d")


def minute(value: datetime | None) -> str:
    return NOTHING if value is None else value.strftime("%Y-%m-%d %H:%M")


def epoch(value: float | None) -> str:
    """Seconds since 1970 as a minute in UTC."""
    return NOTHING if value is None else minute(datetime.fromtimestamp(value, UTC)) + " UTC"


def plural(count: int, one: str, many: str | None = None) -> str:
    """1 check, 2 checks."""
    return f"{number(count)} {one if count == 1 else many or one + 's'}"


def direction(text: str) -> str:
    """The class of a change as written: what rounds to nothing has no colour."""
    return {"+": "up", "−": "down"}.get(text[:1], "flat")
