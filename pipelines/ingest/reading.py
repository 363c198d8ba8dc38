"""From a file as it came to what DuckDB reads: its format, its dialect, and a UTF-8 copy where it needs one.

DuckDB's own sniffer is not asked: it guesses anew in every statement, and around a broken row it picks
another delimiter without a word. A file is looked at once, and every later statement reads it the same way.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from pipelines.config.csv import CsvDialect
from pipelines.engine import literal
from pipelines.errors import SourceError
from pipelines.ingest.dialect import Dialect, sniff
from pipelines.ingest.encoding import SAMPLE, Scan, copy_as_utf8, encoding_of, scan
from pipelines.ingest.unpack import ENDINGS, compression_of, refuse_growth, zstd_is_whole

if TYPE_CHECKING:
    import duckdb

    from pipelines.config.project import Source

_TEXT = {".csv": "csv", ".tsv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl"}
FORMATS = {".parquet": "parquet"} | {
    ending + packed: kind for ending, kind in _TEXT.items() for packed in ("", *ENDINGS)
}
# A longer line is refused: as a rule, a quote that was never closed.
MAX_LINE = 2_000_000
_WORD = re.compile(r'"([^"]+)"|([^\W\d]\w*)')
_NEWLINES = {"\n": "LF", "\r\n": "CRLF", "\r": "CR"}
_COMPRESSIONS = {"gzip": "gzip", "zstd": "zstd", "": "none"}


@dataclass(frozen=True)
class Reading:
    """How one file is read.

    `path` is what messages name, `at` what DuckDB opens: the same, or a UTF-8 copy. `clause` is the FROM
    clause that reads `$path`. What does not apply to the format is None; `sniffed` names what was not stated.
    """

    path: Path
    kind: str
    clause: str
    at: Path
    compression: str = ""
    encoding: str | None = None
    newline: str | None = None
    dialect: Dialect | None = None
    sniffed: tuple[str, ...] = ()
    ragged: int = 0  # lines set apart in `at`

    @property
    def columns(self) -> tuple[str, ...] | None:
        """The column names, where they are known without asking DuckDB."""
        return self.dialect.columns if self.dialect else None

    @property
    def lines_before(self) -> int:
        """Lines before the first row."""
        return self.dialect.lines_before if self.dialect else 0


def format_of(path: Path, stated: str | None) -> str:
    """The file's format: as stated, or by its ending.

    Raises
    ------
    SourceError
        When no format is stated and the file's ending is unknown.
    """
    if stated:
        return stated
    for ending, kind in FORMATS.items():
        if path.name.lower().endswith(ending):
            return kind
    packed = ", ".join(ENDINGS)
    raise SourceError(
        f"{path}: the ending says no format; expected one of .parquet, {', '.join(_TEXT)} (these also with"
        f" {packed}), or set `format:` in the source"
    )


@contextmanager
def scratch_in(folder: Path | None) -> Iterator[Path]:
    """A folder for copies that are read once: this one, empty of what a killed run left, or a temporary one.

    Copies stand beside the landing, because they are as large as the files.
    """
    if folder is None:
        with TemporaryDirectory(prefix="lohko-text-") as made:
            yield Path(made)
        return
    rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        rmtree(folder, ignore_errors=True)


def words_of(source: Source) -> frozenset[str]:
    """The words of a source's mappings, lower case: the columns it reads, and names of functions."""
    return frozenset(
        (quoted or word).lower()
        for mapping in source.tables.values()
        for text in mapping.values()
        for quoted, word in _WORD.findall(text)
    )


