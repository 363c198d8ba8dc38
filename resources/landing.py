"""Landing: which files a source has, which of them are new, and archives played back day by day."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.config.connectors import WORKBOOKS, Excel
from pipelines.config.expression import to_sql
from pipelines.config.project import Source
from pipelines.engine import literal
from pipelines.errors import SourceError
from pipelines.ingest import ledger
from pipelines.ingest.files import LandedFile, columns_in_file, read_guarded
from pipelines.ingest.names import refuse_unreadable_name, shown
from pipelines.ingest.reading import Reading, scratch_in
from pipelines.ingest.source import known_from, look_at
from pipelines.ingest.unpack import unreadable
from resources.connectors import fetch, is_fetched, landed
from resources.project import Project

if TYPE_CHECKING:
    import duckdb

_SLICE = re.compile(r"^through-(\d{4}-\d{2}-\d{2})\.parquet$")


@dataclass(frozen=True)
class ProjectLanding:
    """What a refresh lands the files of a project's sources with."""

    project: Project

    def fetch(self, name: str, source: Source) -> None:
        """Bring what a source on the network has now; see `connectors.fetch`."""
        fetch(self.project, name, source)

    def land(
        self, con: duckdb.DuckDBPyConnection, name: str, source: Source, day: date
    ) -> tuple[list[LandedFile], list[str]]:
        """The new files of a source as of a day, and the ledger's names of all it has.

        Parameters
        ----------
        name : the source's name in `project.yaml`.

        Raises
        ------
        SourceError
            When it has none, or one cannot be read.
        """
        paths = land(con, self.project, name, source, day)
        name_of = partial(ledger_name, self.project, source)
        return files_to_land(con, name, paths, name_of), [name_of(path) for path in paths]

    def scratch(self, name: str) -> Path:
        """A folder of this source's own for copies in UTF-8."""
        return self.project.landing / ".text" / name


def source_files(project: Project, name: str, source: Source) -> list[Path]:
    """The files a source names now: pattern by pattern as written, sorted by path within each.

    The order decides where two files of one batch hold the same key: the later one wins. Of a fetched source
    they are those of its last fetch. A workbook is named by the Parquet file made of its sheet.

    Raises
    ------
    SourceError
        When a pattern matches none, naming what was looked for and where; or what is no file.
    """
    if is_fetched(source):
        found = landed(project, name, source)
        if not found:
            raise SourceError(f"sources.{name}: nothing has landed yet; the next run fetches it")
    else:
        found = _matching(project, name, source)
    return _without_workbooks(project, name, source, found)


def _matching(project: Project, name: str, source: Source) -> list[Path]:
    found: dict[Path, None] = {}
    for files in source.patterns:
        base, pattern = _resolve(project, name, files)
        matched = sorted(path for path in base.glob(pattern) if not path.name.startswith("."))
        taken = [path for path in matched if _is_usable(name, path, Path(pattern).name)]
        if not taken:
            raise SourceError(f"sources.{name}: no file matches {base / pattern}; expected at least one")
        found |= dict.fromkeys(taken)
    return list(found)


def _without_workbooks(project: Project, name: str, source: Source, paths: list[Path]) -> list[Path]:
    """The paths, with the sheet of each workbook as Parquet in the workbook's place."""
    workbooks = [path for path in paths if path.name.lower().endswith(WORKBOOKS)]
    if not workbooks:
        return paths
    for path in workbooks:
        refuse_unreadable_name(path)
    from resources.connectors import excel

    folder = project.landing / name / "excel"
    made = excel.convert(workbooks, project.root, folder, name, source.excel or Excel())
    return sorted([*(path for path in paths if path not in workbooks), *made])


def _is_usable(name: str, path: Path, pattern: str) -> bool:
    """Whether a match is a file; a folder is passed over only where the pattern names everything (`*`).

    Raises
    ------
    SourceError
        For what is no file: to read a pipe would wait for ever, and to skip it would lose data unseen.
    """
    if path.is_file():
        return True
    if path.is_dir():
        if pattern in ("*", "**"):
            return False
        raise SourceError(
            f"sources.{name}: {shown(path)} is a folder; expected a file. Narrow the pattern to files"
        )
    kind = "a link to nothing" if path.is_symlink() and not path.exists() else "a pipe, socket or device"
    raise SourceError(
        f"sources.{name}: {shown(path)} is {kind}; expected a file. Take it away, or narrow the pattern"
    )


def _resolve(project: Project, name: str, files: str) -> tuple[Path, str]:
    """A folder and a path or glob in it: the project's, or of a package installed (`package:NAME/PATH`)."""
    if files.startswith("package:"):
        package, _, inner = files.removeprefix("package:").partition("/")
        return _package_folder(name, package), inner
    path = Path(files).expanduser()
    if path.is_absolute():
        return Path(path.anchor), str(path.relative_to(path.anchor))
    return project.root, str(path)


