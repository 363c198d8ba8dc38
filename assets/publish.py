"""Marts and publication: built in one transaction, checked again, and swapped in whole.

Only the latest recorded day is published, never a backfill.
"""

from collections.abc import Callable
from datetime import date, datetime
from typing import TYPE_CHECKING

import dagster as dg

from assets.common import (
    OWNERS,
    POOL,
    ControlParam,
    ProgressParam,
    ProjectParam,
    RendererParam,
    Results,
    WarehouseParam,
    check,
    check_metadata,
    days_of,
    results,
    spec,
    table_metadata,
)
from assets.segments import definitions_of, is_latest
from pipelines.contracts.expected import Suite
from pipelines.features.vocabulary import features_now
from pipelines.ingest.ledger import now
from pipelines.ingest.quality import CheckResult
from pipelines.publish.expectations import assert_expected, judge_marts, suites_of
from pipelines.publish.manifest import manifest
from pipelines.publish.marts import COMPANIES, MARTS, PERSONAL, build_marts, refresh_quality, table_of
from pipelines.publish.parts import Part, held_segmentations, parts_of, remember_published
from pipelines.report.build import begin_report
from pipelines.segments.history import assert_exclusive
from pipelines.segments.verdicts import failed_on
from pipelines.segments.versions import in_force
from pipelines.steps import load_step
from resources.control import DEFINITION_TEST, HELD_SEGMENTATION, ControlStore, holds
from resources.project import Project
from resources.publication import publish
from resources.renderer import Renderer

if TYPE_CHECKING:
    import duckdb


def build_publication(
    project: Project, partitions: dg.PartitionsDefinition[str]
) -> list[dg.AssetsDefinition]:
    """The marts, with what the project expects of them, and the published run."""
    suites = project.suites

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
        check_specs=_check_specs(suites),
        backfill_policy=dg.BackfillPolicy.single_run(),
        pool=POOL,
    )
    def marts(
        context: dg.AssetExecutionContext,
        project: ProjectParam,
        warehouse: WarehouseParam,
        control: ControlParam,
        renderer: RendererParam,
        progress: ProgressParam,
    ) -> Results:
        progress("marts")
        day = max(days_of(context, project))
        # What this run found opens or closes incidents now, so that its own report shows them.
        control.reconcile(context.run.run_id)
        judged: list[CheckResult] | None = None
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
                    rules=project.config.attributes,
                    parts=_parts(con, project),
                    trouble=trouble_of(control, project),
                    held=held_definitions(con, control, day),
                )
                judged = judge_marts(con, suites, context.run.run_id)
                if judged:
                    refresh_quality(con, context.run.run_id)
                # Its charts are drawn while the marts are told of and written.
                renderer.begun[context.run.run_id] = _report(con, project, renderer)
            for mart in MARTS:
                preview = 0 if mart in PERSONAL | COMPANIES else 12
                yield from results(
                    table_of(mart),
                    table_metadata(con, table_of(mart), preview=preview),
                    _check_results(suites, mart, judged),
                )

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
            exclusive = [one.id for one in definitions_of(con, project).segmentations if one.exclusive]
            assert_exclusive(con, day, exclusive)
            assert_expected(con, context.run.run_id)
            facts = manifest(con)
            progress("report")
            report = renderer.begun.pop(context.run.run_id, None) or _report(con, project, renderer)
            progress("publish")
            folder = publish(
                con, project.published, context.run.run_id, report, facts, project.config.publish.keep_runs
            )
            remember_published(con)
            held = held_segmentations(con)
        return dg.MaterializeResult(
            metadata={
                "folder": dg.MetadataValue.path(str(folder)),
                "report": dg.MetadataValue.path(str(folder / "report.html")),
                "rows": dg.MetadataValue.json(facts["rows"]),
                "held": ", ".join(held) or "nothing",
            }
        )

    return [marts, published]


