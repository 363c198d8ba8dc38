"""The database in which past days are played: attached beside the warehouse, and thrown away.

There core is a view over the warehouse's. What was played is compared with the record, and written to files.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.engine import DuckDB, Table, literal, load_query, qualified, quote
from pipelines.errors import UsageError
from pipelines.segments import playback, standing
from pipelines.segments.model import Segmentation

if TYPE_CHECKING:
    import duckdb

DATABASE = "playback"
# What playing a day writes itself; of everything else in these schemas the warehouse's is read.
NOW = ("core", "features", "ingest", "money")
# What was known then is made anew from what landed.
THEN = ("raw",)
_OWN = {
    *("features.customer", "features.customer_state", "features.customer_past", "features.state_day"),
    *("features.stale_customer", "features.scope", "features.day_scope", "features.account"),
    "ingest.step_state",
}
FORMATS = {".parquet": "parquet", ".csv": "csv, header"}


@dataclass(frozen=True)
class Size:
    """A segment on a played day; `recorded` is its size in the record, None where there is none."""

    day: date
    segment_id: str
    size: int
    entered: int
    departed: int
    recorded: int | None


@contextmanager
def beside(con: duckdb.DuckDBPyConnection, folder: Path, read: Collection[str] = NOW) -> Iterator[str]:
    """An empty database in `folder` is the current one; the warehouse's schemas `read` are views in it.

    Gives the name of the warehouse's database.

    Raises
    ------
    duckdb.Error
        When the folder cannot be written.
    """
    row = con.execute("select current_database()").fetchone()
    warehouse = row[0] if row else ""
    path = literal(str(folder / f"{DATABASE}.duckdb"))
    con.execute(f"attach {path} as {DATABASE}")
    try:
        found = con.execute(
            "select schema_name, table_name from duckdb_tables() where database_name = $db"
            " union select schema_name, view_name from duckdb_views() where database_name = $db",
            {"db": warehouse},
        ).fetchall()
        con.execute(f"use {DATABASE}")
        for schema in read:
            con.execute(f"create schema {quote(schema)}")
        for schema, table in found:
            if schema in read and f"{schema}.{table}" not in _OWN:
                source = f"{quote(warehouse)}.{qualified(f'{schema}.{table}')}"
                con.execute(f"create view {qualified(f'{schema}.{table}')} as from {source}")
        for table, columns in ((playback.PLAYED, playback.COLUMNS), (standing.TABLE, standing.COLUMNS)):
            DuckDB(con).ensure(table, columns)
        yield warehouse
    finally:
        con.execute(f"use {quote(warehouse)}")
        con.execute(f"detach {DATABASE}")


def sizes(
    con: duckdb.DuckDBPyConnection, warehouse: str, segmentation: Segmentation, days: Sequence[date]
) -> list[Size]:
    """Each segment on each played day: its size, who came and went since the played day before, the record's.

    Parameters
    ----------
    days : the days, in order.
    warehouse : the name of the database with the record.
    """
    sizes_of_days = load_query("segments/queries/size_of_played_day").filled(
        recorded_day=Table(f"{warehouse}.segments.recorded_day"),
        membership=Table(f"{warehouse}.segments.membership"),
    )
    found = con.execute(
        sizes_of_days,
        {
            "days": list(days),
            "id": segmentation.id,
            "entity": segmentation.entity,
            "segments": [segment for segment, *_ in segmentation.compiled.labels],
        },
    ).fetchall()
    return [Size(*row) for row in found]


def check_output(path: Path) -> None:
    """Refuse a file that cannot be written, before anything is played.

    Raises
    ------
    UsageError
        For an ending that is no format, or a folder that is not there.
    """
    if path.suffix not in FORMATS:
        raise UsageError(f"{path}: expected a name that ends with .parquet or .csv")
    if not path.resolve().parent.is_dir():
        raise UsageError(f"{path}: there is no folder {path.resolve().parent}")


def write_members(con: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Write who was where on the played days, as Parquet or CSV by the file's ending."""
    con.execute(
        f"copy (from segments.played order by all) to {literal(str(path))} (format {FORMATS[path.suffix]})"
    )
