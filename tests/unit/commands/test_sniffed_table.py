"""What `lohko status` shows of files whose dialect was sniffed."""

from __future__ import annotations

from typing import Any

import pytest

from lohko.commands.shared.views import sniffed_table

READ = {
    "source": "till",
    "path": "data/till.csv",
    "delimiter": ";",
    "encoding": "utf-8",
    "decimal_mark": ",",
    "header": True,
}


def cells(**more: Any) -> list[str]:
    """The only row of the table, without source and file."""
    table = sniffed_table([READ | more])
    assert table is not None
    (row,) = zip(*(column.cells for column in table.columns), strict=True)
    return [str(cell) for cell in row[2:]]


@pytest.mark.parametrize("sniffed", ["", None, "newline", "escape, newline, quote"])
def test_what_is_stated_needs_no_table(sniffed: str | None) -> None:
    assert sniffed_table([READ | {"sniffed": sniffed}]) is None


def test_only_what_was_sniffed_is_shown() -> None:
    assert cells(sniffed="delimiter, encoding, header, newline, decimal_mark") == [
        "semicolon",
        "utf-8",
        "comma",
        "yes",
    ]
    assert cells(sniffed="encoding, newline", header=None, delimiter=None) == ["", "utf-8", "", ""]


def test_a_tab_no_header_and_an_open_decimal_mark_have_words() -> None:
    found = cells(sniffed="delimiter, header, decimal_mark", delimiter="\t", header=False, decimal_mark="")
    assert found == ["tab", "", "undecided", "no"]
