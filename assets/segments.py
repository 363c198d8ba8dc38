"""Segments: the assignment of the day, the record of who entered and left, profiles, and replayed days."""

from collections.abc import Iterator
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any

import dagster as dg

from assets.common import (
    POOL,
    ControlParam,
    ProgressParam,
    ProjectParam,
    WarehouseParam,
    check,
    days_of,
    result,
    spec,
    table_metadata,
)
from assets.definition_tests import definition_tests_spec, judge_definitions
from assets.features import compute_day, compute_past_day, shared_categories
from pipelines.core import money
from pipelines.errors import InvariantError
from pipelines.features.attributes import attribute_mark
from pipelines.features.catalogue import absent, catalogue
from pipelines.features.compute import attributes_of, keep_features
from pipelines.segments import history, replay
from pipelines.segments.definitions import load_definitions
from pipelines.segments.model import Segmentation
from pipelines.steps import run_step
from resources.project import Project

if TYPE_CHECKING:
    import duckdb

TABLES = (
    "segments.assignment",
    "segments.membership_event",
    "segments.membership",
    "segments.profile_day",
    "segments.snapshot_day",
)
_MEANING = {
    "segments.assignment": "Which segment each customer is in, on the day and on the past days in use",
    "segments.membership_event": "The record: who entered or left which segment on which day",
    "segments.membership": "Stays in a segment, [entered_date, left_date)",
    "segments.profile_day": "Size and value of every segment a day",
    "segments.snapshot_day": "Where the assignment of a day comes from: recorded, or replayed",
}


def segmentations_of(con: "duckdb.DuckDBPyConnection", project: Project) -> list[Segmentation]:
    """The project's definitions, checked against the features it has."""
    features = catalogue(project.mapped, shared_categories(project), attributes_of(con))
    found = load_definitions(
        project.segments,
        {"customer": features},
        {"customer": absent(project.mapped)},
        project.mapped,
        project.root,
    )
    return list(found.checked())


def build_segments(partitions: dg.PartitionsDefinition[str]) -> dg.AssetsDefinition:
    """One multi-asset from features to the record of membership."""

    @dg.multi_asset(
        name="segments",
        specs=[
            spec(table, "segments", _MEANING[table], deps=["features.customer"], partitions=partitions)
            for table in TABLES
        ],
        check_specs=[
            dg.AssetCheckSpec(
                "exclusive",
                asset=dg.AssetKey(["segments", "assignment"]),
                blocking=True,
                description="every customer is in exactly one segment of every segmentation",
            ),
            definition_tests_spec(),
        ],
        backfill_policy=dg.BackfillPolicy.single_run(),
        pool=POOL,
    )
    def segments(
        context: dg.AssetExecutionContext,
        project: ProjectParam,
        warehouse: WarehouseParam,
        control: ControlParam,
        progress: ProgressParam,
    ) -> Iterator[dg.MaterializeResult]:
        days = days_of(context, project)
        with warehouse.open("segments") as con:
            history.create(con)
            segmentations = segmentations_of(con, project)
            try:
                metadata = _record(con, project, days, segmentations, context.run.run_id, progress)
                fault = None
            except InvariantError as error:
                metadata, fault = {}, str(error)
            tested = judge_definitions(con, control, context.run.run_id, days, segmentations, fault is None)
            for table in TABLES:
                checks = []
                if table == "segments.assignment":
                    checks = [check(table, "exclusive", fault is None, message=fault or "holds"), tested]
                preview = 20 if table == "segments.profile_day" else 0
                yield result(table, table_metadata(con, table, preview=preview) | metadata, checks)

    return segments


def _meaning(project: Project) -> str:
    """Changes when the same rows would make other features; empty where nothing is configured."""
    return money.terms_of(project.config).mark + attribute_mark(project.config.attributes)


def _record(
    con: "duckdb.DuckDBPyConnection",
    project: Project,
    days: list[date],
    segmentations: list[Segmentation],
    run_id: str,
    progress: Any,
) -> dict[str, Any]:
    """Record the days, the missed ones before them first, then bring up the past days in use.

    A day before the latest recorded one is left as it was recorded: a backfill never rewrites the record.
    """
    latest, wanted = history.latest_day(con), max(days)
    if latest is not None and wanted < latest:
        return {"recorded": f"no: {wanted} lies before {latest}, and what was recorded is not rewritten"}
    compute = partial(compute_day, con, project)
    history.store_definitions(con, segmentations)
    revision = 0
    for day in history.days_to_record(latest, wanted, min(days)):
        progress(f"segments of {day}")
        # Those of the run's own days are new; of a missed day there may be some that an earlier run left.
        if day not in days:
            compute(day)
        history.assign(con, day, segmentations)
        run_step(con, "segments/profile_day", {"as_of": day, "as_of_date": day, "basis": "recorded"})
        revision = history.record(con, day, segmentations, run_id)
    progress("segments of the past")
    inputs = replay.inputs_hash(segmentations, project.config.margin_rate, _meaning(project))
    past = partial(compute_past_day, con, project)
    replayed = replay.bring_up(con, wanted, segmentations, project.config.roi.months, inputs, past)
    keep_features(con, [wanted, replay.four_weeks_before(wanted)])
    return {"revision": revision, "replayed_days": len(replayed)}