def _report(con: "duckdb.DuckDBPyConnection", project: Project, renderer: Renderer) -> Callable[[], str]:
    return begin_report(con, project.config.project, project.config.currency, renderer)


def _check_specs(suites: list[Suite]) -> list[dg.AssetCheckSpec]:
    """A check for every expectation of a mart; a critical one that fails stops what follows."""
    return [
        dg.AssetCheckSpec(
            one.name,
            asset=dg.AssetKey(table_of(suite.table).split(".")),
            description=one.description,
            blocking=one.severity == "critical",
        )
        for suite in suites
        if suite.kind == "mart"
        for one in suite.checks
    ]


def _check_results(
    suites: list[Suite], mart: str, judged: list[CheckResult] | None
) -> list[dg.AssetCheckResult]:
    """The results of a mart's checks; a day that is not the latest is not judged, and nothing fails by it."""
    if judged is None:
        return [
            check(table_of(mart), one.name, True, critical=False, judged="no: this is not the latest day")
            for suite in suites_of(suites, mart)
            for one in suite.checks
        ]
    return [
        check(
            table_of(mart),
            one.name,
            one.passed,
            critical=one.severity == "critical",
            description=one.description,
            **check_metadata(one),
        )
        for one in judged
        if one.table == mart
    ]


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
}
_COMES_FROM = {
    "publish.part": "ingest.freshness",
    "publish.effective_day": "ingest.freshness",
    "marts.revenue_day": "core.orders",
    # Made within another asset.
    "features.entry_product": "features.customer",
    "features.account": "features.customer",
    "segments.account_profile_day": "segments.membership",
    "money.orders": "core.orders",
    "money.order_lines": "core.order_lines",
    "money.amount": "core.order_lines",
    "money.held_order": "core.orders",
}


def _deps(mart: str) -> list[str]:
    """The assets a mart's SELECT names as its inputs."""
    inputs = [table for table in load_step(f"publish/marts/{mart}").inputs if table not in _NO_ASSETS]
    return list(dict.fromkeys(_COMES_FROM.get(table, table) for table in inputs)) or ["segments.membership"]


def _parts(con: "duckdb.DuckDBPyConnection", project: Project) -> list[Part]:
    """What is published, and from which sources."""
    features = features_now(con, project.recipe)
    return parts_of(definitions_of(con, project).segmentations, features, project.mapped)


def trouble_of(control: ControlStore, project: Project) -> dict[str, str]:
    """What is wrong with each source that must not be published from; nothing where the project allows it.

    Read from the incidents and not from this run's findings: a run of some assets only evaluates no source.
    """
    if project.config.publish.when_stale == "publish":
        return {}
    found: dict[str, str] = {}
    for one in control.open_incidents():
        # A segmentation may be named like a source.
        about_source = one.kind not in (HELD_SEGMENTATION, DEFINITION_TEST)
        source = project.config.sources.get(one.subject) if about_source else None
        # Without limits nothing looks at its age any more, and so nothing would close the incident.
        if source and holds(one) and (source.freshness or one.kind != "stale_source"):
            found[one.subject] = "; ".join(filter(None, (found.get(one.subject), one.message)))
    return found


def held_definitions(con: "duckdb.DuckDBPyConnection", control: ControlStore, day: date) -> dict[str, str]:
    """The segmentations that were not refreshed on a recorded day, or failed their own tests, and why."""
    told = {one.subject: one.message for one in control.open_incidents() if one.kind == HELD_SEGMENTATION}
    held = [name for name, one in in_force(con, day).items() if one.held]
    return failed_on(con, day) | told | {name: told.get(name, "was not refreshed") for name in held}


def _open_incidents(control: ControlStore) -> list[tuple[str, str, str, str, datetime]]:
    """What is wrong now; that a run failed before is over when one publishes."""
    return [
        (i.kind, i.subject, i.severity, i.message, datetime.fromisoformat(i.opened_at).replace(tzinfo=None))
        for i in control.open_incidents()
        if i.kind != "failed_run"
    ]
