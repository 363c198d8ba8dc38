"""Freshness: the watermarks of all sources as of the day, with a check for each that has limits."""

from collections.abc import Sequence
from typing import Any

import dagster as dg

from assets.common import OWNERS, POOL, RESOURCES, Results, check_specs, opened, results
from pipelines.ingest.freshness import Watermark
from pipelines.refresh.freshness import TABLE, checks_of, measure_freshness
from resources.project import Project


def build_freshness(
    project: Project, partitions: dg.PartitionsDefinition[str], core: Sequence[str]
) -> dg.AssetsDefinition:
    """One asset for all sources; `core` are the core tables in the project."""

    @dg.asset(
        key=TABLE.split("."),
        deps=[dg.AssetKey(dep.split(".")) for dep in core],
        group_name="freshness",
        description="Newest event of every source by the end of the day, against its limits",
        kinds={"duckdb", "sql"},
        owners=OWNERS,
        pool=POOL,
        partitions_def=partitions,
        backfill_policy=dg.BackfillPolicy.single_run(),
        required_resource_keys={*RESOURCES},
        check_specs=check_specs(checks_of(project)),
    )
    def watermarks(context: dg.AssetExecutionContext) -> Results:
        with opened(context, "freshness") as refresh:
            measured = measure_freshness(refresh)
        for watermark in measured.limited if measured.current else []:
            context.log_event(_observed(watermark))
        yield from results(TABLE, {"dagster/row_count": len(measured.watermarks)}, measured.checks)

    return watermarks


def _observed(watermark: Watermark) -> dg.AssetObservation:
    """The source's event time as Dagster knows it; its freshness policies judge materializations only."""
    metadata: dict[str, Any] = {"status": watermark.status, "age in open days": watermark.age_days}
    if watermark.watermark_at is not None:
        at = watermark.watermark_at.timestamp()
        metadata["dagster/last_updated_timestamp"] = dg.TimestampMetadataValue(at)
    return dg.AssetObservation(asset_key=["raw", watermark.source], metadata=metadata)
