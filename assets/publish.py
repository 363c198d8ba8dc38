"""Marts and publication: built in one transaction, checked again, and swapped in whole.

Only the latest recorded day is published, never a backfill.
"""

import dagster as dg

from assets.common import POOL, RESOURCES, opened, spec, table_metadata
from assets.showing import Results, check_specs, results
from pipelines.engine import load_step
from pipelines.publish.marts import MARTS, PERSONAL, table_of
from pipelines.refresh.marts import checks_of, refresh_marts
from pipelines.refresh.publication import publish_day
from resources.project import Project
from resources.publication import publisher_of


def build_publication(
    project: Project, partitions: dg.PartitionsDefinition[str]
) -> list[dg.AssetsDefinition]:
    """The marts, with what the project expects of them, and the published run."""

    @dg.multi_asset(
        name="marts",
        specs=[
            spec(
                table_of(mart),
                "marts",
                load_step(f"publish/marts/{mart}").description,
                deps=_deps(mart),
                partitions=partitions,
            )
            for mart in MARTS
        ],
        check_specs=check_specs(checks_of(project), partitions),
        can_subset=True,
        backfill_policy=dg.BackfillPolicy.single_run(),
        required_resource_keys={*RESOURCES},
        pool=POOL,
    )
    def marts(context: dg.AssetExecutionContext) -> Results:
        with opened(context, "marts") as refresh:
            made = refresh_marts(refresh)
            for mart in MARTS if made.built else ():
                table, preview = table_of(mart), 0 if mart in PERSONAL else 12
                metadata = table_metadata(refresh.con, table, preview=preview)
                yield from results(context, table, metadata, made.checks, [refresh.day])

    @dg.multi_asset(
        name="published__current",
        specs=[
            spec(
                "published.current",
                "publish",
                "The analysts' DuckDB file, Parquet, CSV, the report and the manifest, swapped in whole",
                deps=[table_of(mart) for mart in MARTS],
                kinds=("duckdb", "parquet", "csv", "html"),
                partitions=partitions,
            )
        ],
        backfill_policy=dg.BackfillPolicy.single_run(),
        required_resource_keys={*RESOURCES, "renderer"},
        pool=POOL,
    )
    def published(context: dg.AssetExecutionContext) -> Results:
        with opened(context, "publish") as refresh:
            done = publish_day(refresh, publisher_of(project), context.resources.renderer)
        if done is not None:
            metadata = {
                "folder": dg.MetadataValue.path(str(done.folder)),
                "report": dg.MetadataValue.path(str(done.folder / "report.html")),
                "rows": dg.MetadataValue.json(done.rows),
                "held": ", ".join(done.held) or "nothing",
            }
            yield from results(context, "published.current", metadata, days=[refresh.day])

    return [marts, published]


# What a step reads beside assets: ledgers, and the state of publication with the asset it comes from.
_NO_ASSETS = {
    "quality.result",
    "quality.sample",
    "quarantine.row",
    "ingest.batch",
    "ingest.batch_table",
    "ingest.batch_deletion",
    "ingest.file",
    "ingest.file_amount",
    "ingest.file_dialect",
    "segments.recorded_day",
    "segments.label",
    "publish.revenue_day",
    "publish.metric",
}
_COMES_FROM = {
    "publish.part": "ingest.freshness",
    "publish.effective_day": "ingest.freshness",
    "marts.revenue_day": "core.orders",
    # Made within another asset.
    "features.attribute_quality": "core.customers",
    "history.attribute_change": "core.customers",
    "core.customer_id_map": "core.customers",
    "known.contacts": "core.contacts",
    "features.entry_product": "features.customer",
    "ingest.coverage": "core.orders",
    "ingest.coverage_of_events": "core.orders",
    "segments.list_coverage": "segments.membership",
    "features.account": "features.customer",
    "publish.unpublished": "core.customers",
    "segments.deal_stage": "segments.membership",
    "money.orders": "core.orders",
    "money.order_lines": "core.order_lines",
    "money.amount": "core.order_lines",
    "money.held_order": "core.orders",
}


def _deps(mart: str) -> list[str]:
    """The assets that a mart's SELECT reads."""
    inputs = [table for table in load_step(f"publish/marts/{mart}").inputs if table not in _NO_ASSETS]
    return list(dict.fromkeys(_COMES_FROM.get(table, table) for table in inputs)) or ["segments.membership"]
