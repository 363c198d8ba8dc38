"""Ingest: one asset a source, `raw/<source>`; its checks are the batch's quality and its accounting.

A batch that fails its quality is rejected and the asset still materializes: what is in core is the last good
state, and what does not depend on the source goes on. Only accounting that does not add up blocks the run.
"""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg

from assets.common import (
    OWNERS,
    POOL,
    ControlParam,
    ProgressParam,
    ProjectParam,
    WarehouseParam,
    check,
    days_of,
)
from pipelines.config.project import Source
from pipelines.contracts.registry import CONTRACTS
from pipelines.errors import SourceError
from pipelines.ingest import batch, deliveries, freshness, ledger, quality
from pipelines.ingest.files import format_of
from pipelines.ingest.source import Outcome, ingest
from pipelines.segments.history import latest_day
from pipelines.steps import row_count, table_exists
from resources.control import ControlStore, Finding
from resources.landing import files_to_land, land, ledger_name
from resources.project import Project

if TYPE_CHECKING:
    from datetime import date

    import duckdb


def build_ingest(project: Project) -> list[dg.AssetsDefinition]:
    """The ingest asset of every source of a project."""
    return [_source_asset(name, source) for name, source in project.config.sources.items()]


def _check_specs(name: str, source: Source) -> list[dg.AssetCheckSpec]:
    key = dg.AssetKey(["raw", name])
    specs = [
        dg.AssetCheckSpec(
            "readable", asset=key, description="every new file could be read and fits its mapping"
        ),
        dg.AssetCheckSpec(
            "accounting",
            asset=key,
            blocking=True,
            description="landed = accepted + quarantined + superseded + deleted",
        ),
    ]
    return (
        specs
        + [
            dg.AssetCheckSpec(f"{table}__{one.name}", asset=key, description=one.description)
            for table, mapping in source.tables.items()
            for one in quality.checks_for(CONTRACTS[table], mapping.keys(), source.max_bad_share)
        ]
        + _delivery_specs(source, key)
    )


def _delivery_specs(source: Source, key: dg.AssetKey) -> list[dg.AssetCheckSpec]:
    """A snapshot is checked against the one before it."""
    if source.delivery != "snapshot":
        return []
    return [
        dg.AssetCheckSpec(
            f"{table}__{deliveries.KEPT}", asset=key, description=deliveries.description(source)
        )
        for table in source.tables
    ]


def _format(source: Source) -> set[str]:
    """The format of the source's files, where their name or the source says one for all."""
    try:
        return {format_of(Path(source.files), source.format)}
    except SourceError:
        return set()


def _source_asset(name: str, source: Source) -> dg.AssetsDefinition:
    specs = _check_specs(name, source)

    @dg.asset(
        key=["raw", name],
        group_name="ingest",
        description=f"Rows of source {name} as landed, for {', '.join(source.tables)}",
        kinds={"duckdb", *_format(source)},
        owners=OWNERS,
        pool=POOL,
        check_specs=specs,
    )
    def landed(
        context: dg.AssetExecutionContext,
        project: ProjectParam,
        warehouse: WarehouseParam,
        control: ControlParam,
        progress: ProgressParam,
    ) -> dg.MaterializeResult:
        progress(f"ingest {name}")
        with warehouse.open(f"ingest {name}") as con:
            ledger.create(con)
            batch.discard_interrupted(con, name)
            try:
                paths = land(con, project, name, source, max(days_of(context, project)))
                name_of = partial(ledger_name, project, source)
                standing = [name_of(path) for path in paths]
                files = files_to_land(con, name, paths, name_of)
                outcome = ingest(con, name, source, files, context.run.run_id, standing)
            except SourceError as fault:
                outcome = Outcome(name, "failed", str(fault), results=quality.stored(con, name))
            total = row_count(con, f"raw.{name}") if table_exists(con, f"raw.{name}") else 0
        _tell(context, control, outcome)
        return dg.MaterializeResult(
            metadata=_metadata(outcome, total), check_results=_check_results(f"raw.{name}", specs, outcome)
        )

    return landed


def _tell(context: dg.AssetExecutionContext, control: ControlStore, outcome: Outcome) -> None:
    if outcome.held:
        context.log.error(outcome.message)
    control.record_finding(
        context.run.run_id,
        Finding(
            "rejected_batch", outcome.source, not outcome.held, "critical", outcome.message or "accepted"
        ),
    )


