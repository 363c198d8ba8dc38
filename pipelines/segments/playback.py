"""Play past days: who would have been in a segmentation, under today's definition or another one.

Everything is written to a database of its own, attached beside the warehouse and thrown away: there core is a
view over the warehouse's, features are computed day by day, and the segmentation is evaluated. The record is
read for comparison and never touched.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pipelines.engine import Statement, Table, literal, load_query, qualified, quote
from pipelines.errors import ConfigError, UsageError
from pipelines.segments.definitions import ENTITIES
from pipelines.segments.evaluate import evaluate
from pipelines.segments.model import Segmentation
from pipelines.segments.plan import Plan

if TYPE_CHECKING:
    import duckdb

Every = Literal["day", "week", "month"]
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
SCHEMA = """
create schema if not exists segments;
create table segments.standing (
    segmentation_id varchar, entity_id varchar, segment_id varchar, entered_date date
);
create table segments.played (as_of_date date, segmentation_id varchar, segment_id varchar, entity_id varchar)
"""

FORMATS = {".parquet": "parquet", ".csv": "csv, header"}

ComputeFeatures = Callable[[date], object]


@dataclass(frozen=True)
class Size:
    """A segment on a played day; `recorded` is its size in the record, None where there is none."""

    day: date
    segment_id: str
    size: int
    entered: int
    departed: int
    recorded: int | None


def days_between(first: date, last: date, every: Every) -> list[date]:
    """Each day, each seventh from the first on, or the last day of each month.

    Raises
    ------
    UsageError
        When there is no such day.
    """
    every_day = [first + timedelta(days=i) for i in range((last - first).days + 1)]
    if every == "week":
        found = every_day[::7]
    elif every == "month":
        found = [day for day in every_day if (day + timedelta(days=1)).day == 1]
    else:
        found = every_day
    if not found:
        raise UsageError(f"no {every} between {first} and {last}; expected --from before --to")
    return found


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
        con.execute(SCHEMA)
        yield warehouse
    finally:
        con.execute(f"use {quote(warehouse)}")
        con.execute(f"detach {DATABASE}")


def features_read(segmentation: Segmentation, everything: Sequence[Segmentation]) -> frozenset[str] | None:
    """The features that playing a segmentation reads; None for all, where accounts are played."""
    needed = Plan(segmentation.entity, (segmentation,), tuple(everything)).needed
    if any(segmentation.entity != "customer" for segmentation in needed):
        return None
    return frozenset().union(*(segmentation.features for segmentation in needed))


def play(
    con: duckdb.DuckDBPyConnection,
    days: Sequence[date],
    segmentation: Segmentation,
    everything: Sequence[Segmentation],
    compute: ComputeFeatures,
    progress: Callable[[date], object] = str,
) -> None:
    """Fill `segments.played` with the members of a segmentation on these days; to be called within `beside`.

    Where a definition asks where members stood (`exit`, `dwell_days`), every day between is played too, and
    nobody stands anywhere before the first.

    Parameters
    ----------
    days : the days, in order.
    everything : all segmentations of the project, for what the ones in question refer to.
    compute : computes the features of a day.
    progress : told of each day before it is computed.

    Raises
    ------
    ConfigError
        When the segmentation cannot be evaluated on one of the days.
    """
    plan = Plan(segmentation.entity, (segmentation,), tuple(everything))
    # Customers are judged for themselves only where an account depends on where they stood.
    of = ENTITIES if plan.needs_standing else (segmentation.entity,)
    needed = {
        entity: [segmentation for segmentation in plan.needed if segmentation.entity == entity]
        for entity in of
    }
    played = days_between(days[0], days[-1], "day") if plan.needs_standing else days
    wanted = set(days)
    for day in played:
        progress(day)
        compute(day)
        tables, held = {}, dict[str, str]()
        for entity in of:
            evaluated = evaluate(con, day, entity, plan.needed, held)
            tables[entity], held = evaluated.table, held | dict(evaluated.held)
        if segmentation.id in held:
            raise ConfigError(f"{segmentation.id}: {held[segmentation.id]}")
        if plan.needs_standing:
            _stand(con, day, {tables[entity]: needed[entity] for entity in of})
        if day in wanted:
            places = _places(tables[segmentation.entity], segmentation)
            con.execute(
                f"insert into segments.played select cast($day as date), * from ({places})", {"day": day}
            )


def _places(table: str, segmentation: Segmentation) -> str:
    """Segmentation, segment and member of an evaluation."""
    segment = quote(segmentation.id) if segmentation.exclusive else f"unnest({quote(segmentation.id)})"
    return (
        f"select {literal(segmentation.id)} as segmentation_id, {segment} as segment_id, entity_id"
        f" from {table} where {quote(segmentation.id)} is not null"
    )


def _stand(con: duckdb.DuckDBPyConnection, day: date, judged: Mapping[str, Sequence[Segmentation]]) -> None:
    """Bring `segments.standing` to the end of a played day; `judged` has the segmentations of each table."""
    places = " union all ".join(
        _places(table, segmentation) for table, found in judged.items() for segmentation in found
    )
    standing = load_query("segments/queries/standing_member").filled(places=Statement(places))
    con.execute(f"create or replace table segments.standing as {standing}", {"day": day})


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
