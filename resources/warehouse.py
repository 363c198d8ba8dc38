"""The warehouse: one DuckDB file, one connection at a time, opened and closed by us alone."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.errors import BusyError, ConfigError, LohkoError
from resources.locks import hold

if TYPE_CHECKING:
    import duckdb

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Warehouse:
    """The live DuckDB file. Analysts never open it: a reader would block the run."""

    path: Path
    timezone: str
    lock_timeout: float = 60.0
    keeper: duckdb.DuckDBPyConnection | None = None

    @contextmanager
    def open(self, purpose: str) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection behind the kernel lock, with the session's time zone set to the project's.

        Raises
        ------
        BusyError
            When another process holds the warehouse for longer than `lock_timeout` seconds.
        """
        with self._lock(purpose):
            con = self._connect()
            try:
                con.execute("set TimeZone = $zone", {"zone": self.timezone})
                con.execute("set enable_progress_bar = false")
                yield con
            finally:
                con.close()

    @contextmanager
    def held(self, purpose: str) -> Iterator[Warehouse]:
        """The same warehouse, locked and kept open while the block runs: its openings cost next to nothing.

        Opening a DuckDB file reads its catalogue, closing it flushes and forgets what was cached; a run of
        some twenty steps spends more than a second on that.

        Raises
        ------
        BusyError
            As `open`.
        """
        with self._lock(purpose):
            keeper = self._connect()
            try:
                yield replace(self, keeper=keeper)
            finally:
                keeper.close()

    @property
    def is_held(self) -> bool:
        return self.keeper is not None

    def _lock(self, purpose: str) -> AbstractContextManager[None]:
        if self.is_held:
            return nullcontext()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        return hold(self.path.with_suffix(".lock"), purpose, timeout=self.lock_timeout)

    def _connect(self) -> duckdb.DuckDBPyConnection:
        """A connection of its own: its temporary tables are no other's, also where the file is kept open."""
        import duckdb

        if self.keeper is not None:
            return self.keeper.cursor()
        try:
            con = duckdb.connect(str(self.path), config=_settings())
        except duckdb.Error as error:
            raise _unopened(self.path, str(error).splitlines()[0]) from None
        try:
            _check_schema(con, self.path)
        except BaseException:
            con.close()
            raise
        return con


def _unopened(path: Path, reason: str) -> LohkoError:
    """Why the file cannot be opened: another program has it, a setting is wrong, or it is damaged."""
    if "Conflicting lock" in reason or "Could not set lock" in reason:
        return BusyError(f"{path}: another program has it open: {reason}. Close it there and try again")
    if not reason.startswith(("IO Error", "Serialization Error", "INTERNAL Error")):
        return ConfigError(f"{path}: cannot be opened: {reason}. Check LOHKO_THREADS and LOHKO_MEMORY")
    return LohkoError(
        f"{path}: cannot be opened: {reason}. It holds the record of membership: restore it from a backup"
    )


def _settings() -> dict[str, str | bool | int | float | list[str]]:
    """Threads and memory from the environment, so that a shared machine can be kept usable."""
    settings: dict[str, str | bool | int | float | list[str]] = {
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
        # What is divided by zero has no value, as in other engines, and not an infinite one.
        "ieee_floating_point_ops": "false",
        "error_on_division_by_zero": "false",
    }
    for variable, setting in (("LOHKO_THREADS", "threads"), ("LOHKO_MEMORY", "memory_limit")):
        if os.environ.get(variable):
            settings[setting] = os.environ[variable]
    return settings


def _check_schema(con: duckdb.DuckDBPyConnection, path: Path) -> None:
    """A warehouse of a newer Lohko is refused before anything is written to it."""
    con.execute("create table if not exists main.schema_version (version integer not null)")
    row = con.execute("select max(version) from main.schema_version").fetchone()
    version = row[0] if row else None
    if version is None:
        con.execute("insert into main.schema_version values (?)", [SCHEMA_VERSION])
    elif version > SCHEMA_VERSION:
        raise ConfigError(
            f"{path} has schema version {version}; this Lohko knows up to {SCHEMA_VERSION}."
            " Use the newer Lohko"
        )
