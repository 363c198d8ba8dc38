"""The dialect of a CSV file: stated in the source, or sniffed from its beginning.

The columns that a mapping reads are the best evidence there is: the delimiter is the one that makes them
stand in the first line. Where none does, it is the one that cuts most lines into as many values as the first.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from pipelines.config.csv import CsvDialect
from pipelines.errors import SourceError

DELIMITERS = (",", ";", "\t", "|")
MAX_COLUMNS = 2_000
_ROWS = 200
_POSITION = re.compile(r"column\d+")
_QUOTED_BY_APOSTROPHE = re.compile(r"(?:^|[,;\t|])'[^'\r\n]*'(?=[,;\t|\r\n]|$)", re.MULTILINE)
_BACKSLASH = re.compile(r'[^\\,;\t|\r\n]\\"[^,;\t|\r\n]')


@dataclass(frozen=True)
class Dialect:
    """How one file is written; `sniffed` names what the source does not state."""

    delimiter: str
    quote: str
    escape: str
    header: bool
    skip: int
    columns: tuple[str, ...]
    sniffed: tuple[str, ...]

    @property
    def lines_before(self) -> int:
        """Lines before the first row."""
        return self.skip + self.header


def sniff(path: Path, sample: str, whole: bool, stated: CsvDialect, wanted: Collection[str]) -> Dialect:
    """The dialect of a file.

    Parameters
    ----------
    path : the file.
    stated : what the source states of the dialect.
    sample : the file's beginning, decoded.
    whole : whether the sample is all of the file.
    wanted : the words of the source's mappings, lower case: its columns are among them.

    Raises
    ------
    SourceError
        When the first line is no header, or repeats a name; naming positions, never the text in it.
    """
    lines = sample.splitlines(keepends=True)[stated.skip :]
    if not whole and len(lines) > 1:
        lines.pop()
    if not any(line.strip() for line in lines):
        raise SourceError(
            f"{path}: has no line after the {stated.skip} that are skipped; expected at least a header"
        )
    text = "".join(lines)
    quote = stated.quote if stated.quote is not None else _quote(text)
    escape = stated.escape or ("\\" if stated.quote is None and _is_backslashed(text) else quote)
    delimiter = stated.delimiter or _delimiter(lines, quote, escape, stated.columns, wanted)
    first = _first_row(path, lines, delimiter, quote, escape)
    header = stated.header if stated.header is not None else _has_header(first, stated.columns, wanted)
    columns = _columns(path, first, header, stated.columns)
    settings = ("delimiter", "quote", "escape", "header")
    return Dialect(
        delimiter,
        quote,
        escape,
        header,
        stated.skip,
        columns,
        tuple(name for name in settings if getattr(stated, name) is None),
    )


def _quote(text: str) -> str:
    """An apostrophe only where values stand between two of them and none between quotation marks."""
    return "'" if '"' not in text and len(_QUOTED_BY_APOSTROPHE.findall(text)) > 1 else '"'


def _is_backslashed(text: str) -> bool:
    return '""' not in text and bool(_BACKSLASH.search(text))


def _delimiter(
    lines: Sequence[str], quote: str, escape: str, columns: Sequence[str] | None, wanted: Collection[str]
) -> str:
    def score(delimiter: str) -> tuple[int, bool, float, int]:
        try:
            rows = [row for row in islice(_reader(lines, delimiter, quote, escape), _ROWS) if row]
        except csv.Error:
            return (0, False, 0.0, 0)
        widths = Counter(map(len, rows))
        first = len(rows[0]) if rows else 0
        if first < 2:
            return (0, False, 0.0, 0)
        named = sum(_plain(name) in wanted for name in rows[0])
        return (named, first == len(columns or ()), widths[first] / len(rows), first)

    return max(DELIMITERS, key=score)


def _reader(lines: Sequence[str], delimiter: str, quote: str, escape: str) -> Iterator[list[str]]:
    return csv.reader(
        lines,
        delimiter=delimiter,
        quotechar=quote or None,
        quoting=csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE,
        doublequote=escape == quote,
        escapechar=None if escape == quote else escape,
    )


def _first_row(path: Path, lines: Sequence[str], delimiter: str, quote: str, escape: str) -> list[str]:
    """The first row with anything in it; blank lines before it are passed over, as DuckDB does."""
    try:
        return next((row for row in _reader(lines, delimiter, quote, escape) if row), [])
    except csv.Error:
        raise SourceError(
            f"{path}: its first line cannot be split into values; expected a row of text. Set csv.delimiter"
            " and csv.quote, or send the file again"
        ) from None


def _has_header(first: Sequence[str], columns: Sequence[str] | None, wanted: Collection[str]) -> bool:
    """A file has a header, unless its columns are named elsewhere or read by position."""
    names = {_plain(name) for name in first}
    if columns is not None:
        return names == {_plain(name) for name in columns}
    positions = {word for word in wanted if _POSITION.fullmatch(word)}
    return not positions - names


def _columns(path: Path, first: Sequence[str], header: bool, stated: Sequence[str] | None) -> tuple[str, ...]:
    if len(first) > MAX_COLUMNS:
        raise SourceError(f"{path}: has {len(first):,} columns; expected at most {MAX_COLUMNS:,}")
    if stated is not None:
        if len(first) != len(stated):
            raise SourceError(
                f"{path}: its first row has {len(first)} values, and csv.columns names {len(stated)} columns"
            )
        return tuple(stated)
    if not header:
        return tuple(f"column{place}" for place in range(len(first)))
    names = tuple(name.strip() or f"column{place}" for place, name in enumerate(first))
    refuse_repeats(path, names)
    return names


def refuse_repeats(path: Path, names: Sequence[str], mend: str = "or name all with csv.columns") -> None:
    """Two columns of one name are a fault: which of them a mapping means cannot be known.

    The name is not shown: where the header is missing, it is a value of the first row. `mend` is what can be
    done instead of renaming.

    Raises
    ------
    SourceError
        When two columns have the same name, apart from letter case.
    """
    seen: dict[str, int] = {}
    for place, name in enumerate(names, start=1):
        other = seen.setdefault(_plain(name), place)
        if other != place:
            raise SourceError(
                f"{path}: columns {other} and {place} of its header have names that differ only in letter"
                f" case. Rename one, {mend}"
            )


def _plain(name: str) -> str:
    return name.strip().lower()
