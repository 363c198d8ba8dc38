"""The SQLite file of the control store: opened for one short transaction at a time, and closed again."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipelines.errors import ExternalError, LohkoError, chain_of
from resources.control_schema import BUSY_SECONDS, migrate, transaction, use_wal

# SQLITE_READONLY, SQLITE_IOERR, SQLITE_FULL, SQLITE_CANTOPEN: nothing is wrong with the file itself.
_DISK = frozenset({8, 10, 13, 14})


class ControlFile:
    """Safe to use from several processes at once."""

    def __init__(self, path: Path, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._path = path
        self._clock = clock

    def _now(self) -> str:
        return iso(self._clock())

    def _rows(self, query: str, *values: object) -> list[dict[str, Any]]:
        with closing(self._open() if self._may_write() else self._open_as_it_is()) as sql:
            return [dict(row) for row in sql.execute(query, values)]

    @contextmanager
    def _write(self) -> Iterator[sqlite3.Connection]:
        with closing(self._open()) as sql, transaction(sql):
            yield sql

    def _may_write(self) -> bool:
        folder = next(parent for parent in (self._path.parent, *self._path.parents) if parent.exists())
        return os.access(folder, os.W_OK)

    def _open_as_it_is(self) -> sqlite3.Connection:
        """In a folder that cannot be written, SQLite can make no lock: the file is read as it stands."""
        if not self._path.exists():
            sql = sqlite3.connect(":memory:", isolation_level=None)
            migrate(sql, self._path)
        else:
            sql = sqlite3.connect(f"{self._path.as_uri()}?mode=ro&immutable=1", uri=True)
        sql.row_factory = sqlite3.Row
        return sql

    def _open(self) -> sqlite3.Connection:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        sql = sqlite3.connect(self._path, timeout=BUSY_SECONDS, isolation_level=None)
        try:
            sql.row_factory = sqlite3.Row
            use_wal(sql)
            migrate(sql, self._path)
        except sqlite3.DatabaseError as fault:
            sql.close()
            if is_full(fault):
                raise ExternalError(
                    f"{self._path}: cannot be written ({fault}); expected room on its disk, and the right to"
                    " write there. The file itself is not damaged: make room and run again"
                ) from fault
            raise LohkoError(
                f"{self._path}: cannot be used ({fault}). It holds the log of runs and the incidents; "
                "if it is damaged, move it away and a new one is begun."
            ) from fault
        except BaseException:
            sql.close()
            raise
        return sql


def is_full(fault: BaseException) -> bool:
    """Whether SQLite had no room, or no right, to write; another library may have wrapped what it says."""
    codes = (getattr(link, "sqlite_errorcode", None) for link in chain_of(fault))
    return any(code is not None and code & 0xFF in _DISK for code in codes)


def iso(moment: datetime) -> str:
    """A moment as text of a fixed width, so that the order of the texts is the order of the moments."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")
