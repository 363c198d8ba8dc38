"""Segments: the assignment of the day, the record of who entered and left, profiles, and replayed days."""

from collections.abc import Iterable, Mapping
from datetime import date
from functools import partial
from pathlib import Path
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
from assets.definition_tests import definition_tests_spec, judge_definitions
from assets.features import compute_day, compute_past_day
from pipelines.core import money
from pipelines.errors import InvariantError
from pipelines.features.compute import has_features
from pipelines.features.mark import features_mark
from pipelines.features.vocabulary import features_absent, features_now
from pipelines.segments import history, replay
from pipelines.segments.definitions import Definitions, load_definitions
from pipelines.segments.versions import in_force
from pipelines.steps import run_step
from resources.control import HELD_SEGMENTATION, ControlStore, Finding
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


def definitions_of(
    con: "duckdb.DuckDBPyConnection", project: Project, folder: Path | None = None
) -> Definitions:
    """The project's definitions, checked against the features it has, and the faults of the others.

    With `folder`, those in there, as if they were the project's.
    """
    return load_definitions(
        folder or project.segments,
        features_now(con, project.recipe),
        features_absent(project.mapped),
        project.mapped,
        project.root,
    )


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
                description="every customer is in exactly one segment of every exclusive segmentation",
            ),
            dg.AssetCheckSpec(
                "refreshed",
                asset=dg.AssetKey(["segments", "membership"]),
                description="no segmentation is held at its last good state",
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
    ) -> Results:
        days = days_of(context, project)
        with warehouse.open("segments") as con:
            history.create(con)
            definitions = definitions_of(con, project)
            fault = None
            held: Mapping[str, str] = _faults(definitions)
            try:
                metadata, held = _record(con, project, days, definitions, context.run.run_id, progress)
            except InvariantError as error:
                metadata, fault = {}, str(error)
            if is_latest(con, max(days)):
                findings = _findings(control, [one.id for one in definitions.segmentations], held)
                control.record_findings(context.run.run_id, findings)
            refreshed = [one for one in definitions.segmentations if one.id not in held]
            checks = {
                "segments.assignment": [
                    check("segments.assignment", "exclusive", fault is None, message=fault or "holds"),
                    judge_definitions(con, control, context.run.run_id, days, refreshed, fault is None),
                ],
                "segments.membership": [
                    check(
                        "segments.membership", "refreshed", not held, held="; ".join(_told(held)) or "nothing"
                    )
                ],
            }
            for table in TABLES:
                preview = 20 if table == "segments.profile_day" else 0
                day = max(days) if table == "segments.assignment" else None
                described = table_metadata(con, table, preview=preview, day=day)
                yield from results(table, described | metadata, checks.get(table, []))

    return segments


def _faults(definitions: Definitions) -> dict[str, str]:
    """Segmentation, or file, -> the first line of its fault."""
    return {name: str(fault).splitlines()[0] for name, fault in definitions.faults.items()}


def _told(held: Mapping[str, str]) -> list[str]:
    return [f"segmentation {name} stays as it was: {reason}" for name, reason in sorted(held.items())]


def _findings(control: ControlStore, refreshed: Iterable[str], held: Mapping[str, str]) -> list[Finding]:
    """One finding a segmentation: held, or well; also of those that were held before and are no more."""
    before = {one.subject for one in control.open_incidents() if one.kind == HELD_SEGMENTATION}
    well = sorted({*refreshed, *before} - held.keys())
    found = [Finding(HELD_SEGMENTATION, name, True, "critical", "refreshed") for name in well]
    return found + [
        Finding(HELD_SEGMENTATION, name, False, "critical", told)
        for name, told in zip(sorted(held), _told(held), strict=True)
    ]


def is_latest(con: "duckdb.DuckDBPyConnection", day: date) -> bool:
    """Whether a day is the latest recorded: only that one is measured, told and published."""
    return history.latest_day(con) == day


def _record(
    con: "duckdb.DuckDBPyConnection",
    project: Project,
    days: list[date],
    definitions: Definitions,
    run_id: str,
    progress: Any,
) -> tuple[dict[str, Any], Mapping[str, str]]:
    """Record the days, the missed ones before them first, then bring up the past days in use.

    A day before the latest recorded one is left as it was recorded: a backfill never rewrites the record.

    Returns
    -------
    What to tell, and which segmentations are held, with the reason.
    """
    latest, wanted = history.latest_day(con), max(days)
    faults = _faults(definitions)
    if latest is not None and wanted < latest:
        told = f"no: {wanted} lies before {latest}, and what was recorded is not rewritten"
        return {"recorded": told}, faults
    compute = partial(compute_day, con, project)
    recorded = history.Recorded(0, faults)
    for day in history.days_to_record(latest, wanted, min(days)):
        progress(f"segments of {day}")
        # Of the run's own days the features are new, but only those of the last stand when there are several;
        # of a missed day there may be some that an earlier run left.
        if day not in days or not has_features(con, day):
            compute(day)
        recorded = history.record(con, day, definitions.segmentations, run_id, faults)
        run_step(con, "segments/profile_day", {"as_of": day, "as_of_date": day, "basis": "recorded"})
        if "accounts" in project.mapped:
            run_step(con, "segments/account_profile_day", {"as_of": day, "as_of_date": day})
    progress("segments of the past")
    versions = {name: one.version for name, one in in_force(con, wanted).items()}
    worth = money.terms_of(project.config).mark
    inputs = replay.inputs_hash(versions, features_mark(con, project.recipe), worth)
    past = partial(compute_past_day, con, project)
    found = replay.bring_up(
        con, wanted, definitions.segmentations, project.config.roi.months, inputs, past, recorded.held
    )
    metadata: dict[str, Any] = {"revision": recorded.revision, "replayed_days": len(found)}
    if recorded.remarks:
        metadata["remarks"] = "; ".join(recorded.remarks)
    return metadata, recorded.held
