"""Backups of the record: what cannot be computed again, as Parquet files with a manifest.

    .lohko/backup/20260301T040500Z-schema-1/manifest.json, segments.membership_event.parquet, ...

Written before a migration and by `lohko backup`; `lohko restore` makes a new warehouse of one. Landed rows
and everything derived from them are not in a backup: the next run after a restore lands the files again.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.engine import literal, qualified, transaction
from pipelines.errors import ConfigError, ExternalError

if TYPE_CHECKING:
    import duckdb

FOLDER = "backup"
MANIFEST = "manifest.json"
KEEP = 5
# Schemas whose tables are the record. In the others everything is landed rows or derived from them.
SCHEMAS = ("history", "segments", "publish", "drift", "ingest", "quarantine", "quality")
# Ledgers of landed rows. They are kept to be read, and not restored: the rows that they count are not there.
LEDGERS = ("ingest", "quarantine", "quality")
# Which batches each day knew: batches are numbered anew after a restore.
_BATCHES = "segments.recorded_batch"


@dataclass(frozen=True)
class Restored:
    """What a backup gave: its schema version, and the rows of each table."""

    version: int
    rows: dict[str, int]


def write_backup(con: duckdb.DuckDBPyConnection, folder: Path, version: int, keep: int = KEEP) -> Path:
    """Export the record tables into a new folder below `folder`.

    Parameters
    ----------
    con : an open warehouse, outside a transaction.
    folder : where backups lie; made when it is missing.
    version : the schema version of the warehouse.
    keep : how many backups stay, the new one included; the oldest go first.

    Returns
    -------
    The folder of this backup.

    Raises
    ------
    ExternalError
        When the folder cannot be written or the disk is full. Nothing half written stays under its name.
    """
    import duckdb

    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%fZ")
    final, temporary = folder / f"{stamp}-schema-{version}", folder / f".writing-{stamp}"
    try:
        temporary.mkdir(parents=True)
        tables = [_export(con, name, sql, temporary) for name, sql in _record_tables(con)]
        manifest = {"schema_version": version, "written_at": stamp, "tables": tables}
        (temporary / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
        temporary.replace(final)
    except (OSError, duckdb.IOException) as fault:
        shutil.rmtree(temporary, ignore_errors=True)
        raise ExternalError(
            f"{folder}: the record cannot be backed up ({str(fault).splitlines()[0]}); nothing was changed."
            " Make room there and try again"
        ) from None
    _prune(folder, keep)
    return final


def _record_tables(con: duckdb.DuckDBPyConnection) -> list[tuple[str, str]]:
    """Each table of the record with the statement that creates it."""
    return con.execute(
        "select schema_name || '.' || table_name, sql from duckdb_tables()"
        " where database_name = current_database() and not temporary and list_contains($schemas, schema_name)"
        " order by 1",
        {"schemas": list(SCHEMAS)},
    ).fetchall()


def _export(con: duckdb.DuckDBPyConnection, name: str, sql: str, folder: Path) -> dict[str, Any]:
    path = folder / f"{name}.parquet"
    counted = con.execute(f"copy {qualified(name)} to {literal(str(path))} (format parquet)").fetchone()
    return {"table": name, "rows": counted[0] if counted else 0, "create": sql}


def _prune(folder: Path, keep: int) -> None:
    """Remove the oldest backups, and what an interrupted one left behind."""
    for path in folder.glob(".writing-*"):
        shutil.rmtree(path, ignore_errors=True)
    newest_first = sorted((path.parent for path in folder.glob(f"*/{MANIFEST}")), reverse=True)
    for path in newest_first[keep:]:
        shutil.rmtree(path, ignore_errors=True)


def read_manifest(backup: Path) -> dict[str, Any]:
    """The manifest of a backup.

    Raises
    ------
    ConfigError
        When the folder is no backup.
    """
    try:
        found: dict[str, Any] = json.loads((backup / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise ConfigError(
            f"{backup}: no backup; expected a folder with {MANIFEST}, as `lohko backup` writes it"
        ) from None
    return found


def read_backup(con: duckdb.DuckDBPyConnection, backup: Path) -> Restored:
    """Put the record of a backup into an empty warehouse; its ledgers of landed rows stay out.

    Parameters
    ----------
    con : a new warehouse, outside a transaction.
    backup : a folder that `write_backup` made.

    Raises
    ------
    ConfigError
        When the folder is no backup, or a file of it is missing or has other rows than the manifest says.
    """
    import duckdb

    manifest = read_manifest(backup)
    tables = [t for t in manifest["tables"] if t["table"].split(".")[0] not in LEDGERS]
    with transaction(con):
        for table in tables:
            name = table["table"]
            con.execute(f"create schema if not exists {name.split('.')[0]}")
            con.execute(table["create"])
            if name == _BATCHES:
                continue
            try:
                path = literal(str(backup / f"{name}.parquet"))
                counted = con.execute(f"insert into {qualified(name)} from read_parquet({path})").fetchone()
            except duckdb.IOException as fault:
                raise ConfigError(f"{backup}: {name} cannot be read: {str(fault).splitlines()[0]}") from None
            if counted is None or counted[0] != table["rows"]:
                raise ConfigError(f"{backup}: {name} has other rows than the manifest says; it is damaged")
    return Restored(
        manifest["schema_version"], {t["table"]: t["rows"] for t in tables if t["table"] != _BATCHES}
    )
