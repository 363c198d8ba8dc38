"""Dagster's history of old runs is taken away, and what it says of how things stand now is kept.

A run adds a database of its own and its events in the index of assets, together 1.75 MB. After
`retention.runs_days` the run, its database and its events go. Of every asset and partition the last
materialization and the last observation stay, of every check and partition the last result. Dagster's own
`delete_run` would take these away with their run, and leave the database as an empty file.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.engine import load_query

if TYPE_CHECKING:
    import dagster as dg

BUSY_SECONDS = 30.0
# Above this share of empty pages a database is written anew, so that the disk gets them back.
EMPTY_SHARE = 0.3
# What of the index says how an asset or a check stands now.
_QUERIES = Path(__file__).parent / "queries"


def prune_runs(instance: dg.DagsterInstance, home: Path, before: datetime) -> int:
    """Take away the runs that ended before a moment; returns how many.

    Parameters
    ----------
    home : Dagster's home, whose `history/` is the default of its SQLite storages.
    """
    import dagster as dg

    ended = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]
    records = instance.get_run_records(dg.RunsFilter(statuses=ended, created_before=before))
    runs = [record.dagster_run.run_id for record in records if record.update_timestamp < before]
    if runs:
        folder = home / "history" / "runs"
        with _opened(folder / "index.db") as index:
            _forget_events(index, runs)
        with _opened(home / "history" / "runs.db") as log:
            _delete(log, "run_tags", runs)
            _delete(log, "runs", runs)
        # Last: who is killed before finds no file without its run.
        for run in runs:
            for path in folder.glob(f"{run}.db*"):
                path.unlink(missing_ok=True)
    return len(runs)


def _forget_events(index: sqlite3.Connection, runs: Sequence[str]) -> None:
    """Delete the events of some runs from the index of assets, but for those that say how things stand."""
    for kept, last in (("kept_result", "last_result"), ("kept", "last_event")):
        index.execute(f"create temp table {kept} as {load_query(_QUERIES / f'{last}.sql').sql}")
    index.execute(
        "insert into kept select evaluation_event_storage_id from asset_check_executions"
        " where id in (select id from kept_result)"
    )
    _delete(index, "asset_check_executions", runs, " and id not in (select id from kept_result)")
    index.execute("create temp table gone as select id from event_logs where false")
    for run in runs:
        index.execute(
            "insert into gone select id from event_logs where run_id = ?"
            " and id not in (select id from kept where id is not null)",
            [run],
        )
    index.execute("delete from asset_event_tags where event_id in (select id from gone)")
    index.execute("delete from event_logs where id in (select id from gone)")


def _delete(sql: sqlite3.Connection, table: str, runs: Sequence[str], but: str = "") -> None:
    sql.executemany(f"delete from {table} where run_id = ?{but}", [(run,) for run in runs])


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    """A database of Dagster's in one transaction; what is empty in it afterwards goes back to the disk."""
    with closing(sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)) as sql:
        sql.execute("begin immediate")
        with sql:
            yield sql
        (pages,) = sql.execute("pragma page_count").fetchone()
        (empty,) = sql.execute("pragma freelist_count").fetchone()
        if empty > EMPTY_SHARE * pages:
            sql.execute("vacuum")
