"""One source, one run: new files become a batch, the batch is judged, the verdict is kept."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pipelines.config.expression import columns_in
from pipelines.config.project import Source
from pipelines.config.yaml import nearest
from pipelines.errors import ConfigError, SourceError
from pipelines.ingest import batch, deliveries, ledger, quality
from pipelines.ingest.files import LandedFile, bind, columns_in_file
from pipelines.ingest.mapping import META, Mapping, parse_mapping
from pipelines.steps import columns_of

if TYPE_CHECKING:
    import duckdb

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


def mappings_of(con: duckdb.DuckDBPyConnection, name: str, source: Source) -> list[Mapping]:
    """The source's mappings against the columns landed so far; none before its first batch."""
    columns = [column for column, _ in columns_of(con, f"raw.{name}") if column not in META]
    if not columns:
        return []
    return [
        parse_mapping(name, source, table, columns, f"project.yaml: sources.{name}.tables.{table}")
        for table in source.tables
    ]


def check_file(con: duckdb.DuckDBPyConnection, name: str, source: Source, path: Path) -> list[Mapping]:
    """The source's mappings against one file.

    Raises
    ------
    SourceError
        Naming the file, the column it lacks, the mapping that reads it, and the nearest columns it has. It is
        logged and sent, so it does not list the others.
    """
    columns = columns_in_file(con, path, source.format)
    lower = {column.lower() for column in columns}
    found = []
    for table in source.tables:
        where = f"project.yaml: sources.{name}.tables.{table}"
        landed = [column for column, _ in columns_of(con, f"raw.{name}") if column not in META]
        try:
            mapping = parse_mapping(name, source, table, sorted({*columns, *landed}), where)
        except ConfigError as fault:
            told = str(fault).partition(" (known:")[0]
            raise SourceError(f"{path}: does not fit its mapping. {told} {_count(columns)}") from None
        for target, tree in mapping.read.items():
            for column in sorted(columns_in(tree)):
                if column.lower() not in lower:
                    raise SourceError(
                        f"{path}: has no column {column}, which {where}.{target} reads"
                        f"{nearest(column, columns)} {_count(columns)}"
                    )
            bind(con, tree, path, source.format, f"{where}.{target}")
        found.append(mapping)
    return found


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
) -> Outcome:
    """Load new files as one batch, judge it, and keep the verdict.

    A fault of a file or a failed critical check raises nothing: failure is data, and what does not depend on
    the source goes on. A file that cannot be used holds back itself alone: the others make the batch, and the
    source is `failed` until the file is mended or taken away. A failed check holds the batch, whole.

    Parameters
    ----------
    files : those the ledger does not know yet.
    standing : the ledger's names of all files the source has now.
    """
    if not files:
        return _last(con, name, standing)
    usable, faults = _usable(con, name, source, files)
    try:
        if not usable:
            raise SourceError("; ".join(faults))
        # Attributes are the columns of raw.<source>, so the mappings are read once the files are in.
        seq, unread = batch.stage_batch(
            con, name, usable, source.format, lambda: mappings_of(con, name, source), run_id
        )
    except SourceError as fault:
        told = str(fault) if not usable else "; ".join([*faults, str(fault)])
        return Outcome(name, "failed", told, results=quality.stored(con, name))
    faults += unread
    mappings = mappings_of(con, name, source)
    results = [
        result
        for mapping in mappings
        for result in [
            *quality.validate(
                con, mapping, quality.checks_for(mapping.contract, mapping.mapped, source.max_bad_share)
            ),
            *deliveries.judge_snapshot(con, mapping, source, seq),
        ]
    ]
    failed = [result for result in results if not result.passed and result.severity == "critical"]
    reason = "; ".join(f"{r.table}.{r.name}: {r.unexpected} of {r.elements} rows" for r in failed) or None
    quality.store(con, seq, name, run_id, results)
    batch.settle(con, seq, reason)
    status: Status = "rejected" if reason else "accepted"
    message = f"batch {seq} of source {name} was rejected: {reason}" if reason else ""
    if faults:
        status = "failed"
        message = "; ".join([*faults, message or f"the other new files are in batch {seq}"])
    return Outcome(name, status, message, seq, batch.accounts(con, seq), results)


def _usable(
    con: duckdb.DuckDBPyConnection, name: str, source: Source, files: Sequence[LandedFile]
) -> tuple[list[LandedFile], list[str]]:
    """The files that fit the mapping, and what is wrong with each of the others."""
    usable, faults = [], []
    for file in files:
        try:
            check_file(con, name, source, file.path)
            usable.append(file)
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
