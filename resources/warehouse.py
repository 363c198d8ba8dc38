"""The warehouse: one DuckDB file, one connection at a time, opened and closed by us alone."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.engine import connect
from pipelines.errors import BusyError, ConfigError, LohkoError
from resources.backup import FOLDER, Restored, read_backup, read_manifest, write_backup
from resources.locks import hold
from resources.warehouse_schema import bring_up_to_date, newest_version, set_version, version_of

if TYPE_CHECKING:
    import duckdb


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

    def back_up(self) -> Path:
        """Write a backup of the record, and return its folder.

        Raises
        ------
        BusyError
            As `open`.
        ExternalError
            When the backup cannot be written.
        """
        with self.open("backup") as con:
            return write_backup(con, self.path.parent / FOLDER, version_of(con) or newest_version())

    def restore(self, backup: Path) -> Restored:
        """Put a new warehouse with the record of a backup in the place of this one, and migrate it.

        The file that was there stays beside it, as `warehouse.before-restore.duckdb`.

        Raises
        ------
        ConfigError
            When the folder is no backup, is damaged, or is of a newer Lohko; nothing was changed then.
        BusyError
            As `open`.
        """
        version = read_manifest(backup)["schema_version"]
        if version > newest_version():
            raise ConfigError(
                f"{backup} has schema version {version}; this Lohko knows up to {newest_version()}. Use the"
                " newer Lohko"
            )
        with self._lock("restore"):
            new = replace(self, path=self.path.with_name("warehouse.restoring.duckdb"))
            for path in (new.path, _wal(new.path)):
                path.unlink(missing_ok=True)
            con = new._connect()
            try:
                restored = read_backup(con, backup)
                set_version(con, restored.version)
                bring_up_to_date(con, new.path)
            except BaseException:
                con.close()
                new.path.unlink()
                raise
            con.close()
            _exchange(new.path, self.path)
        return restored

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
            con = connect(str(self.path), config=_settings())
        except duckdb.Error as error:
            raise _unopened(self.path, str(error).splitlines()[0]) from None
        try:
            bring_up_to_date(con, self.path)
        except BaseException:
            con.close()
            raise
        return con


def _wal(path: Path) -> Path:
    return path.with_name(path.name + ".wal")


def _exchange(new: Path, path: Path) -> None:
    """Put a file in the place of the warehouse, whose own log must not be replayed into it."""
    aside = path.with_name("warehouse.before-restore.duckdb")
    for old, kept in ((path, aside), (_wal(path), _wal(aside))):
        kept.unlink(missing_ok=True)
        if old.exists():
            old.replace(kept)
    new.replace(path)


def _unopened(path: Path, reason: str) -> LohkoError:
    """Why the file cannot be opened: another program has it, a setting is wrong, or it is damaged."""
    if "Conflicting lock" in reason or "Could not set lock" in reason:
        return BusyError(f"{path}: another program has it open: {reason}. Close it there and try again")
    if not reason.startswith(("IO Error", "Serialization Error", "INTERNAL Error")):
        return ConfigError(f"{path}: cannot be opened: {reason}. Check LOHKO_THREADS and LOHKO_MEMORY")
    return LohkoError(
        f"{path}: cannot be opened: {reason}. It holds the record of membership: see"
        " `lohko restore`, or put back a copy of the file"
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