def _package_folder(name: str, package: str) -> Path:
    try:
        spec = find_spec(package)
    except (ImportError, ValueError):
        spec = None
    if spec is None or not spec.submodule_search_locations:
        raise SourceError(
            f"sources.{name}: the package {package} is not installed; `make demo` installs it (extra `demo`)"
        )
    return Path(next(iter(spec.submodule_search_locations)))


def land(
    con: duckdb.DuckDBPyConnection, project: Project, name: str, source: Source, as_of: date
) -> list[Path]:
    """The landed files of a source as of a day: its own, or the slices of its archive so far.

    Parameters
    ----------
    name : the source's name in `project.yaml`.
    as_of : the business day at whose end everything is counted.
    """
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
    if len(archive) != 1:
        raise SourceError(f"sources.{name}: playback takes one archive, found {len(archive)} files")
    path = archive[0]
    temporary = target.with_suffix(".tmp")
    parameters = {"first": after + timedelta(days=1), "through": through}
    with scratch_in(target.parent.parent / ".text" / name) as scratch:
        reading = look_at(con, source, path, scratch)
        tree = known_from(name, source, path, columns_in_file(con, reading))
        star = "* exclude (file_row_number)" if reading.kind == "parquet" else "*"
        try:
            days = _between(con, to_sql(tree), reading)
            copy = f"copy (select {star} from {reading.clause} where {days}) to {literal(temporary)}"
            ((written,),) = read_guarded(con, f"{copy} (format parquet)", reading, parameters)
        except SourceError as fault:
            where = source.place(name, "playback", "by")
            raise SourceError(f"{where} gives no day of every row: {fault}") from None
    if written:
        temporary.replace(target)
    else:
        temporary.unlink()


def _between(con: duckdb.DuckDBPyConnection, by: str, reading: Reading) -> str:
    """Whether the day of a row, in the project's time zone, is from `$first` through `$through`.

    To find the day of an instant takes longer than all else, so instants that lie days away are passed over.
    """
    days = f"cast({by} as date) between $first and $through"
    ((_, kind, *_),) = read_guarded(con, f"describe select {by} as at from {reading.clause}", reading)
    if not kind.startswith("TIMESTAMP"):
        return days
    near = f"{by} >= cast($first as timestamptz) - interval 2 day"
    return f"{near} and {by} < cast($through as timestamptz) + interval 3 day and {days}"


def ledger_name(project: Project, source: Source, path: Path) -> str:
    """What the ledger calls a file: relative to the project or the package, so that either may move."""
    if path.is_relative_to(project.root):
        return shown(path.relative_to(project.root).as_posix())
    for files in source.patterns:
        package = files.removeprefix("package:").partition("/")[0]
        if files.startswith("package:") and path.is_relative_to(_package_folder(package, package)):
            return f"package:{package}/{path.relative_to(_package_folder(package, package)).as_posix()}"
    return shown(path)


def files_to_land(
    con: duckdb.DuckDBPyConnection, source: str, paths: list[Path], name_of: Callable[[Path], str] = shown
) -> list[LandedFile]:
    """The new files of a source, and those held back by a rejected one that is mended now; sorted by path.

    Parameters
    ----------
    paths : the files that exist now.
    name_of : gives the ledger's name of a file.
    """
    known = ledger.known_files(con, source)
    files = new_files(paths, known, name_of)
    standing = {name_of(path) for path in paths}
    again = ledger.held_back(con, source, known, standing, {file.name for file in files})
    files += new_files([path for path in paths if name_of(path) in again], {}, name_of)
    return sorted(files, key=lambda file: file.path)


def new_files(
    paths: list[Path], known: Mapping[str, Mapping[str, Any]], name_of: Callable[[Path], str] = shown
) -> list[LandedFile]:
    """Those the ledger does not know with this content; unchanged size and time are not read again."""
    found = []
    for path in paths:
        try:
            stat = path.stat()
        except OSError as error:
            raise unreadable(path, error) from None
        name = name_of(path)
        entry = known.get(name)
        if entry and (entry["size"], entry["mtime_ns"]) == (stat.st_size, stat.st_mtime_ns):
            continue
        digest = sha256(path)
        if entry and entry["sha256"] == digest:
            continue
        found.append(LandedFile(path, name, stat.st_size, stat.st_mtime_ns, digest))
    return found


def sha256(path: Path) -> str:
    """The content hash of a file, read in pieces."""
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise unreadable(path, error) from None
