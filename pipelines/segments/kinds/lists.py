"""Lists: groups that may overlap, each a CSV file of ids in the project's folder."""

from __future__ import annotations

import csv
import hashlib
import io
import unicodedata
from collections.abc import Iterable
from pathlib import Path

from pipelines.config.segments import ListFile, Lists
from pipelines.config.yaml import nearest
from pipelines.engine import quote
from pipelines.segments.author import Author
from pipelines.segments.kinds.shared import labels_of, segment_column, those_that_hold
from pipelines.segments.model import KEY, Column, Compiled, IdList, ListColumn, Needs

DELIMITERS = ",;\t|"


def compile_lists(definition: Lists, author: Author) -> Compiled:
    """The list of segments whose file names the member."""
    labels = labels_of(author, ("segments", definition.segments))
    lists = tuple(_read(author, i, listed) for i, listed in enumerate(definition.segments))
    columns = [ListColumn(author.id, segment.id) for segment in definition.segments]
    return Compiled(
        Column(
            segment_column(author.id),
            those_that_hold((column.segment, quote(column.name)) for column in columns),
            Needs(lists=frozenset(columns)),
        ),
        labels,
        ["lists", [[listed.segment, listed.content] for listed in lists]],
        exclusive=False,
        lists=lists,
    )


def _read(author: Author, i: int, segment: ListFile) -> IdList:
    """The ids of a file, each once, trimmed; empty cells are none."""
    path = _inside(author, i, segment.file)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise author.fault(f"no such file: {segment.file}", "segments", i, "file") from None
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise author.fault(f"{segment.file} cannot be read: {why}", "segments", i, "file") from None
    column = segment.column or KEY[author.definition.entity]
    ids = _column_of(author, i, segment, text, column)
    if not ids:
        raise author.fault(f"{segment.file} names nobody; expected at least one id", "segments", i, "file")
    content = hashlib.sha256("\n".join(sorted(ids)).encode()).hexdigest()
    return IdList(segment.id, tuple(ids), content)


def _inside(author: Author, i: int, written: str) -> Path:
    """The file, which must lie in the project's folder, links followed."""
    root = author.root.resolve()
    try:
        path = (root / written).resolve()
        outside = not path.is_relative_to(root)
    except (OSError, RuntimeError, ValueError):
        outside = True
    if outside:
        raise author.fault(
            f"{written!r} leads out of the project's folder; expected a file in it", "segments", i, "file"
        )
    return path


def _column_of(author: Author, i: int, segment: ListFile, text: str, column: str) -> list[str]:
    """The values of one column; the delimiter is the one that the heading shows."""
    heading = text.split("\n", 1)[0]
    delimiter = max(DELIMITERS, key=heading.count)
    try:
        lines = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise author.fault(f"{segment.file} is not a CSV file: {error}", "segments", i, "file") from None
    names = [name.strip() for name in lines[0]] if lines else []
    if column not in names:
        place = ("segments", i, "column") if segment.column else ("segments", i, "file")
        # The heading may be a person's id in a file without one: it is not repeated.
        hint = nearest(column, names) if segment.column else "; `column` names another"
        raise author.fault(f"{segment.file} has no column {column}{hint}", *place)
    index = names.index(column)
    return ids_of(line[index] for line in lines[1:] if len(line) > index)


def ids_of(cells: Iterable[str]) -> list[str]:
    """Each id once, as ids are stored: trimmed, in composed letters; empty cells are none."""
    values = (unicodedata.normalize("NFC", cell.strip()) for cell in cells)
    return list(dict.fromkeys(value for value in values if value))
