"""Landing: which files a source has, which of them are new, and archives played back day by day."""

from __future__ import annotations

import glob
import hashlib
import os
import re
from collections.abc import Mapping
from datetime import date
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.config.expression import parse_scalar, to_sql
from pipelines.config.project import Source
from pipelines.errors import SourceError
from pipelines.ingest.files import LandedFile, columns_in_file, format_of, reader
from resources.project import Project

if TYPE_CHECKING:
    import duckdb

_SLICE = re.compile(r"^through-(\d{4}-\d{2}-\d{2})\.parquet$")


def source_files(project: Project, name: str, source: Source) -> list[Path]:
    """The files a source names now, sorted by path.

    Raises
    ------
    SourceError
        When there is none, naming what was looked for and where.
    """
    pattern = _resolve(project, name, source.files)
    found = sorted(Path(path) for path in glob.glob(pattern, recursive=True) if Path(path).is_file())
    if not found:
        raise SourceError(f"sources.{name}: no file matches {pattern}; expected at least one")
    return found


def _resolve(project: Project, name: str, files: str) -> str:
    """A path or glob relative to the project, or `package:NAME/PATH` inside an installed package."""
    if not files.startswith("package:"):
        return str(project.root / Path(files).expanduser())
    package, _, inner = files.removeprefix("package:").partition("/")
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise SourceError(
            f"sources.{name}: the package {package} is not installed; `make demo` installs it (extra `demo`)"
        )
    return str(Path(next(iter(spec.submodule_search_locations))) / inner)


def land(
    con: duckdb.DuckDBPyConnection, project: Project, name: str, source: Source, as_of: date
) -> list[Path]:
    """The landed files of a source as of a day: its own, or the slices of its archive so far."""
    files = source_files(project, name, source)
    if source.playback is None:
        return files
    folder = project.landing / name
    folder.mkdir(parents=True, exist_ok=True)
    landed = {date.fromisoformat(match[1]) for path in folder.iterdir() if (match := _SLICE.match(path.name))}
    last = max(landed, default=date.min)
    if as_of > last:
        _write_slice(con, name, source, files, folder / f"through-{as_of}.parquet", last, as_of)
    return sorted(path for path in folder.iterdir() if _SLICE.match(path.name))


def _write_slice(
    con: duckdb.DuckDBPyConnection,
    name: str,
    source: Source,
    archive: list[Path],
    target: Path,
    after: date,
    through: date,
) -> None:
    """Write the archive's rows of the days (after, through], whole or not at all; none makes no file."""
    if len(archive) != 1 or source.playback is None:
        raise SourceError(f"sources.{name}: playback takes one archive, found {len(archive)} files")
    path = archive[0]
    where = f"sources.{name}.playback.by"
    tree = parse_scalar(source.playback.by, columns_in_file(con, path, source.format), where)
    rows = (
        f"from {reader(format_of(path, source.format))} where cast({to_sql(tree)} as date) > $after"
        f" and cast({to_sql(tree)} as date) <= $through"
    ).replace(", file_row_number = true", "")
    parameters = {"path": str(path), "after": after, "through": through}
    found = con.execute(f"select count(*) {rows}", parameters).fetchone()
    if not found or not found[0]:
        return
    temporary = target.with_suffix(".tmp")
    con.execute(f"copy (select * {rows}) to '{_literal(temporary)}' (format parquet)", parameters)
    os.replace(temporary, target)


def _literal(path: Path) -> str:
    return str(path).replace("'", "''")


def new_files(paths: list[Path], known: Mapping[str, Mapping[str, Any]]) -> list[LandedFile]:
    """Those the ledger does not know with this content; unchanged size and time are not read again."""
    found = []
    for path in paths:
        stat = path.stat()
        entry = known.get(str(path))
        if entry and (entry["size"], entry["mtime_ns"]) == (stat.st_size, stat.st_mtime_ns):
            continue
        digest = sha256(path)
        if entry and entry["sha256"] == digest:
            continue
        found.append(LandedFile(path, stat.st_size, stat.st_mtime_ns, digest))
    return found


def sha256(path: Path) -> str:
    """The content hash of a file, read in pieces."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
