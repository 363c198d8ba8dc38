"""Publication: the marts of a run written beside the current ones and swapped in whole.

    published/runs/<run_id>/lohko.duckdb, parquet/, csv/, report.html, manifest.json
    published/current -> runs/<run_id>

Everything is written to a temporary folder, flushed, renamed, and only then does the link move. A reader
sees the old run or the new one, never half of one.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.engine import beside, columns_of, literal, qualified, quote
from pipelines.errors import ExternalError
from pipelines.publish.marts import MACROS, MARTS, table_of
from pipelines.refresh.ports import Publisher
from resources.project import Project

if TYPE_CHECKING:
    import duckdb

_log = logging.getLogger(__name__)
# Written so that analysts' DuckDB 1.5 can open it too.
STORAGE_VERSION = "v1.5.0"


def publisher_of(project: Project) -> Publisher:
    """What a refresh publishes a project with."""

    def write(
        con: duckdb.DuckDBPyConnection,
        run_id: str,
        report: Callable[[], str],
        manifest: Mapping[str, Any],
    ) -> Path:
        return publish(con, project.published, run_id, report, manifest, project.config.publish.keep_runs)

    return write


def publish(
    con: duckdb.DuckDBPyConnection,
    published: Path,
    run_id: str,
    report: Callable[[], str],
    manifest: Mapping[str, Any],
    keep: int,
) -> Path:
    """Write a run's outputs and make them current.

    Parameters
    ----------
    manifest : what `manifest.json` is to say.
    published : the project's folder of outputs.
    report : gives the page; asked while the tables are written, because its charts are drawn meanwhile.
    keep : how many runs stay, the current one included.

    Returns
    -------
    The folder of the run.

    Raises
    ------
    ExternalError
        When the folder cannot be made or written, or the disk is full.
    """
    runs = published / "runs"
    with _told(runs):
        runs.mkdir(parents=True, exist_ok=True)
        _clear_leftovers(runs)
        temporary, final = runs / f".writing-{run_id}", _free(runs, run_id)
        temporary.mkdir()
        _write_tables(con, temporary, report)
        text = json.dumps(manifest, indent=2, default=str, sort_keys=True)
        (temporary / "manifest.json").write_text(text + "\n", encoding="utf-8")
        _flush(temporary)
        temporary.replace(final)
        _flush_entry(runs)
        _point(published / "current", Path("runs") / final.name)
    _prune(runs, final.name, keep)
    return final


@contextmanager
def _told(runs: Path) -> Iterator[None]:
    """A disk that is full, or a folder that cannot be written: what was published stays."""
    import duckdb

    try:
        yield
    except (OSError, duckdb.IOException) as error:
        reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
        raise ExternalError(
            f"{runs}: cannot be written ({reason}); what was published before stays. Expected a folder with"
            " room and the right to write there: see to that and run again"
        ) from None


def _free(runs: Path, run_id: str) -> Path:
    """A run that publishes again gets a folder of its own: readers may stand in the first one."""
    folder, again = runs / run_id, 1
    while folder.exists():
        again += 1
        folder = runs / f"{run_id}.{again}"
    return folder


def _write_tables(con: duckdb.DuckDBPyConnection, folder: Path, report: Callable[[], str]) -> None:
    """Every form of the marts, and the page: each form has a thread and a connection of its own."""
    forms = {"lohko.duckdb": _write_duckdb, "parquet": _write_parquet, "csv": _write_csv}
    # The connections outlast the threads, also when one of them fails.
    with ExitStack() as stack, ThreadPoolExecutor(len(forms), "publish") as writers:
        connections = {name: stack.enter_context(beside(con)) for name in forms}
        begun = [writers.submit(write, connections[name], folder / name) for name, write in forms.items()]
        try:
            (folder / "report.html").write_text(report(), encoding="utf-8")
            for writing in wait(begun, return_when=FIRST_EXCEPTION).done:
                writing.result()
        except BaseException:
            # Whoever stops the run, or a full disk, does not wait for what the others still write.
            while wait(begun, timeout=0.02).not_done:
                for connection in connections.values():
                    connection.interrupt()
            raise


def _write_duckdb(con: duckdb.DuckDBPyConnection, path: Path) -> None:
    con.execute(f"attach {literal(path)} as published (storage_version {literal(STORAGE_VERSION)})")
    try:
        con.execute("create schema published.marts")
        for mart in (*MARTS, "incident"):
            target = f"published.marts.{quote(mart)}"
            con.execute(f"create table {target} as select * from {qualified(table_of(mart))}")
        for name, body in MACROS.items():
            con.execute(f"create macro published.marts.{quote(name)} {body}")
    finally:
        con.execute("detach published")


def _write_parquet(con: duckdb.DuckDBPyConnection, folder: Path) -> None:
    folder.mkdir()
    for mart in (*MARTS, "incident"):
        path = literal(folder / f"{mart}.parquet")
        con.execute(f"copy {qualified(table_of(mart))} to {path} (format parquet)")


def _write_csv(con: duckdb.DuckDBPyConnection, folder: Path) -> None:
    folder.mkdir()
    for mart in (*MARTS, "incident"):
        path = literal(folder / f"{mart}.csv")
        con.execute(f"copy ({without_formulas(con, table_of(mart))}) to {path} (format csv, header true)")


def without_formulas(con: duckdb.DuckDBPyConnection, table: str) -> str:
    """The table with an apostrophe before every text that a spreadsheet would run as a formula.

    CSV files are opened in spreadsheets, and what begins with = + - @, a tab or a carriage return is run
    there. Columns of numbers stay as they are, and so do Parquet and DuckDB files.
    """
    guarded = []
    for name, kind in columns_of(con, table):
        if kind == "VARCHAR":
            column = quote(name)
            runs = f"regexp_matches({column}, '^[=+@\\t\\r-]')"
            guarded.append(f"case when {runs} then '''' || {column} else {column} end as {column}")
    replaced = f" replace ({', '.join(guarded)})" if guarded else ""
    # A table that is not there is named by the engine: this statement runs all the same.
    return f"select *{replaced} from {qualified(table)}"


def _flush(folder: Path) -> None:
    """Everything to disk before the rename: a power cut cannot leave an empty file behind the link."""
    for path in [*folder.rglob("*"), folder]:
        _flush_entry(path)


def _flush_entry(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _point(link: Path, target: Path) -> None:
    if link.is_dir() and not link.is_symlink():
        # A copy that follows links, such as a backup put back, left a folder there: it becomes a run.
        link.replace(_free(link.parent / "runs", "restored"))
    temporary = link.with_name(".current.new")
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(target)
    temporary.replace(link)
    _flush_entry(link.parent)


def _clear_leftovers(runs: Path) -> None:
    """What an interrupted publication left behind."""
    for path in runs.glob(".writing-*"):
        shutil.rmtree(path)


def _prune(runs: Path, current: str, keep: int) -> None:
    """Remove the oldest runs; one that cannot be removed is told of, and keeps nobody from the new one."""
    folders = [path for path in runs.iterdir() if path.is_dir() and not path.is_symlink()]
    others = [path for path in folders if path.name != current]
    newest_first = sorted(others, key=lambda path: path.stat().st_mtime_ns, reverse=True)
    for path in newest_first[max(keep - 1, 0) :]:
        try:
            shutil.rmtree(path)
        except OSError as error:
            _log.warning(
                "%s: an old run that cannot be removed (%s); remove it by hand", path, error.strerror
            )
