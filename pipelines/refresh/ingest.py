"""Ingest of a source: its new files become a batch, the batch is judged, and the verdict is told.

A batch that fails its quality is rejected and the refresh goes on: what is in core is the last good state.
Only accounting that does not add up blocks what follows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipelines.config.project import Source
from pipelines.contracts import model
from pipelines.contracts.registry import CONTRACTS
from pipelines.errors import SourceError
from pipelines.features.catalogue import RESERVED
from pipelines.ingest import attributes, batch, conflicts, deliveries, filled, ledger, quality, unread, volume
from pipelines.ingest.expected import checks_of_batch, derived
from pipelines.ingest.source import Outcome as Ingested
from pipelines.ingest.source import ingest
from pipelines.refresh.checks import Check, Outcome, facts_of
from pipelines.refresh.context import Refresh
from pipelines.refresh.findings import Finding
from pipelines.refresh.ports import Landing, Project


@dataclass(frozen=True)
class SourceRefreshed:
    """What became of a source, and how its checks came out."""

    outcome: Ingested
    checks: list[Outcome]


def checks_of(project: Project, name: str) -> list[Check]:
    """Every check of a source: that its files can be read, the accounting, and those of its batches."""
    table, source = f"raw.{name}", project.config.sources[name]
    found = [_readable(table), _accounting(table)]
    found += [
        Check(table, f"{target}__{check.name}", check.description)
        for target, mapping in source.tables.items()
        for check in _of_table(project, name, target, list(mapping))
    ]
    found += [
        Check(table, f"{target}__{name_of_check}", description)
        for target in source.tables
        for name_of_check, description in conflicts.specs(CONTRACTS[target])
    ]
    if source.delivery == "snapshot":
        # A snapshot is checked against the one before it.
        told = deliveries.description(source)
        found += [Check(table, f"{target}__{deliveries.KEPT}", told) for target in source.tables]
    found += [
        Check(table, f"{target}__{name_of_check}", description)
        for target, name_of_check, description in [
            *volume.specs(source.tables, source.volume),
            *attributes.specs(source.tables),
            *filled.specs(source),
            *unread.specs(list(source.tables)),
        ]
    ]
    return found


def _readable(table: str) -> Check:
    return Check(table, "readable", "every new file could be read and fits its mapping")


def _accounting(table: str) -> Check:
    told = "landed = accepted + quarantined + repeated + conflicting + superseded + deleted"
    return Check(table, "accounting", told, blocking=True)


def _of_table(project: Project, name: str, table: str, mapped: list[str]) -> list[model.Check]:
    contract, source = CONTRACTS[table], project.config.sources[name]
    known = [] if contract.carries_all else [*mapped, *derived(contract)]
    own = checks_of_batch(project.suites, name, table, known)
    return quality.checks_of(contract, mapped, source, own)


def fetch_source(landing: Landing, name: str, source: Source) -> SourceError | None:
    """Fetch what the source has now; what went wrong is told by `ingest_source`.

    Apart from it, because a slow service must not keep others from the warehouse.
    """
    try:
        landing.fetch(name, source)
    except SourceError as fault:
        return fault
    return None


def ingest_source(
    refresh: Refresh, name: str, landing: Landing, fault: SourceError | None = None
) -> SourceRefreshed:
    """Land the new files of a source, validate them, and record what was found.

    Parameters
    ----------
    refresh : the day's context: connection, project, day and control store.
    name : the source's name in `project.yaml`.
    landing : where files are found and landed.
    fault : what went wrong when the source was fetched.
    """
    con = refresh.con
    ledger.create(con)
    batch.discard_interrupted(con, name)
    try:
        if fault:
            raise fault
        outcome = _ingested(refresh, name, landing)
    except SourceError as held:
        outcome = Ingested(name, "failed", str(held), results=quality.stored(con, name))
    if (first := ledger.first_business_day(con)) is not None:
        refresh.control.learn_day(first)
    reasons = quality.reasons(con, outcome.batch_seq)
    refresh.control.record_findings(refresh.run_id, _findings(outcome))
    return SourceRefreshed(outcome, _outcomes(checks_of(refresh.project, name), outcome, reasons))


def _ingested(refresh: Refresh, name: str, landing: Landing) -> Ingested:
    source = refresh.project.config.sources[name]
    files, standing = landing.land(refresh.con, name, source, refresh.day)
    return ingest(
        refresh.con,
        name,
        source,
        files,
        refresh.run_id,
        standing,
        landing.scratch(name),
        suites=refresh.project.suites,
        through=refresh.day,
        delivered=refresh.day if source.playback else refresh.project.yesterday,
        reserved=RESERVED,
    )


def _findings(outcome: Ingested) -> list[Finding]:
    """Whether the source could be used, and its newest batch; of a source that failed no batch was judged."""
    failed, rejected = outcome.status == "failed", outcome.status == "rejected"
    said = outcome.message if failed else "read"
    found = [Finding("failed_source", outcome.source, not failed, "critical", said)]
    if not failed:
        message = outcome.message if rejected else "accepted"
        found.append(Finding("rejected_batch", outcome.source, not rejected, "critical", message))
    return found


def _outcomes(checks: Sequence[Check], outcome: Ingested, reasons: Sequence[quality.Reason]) -> list[Outcome]:
    """How the checks came out; without a batch, only that the source could be read has been judged."""
    readable, accounting, *of_batch = checks
    found = [readable.outcome(outcome.status != "failed", message=outcome.message or "read")]
    if outcome.batch_seq is None:
        return found
    rows = sum(account.landed for account in outcome.accounts)
    found.append(accounting.outcome(all(account.adds_up for account in outcome.accounts), rows=rows))
    judged = {f"{result.table}__{result.name}": result for result in outcome.results}
    for check in of_batch:
        result = judged.get(check.name)
        if result is None or not volume.was_judged(result):
            continue
        facts = facts_of(result) | {"batch": outcome.batch_seq}
        if result.name == "rows_without_fault":
            facts["reasons"] = _of_reasons(result.table, reasons)
        as_judged = Check(check.table, check.name, result.description)
        found.append(as_judged.outcome(result.passed, critical=result.severity == "critical", **facts))
    return found


def _of_reasons(table: str, reasons: Sequence[quality.Reason]) -> list[dict[str, object]]:
    """Why rows of a table went to quarantine, how many, and where five of each stand."""
    return [
        {"reason": found.reason, "column": found.column, "rows": found.rows, "samples": list(found.samples)}
        for found in reasons
        if found.table == table
    ]
