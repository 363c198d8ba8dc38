"""What a run says while it works."""

from datetime import date

import pytest

from lohko.commands.shared.progress import follow

DAYS = [date(2026, 3, 29), date(2026, 3, 30)]


def told(capsys: pytest.CaptureFixture[str], days: list[date], *, counted: bool) -> list[str]:
    with follow(days, quiet=False, counted=counted) as progress:
        for day in days:
            progress(day, "core orders")
            progress(day, "core customers")
            progress(day, "marts")
    return [line.split(" s  ")[1] for line in capsys.readouterr().err.splitlines()]


def test_each_stage_is_told_once_and_of_which_of_the_days(capsys: pytest.CaptureFixture[str]) -> None:
    assert told(capsys, DAYS, counted=True) == [
        "2026-03-29 (1 of 2)  canonical tables",
        "2026-03-29 (1 of 2)  marts",
        "2026-03-30 (2 of 2)  canonical tables",
        "2026-03-30 (2 of 2)  marts",
        "2026-03-29 to 2026-03-30 done",
    ]


def test_one_day_and_days_that_are_bounds_are_not_counted(capsys: pytest.CaptureFixture[str]) -> None:
    assert told(capsys, DAYS[:1], counted=True)[-2:] == ["2026-03-29  marts", "2026-03-29 done"]
    assert told(capsys, DAYS, counted=False)[0] == "2026-03-29  canonical tables"
