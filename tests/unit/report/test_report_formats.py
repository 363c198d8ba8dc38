"""Numbers as people read them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from pipelines.report import formats


def test_thousands_are_separated() -> None:
    assert formats.number(Decimal("1234567.4999")) == "1,234,567"


def test_a_negative_number_has_a_minus_sign() -> None:
    assert formats.number(-12) == "−12"


def test_a_change_shows_its_sign() -> None:
    assert (formats.signed(12), formats.signed(-3), formats.signed(0)) == ("+12", "−3", "0")


def test_what_rounds_to_nothing_has_no_sign_and_no_colour() -> None:
    assert formats.points(-0.001) == "0 pp"
    assert formats.direction(formats.points(-0.001)) == "flat"


@pytest.mark.parametrize("value", [None, float("nan"), float("inf")])
def test_a_missing_value_is_a_dash(value: float | None) -> None:
    writers = (formats.number, formats.signed, formats.percent, formats.points, formats.compact)
    assert {write(value) for write in writers} == {"–"}


@pytest.mark.parametrize(
    ("value", "text"),
    [(950, "950"), (39_188, "39.2 k"), (999_999, "1.00 M"), (4_123_456, "4.12 M"), (2.5e9, "2.50 bn")],
)
def test_headlines_have_three_digits(value: float, text: str) -> None:
    assert formats.compact(value) == text


def test_a_tiny_probability_is_not_zero() -> None:
    assert formats.probability(0.00001) == "<0.001"
