"""How results look in a terminal: tables, numbers, and one line per fault."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import IO, Any

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

# What a terminal would act on: a value from data must not move its cursor or set its title.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")

# Into a file or a pipe there is no width to fit: wide enough for every table we print.
PIPED_WIDTH = 240


class _Console(Console):
    """A console whose reader may go away (`lohko run | head`): what was done is done, and its code stands."""

    def on_broken_pipe(self) -> None:
        _nobody_reads(self.file)


console = _Console(emoji=False, width=None if sys.stdout.isatty() else PIPED_WIDTH)
errors = _Console(emoji=False, stderr=True, width=None if sys.stderr.isatty() else PIPED_WIDTH)


def print_json(value: Any) -> None:
    """JSON for programs: dates as ISO text, money as text so that no cent is lost."""
    try:
        json.dump(value, sys.stdout, indent=2, default=_plain)
        sys.stdout.write("\n")
        sys.stdout.flush()
    except BrokenPipeError:
        _nobody_reads(sys.stdout)


def _nobody_reads(stream: IO[str]) -> None:
    """Let what is still written, and flushed at the end, go nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def _plain(value: Any) -> Any:
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    return str(value)


def table(
    title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]], right: Sequence[str] = ()
) -> Table:
    """A table; the columns in `right` hold numbers. Cells may be ready Rich markup."""
    made = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left", title_style="bold", pad_edge=False)
    for column in columns:
        is_number = column in right
        made.add_column(column, justify="right" if is_number else "left", no_wrap=is_number, overflow="fold")
    for row in rows:
        made.add_row(*[str(cell) for cell in row])
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
