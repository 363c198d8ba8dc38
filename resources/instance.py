"""Dagster's instance of a project, and what makes its SQLite storage quick enough for a short run.

Dagster opens and closes a SQLite connection for every event. Closing the last connection of a database in
WAL mode folds the log back and flushes it to disk, and so does every commit: a run of some 400 events spends
seconds on it. While a run goes on, one more connection a database is kept open, and commits are left to the
system to flush: a power cut can lose the last events of Dagster's history, and nothing of the warehouse.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from resources.project import REPOSITORY, Project

if TYPE_CHECKING:
    import dagster as dg


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
    with quick_sqlite(), dg.DagsterInstance.from_config(str(project.dagster_home)) as instance:
        yield instance


@contextmanager
def quick_sqlite() -> Iterator[None]:
    """Keep every SQLite database that SQLAlchemy opens in this block open until its end."""
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    kept: dict[str, sqlite3.Connection] = {}

    def on_connect(connection: Any, _: object) -> None:
        if not isinstance(connection, sqlite3.Connection):
            return
        connection.execute("pragma synchronous = normal")
        path = connection.execute("pragma database_list").fetchone()[2]
        if path and path not in kept:
            kept[path] = sqlite3.connect(path, check_same_thread=False)
            kept[path].execute("pragma schema_version").fetchone()

    event.listen(Engine, "connect", on_connect)
    try:
        yield
    finally:
        event.remove(Engine, "connect", on_connect)
        for connection in kept.values():
            connection.close()
