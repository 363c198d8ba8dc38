"""One source, one run: new files become a batch, the batch is judged, the verdict is kept."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pipelines.config.expression import columns_in, parse_scalar, to_sql
from pipelines.config.project import Source
from pipelines.config.yaml import nearest
from pipelines.contracts.model import Check
from pipelines.engine import columns_of, qualified, quote
from pipelines.errors import ConfigError, SourceError
from pipelines.ingest import (
    attributes,
    batch,
    conflicts,
    deliveries,
    filled,
    ledger,
    names,
    quality,
    unread,
    volume,
)
from pipelines.ingest.expected import Suite, checks_of_batch, derived
from pipelines.ingest.files import LandedFile, bind, columns_in_file
from pipelines.ingest.mapping import META, Mapping, parse_mapping
from pipelines.ingest.ragged import COLUMN as RAGGED
from pipelines.ingest.reading import Reading, prepare, scratch_in, words_of

if TYPE_CHECKING:
    import duckdb
    from sqlglot import exp

Status = Literal["accepted", "rejected", "unchanged", "failed"]


@dataclass(frozen=True)
class Outcome:
    """What became of a source in this run.

    `unchanged`: no new file. `rejected`: a batch came and its quality failed; it is kept and not in core.
    `failed`: a file could not be used at all. In both the source is held at its last good state.
    """

    source: str
    status: Status
    message: str = ""
    batch_seq: int | None = None
    accounts: list[batch.Account] = field(default_factory=list)
    results: list[quality.CheckResult] = field(default_factory=list)

    @property
    def held(self) -> bool:
        return self.status in ("rejected", "failed")


# As far back as a batch's days are compared with their weekdays.
HISTORY_DAYS = 3 * 366


def mappings_of(con: duckdb.DuckDBPyConnection, name: str, source: Source) -> list[Mapping]:
    """The source's mappings against the columns landed so far; none before its first batch."""
    landed = columns_of(con, f"raw.{name}")
    columns = [column for column, _ in landed if column not in META]
    if not columns:
        return []
    texts = frozenset(column.lower() for column, kind in landed if kind == "VARCHAR")
    decimal = source.csv.decimal if source.csv else None
    parsed = [parse_mapping(name, source, table, columns) for table in source.tables]
    apart = RAGGED in {column for column, _ in landed}
    spelled = [attributes.as_first_spelled(con, mapping) for mapping in parsed]
    return [
        replace(mapping, texts=texts, decimal=decimal, ragged=apart, wordy=_wordy(con, mapping, texts))
        for mapping in spelled
    ]


def _wordy(con: duckdb.DuckDBPyConnection, mapping: Mapping, texts: Collection[str]) -> frozenset[str]:
    """The attributes that are text: columns of text, and expressions that give one."""
    found = {name for name in mapping.attributes if name.lower() in texts and name not in mapping.expressions}
    written = [name for name in mapping.attributes if name in mapping.expressions]
    if written:
        given = ", ".join(f"{to_sql(mapping.expressions[name])} as {quote(name)}" for name in written)
        described = con.execute(f"describe select {given} from {qualified(f'raw.{mapping.source}')}")
        found |= {name for name, kind, *_ in described.fetchall() if kind == "VARCHAR"}
    return frozenset(found)


def look_at(con: duckdb.DuckDBPyConnection, source: Source, path: Path, scratch: Path) -> Reading:
    """How a file of the source is read; copies that it needs stand in `scratch`.

    Parameters
    ----------
    path : the file.
    scratch : a folder for copies in UTF-8 that are read once.
    """
    names.refuse_unreadable_name(path)
    return prepare(con, path, source.format, scratch, source.csv, words_of(source))


def check_file(
    con: duckdb.DuckDBPyConnection,
    name: str,
    source: Source,
    path: Path,
    reserved: Collection[str] = (),
) -> list[Mapping]:
    """The source's mappings against one file; see `check_reading`.

    Parameters
    ----------
    name : the source's name in `project.yaml`.
    path : the file.
    reserved : names that an attribute of a customer may not have.
    """
    with scratch_in(None) as scratch:
        return check_reading(con, name, source, look_at(con, source, path, scratch), reserved)


