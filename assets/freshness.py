"""Freshness: the watermarks of all sources as of the day, with a check for each that has limits."""

from collections.abc import Sequence
from typing import Any

import dagster as dg

from assets.common import POOL, RESOURCES, opened, spec, table_metadata
from assets.showing import Results, check_specs, results
from pipelines.ingest.freshness import Watermark
from pipelines.refresh.freshness import TABLE, checks_of, measure_freshness
from resources.project import Project


def build_freshness(
    project: Project, partitions: dg.PartitionsDefinition[str], core: Sequence[str]
) -> dg.AssetsDefinition:
    """One asset for all sources; `core` are the core tables in the project."""

    @dg.multi_asset(
        name="ingest__freshness",
        specs=[
            spec(
                TABLE,
                "freshness",
                "Newest event of every source by the end of the day, against its limits",
                deps=core,
                partitions=partitions,
            )
        ],
        check_specs=check_specs(checks_of(project), partitions),
        can_subset=True,
        backfill_policy=dg.BackfillPolicy.single_run(),
        required_resource_keys={*RESOURCES},
        pool=POOL,
    )
    def watermarks(context: dg.AssetExecutionContext) -> Results:
        with opened(context, "freshness") as refresh:
            measured = measure_freshness(refresh)
            metadata = table_metadata(refresh.con, TABLE)
        if measured.current:
            for watermark in measured.watermarks:
                context.log_event(_observed(watermark))
            yield from results(context, TABLE, metadata, measured.checks, [refresh.day])

    return watermarks


def _observed(watermark: Watermark) -> dg.AssetObservation:
    """The source's event time as Dagster knows it; its freshness policies look at materializations only."""
    metadata: dict[str, Any] = {"status": watermark.status, "age in open days": watermark.age_days}
    if watermark.watermark_at is not None:
        at = watermark.watermark_at.timestamp()
        metadata["dagster/last_updated_timestamp"] = dg.TimestampMetadataValue(at)
    return dg.AssetObservation(asset_key=["raw", watermark.source], metadata=metadata)
