"""Dagster's instance of a project, and what makes its SQLite storage quick enough for a short run.

Dagster makes a SQLAlchemy engine and opens and closes a SQLite connection for every event. A new engine
compiles every statement again; closing the last connection of a database in WAL mode folds the log back and
flushes it to disk, and so does every commit: a run of some 400 events spends seconds on it. While a command
goes on, one engine a database is kept with its connections, and commits are left to the system to flush: a
power cut can lose the last events of Dagster's history, and nothing of the warehouse.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from resources.project import REPOSITORY, Project

if TYPE_CHECKING:
    import dagster as dg


# One planned event an asset and run, where Dagster by itself has one for each of its days: a year of them
# took a minute before the first step (docs/decisions/0047-what-a-run-claims.md).
PLANNING = {"DAGSTER_EMIT_PARTITION_SUBSET_IN_PLANNED_EVENTS": "true"}


def prepare_home(project: Project) -> None:
    """Make `<project>/.lohko/dagster/` with the repository's dagster.yaml."""
    project.dagster_home.mkdir(parents=True, exist_ok=True)
    # Every customer stands in the warehouse: it is for who runs Lohko, and readers get what is published.
    project.state.chmod(0o700)
    temporary = project.dagster_home / f".dagster.yaml.{os.getpid()}"
    shutil.copyfile(REPOSITORY / "dagster.yaml", temporary)
    temporary.replace(project.dagster_home / "dagster.yaml")


@contextmanager
def instance_of(project: Project) -> Iterator[dg.DagsterInstance]:
    """The project's Dagster instance, shared with the daemon; its settings are the repository's."""
    import dagster as dg

    prepare_home(project)
    os.environ.update(PLANNING)
    with quick_sqlite(), dg.DagsterInstance.from_config(str(project.dagster_home)) as instance:
        yield instance


@contextmanager
def quick_sqlite() -> Iterator[None]:
    """Give Dagster's SQLite storages the same engine for the same database, until the end of this block."""
    from dagster._core.storage.event_log.sqlite import sqlite_event_log
    from dagster._core.storage.runs.sqlite import sqlite_run_storage
    from dagster._core.storage.schedules.sqlite import sqlite_schedule_storage
    from sqlalchemy import QueuePool, create_engine, event
    from sqlalchemy.engine import Engine

    kept: dict[str, Engine] = {}

    def kept_engine(url: str, **settings: Any) -> Engine:
        if url not in kept:
            kept[url] = engine = create_engine(url, **settings | {"poolclass": QueuePool})
            event.listen(engine, "connect", _leave_flushing)
            # Dagster disposes of its engine after every use.
            engine.dispose = lambda **_: None  # type: ignore[method-assign]
        return kept[url]

    storages = (sqlite_event_log, sqlite_run_storage, sqlite_schedule_storage)
    try:
        with ExitStack() as stack:
            for storage in storages:
                stack.enter_context(patch.object(storage, "create_engine", kept_engine))
            yield
    finally:
        for engine in kept.values():
            Engine.dispose(engine)


def _leave_flushing(connection: sqlite3.Connection, _: object) -> None:
    connection.execute("pragma synchronous = normal")
