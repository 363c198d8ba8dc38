"""Excel workbooks (.xlsx, .xlsm): one sheet becomes a Parquet file of texts.

Text, as from a CSV file: a sheet has no types, only cells. Were a column read as the numbers it happens to
hold today, the first file with a dash in it would no longer fit the files before. Whole numbers are written
without a point (17850), others as Excel keeps them, with 15 digits; days as 2026-03-29, instants as
2026-03-29 12:00:00, times of day as 12:00:00 and durations in hours as 30:05:00, in whatever format a cell is
shown. Rows are read one by one, never the whole book.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.config.connectors import Excel
from pipelines.errors import SourceError

if TYPE_CHECKING:
    import pyarrow as pa

_ROWS = 20_000
_KEY = b"lohko_workbook"


def convert(workbooks: Sequence[Path], base: Path, folder: Path, name: str, how: Excel) -> list[Path]:
    """The Parquet files of workbooks, in `folder`; those that have not changed are not read again.

    Parameters
    ----------
    workbooks : the workbooks.
    folder : where the Parquet files go.
    name : the source's name in `project.yaml`.
    how : sheet and header row, as configured.
    base : folder that the workbooks' paths are told from, so that two of the same name do not meet.

    Raises
    ------
    SourceError
        When one is no workbook, lacks the sheet, or has no header where it is said to be.
    """
    found = []
    for path in workbooks:
        inner = path.relative_to(base) if path.is_relative_to(base) else Path(*path.parts[1:])
        target = folder / inner.parent / f"{inner.name}.parquet"
        stat = path.stat()
        mark = json.dumps([stat.st_size, stat.st_mtime_ns, how.sheet, how.header_row])
        if not target.exists() or _mark_of(target) != mark:
            target.parent.mkdir(parents=True, exist_ok=True)
            _write(path, target, name, how, mark)
        found.append(target)
    return found


def _mark_of(target: Path) -> str | None:
    import pyarrow.parquet as pq

    kept = pq.read_metadata(target).metadata or {}
    return kept[_KEY].decode() if _KEY in kept else None


def _write(path: Path, target: Path, name: str, how: Excel, mark: str) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    temporary = target.with_name(f".{target.name}.tmp")
    try:
        with warnings.catch_warnings(), _open(path, name) as book:
            # It warns of styles and of impossible dates, quoting the value; such a cell holds #VALUE! then.
            warnings.simplefilter("ignore", UserWarning)
            rows = _sheet(book, path, name, how).iter_rows(min_row=how.header_row, values_only=True)
            columns = _header(next(rows, ()), path, name, how)
            schema = pa.schema([(column, pa.string()) for column in columns], {_KEY: mark.encode()})
            with pq.ParquetWriter(temporary, schema) as writer:
                for batch in _batches(rows, columns, path, name):
                    writer.write_table(_table(batch, schema))
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


class _Book:
    """An open workbook that is closed whatever happens."""

    def __init__(self, book: Any) -> None:
        self.book = book

    def __enter__(self) -> Any:
        return self.book

    def __exit__(self, *_: object) -> None:
        self.book.close()


def _open(path: Path, name: str) -> _Book:
    try:
        import openpyxl
    except ImportError:
        raise SourceError(
            f"sources.{name}: workbooks need the extra `excel`: pip install -e '.[excel]'"
        ) from None
    try:
        return _Book(openpyxl.load_workbook(path, read_only=True, data_only=True, keep_links=False))
    except FileNotFoundError:
        raise SourceError(f"{path}: no such file") from None
    except Exception as fault:  # noqa: BLE001 - a broken file breaks the reader anywhere
        raise SourceError(
            f"{path}: cannot be read as a workbook ({type(fault).__name__}); expected .xlsx without a"
            " password. Save it as such and send it again"
        ) from None


def _sheet(book: Any, path: Path, name: str, how: Excel) -> Any:
    names = book.sheetnames
    if isinstance(how.sheet, int):
        if how.sheet > len(names):
            raise SourceError(f"{path}: sources.{name}.excel: no sheet {how.sheet}; it has {len(names)}")
        sheet = book[names[how.sheet - 1]]
    elif how.sheet in names:
        sheet = book[how.sheet]
    else:
        raise SourceError(f"{path}: sources.{name}.excel: no sheet {how.sheet}; it has {', '.join(names)}")
    if not hasattr(sheet, "iter_rows"):
        raise SourceError(f"{path}: sources.{name}.excel: sheet {how.sheet} is a chart; expected rows")
    # Some programs write a wrong size of the sheet, and rows beyond it would be left out.
    sheet.reset_dimensions()
    return sheet


def _header(cells: Sequence[object], path: Path, name: str, how: Excel) -> list[str]:
    """The column names; a name at the right end that is empty is none."""
    columns = [(_text(cell) or "").strip() for cell in cells]
    while columns and not columns[-1]:
        columns.pop()
    where = f"{path}: sources.{name}.excel: row {how.header_row}"
    if not columns:
        raise SourceError(f"{where} is empty; expected the column names, set header_row")
    for number, column in enumerate(columns, 1):
        if not column:
            raise SourceError(f"{where} has no name for column {_letter(number)}; expected one")
    lower = [column.lower() for column in columns]
    for number, column in enumerate(lower, 1):
        if column in lower[: number - 1]:
            raise SourceError(f"{where} has the name of column {_letter(number)} twice; expected it once")
    return columns


def _batches(
    rows: Iterator[tuple[object, ...]], columns: Sequence[str], path: Path, name: str
) -> Iterator[list[list[str | None]]]:
    """Rows as texts, some thousand at a time; empty ones are left out, cells beyond the header a fault."""
    width = len(columns)
    batch: list[list[str | None]] = []
    try:
        for cells in rows:
            texts = [_text(cell) for cell in cells]
            if not any(texts):
                continue
            if any(texts[width:]):
                raise SourceError(f"{path}: sources.{name}: a row has cells beyond the {width} columns named")
            batch.append([*texts[:width], *[None] * (width - len(texts))])
            if len(batch) == _ROWS:
                yield batch
                batch = []
    except (ValueError, KeyError, IndexError, SyntaxError, EOFError, OSError) as fault:
        raise SourceError(
            f"{path}: cannot be read to its end ({type(fault).__name__}); send the file again"
        ) from None
    if batch:
        yield batch


def _table(batch: list[list[str | None]], schema: pa.Schema) -> pa.Table:
    import pyarrow as pa

    columns = list(zip(*batch, strict=True))
    return pa.table([pa.array(column, pa.string()) for column in columns], schema=schema)


def _text(cell: object) -> str | None:
    """A cell as text; an empty one is None."""
    if cell is None or cell == "":
        return None
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, float):
        # 15 digits are what Excel keeps; the binary rest (0.30000000000000004) is not the user's. A whole
        # number may be an id that another program wrote with more.
        digits = repr(cell) if cell.is_integer() else format(cell, ".15g")
        return format(Decimal(digits).normalize(), "f")
    if isinstance(cell, datetime):
        day = cell.time() == time()
        return (
            cell.date().isoformat()
            if day
            else cell.isoformat(" ", "microseconds" if cell.microsecond else "seconds")
        )
    if isinstance(cell, (date, time)):
        return cell.isoformat()
    if isinstance(cell, timedelta):
        return _duration(cell)
    return str(cell)


def _duration(span: timedelta) -> str:
    """30 hours are 30:00:00, as Excel shows them and DuckDB reads them; not `1 day, 6:00:00`."""
    minutes, seconds = divmod(abs(span), timedelta(minutes=1))
    hours, minutes = divmod(minutes, 60)
    rest = f".{seconds.microseconds:06}" if seconds.microseconds else ""
    return f"{'-' if span < timedelta() else ''}{hours:02}:{minutes:02}:{seconds.seconds:02}{rest}"


def _letter(number: int) -> str:
    """The name Excel gives a column: 1 is A, 27 is AA."""
    text = ""
    while number:
        number, rest = divmod(number - 1, 26)
        text = chr(65 + rest) + text
    return text
