"""The schema of the control store: migrated when the file is opened; its version is SQLite's user_version."""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from pipelines.errors import ConfigError
from resources.backup import FOLDER, KEEP
from resources.migrations import migrations_of

_log = logging.getLogger(__name__)

BUSY_SECONDS = 30.0


@contextmanager
def transaction(sql: sqlite3.Connection) -> Iterator[None]:
    # IMMEDIATE: a transaction that reads before it writes would otherwise fail instead of waiting its turn.
    sql.execute("BEGIN IMMEDIATE")
    with sql:
        yield


def use_wal(sql: sqlite3.Connection) -> None:
    """Let readers read while one writes; SQLite does not wait by itself when two processes switch at once."""
    give_up = time.monotonic() + BUSY_SECONDS
    while sql.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        try:
            sql.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > give_up:
                raise
            time.sleep(0.02)


def _version(sql: sqlite3.Connection) -> int:
    return int(sql.execute("PRAGMA user_version").fetchone()[0])


def migrate(sql: sqlite3.Connection, path: Path) -> None:
    """Bring the log up to date; one that holds something is copied to `backup/` beside it first.

    Raises
    ------
    ConfigError
        When the file is of a newer Lohko; nothing was changed.
    """
    migrations = migrations_of("control")
    version = _version(sql)
    if version > len(migrations):
        raise ConfigError(
            f"{path} has schema version {version}; this Lohko knows up to {len(migrations)}."
            " Use the newer Lohko"
        )
    if version == len(migrations):
        return
    kept = _back_up(sql, path, version) if version else None
    with transaction(sql):
        # Asked again: another process may have migrated while this one waited.
        for migration in migrations[_version(sql) :]:
            for statement in _statements(migration.sql):
                sql.execute(statement)
        sql.execute(f"PRAGMA user_version = {len(migrations)}")
    if kept:
        _log.warning(
            "%s: migrated from schema version %d to %d; as it was before, it is in %s",
            path,
            version,
            len(migrations),
            kept,
        )


def _back_up(sql: sqlite3.Connection, path: Path, version: int) -> Path:
    folder = path.parent / FOLDER
    folder.mkdir(exist_ok=True)
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%fZ")
    kept = folder / f"control-{stamp}-schema-{version}.sqlite"
    with closing(sqlite3.connect(kept)) as copy:
        sql.backup(copy)
    for old in sorted(folder.glob("control-*.sqlite"), reverse=True)[KEEP:]:
        old.unlink(missing_ok=True)
    return kept


def _statements(script: str) -> Iterator[str]:
    """Split a script, because `executescript` would commit the transaction it is to be part of.

    Raises
    ------
    ValueError
        When something stands after the last statement.
    """
    *pieces, rest = script.split(";")
    statement = ""
    for piece in pieces:
        statement += piece + ";"
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
    if (statement + rest).strip():
        raise ValueError(f"a migration ends without a semicolon: {(statement + rest).strip()[:80]}")
