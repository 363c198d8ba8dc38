"""Excel workbooks, as exports of orders and customers come."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from fixtures.fetched import Fetched, fetched
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from pipelines.errors import SourceError

HEADER = ["id", "customer", "at", "amount"]


def book(path: Path, *rows: list[Any], sheet: str = "Orders", before: str | None = None) -> Path:
    workbook = openpyxl.Workbook()
    workbook.remove(workbook.active)
    if before:
        workbook.create_sheet(before)
    page = workbook.create_sheet(sheet)
    for row in rows:
        page.append(row)
    workbook.save(path)
    return path


def shop(root: Path, files: str = "*.xlsx", **excel: Any) -> Fetched:
    return fetched(root, files=files, **({"excel": excel} if excel else {}))


def test_cells_land_as_the_texts_that_excel_shows(tmp_path: Path) -> None:
    at = datetime.fromisoformat("2026-03-29T12:30:00")
    book(
        tmp_path / "a.xlsx",
        ["id", "price", "sum", "day", "at", "ok", "empty", "name", "code"],
        [17850, 10.5, 0.1 + 0.2, date(2026, 3, 29), at, True, None, "Ü, '\"", "007"],
        [1e20, 1e-7, -3.0, None, None, None, None, " x ", "=1+1"],
    )
    assert shop(tmp_path).rows('select id, price, sum, day, "at", ok, empty, name from t') == [
        ("17850", "10.5", "0.3", "2026-03-29", "2026-03-29 12:30:00", "true", None, "Ü, '\""),
        ("100000000000000000000", "0.0000001", "-3", None, None, None, None, " x "),
    ]


def formatted(path: Path, *cells: tuple[float, str], since_1904: bool = False) -> Path:
    """A workbook with a row of numbers under the formats that a person chose for them."""
    workbook = openpyxl.Workbook()
    if since_1904:
        workbook.epoch = CALENDAR_MAC_1904
    page = workbook.active
    for column, (value, shown) in enumerate(cells, 1):
        page.cell(row=1, column=column, value=f"c{column}")
        page.cell(row=2, column=column, value=value).number_format = shown
    workbook.save(path)
    return path


def test_a_typed_cell_is_unambiguous_whatever_format_it_is_shown_in(tmp_path: Path) -> None:
    formatted(
        tmp_path / "a.xlsx",
        *[(46110, "dd/mm/yy"), (46110.5, "m/d/yyyy h:mm AM/PM"), (46110, "[$-409]d-mmm;@"), (0.375, "h:mm")],
        *[
            (1.25, "[h]:mm:ss"),
            (17850.0, "00000000"),
            (1234567.891, '#,##0.0 "€"'),
            (0.25, "0%"),
            (-3.0, "0"),
        ],
        *[
            (1234567890123456, "0"),
            (123456789012345700, "0.00E+00"),
            (0.1 + 0.2, "0"),
            (46110 + 1 / 86_400_000, "yyyy-mm-dd"),
        ],
    )
    assert shop(tmp_path).rows() == [
        (
            *("2026-03-29", "2026-03-29 12:00:00", "2026-03-29", "09:00:00"),
            *("30:00:00", "17850", "1234567.891", "0.25", "-3"),
            *("1234567890123456", "123456789012345700", "0.3", "2026-03-29 00:00:00.001000"),
        )
    ]


def test_days_of_a_workbook_that_counts_from_1904_are_the_same(tmp_path: Path) -> None:
    formatted(tmp_path / "a.xlsx", (46110 - 1462, "d.m.yy"), since_1904=True)
    assert shop(tmp_path).rows() == [("2026-03-29",)]


def test_times_and_durations_are_texts_that_can_be_cast(tmp_path: Path) -> None:
    spans = [timedelta(hours=30, minutes=5), timedelta(seconds=7, microseconds=500_000), timedelta(hours=-3)]
    book(
        tmp_path / "a.xlsx", ["span", "at"], *zip(spans, [time(9, 5), time(), time(23, 59, 59)], strict=True)
    )
    assert shop(tmp_path).rows('select span, "at" from t') == [
        ("30:05:00", "09:05:00"),
        ("00:00:07.500000", "00:00:00"),
        ("-03:00:00", "23:59:59"),
    ]
    cast = 'select cast(span as interval), cast("at" as time) from t'
    assert [row[0] for row in shop(tmp_path).rows(cast)] == spans


def test_an_impossible_day_is_an_error_cell_and_not_quoted(
    tmp_path: Path, recwarn: pytest.WarningsRecorder
) -> None:
    formatted(tmp_path / "a.xlsx", (3_000_000, "yyyy-mm-dd"), (1, "0"))
    assert shop(tmp_path).rows() == [("#VALUE!", "1")]
    assert [str(one.message) for one in recwarn if "3000000" in str(one.message)] == []


@pytest.mark.parametrize("sheet", ["Orders", 2])
def test_a_sheet_is_named_or_counted_and_its_header_may_stand_lower(tmp_path: Path, sheet: str | int) -> None:
    rows = (["Export of March"], [], [*HEADER, None], [1, "c1", None, 2], [], [None, None], [2, "c2"])
    book(tmp_path / "a.xlsx", *rows, before="Cover")
    assert shop(tmp_path, sheet=sheet, header_row=3).rows() == [
        ("1", "c1", None, "2"),
        ("2", "c2", None, None),
    ]


def test_a_column_of_numbers_one_day_and_of_texts_the_next_fits(tmp_path: Path) -> None:
    book(tmp_path / "a.xlsx", HEADER, [1, "c1", None, 10])
    book(tmp_path / "b.xlsx", HEADER, [2, "c1", None, "n/a"], [3, "c1", None, 10.5])
    assert shop(tmp_path).rows("select amount from t order by id") == [("10",), ("n/a",), ("10.5",)]


def test_a_workbook_is_read_again_only_when_it_or_its_settings_change(tmp_path: Path) -> None:
    path = book(tmp_path / "a.xlsx", HEADER, [1, "c1", "x", 10], before="id")
    one = shop(tmp_path, sheet="Orders")
    (made,) = one.fetch()
    written = made.stat().st_mtime_ns
    assert one.fetch() == [made]
    assert made.stat().st_mtime_ns == written
    book(path, HEADER, [1, "c1", "x", 11], before="id")
    assert one.rows("select amount from t") == [("11",)]
    assert shop(tmp_path, sheet="Orders", header_row=2).rows() == []
    assert one.left_behind() == []


def test_many_rows_stream_in(tmp_path: Path) -> None:
    book(tmp_path / "a.xlsx", ["id"], *([n] for n in range(45_000)))
    assert shop(tmp_path).rows("select count(*), count(distinct id), max(cast(id as int)) from t") == [
        (45_000, 45_000, 44_999)
    ]


def test_workbooks_of_the_same_name_in_two_folders_do_not_meet(tmp_path: Path) -> None:
    for folder in ("north", "south"):
        (tmp_path / folder).mkdir()
        book(tmp_path / folder / "orders.xlsx", ["id"], [folder])
    assert shop(tmp_path, "*/orders.xlsx").rows("from t order by id") == [("north",), ("south",)]


@pytest.mark.parametrize(
    ("rows", "excel", "expected"),
    [
        ([HEADER], {"sheet": "Order"}, "no sheet Order; it has Orders"),
        ([HEADER], {"sheet": 2}, "no sheet 2; it has 1"),
        ([HEADER], {"header_row": 9}, "row 9 is empty; expected the column names"),
        ([["id", None, "at"]], {}, "row 1 has no name for column B"),
        ([["id", "ID"]], {}, "row 1 has the name of column B twice"),
        ([["id"], [1, "anna@example.com"]], {}, "a row has cells beyond the 1 columns named"),
    ],
)
def test_a_sheet_that_is_not_as_said_is_told(
    tmp_path: Path, rows: list[list[Any]], excel: dict[str, Any], expected: str
) -> None:
    book(tmp_path / "a.xlsx", *rows)
    with pytest.raises(SourceError, match=expected) as told:
        shop(tmp_path, **excel).fetch()
    assert "a.xlsx" in str(told.value)
    assert "anna" not in str(told.value)
    assert [path for path in (tmp_path / ".lohko").rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("content", [b"", b"id,customer\n1,c1\n", b"PK\x03\x04 broken"])
def test_what_is_no_workbook_is_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.xlsx").write_bytes(content)
    with pytest.raises(SourceError, match=r"a\.xlsx: cannot be read as a workbook"):
        shop(tmp_path).fetch()


def test_a_workbook_cut_off_is_told(tmp_path: Path) -> None:
    path = book(tmp_path / "a.xlsx", ["id"], *([n] for n in range(1000)))
    path.write_bytes(path.read_bytes()[:-3000])
    with pytest.raises(SourceError, match=r"a\.xlsx: cannot be read"):
        shop(tmp_path).fetch()
