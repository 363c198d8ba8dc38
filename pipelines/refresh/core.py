"""Core: every canonical table the project works with, brought up to the accepted batches."""

from __future__ import annotations

from collections.abc import Mapping as Tables
from collections.abc import Sequence
from dataclasses import dataclass

from pipelines.contracts.model import Contract, Reference
from pipelines.contracts.registry import CONTRACTS
from pipelines.core import arms, coverage, identity, money
from pipelines.core.absent import create_absent, needed_tables
from pipelines.core.merge import Merged
from pipelines.core.together import refresh_all
from pipelines.engine import row_count
from pipelines.errors import InvariantError
from pipelines.ingest.mapping import Mapping
from pipelines.ingest.source import mappings_of
from pipelines.refresh import agreement
from pipelines.refresh.checks import Check, Outcome
from pipelines.refresh.context import Refresh
from pipelines.refresh.coverage import checks_of_ids, measure_ids
from pipelines.refresh.findings import SHARED_KEYS, Finding
from pipelines.refresh.ports import Project


@dataclass(frozen=True)
class CoreRefreshed:
    """What became of each canonical table, how the checks came out, and how many orders wait for a rate."""

    tables: Tables[str, Merged]
    checks: list[Outcome]
    waiting_for_a_rate: int


def contracts_of(project: Project) -> dict[str, Contract]:
    """The canonical tables a project works with; those of them that no source maps are empty."""
    return {table: CONTRACTS[table] for table in needed_tables(project.mapped)}


def references(project: Project, table: str) -> list[Reference]:
    """The references of a table whose target some source maps."""
    return [found for found in CONTRACTS[table].references if found.table in project.mapped]


def checks_of(project: Project) -> list[Check]:
    """A repeated key blocks what follows. A reference to something unknown is a warning: the row is kept."""
    found = []
    for table in project.mapped:
        found.append(_unique(table))
        found += [_known(table, reference) for reference in references(project, table)]
        found += checks_of_ids(project, table)
    found += agreement.checks_of(project)
    if identity.MERGES in project.mapped:
        found.append(_merges_end())
    if arms.TABLE in project.mapped:
        found.append(_one_arm())
    return found


def _unique(table: str) -> Check:
    return Check(f"core.{table}", "unique_key", "no key stands twice", blocking=True)


def _known(table: str, reference: Reference) -> Check:
    told = f"every {reference.column} stands in core.{reference.table}"
    return Check(f"core.{table}", f"{reference.column}_known", told)


def _merges_end() -> Check:
    told = "every merge leads to a surviving customer, none in a circle"
    return Check(f"core.{identity.MERGES}", "merges_end", told)


def _one_arm() -> Check:
    told = "nobody is in both arms of a campaign, addressed and held back: they count as addressed"
    return Check(f"core.{arms.TABLE}", "one_arm_a_campaign", told)


def refresh_core(refresh: Refresh) -> CoreRefreshed:
    """Bring core up, and what its amounts are worth.

    Raises
    ------
    InvariantError
        When no order has been accepted yet.
    """
    con, project = refresh.con, refresh.project
    contracts = contracts_of(project)
    create_absent(con, contracts)
    merged = refresh_all(
        con,
        {table: _mappings(refresh, table) for table in contracts},
        merges_mapped=identity.MERGES in project.mapped,
        day=refresh.told_on,
        written=project.config.merge,
        progress=lambda table: refresh.progress(f"core {table}"),
    )
    refresh.control.record_findings(refresh.run_id, _findings(project, merged))
    refresh.progress("core money")
    waiting = money.refresh(con, money.terms_of(project.config))
    if not row_count(con, "core.orders"):
        raise _nothing_to_segment(refresh.control.findings(refresh.run_id))
    refresh.progress("core coverage")
    agreed = [agreement.result(con, table) for table in agreement.tables(project)]
    checks = measure_ids(refresh, agreed)
    checks += [agreement.outcome(found) for found in agreed]
    checks += [outcome for table in project.mapped for outcome in _outcomes(refresh, merged[table])]
    return CoreRefreshed(merged, checks, waiting)


def _mappings(refresh: Refresh, table: str) -> list[Mapping]:
    """The mappings of every source that feeds a table, in the order written."""
    config, mapped = refresh.project.config, refresh.project.mapped
    return [
        mapping
        for name in mapped.get(table, [])
        for mapping in mappings_of(refresh.con, name, config.sources[name])
        if mapping.contract.table == table
    ]


def _findings(project: Project, merged: Tables[str, Merged]) -> list[Finding]:
    """Whether a table of a source is held for a key that another source says too: one finding a source."""
    held: dict[str, dict[str, None]] = {}
    for table, found in merged.items():
        if found.shared is not None:
            for source in project.mapped.get(table, []):
                held.setdefault(source, {})[str(found.shared)] = None
    owned = {s for table in project.mapped if CONTRACTS[table].own_key for s in project.mapped[table]}
    well = [
        Finding(SHARED_KEYS, source, True, "critical", "keys are its own") for source in owned - held.keys()
    ]
    return well + [
        Finding(SHARED_KEYS, source, False, "critical", "; ".join(told)) for source, told in held.items()
    ]


def _nothing_to_segment(found: Sequence[Finding]) -> InvariantError:
    """Says first what was wrong with the sources in this run: one of them should have brought orders."""
    faults = [f"{finding.subject}: {finding.message}" for finding in found if not finding.ok]
    return InvariantError(
        "\n".join(
            [
                "no orders have been accepted yet, so there is nothing to segment",
                *faults,
                "Why rows were refused: `lohko quarantine list`. Rows that a mended mapping can read enter"
                " with `lohko quarantine requeue SOURCE`",
            ]
        )
    )


def _outcomes(refresh: Refresh, merged: Merged) -> list[Outcome]:
    table, con = merged.table, refresh.con
    found = [_unique(table).outcome(merged.duplicate_keys == 0, duplicates=merged.duplicate_keys)]
    if table == identity.MERGES:
        circles = identity.refused(con)
        found.append(_merges_end().outcome(circles == 0, critical=False, refused=circles, rows=merged.rows))
    if table == arms.TABLE:
        both = arms.in_both(refresh.engine)
        found.append(_one_arm().outcome(both == 0, critical=False, in_both_arms=both, rows=merged.rows))
    for reference in references(refresh.project, table):
        unknown = coverage.unknown(refresh.engine, table, reference.column)
        found.append(
            _known(table, reference).outcome(unknown == 0, critical=False, unknown=unknown, rows=merged.rows)
        )
    return found