def check_reading(
    con: duckdb.DuckDBPyConnection,
    name: str,
    source: Source,
    reading: Reading,
    reserved: Collection[str] = (),
) -> list[Mapping]:
    """The source's mappings against one file.

    Parameters
    ----------
    name : the source's name in `project.yaml`.
    reading : how the file is read: its format, dialect, encoding and columns.
    reserved : names, lower case, that no attribute may come by: the features'.

    Raises
    ------
    SourceError
        Naming the file, the column it lacks, the mapping that reads it, and the nearest columns it has. It is
        logged and sent, so it does not list the others.
    """
    path, columns = reading.path, columns_in_file(con, reading)
    lower = {column.lower() for column in columns}
    names.refuse_places(path, columns)
    if source.playback:
        known_from(name, source, path, columns)
    found = []
    landed = [column for column, _ in columns_of(con, f"raw.{name}") if column not in META]
    _refuse_unknown(name, source, path, [*columns, *landed])
    for table in source.tables:
        try:
            mapping = parse_mapping(name, source, table, sorted(attributes.one_of_each([*landed, *columns])))
        except ConfigError as fault:
            raise SourceError(
                f"{path}: does not fit its mapping. {_nameless(fault)} {_count(columns)}"
            ) from None
        names.refuse_taken(path, mapping, source.tables[table], reserved)
        for target, tree in mapping.read.items():
            where = _place(name, source, table, target)
            for column in sorted(columns_in(tree)):
                if column.lower() not in lower:
                    raise SourceError(
                        f"{path}: has no column {column}, which {where} reads"
                        f"{nearest(column, columns)} {_count(columns)}"
                    )
            bind(con, tree, reading, where)
        found.append(mapping)
    return found


def _refuse_unknown(name: str, source: Source, path: Path, columns: Sequence[str]) -> None:
    """A misspelt column would not be left out, and nobody would see it."""
    known = {column.lower() for column in columns}
    for column in source.leave_out:
        if column.lower() not in known:
            raise SourceError(
                f"{path}: has no column {column}, which {source.place(name, 'leave_out')} leaves out"
                f"{nearest(column, columns)} {_count(columns)}"
            )


def known_from(name: str, source: Source, path: Path, columns: Sequence[str]) -> exp.Expr:
    """When a row of an archive that is played back came to be known, over the archive's columns.

    Parameters
    ----------
    name : the source's name in `project.yaml`.
    path : the archive, for messages.
    columns : the columns of the archive.

    Raises
    ------
    SourceError
        When it reads a column that the archive has not, or is no expression.
    """
    by = source.playback.by if source.playback else ""
    try:
        return parse_scalar(by, columns, source.place(name, "playback", "by"))
    except ConfigError as fault:
        raise SourceError(f"{path}: cannot be played back. {_nameless(fault)} {_count(columns)}") from None


def _nameless(fault: ConfigError) -> str:
    """A fault of an expression without the list of the file's columns."""
    return str(fault).partition(" (known:")[0]


def _place(name: str, source: Source, table: str, target: str) -> str:
    """Where an expression stands: under its column of the table, or as a setting of the source."""
    return source.place(name, *(("tables", table, target) if target in source.tables[table] else (target,)))


def _count(columns: Sequence[str]) -> str:
    """How many columns a file has, not which: without a header line its first row, a person, stands there."""
    return f"(it has {len(columns)} columns; is its header line there?)"


def ingest(
    con: duckdb.DuckDBPyConnection,
    name: str,
    source: Source,
    files: Sequence[LandedFile],
    run_id: str,
    standing: Collection[str],
    scratch: Path | None = None,
    *,
    suites: Sequence[Suite] = (),
    through: date | None = None,
    delivered: date | None = None,
    reserved: Collection[str] = (),
) -> Outcome:
    """Load new files as one batch, validate it, and keep the verdict.

    A fault of a file or a failed critical check raises nothing: failure is data, and what does not depend on
    the source goes on. A file that cannot be used holds back itself alone: the others make the batch, and the
    source is `failed` until the file is mended or taken away. A failed check holds the batch, whole.

    Parameters
    ----------
    name : the source's name in `project.yaml`.
    files : those the ledger does not know yet.
    standing : the ledger's names of all files the source has now.
    scratch : a folder of this source's own for copies in UTF-8; without it, the system's.
    suites : what the project itself expects.
    through : the last business day that has ended; volumes of later days are not judged.
    delivered : the business day that had ended last when the files came; None for the clock's.
    reserved : names of features, lower case, which no attribute may come by.
    """
    if not files:
        return _last(con, name, standing)
    usable: list[tuple[LandedFile, Reading]] = []
    faults: list[str] = []
    try:
        with scratch_in(scratch) as folder:
            usable, faults = _usable(con, name, source, files, folder, reserved)
            if not usable:
                raise SourceError("; ".join(faults))
            # Attributes are the columns of raw.<source>, so the mappings are read once the files are in.
            seq, unread = batch.stage_batch(
                con,
                name,
                [file for file, _ in usable],
                [reading for _, reading in usable],
                lambda: mappings_of(con, name, source),
                run_id,
                folder,
                delivered,
            )
    except SourceError as fault:
        told = str(fault) if not usable else "; ".join([*faults, str(fault)])
        return Outcome(name, "failed", told, results=quality.stored(con, name))
    outcome = validate_batch(con, name, source, seq, run_id, suites=suites, through=through)
    faults += unread
    if not faults:
        return outcome
    told = outcome.message or f"the other new files are in batch {seq}"
    return replace(outcome, status="failed", message="; ".join([*faults, told]))


