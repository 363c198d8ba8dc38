"""Segments: the assignment of the day, the record of who entered and left, profiles, and replayed days."""

import dagster as dg

from assets.common import POOL, RESOURCES, opened, spec, table_metadata
from assets.showing import Results, check_results, check_specs, results
from pipelines.refresh.segments import CHECKS, refresh_segments

TABLES = (
    "segments.assignment",
    "segments.membership_event",
    "segments.membership",
    "segments.profile_day",
    "segments.snapshot_day",
)
_MEANING = {
    "segments.assignment": "Which segment each customer and account is in, on the day and past days in use",
    "segments.membership_event": "The record: who entered or left which segment on which day",
    "segments.membership": "Stays in a segment, [entered_date, left_date)",
    "segments.profile_day": "Size and value of every segment a day",
    "segments.snapshot_day": "Where the assignment of a day comes from: recorded, or replayed",
}


def build_segments(partitions: dg.PartitionsDefinition[str]) -> dg.AssetsDefinition:
    """One multi-asset from features to the record of membership."""

    @dg.multi_asset(
        name="segments",
        specs=[
            spec(table, "segments", _MEANING[table], deps=["features.customer"], partitions=partitions)
            for table in TABLES
        ],
        check_specs=check_specs(CHECKS, partitions),
        can_subset=True,
        backfill_policy=dg.BackfillPolicy.single_run(),
        required_resource_keys={*RESOURCES},
        pool=POOL,
    )
    def segments(context: dg.AssetExecutionContext) -> Results:
        with opened(context, "segments") as refresh:
            refreshed = refresh_segments(refresh)
            for table in TABLES if refreshed.days else ():
                preview = 20 if table == "segments.profile_day" else 0
                day = refresh.day if table == "segments.assignment" else None
                metadata = table_metadata(refresh.con, table, preview=preview, day=day) | {**refreshed.facts}
                yield from results(context, table, metadata, refreshed.checks, refreshed.days)
            if not refreshed.days:
                # Not recorded: the check that failed says why, and stops the run.
                for table in TABLES:
                    yield from check_results(context, table, refreshed.checks, refresh.day)

    return segments
