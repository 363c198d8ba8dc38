"""Marts and publication: built in one transaction, checked again, and swapped in whole.

Only the latest recorded day is published, never a backfill.
"""

from collections.abc import Iterator
from datetime import datetime

import dagster as dg

from assets.common import (
    OWNERS,
    POOL,
    ControlParam,
    ProgressParam,
    ProjectParam,
    RendererParam,
    WarehouseParam,
    days_of,
    result,
    spec,
    table_metadata,
)
from assets.measure import is_latest
from pipelines.ingest.ledger import now
from pipelines.publish.manifest import manifest
from pipelines.publish.marts import MARTS, PERSONAL, build_marts, table_of
from pipelines.report.build import begin_report
from pipelines.segments.history import assert_exclusive
from pipelines.steps import load_step
from resources.control import ControlStore
from resources.publication import publish


def build_publication(partitions: dg.PartitionsDefinition[str]) -> list[dg.AssetsDefinition]:
    """The marts, and the published run."""

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
        backfill_policy=dg.BackfillPolicy.single_run(),
        pool=POOL,
    )
    def marts(
        context: dg.AssetExecutionContext,
        project: ProjectParam,
        warehouse: WarehouseParam,
        control: ControlParam,
        progress: ProgressParam,
    ) -> Iterator[dg.MaterializeResult]:
        progress("marts")
        day = max(days_of(context, project))
        # What this run found opens or closes incidents now, so that its own report shows them.
        control.reconcile(context.run.run_id)
        with warehouse.open("marts") as con:
            if is_latest(con, day):
                build_marts(
                    con,
                    day,
                    project=project.config.project,
                    currency=project.config.currency,
                    run_id=context.run.run_id,
                    code_version=project.code_version,
                    generated_at=now(),
                    incidents=_open_incidents(control),
                )
            for mart in MARTS:
                preview = 0 if mart in PERSONAL else 12
                yield result(table_of(mart), table_metadata(con, table_of(mart), preview=preview))

    @dg.asset(
        key=["published", "current"],
        deps=[dg.AssetKey(["marts", mart]) for mart in MARTS],
        group_name="publish",
        description="The analysts' DuckDB file, Parquet, CSV, the report and the manifest, swapped in whole",
        kinds={"duckdb", "parquet", "csv", "html"},
        owners=OWNERS,
        pool=POOL,
        partitions_def=partitions,
        backfill_policy=dg.BackfillPolicy.single_run(),
    )
    def published(
        context: dg.AssetExecutionContext,
        project: ProjectParam,
        warehouse: WarehouseParam,
        renderer: RendererParam,
        progress: ProgressParam,
    ) -> dg.MaterializeResult:
        day = max(days_of(context, project))
        with warehouse.open("publish") as con:
            if not is_latest(con, day):
                return dg.MaterializeResult(
                    metadata={"published": f"no: {day} is not the latest recorded day"}
                )
            assert_exclusive(con, day)
            facts = manifest(con)
            progress("report")
            report = begin_report(con, project.config.project, project.config.currency, renderer)
            progress("publish")
            folder = publish(
                con, project.published, context.run.run_id, report, facts, project.config.publish.keep_runs
            )
        return dg.MaterializeResult(
            metadata={
                "folder": dg.MetadataValue.path(str(folder)),
                "report": dg.MetadataValue.path(str(folder / "report.html")),
                "rows": dg.MetadataValue.json(facts["rows"]),
            }
        )

    return [marts, published]


def _deps(mart: str) -> list[str]:
    """The assets a mart's SELECT names as its inputs."""
    known = {
        "quality.result",
        "quarantine.row",
        "ingest.batch",
        "ingest.batch_table",
        "ingest.batch_deletion",
        "segments.recorded_day",
    }
    inputs = [table for table in load_step(f"publish/marts/{mart}").inputs if table not in known]
    return [table for table in inputs if table != "segments.label"] or ["segments.membership"]


def _open_incidents(control: ControlStore) -> list[tuple[str, str, str, str, datetime]]:
    """What is wrong now; that a run failed before is over when one publishes."""
    return [
        (i.kind, i.subject, i.severity, i.message, datetime.fromisoformat(i.opened_at).replace(tzinfo=None))
        for i in control.open_incidents()
        if i.kind != "failed_run"
    ]
