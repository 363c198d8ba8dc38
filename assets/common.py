"""What every asset module shares: the opened refresh of a step, and how its results are shown to Dagster.

Belongs here: what is told of a table. Does not: when it is told (see showing.py), and
anything a stage does (see pipelines/refresh/).
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import dagster as dg

from pipelines.engine import columns_of, qualified, row_count, rows
from pipelines.publish.column_meanings import meanings
from pipelines.refresh.context import Refresh
from resources.project import Project
from resources.warehouse import Warehouse

if TYPE_CHECKING:
    import duckdb

POOL = "warehouse"

# What every asset opens a refresh with.
RESOURCES = frozenset({"project", "warehouse", "control", "progress"})


@contextmanager
def opened(context: dg.AssetExecutionContext, purpose: str) -> Iterator[Refresh]:
    """The refresh of a step: the open warehouse, with the run's project, control store and days.

    The asset asks for RESOURCES. `purpose` is what others are told who find the warehouse held.
    """
    project: Project = context.resources.project
    warehouse: Warehouse = context.resources.warehouse
    days = tuple(days_of(context, project))
    with warehouse.open(purpose) as con:
        control, progress = context.resources.control, context.resources.progress
        yield Refresh(con, project, control, context.run.run_id, days, progress)


def days_of(context: dg.AssetExecutionContext, project: Project) -> list[date]:
    """The business days a run is for, in order: its partitions, or yesterday."""
    if context.has_partition_key or context.has_partition_key_range:
        return sorted(date.fromisoformat(key) for key in context.partition_keys)
    tags = context.run.tags
    for tag in ("dagster/asset_partition_range_end", "dagster/partition"):
        if tag in tags:
            return [date.fromisoformat(tags[tag])]
    return [project.yesterday]


def table_metadata(
    con: "duckdb.DuckDBPyConnection", table: str, *, preview: int = 0, day: date | None = None
) -> dict[str, Any]:
    """Row count and column schema of a table, and a preview of its first rows.

    `preview` is for aggregates only: rows that are persons never reach metadata. With `day`, the rows of that
    day are counted: of a view over many days, that is all that a run has made.
    """
    columns = columns_of(con, table)
    if not columns:
        # A step that failed in its first run has not made its tables.
        return {"dagster/row_count": 0, "dagster/table_name": table}
    said = meanings(con, table)
    schema = dg.TableSchema([dg.TableColumn(name, kind, said.get(name)) for name, kind in columns])
    metadata: dict[str, Any] = {
        "dagster/row_count": _rows_of(con, table, day) if day else row_count(con, table),
        "dagster/column_schema": schema,
        "dagster/table_name": table,
    }
    if preview:
        metadata["preview"] = dg.MetadataValue.md(
            markdown_table(rows(con, f"select * from {qualified(table)} limit {preview}"))
        )
    return metadata


def newest(at: datetime | None) -> dict[str, Any]:
    """The newest event of what is shown: how old data is does not follow from when it was materialized."""
    return {} if at is None else {"newest_event": dg.TimestampMetadataValue(at.timestamp())}


def _rows_of(con: "duckdb.DuckDBPyConnection", table: str, day: date) -> int:
    counted = f"select count(*) from {qualified(table)} where as_of_date = ?"
    row = con.execute(counted, [day]).fetchone()
    return int(row[0]) if row else 0


def markdown_table(found: list[dict[str, Any]]) -> str:
    """Rows as a Markdown table."""
    if not found:
        return "no rows"
    names = list(found[0])
    lines = [" | ".join(names), " | ".join("---" for _ in names)]
    lines += [" | ".join(_cell(row[name]) for name in names) for row in found]
    return "\n".join(f"| {line} |" for line in lines)


def _cell(value: Any) -> str:
    shown = f"{value:.4g}" if isinstance(value, float) else str("" if value is None else value)
    return shown.replace("|", "\\|").replace("\n", " ")


def spec(
    table: str,
    group: str,
    description: str,
    deps: Iterable[str] = (),
    kinds: Iterable[str] = ("duckdb", "sql"),
    partitions: dg.PartitionsDefinition[str] | None = None,
) -> dg.AssetSpec:
    """An asset whose key is its table, `[schema, table]`."""
    return dg.AssetSpec(
        table.split("."),
        # A run may make nothing of it.
        skippable=True,
        deps=[dg.AssetKey(dep.split(".")) for dep in deps],
        group_name=group,
        description=description,
        kinds=set(kinds),
        partitions_def=partitions,
    )
