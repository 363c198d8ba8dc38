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
    Results,
    WarehouseParam,
    check,
    check_metadata,
    days_of,
    results,
)
from pipelines.config.project import Source
from pipelines.contracts.expected import checks_of_batch, derived
from pipelines.contracts.model import Check
from pipelines.contracts.registry import CONTRACTS
from pipelines.errors import SourceError
from pipelines.features.catalogue import RESERVED
from pipelines.ingest import batch, deliveries, freshness, ledger, quality, volume
from pipelines.ingest.reading import format_of
from pipelines.ingest.source import Outcome, ingest
from pipelines.segments.history import latest_day
from pipelines.steps import relation_exists, row_count
from resources.connectors import fetch
from resources.control import ControlStore, Finding
from resources.landing import files_to_land, land, ledger_name
from resources.project import Project

if TYPE_CHECKING:
    from datetime import date

    import duckdb


def build_ingest(project: Project) -> list[dg.AssetsDefinition]:
    """The ingest asset of every source of a project."""
    return [_source_asset(project, name, source) for name, source in project.config.sources.items()]


def _check_specs(project: Project, name: str, source: Source) -> list[dg.AssetCheckSpec]:
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
    specs += [
        dg.AssetCheckSpec(f"{table}__{one.name}", asset=key, description=one.description)
        for table, mapping in source.tables.items()
        for one in _table_checks(project, name, table, list(mapping))
    ]
    specs += _delivery_specs(source, key)
    specs += [
        dg.AssetCheckSpec(f"{table}__{check_name}", asset=key, description=description)
        for table, check_name, description in volume.specs(source.tables, source.volume)
    ]
    return specs


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


def _table_checks(project: Project, name: str, table: str, mapped: list[str]) -> list[Check]:
    contract, source = CONTRACTS[table], project.config.sources[name]
    known = [] if contract.attributes else [*mapped, *derived(contract)]
    own = checks_of_batch(project.suites, name, table, known)
    return quality.checks_of(contract, mapped, source, own)


def _format(source: Source) -> set[str]:
    """The format of the source's files, where their name or the source says one for all."""
    if source.files is None:
        return {"parquet"}
    try:
        return {format_of(Path(pattern), source.format) for pattern in source.patterns}
    except SourceError:
        return set()


def _source_asset(project: Project, name: str, source: Source) -> dg.AssetsDefinition:
    specs = _check_specs(project, name, source)

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
    ) -> Results:
        progress(f"ingest {name}")
        fault = _fetch_fault(project, name, source)
        with warehouse.open(f"ingest {name}") as con:
            ledger.create(con)
            batch.discard_interrupted(con, name)
            day = max(days_of(context, project))
            try:
                if fault:
                    raise fault
                paths = land(con, project, name, source, day)
                name_of = partial(ledger_name, project, source)
                standing = [name_of(path) for path in paths]
                files = files_to_land(con, name, paths, name_of)
                outcome = ingest(
                    con,
                    name,
                    source,
                    files,
                    context.run.run_id,
                    standing,
                    project.landing / ".text" / name,
                    suites=project.suites,
                    through=day,
                    reserved=RESERVED,
                )
            except SourceError as held:
                outcome = Outcome(name, "failed", str(held), results=quality.stored(con, name))
            total = row_count(con, f"raw.{name}") if relation_exists(con, f"raw.{name}") else 0
            reasons = quality.reasons(con, outcome.batch_seq)
        _tell(context, control, outcome)
        checks = _check_results(f"raw.{name}", specs, outcome, reasons)
        yield from results(f"raw.{name}", _metadata(outcome, total), checks)

    return landed


def _fetch_fault(project: Project, name: str, source: Source) -> SourceError | None:
    """Fetch what the source has now; what went wrong is told when the warehouse is open."""
    try:
        fetch(project, name, source)
    except SourceError as fault:
        return fault
    return None


def _tell(context: dg.AssetExecutionContext, control: ControlStore, outcome: Outcome) -> None:
    if outcome.held:
        context.log.error(outcome.message)
    control.record_findings(context.run.run_id, _findings(outcome))


def _findings(outcome: Outcome) -> list[Finding]:
    """Whether the source could be used, and its newest batch; of a source that failed no batch was judged."""
    failed, rejected = outcome.status == "failed", outcome.status == "rejected"
    found = [
        Finding(
            "failed_source", outcome.source, not failed, "critical", outcome.message if failed else "read"
        )
    ]
    if not failed:
        message = outcome.message if rejected else "accepted"
        found.append(Finding("rejected_batch", outcome.source, not rejected, "critical", message))
    return found


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


def _check_results(
    table: str, specs: list[dg.AssetCheckSpec], outcome: Outcome, reasons: list[quality.Reason]
) -> list[dg.AssetCheckResult]:
    """One result for every declared check; one that never ran has not passed."""
    found = {f"{result.table}__{result.name}": result for result in outcome.results}
    checks = [
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
            checks.append(check(table, one.name, False, reason="no batch has been judged yet"))
            continue
        facts = check_metadata(outcome_of) | {"batch": outcome.batch_seq or 0}
        if outcome_of.name == "rows_without_fault":
            facts["reasons"] = _reasons([one for one in reasons if one.table == outcome_of.table])
        checks.append(
            check(
                table,
                one.name,
                outcome_of.passed,
                critical=outcome_of.severity == "critical",
                description=outcome_of.description,
                **facts,
            )
        )
    return checks


def _reasons(reasons: list[quality.Reason]) -> dg.MetadataValue:
    """Why rows went to quarantine, how many, and where five of each stand."""
    return dg.MetadataValue.json(
        [
            {"reason": one.reason, "column": one.column, "rows": one.rows, "samples": list(one.samples)}
            for one in reasons
        ]
    )


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
    ) -> Results:
        progress("freshness")
        as_of = max(days_of(context, project))
        with warehouse.open("freshness") as con:
            found = freshness.measure(con, project.config.sources, as_of)
            # A backfill says nothing of now: a source that is stale stays so.
            current = not _is_past(con, as_of)
            if current:
                freshness.store(con, as_of, found)
        checks = []
        for w in found:
            if w.limits is None:
                continue
            fresh = w.status == "fresh"
            message = freshness.told(w, as_of)
            critical = w.status == "failed"
            if current:
                severity = "critical" if critical else "advisory"
                control.record_finding(
                    context.run.run_id, Finding("stale_source", w.source, fresh, severity, message)
                )
                context.log_event(_observed(w))
            checks.append(check(table, f"{w.source}_fresh", fresh, critical=critical, message=message))
        yield from results(table, {"dagster/row_count": len(found)}, checks)

    return watermarks


def _observed(w: freshness.Watermark) -> dg.AssetObservation:
    """The source's event time as Dagster knows it; its freshness policies judge materializations only."""
    metadata: dict[str, Any] = {"status": w.status, "age in open days": w.age_days}
    if w.watermark_at is not None:
        metadata["dagster/last_updated_timestamp"] = dg.TimestampMetadataValue(w.watermark_at.timestamp())
    return dg.AssetObservation(asset_key=["raw", w.source], metadata=metadata)


def _is_past(con: "duckdb.DuckDBPyConnection", day: "date") -> bool:
    """Whether a later day stands in the record."""
    latest = latest_day(con) if relation_exists(con, "segments.recorded_day") else None
    return latest is not None and day < latest