def validate_batch(
    con: duckdb.DuckDBPyConnection,
    name: str,
    source: Source,
    seq: int,
    run_id: str,
    *,
    suites: Sequence[Suite] = (),
    through: date | None = None,
) -> Outcome:
    """Run the suites on the batch that stands in the stages, and flip its status to the verdict.

    Parameters
    ----------
    name : the source's name in `project.yaml`.
    seq : the number of the batch.
    suites : the project's own expectations.
    through : the last day that has ended; later days of the data are not compared. None for no limit.
    """
    mappings = mappings_of(con, name, source)
    filled.record(con, seq, mappings)
    results = [
        result
        for mapping in mappings
        for result in [
            *quality.validate(con, mapping, _checks(name, source, mapping, suites)),
            *deliveries.check_snapshot(con, mapping, source, seq),
            *attributes.check_spelling(con, mapping, seq),
            *conflicts.check_conflicts(con, mapping, seq),
            *filled.check_required(con, mapping, source, seq),
            *unread.check_read(con, mapping),
        ]
    ]
    volume.record(con, seq, mappings)
    results += volume.volume_checks(
        con, seq, name, source.tables, source.volume, through=through, closed=_closed_days(source, through)
    )
    failed = [result for result in results if not result.passed and result.severity == "critical"]
    reason = "; ".join(map(_reason, failed)) or None
    quality.store(con, seq, name, run_id, results)
    batch.settle(con, seq, reason)
    status: Status = "rejected" if reason else "accepted"
    message = f"batch {seq} of source {name} was rejected: {reason}" if reason else ""
    return Outcome(name, status, message, seq, batch.accounts(con, seq), results)


def _reason(failed: quality.CheckResult) -> str:
    """Why a check rejects a batch: counts, and where it knows more, the columns and the first place."""
    told = f"{failed.table}.{failed.name}: {failed.unexpected} of {failed.elements} rows"
    at = f"; first at {failed.samples[0]}" if failed.samples else ""
    return f"{told} ({failed.detail}{at})" if failed.detail else told


def _closed_days(source: Source, through: date | None) -> list[date]:
    """Days without business, of which no volume is expected."""
    if source.freshness is None or through is None:
        return []
    return source.freshness.calendar.closed_days(through, HISTORY_DAYS)


def _checks(name: str, source: Source, mapping: Mapping, suites: Sequence[Suite]) -> list[Check]:
    # Where further columns are attributes, one that a file lacks is a verdict on the batch.
    known = [] if mapping.contract.carries_all else [*mapping.mapped, *derived(mapping.contract)]
    own = checks_of_batch(suites, name, mapping.contract.table, known)
    return quality.checks_of(mapping.contract, mapping.mapped, source, own)


def _usable(
    con: duckdb.DuckDBPyConnection,
    name: str,
    source: Source,
    files: Sequence[LandedFile],
    scratch: Path,
    reserved: Collection[str],
) -> tuple[list[tuple[LandedFile, Reading]], list[str]]:
    """The files that fit the mapping, with how each is read, and what is wrong with each of the others."""
    usable, faults = [], []
    for file in files:
        try:
            reading = look_at(con, source, file.path, scratch)
            check_reading(con, name, source, reading, reserved)
            usable.append((file, reading))
        except SourceError as fault:
            faults.append(str(fault))
    return usable, faults


def _last(con: duckdb.DuckDBPyConnection, name: str, standing: Collection[str]) -> Outcome:
    """Nothing new: a source whose newest batch was rejected stays held until a better one comes.

    Taking the rejected files away releases the source too: what it stands on then is its last good batch.
    """
    newest = ledger.newest_batch(con, name, standing)
    if newest is None:
        return Outcome(name, "failed", f"source {name} has never brought a usable file")
    seq = int(newest["batch_seq"])
    status: Status = "rejected" if newest["status"] == "rejected" else "unchanged"
    message = (
        f"batch {seq} of source {name} is still rejected: {newest['reason']}" if status == "rejected" else ""
    )
    return Outcome(name, status, message, seq, batch.accounts(con, seq), quality.stored(con, name, seq))
