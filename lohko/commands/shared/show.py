"""How results look in a terminal: tables, numbers, and one line per fault."""

from __future__ import annotations

import json
import math
import os
import re
import sys
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import IO, Any

from rich import box
from rich.console import Console, ConsoleOptions, RenderResult
from rich.markup import escape
from rich.table import Table
from rich.text import Text

# What a terminal would act on: a value from data must not move its cursor or set its title.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")

# Into a file or a pipe there is no width to fit, unless COLUMNS says one: wide enough for tables of ours.
PIPED_WIDTH = 240
# A longer word, such as a run's id, may be broken so that its table fits.
LONGEST_WORD = 16
# Between two columns of a table, and of a record.
GAP, RECORD_GAP = 3, 2


class _Console(Console):
    """A console whose reader may go away (`lohko run | head`): what was done is done, and its code stands."""

    def on_broken_pipe(self) -> None:
        _nobody_reads(self.file)


def _width(stream: IO[str]) -> int | None:
    """The width of a terminal, or COLUMNS, is found by Rich itself."""
    return None if stream.isatty() or os.environ.get("COLUMNS", "").isdigit() else PIPED_WIDTH


console = _Console(emoji=False, width=_width(sys.stdout))
errors = _Console(emoji=False, stderr=True, width=_width(sys.stderr))


def print_json(value: Any) -> None:
    """JSON for programs: dates as ISO text, money as text so that no cent is lost."""
    try:
        json.dump(_finite(value), sys.stdout, indent=2, default=_plain)
        sys.stdout.write("\n")
        sys.stdout.flush()
    except BrokenPipeError:
        _nobody_reads(sys.stdout)


def _finite(value: Any) -> Any:
    """JSON has neither NaN nor infinity: they are null."""
    if isinstance(value, dict):
        return {name: _finite(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _nobody_reads(stream: IO[str]) -> None:
    """Let what is still written, and flushed at the end, go nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def _plain(value: Any) -> Any:
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    return str(value)


class FittingTable(Table):
    """A table that turns into records, a line a value, where it does not fit: no number is ever cut."""

    def __init__(self, title: str) -> None:
        super().__init__(
            title=title, box=box.SIMPLE_HEAD, title_justify="left", title_style="bold", pad_edge=False
        )
        self.cells: list[list[str]] = []

    def add_cells(self, row: Sequence[Any]) -> None:
        """Add a row of markup."""
        self.cells.append([str(cell) for cell in row])
        self.add_row(*self.cells[-1])

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if self.fits(options.max_width):
            yield from super().__rich_console__(console, options)
        else:
            yield from self._records()

    def fits(self, space: int) -> bool:
        """Whether so wide a table cuts no number, and breaks no word that is no longer than most."""
        width = GAP * len(self.columns) - 1
        for i, column in enumerate(self.columns):
            shown = [Text(str(column.header)), *(Text.from_markup(row[i]) for row in self.cells)]
            if column.no_wrap:
                width += max(cell.cell_len for cell in shown)
            else:
                words = (Text(word).cell_len for cell in shown for word in cell.plain.split())
                width += min(max(words, default=0), LONGEST_WORD)
        return width <= space

    def _records(self) -> RenderResult:
        if self.title:
            yield Text.from_markup(str(self.title), style="bold")
        for number, row in enumerate(self.cells, start=1):
            yield Text(f"─── {number}", style="dim")
            lines = Table.grid(padding=(0, RECORD_GAP, 0, 0))
            lines.add_column(no_wrap=True)
            lines.add_column(overflow="fold")
            for column, value in zip(self.columns, row, strict=True):
                lines.add_row(Text(str(column.header)), value)
            yield lines


def table(
    title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]], right: Sequence[str] = ()
) -> FittingTable:
    """A table; the columns in `right` hold numbers. Cells may be ready Rich markup."""
    made = FittingTable(title)
    for column in columns:
        is_number = column in right
        made.add_column(column, justify="right" if is_number else "left", no_wrap=is_number, overflow="fold")
    for row in rows:
        made.add_cells(row)
    return made


def text(value: Any) -> str:
    """Text from data: markup and control characters in it are shown, not obeyed."""
    return escape(_CONTROL.sub("\N{REPLACEMENT CHARACTER}", "" if value is None else str(value)))


def cell(value: Any) -> str:
    """A value in one line of a table: line ends and tabs in it are written as `\\n` and `\\t`."""
    shown = "" if value is None else str(value)
    return text(shown.replace("\r", "\\r").replace("\n", "\\n").replace("\t", "\\t"))


def number(value: Any) -> str:
    """12345 -> 12,345."""
    return "" if value is None else f"{value:,.0f}"


def money(value: Any, currency: str = "") -> str:
    """Whole units with separators: cents are in the tables for programs."""
    return "" if value is None else f"{Decimal(value):,.0f}{' ' + currency if currency else ''}"


def percent(value: Any, digits: int = 1) -> str:
    """0.1234 -> 12.3 %."""
    return "" if value is None else f"{100 * value:.{digits}f} %"


def change(value: Any) -> str:
    """A change with its sign, coloured."""
    if value is None:
        return "–"
    if value == 0:
        return "0"
    colour = "green" if value > 0 else "red"
    return f"[{colour}]{value:+,.0f}[/{colour}]"


def ratio(value: Any) -> str:
    """ROI: 1.25 is 125 % above the cost."""
    return "–" if value is None else f"{value:+.2f}"