def _metadata(outcome: Outcome, total: int) -> dict[str, Any]:
    metadata: dict[str, Any] = {"dagster/row_count": total, "status": outcome.status}
    if outcome.batch_seq is not None:
        metadata["batch"] = outcome.batch_seq
    if outcome.message:
        metadata["message"] = outcome.message
    for account in outcome.accounts:
        metadata[f"{account.table}: landed"] = account.landed
        metadata[f"{account.table}: accepted"] = account.accepted
        metadata[f"{account.table}: quarantined"] = account.quarantined
        metadata[f"{account.table}: superseded"] = account.superseded
        if account.deleted:
            metadata[f"{account.table}: deleted"] = account.deleted
    return metadata


def _check_results(table: str, specs: list[dg.AssetCheckSpec], outcome: Outcome) -> list[dg.AssetCheckResult]:
    """One result for every declared check; one that never ran has not passed."""
    found = {f"{result.table}__{result.name}": result for result in outcome.results}
    results = [
        check(table, "readable", outcome.status != "failed", message=outcome.message or "read"),
        check(
            table,
            "accounting",
            all(account.adds_up for account in outcome.accounts),
            rows=sum(account.landed for account in outcome.accounts),
        ),
    ]
    for one in specs[2:]:
        outcome_of = found.get(one.name)
        if outcome_of is None:
            results.append(check(table, one.name, False, reason="no batch has been judged yet"))
            continue
        results.append(
            check(
                table,
                one.name,
                outcome_of.passed,
                critical=outcome_of.severity == "critical",
                unexpected=outcome_of.unexpected,
                rows=outcome_of.elements,
                percent=round(outcome_of.percent, 4),
                batch=outcome.batch_seq or 0,
            )
        )
    return results


def build_freshness(
    project: Project, partitions: dg.PartitionsDefinition[str], core: list[str]
) -> dg.AssetsDefinition:
    """The watermarks of all sources as of the day, with a check for each that has limits."""
    table = "ingest.freshness"
    limited = {name: source for name, source in project.config.sources.items() if source.freshness}

    @dg.asset(
        key=table.split("."),
        deps=[dg.AssetKey(dep.split(".")) for dep in core],
        group_name="freshness",
        description="Newest event of every source by the end of the day, against its limits",
        kinds={"duckdb", "sql"},
        owners=OWNERS,
        pool=POOL,
        partitions_def=partitions,
        backfill_policy=dg.BackfillPolicy.single_run(),
        check_specs=[
            dg.AssetCheckSpec(
                f"{name}_fresh",
                asset=dg.AssetKey(table.split(".")),
                description=f"the newest event of {name} is not too old",
            )
            for name in limited
        ],
    )
    def watermarks(
        context: dg.AssetExecutionContext,
        project: ProjectParam,
        warehouse: WarehouseParam,
        control: ControlParam,
        progress: ProgressParam,
    ) -> dg.MaterializeResult:
        progress("freshness")
        as_of = max(days_of(context, project))
        with warehouse.open("freshness") as con:
            found = freshness.measure(con, project.config.sources, as_of)
            # A backfill says nothing of now: a source that is stale stays so.
            current = not _is_past(con, as_of)
            if current:
                freshness.store(con, as_of, found)
        results = []
        for w in found:
            if w.limits is None:
                continue
            fresh = w.status == "fresh"
            message = (
                f"source {w.source}: newest event on {w.watermark_date}, {w.age_days} days before {as_of}"
            )
            critical = w.status == "failed"
            if current:
                severity = "critical" if critical else "advisory"
                control.record_finding(
                    context.run.run_id, Finding("stale_source", w.source, fresh, severity, message)
                )
            results.append(check(table, f"{w.source}_fresh", fresh, critical=critical, message=message))
        return dg.MaterializeResult(metadata={"dagster/row_count": len(found)}, check_results=results)

    return watermarks


def _is_past(con: "duckdb.DuckDBPyConnection", day: "date") -> bool:
    """Whether a later day stands in the record."""
    latest = latest_day(con) if table_exists(con, "segments.recorded_day") else None
    return latest is not None and day < latest
