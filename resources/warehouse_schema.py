"""The schema version of a warehouse: a newer one is refused, an older one is backed up and migrated."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.engine import relation_exists, transaction
from pipelines.errors import ConfigError, LohkoError
from resources import backup
from resources.migrations import Migration, migrations_of

if TYPE_CHECKING:
    import duckdb

_log = logging.getLogger(__name__)


def newest_version() -> int:
    """The schema version that this Lohko writes."""
    return len(migrations_of("warehouse"))


def bring_up_to_date(con: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Give a new warehouse its version, and migrate an older one.

    Parameters
    ----------
    con : an open warehouse, whose lock is held.
    path : its file, for messages; backups lie in `backup/` beside it.

    Raises
    ------
    ConfigError
        When the warehouse is of a newer Lohko; nothing was changed.
    LohkoError
        When a migration failed. The warehouse is as it was, and the message names the backup.
    ExternalError
        When the backup cannot be written; nothing was changed.
    """
    version, newest = version_of(con), newest_version()
    if version is None:
        set_version(con, newest)
    elif version > newest:
        raise ConfigError(
            f"{path} has schema version {version}; this Lohko knows up to {newest}. Use the newer Lohko"
        )
    elif version < newest:
        _migrate(con, path, version)


def version_of(con: duckdb.DuckDBPyConnection) -> int | None:
    """The schema version of a warehouse; None of a new file."""
    known = relation_exists(con, "main.schema_version")
    row = con.execute("select max(version) from main.schema_version").fetchone() if known else None
    return row[0] if row else None


def set_version(con: duckdb.DuckDBPyConnection, version: int) -> None:
    """Write the schema version, inside the transaction that is open if one is."""
    with transaction(con):
        con.execute("create table if not exists main.schema_version (version integer not null)")
        con.execute("delete from main.schema_version")
        con.execute("insert into main.schema_version values (?)", [version])


def _migrate(con: duckdb.DuckDBPyConnection, path: Path, version: int) -> None:
    kept = backup.write_backup(con, path.parent / backup.FOLDER, version)
    missing = migrations_of("warehouse")[version:]
    _apply(con, path, missing, kept)
    newest = missing[-1].version
    _log.warning(
        "%s: migrated from schema version %d to %d; the record before it is in %s",
        path,
        version,
        newest,
        kept,
    )


def _apply(con: duckdb.DuckDBPyConnection, path: Path, missing: Sequence[Migration], kept: Path) -> None:
    """All the migrations or none: whoever opens the warehouse next finds one version or the other."""
    import duckdb

    try:
        with transaction(con):
            for migration in missing:
                try:
                    for statement in duckdb.extract_statements(migration.sql):
                        con.execute(statement)
                except duckdb.Error as fault:
                    raise LohkoError(
                        f"{path}: migration {migration.name} failed: {str(fault).splitlines()[0]}. The"
                        f" warehouse is as it was; a backup of the record is in {kept}. Use the Lohko that"
                        " wrote the warehouse, and report this"
                    ) from fault
            set_version(con, missing[-1].version)
    finally:
        con.execute("checkpoint")
