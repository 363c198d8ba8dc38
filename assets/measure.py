"""What segments return and whether they have moved: ROI and drift, for the latest recorded day only."""

from typing import TYPE_CHECKING, Any

import dagster as dg

from assets.common import (
    POOL,
    ControlParam,
    ProgressParam,
    ProjectParam,
    Results,
    WarehouseParam,
    check,
    days_of,
    results,
    spec,
    table_metadata,
)
from assets.segments import is_latest
from pipelines.drift.measure import comparable, create, measure_drift
from pipelines.drift.summary import summary
from pipelines.features.vocabulary import features_now
from pipelines.roi.compute import compute_roi
from pipelines.segments import replay
from resources.control import Finding
from resources.project import Project

if TYPE_CHECKING:
    from datetime import date

    import duckdb

ROI_TABLES = {
    "roi.contact": "Contacts by the day, and what each cost",
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
        backfill_policy=dg.BackfillPolicy.single_run(),
        pool=POOL,
    )
    def roi(
        context: dg.AssetExecutionContext,
        project: ProjectParam,
        warehouse: WarehouseParam,
        progress: ProgressParam,
    ) -> Results:
        progress("roi")
        day = max(days_of(context, project))
        with warehouse.open("roi") as con:
            if is_latest(con, day):
                config = project.config
                compute_roi(con, day, margin_rate=config.margin_rate, contact_cost=config.costs.contact)
            for table in ROI_TABLES:
                yield from results(
                    table, table_metadata(con, table, preview=20 if table in AGGREGATES else 0)
                )

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
        check_specs=[
            dg.AssetCheckSpec(
                "no_drift",
                asset=dg.AssetKey(["drift", "verdict"]),
                description="no segment has moved beyond the limits since four weeks before",
            )
        ],
        backfill_policy=dg.BackfillPolicy.single_run(),
        pool=POOL,
    )
    def drift(
        context: dg.AssetExecutionContext,
        project: ProjectParam,
        warehouse: WarehouseParam,
        control: ControlParam,
        progress: ProgressParam,
    ) -> Results:
        progress("drift")
        day = max(days_of(context, project))
        with warehouse.open("drift") as con:
            found = _measure(con, project, day)
            if is_latest(con, day):
                # A backfill says nothing of now: it neither opens nor closes an incident.
                control.record_findings(context.run.run_id, _findings(con, day, found))
            yield from results(
                "drift.verdict",
                table_metadata(con, "drift.verdict", preview=20),
                [check("drift.verdict", "no_drift", not found, critical=False, segments_moved=len(found))],
            )

    return [roi, drift]


def _measure(con: "duckdb.DuckDBPyConnection", project: Project, day: "date") -> list[dict[str, Any]]:
    """Compare with the day four weeks before, where there is one."""
    create(con)
    baseline = replay.four_weeks_before(day)
    basis = replay.basis_of(con, baseline)
    if basis is None or not is_latest(con, day):
        return []
    features = comparable(con, features_now(con, project.recipe)["customer"], baseline)
    measure_drift(
        con,
        as_of=day,
        baseline=baseline,
        baseline_basis=basis,
        features=features,
        limits=project.config.drift,
    )
    return summary(con, day)


def _findings(con: "duckdb.DuckDBPyConnection", day: "date", found: list[dict[str, Any]]) -> list[Finding]:
    """One finding a segment that was checked: moved, or quiet."""
    moved = {_subject(one): one for one in found}
    checked = con.execute(
        "select distinct segmentation_id, segment_id from drift.verdict where as_of_date = ?"
        " and verdict <> 'not enough data'",
        [day],
    ).fetchall()
    subjects = {_subject({"segmentation_id": a, "segment_id": b}) for a, b in checked} | moved.keys()
    findings = []
    for subject in sorted(subjects):
        one = moved.get(subject)
        if one is None:
            findings.append(Finding("drift", subject, True, "advisory", "within limits"))
            continue
        what = ", ".join(one["features"]) or "share of customers"
        message = (
            f"{subject} has moved since {one['baseline_date']}: {what} (largest PSI {one['max_psi']:.2f});"
            f" see `lohko drift`"
        )
        severity = "critical" if one["verdict"] == "alert" else "advisory"
        findings.append(Finding("drift", subject, False, severity, message))
    return findings


def _subject(one: dict[str, Any]) -> str:
    segmentation, segment = one["segmentation_id"], one["segment_id"]
    if segmentation is None:
        return "all customers"
    return f"{segmentation}.{segment}" if segment else f"{segmentation} (shares)"