def prepare(
    con: duckdb.DuckDBPyConnection,
    path: Path,
    format: str | None,
    scratch: Path,
    stated: CsvDialect | None = None,
    wanted: frozenset[str] = frozenset(),
) -> Reading:
    """Look at a file, and make the copy that it needs.

    Parameters
    ----------
    path : the file.
    format : the source's stated format.
    scratch : where a copy is written; it must stand while the file is read.
    stated : what the source says of its text files.
    wanted : the words of its mappings, see `words_of`.

    Raises
    ------
    SourceError
        When the file is missing, empty, damaged, no text, or has no usable header.
    """
    kind = format_of(path, format)
    if not path.exists():
        raise SourceError(f"{path}: no such file")
    if not path.stat().st_size:
        raise SourceError(f"{path}: is empty; expected {kind}. Send the file again")
    if kind == "parquet":
        return Reading(path, kind, "read_parquet($path, file_row_number = true)", path)
    stated = stated or CsvDialect()
    compression = compression_of(path)
    found = (
        _scan_zstd(con, path)
        if compression == "zstd"
        else scan(path, compression, MAX_LINE if kind == "csv" else None)
    )
    if not found.sample.strip(b"\0 \t\r\n\xef\xbb\xbf\xff\xfe"):
        raise SourceError(f"{path}: is empty inside; expected {kind}. Send the file again")
    encoding = encoding_of(path, compression, found, stated.encoding)
    at, packed = path, compression
    if _needs_copy(found, encoding, compression):
        at, packed = scratch / f"{len(list(scratch.iterdir()))}.{kind}", ""
        copy_as_utf8(path, compression, encoding, at)
    newline = " and ".join(_NEWLINES[end] for end in sorted(found.newlines, key=len, reverse=True)) or None
    sniffed: tuple[str, ...] = ("newline",) if stated.encoding else ("encoding", "newline")
    if kind == "jsonl":
        return Reading(path, kind, _json(packed), at, compression, encoding, newline, None, sniffed)
    sample = _decoded(found, encoding)
    dialect = sniff(path, sample, found.size <= len(found.sample), stated, wanted)
    sniffed += dialect.sniffed
    clause = csv_clause(dialect, packed)
    return Reading(path, kind, clause, at, compression, encoding, newline, dialect, sniffed)


def _needs_copy(found: Scan, encoding: str, compression: str) -> bool:
    """DuckDB reads UTF-8 with one kind of line end, plain or packed with gzip or zstd."""
    if compression == "zstd":
        return False
    return (
        encoding != "utf-8"
        or compression not in _COMPRESSIONS
        or len(found.newlines) > 1
        or (found.has_mark and found.sample.startswith(codecs.BOM_UTF8))
    )


def _decoded(found: Scan, encoding: str) -> str:
    codec = {"utf-8": "utf-8-sig"}.get(encoding, encoding)
    # The sample may end inside a character.
    return found.sample.decode(codec, errors="ignore")


def _scan_zstd(con: duckdb.DuckDBPyConnection, path: Path) -> Scan:
    """What `scan` finds, by DuckDB, which alone unpacks zstd here; it takes UTF-8 only, and says so."""
    import duckdb

    if not zstd_is_whole(path):
        raise SourceError(f"{path}: is damaged or truncated: its zstd frames do not end. Send the file again")
    lines = (
        "read_csv($path, auto_detect = false, header = false, columns = {'line': 'VARCHAR'}, delim = '\x1f',"
        f" quote = '', escape = '', compression = 'zstd', max_line_size = {MAX_LINE})"
    )
    try:
        row = con.execute(
            f"select coalesce(sum(strlen(line) + 1), 0), bool_or(contains(line, chr(0))) from {lines}",
            {"path": str(path)},
        ).fetchone()
        head = con.execute(f"select line from {lines} limit 500", {"path": str(path)}).fetchall()
    except duckdb.Error:
        raise SourceError(
            f"{path}: does not unpack as zstd into lines of UTF-8 text; expected a whole file. Send it"
            " again, or with gzip, which is read in other encodings too"
        ) from None
    size, has_nul = (int(row[0]), bool(row[1])) if row else (0, False)
    refuse_growth(path, path.stat().st_size, size)
    sample = "\n".join(line or "" for (line,) in head).encode() + b"\n"
    return Scan(sample[:SAMPLE], size, None, 1 if has_nul else None, frozenset("\n"))


def csv_clause(dialect: Dialect, compression: str) -> str:
    """Every value is text until it is mapped, and nothing is skipped: not lines that look like comments."""
    columns = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in dialect.columns)
    options = {
        "auto_detect": "false",
        "columns": "{" + columns + "}",
        "delim": literal(dialect.delimiter),
        "quote": literal(dialect.quote),
        "escape": literal(dialect.escape),
        "header": str(dialect.header).lower(),
        "skip": str(dialect.skip),
        "comment": "''",
        "null_padding": "false",
        "max_line_size": str(MAX_LINE),
        "compression": literal(_COMPRESSIONS[compression]),
    }
    return f"read_csv($path, {', '.join(f'{name} = {value}' for name, value in options.items())})"


def _json(compression: str) -> str:
    return (
        "(select columns(*) ->> '$' as '\\0' from read_json($path, format = 'newline_delimited',"
        f" compression = {literal(_COMPRESSIONS[compression])}, maximum_depth = 1, sample_size = -1,"
        " map_inference_threshold = -1))"
    )
