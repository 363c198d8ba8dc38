"""What segments return and whether they have moved: ROI and drift, for the latest recorded day only."""

import dagster as dg

from assets.common import POOL, RESOURCES, opened, spec, table_metadata
from assets.showing import Results, check_specs, results
from pipelines.refresh.measure import NO_DRIFT, refresh_drift, refresh_roi

ROI_TABLES = {
    "roi.touch": "Touches by the day, and what they cost",
    "roi.contact": "Whom a campaign contacted: since when, how often, at what cost",
    "roi.attribution": "What contacted customers bought on the days they responded",
    "roi.segment_month": "Attributed ROI a segment and month, beside the month before",
    "roi.segment_campaign": "Attributed ROI a segment and campaign, beside the one before of its type",
    "roi.campaign_left_out": "Campaigns without ROI, and why",
}
AGGREGATES = {"roi.segment_month", "roi.segment_campaign", "roi.campaign_left_out"}


def build_measures(partitions: dg.PartitionsDefinition[str]) -> list[dg.AssetsDefinition]:
    """The ROI step and the drift step."""

    @dg.multi_asset(
        name="roi",
        specs=[
            spec(
                table,
                "roi",
                meaning,
                deps=[
                    "segments.assignment",
                    "core.campaigns",
                    "core.campaign_responses",
                    "features.customer_day",
                ],
                partitions=partitions,
            )
            for table, meaning in ROI_TABLES.items()
        ],
        can_subset=True,
        backfill_policy=dg.BackfillPolicy.single_run(),
        required_resource_keys={*RESOURCES},
        pool=POOL,
    )
    def roi(context: dg.AssetExecutionContext) -> Results:
        with opened(context, "roi") as refresh:
            for table in ROI_TABLES if refresh_roi(refresh) else ():
                metadata = table_metadata(refresh.con, table, preview=20 if table in AGGREGATES else 0)
                yield from results(context, table, metadata, days=[refresh.day])

    @dg.multi_asset(
        name="drift",
        specs=[
            spec(
                "drift.verdict",
                "drift",
                "How far segment shares and features have moved since four weeks before",
                deps=["segments.assignment", "features.customer"],
                partitions=partitions,
            )
        ],
        check_specs=check_specs([NO_DRIFT], partitions),
        can_subset=True,
        backfill_policy=dg.BackfillPolicy.single_run(),
        required_resource_keys={*RESOURCES},
        pool=POOL,
    )
    def drift(context: dg.AssetExecutionContext) -> Results:
        with opened(context, "drift") as refresh:
            found = refresh_drift(refresh)
            if found.measured:
                metadata = table_metadata(refresh.con, "drift.verdict", preview=20)
                yield from results(context, "drift.verdict", metadata, found.checks, [refresh.day])

    return [roi, drift]
