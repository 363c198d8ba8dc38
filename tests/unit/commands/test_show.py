"""How tables look in a terminal of any width."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from lohko.commands.shared import show

ROWS = [["Campaign 23 (running)", "[bold]Loyal[/]", "1,234,567.89", "-0.06"], ["b", "New", "0", "+12.50"]]


def printed(width: int) -> str:
    out = io.StringIO()
    made = show.table("Sums", ["campaign", "segment", "attributed", "ROI"], ROWS, right=["attributed", "ROI"])
    Console(file=out, width=width).print(made)
    return out.getvalue()


@pytest.mark.parametrize("width", [240, 60, 45, 30])
def test_no_number_is_cut_and_no_name_left_out(width: int) -> None:
    shown = printed(width)
    for value in ("1,234,567.89", "-0.06", "+12.50", "Loyal", "attributed"):
        assert value in shown, shown
    assert max(len(line) for line in shown.splitlines()) <= width


@pytest.mark.parametrize(("width", "records"), [(60, False), (45, False), (40, True), (20, True)])
def test_a_table_that_does_not_fit_becomes_records(width: int, records: bool) -> None:
    assert ("─── 2" in printed(width)) is records


def test_a_long_word_alone_makes_no_records() -> None:
    made = show.table("", ["run", "rows"], [["x" * 60, "7"]], right=["rows"])
    assert made.fits(40) and not made.fits(20)
