"""Core: the canonical tables, one asset each, all brought up in one step.

A repeated key blocks the run. A reference to something unknown is a warning: the row is kept.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import dagster as dg

from assets.common import (
    POOL,
    ControlParam,
    ProgressParam,
    ProjectParam,
    Results,
    WarehouseParam,
    check,
    results,
    spec,
    table_metadata,
)
from pipelines.contracts.model import Reference
from pipelines.contracts.registry import CONTRACTS
from pipelines.core import money
from pipelines.core.absent import create_absent, needed_tables
from pipelines.core.identity import MERGES, refused
from pipelines.core.merge import Merged, refresh, unknown_references
from pipelines.errors import InvariantError
from pipelines.ingest.source import mappings_of
from pipelines.steps import row_count
from resources.control import Finding
from resources.project import Project

if TYPE_CHECKING:
    import duckdb


def core_tables(project: Project) -> list[str]:
    """The core tables a project works with; those of them that no source maps are empty."""
    return [f"core.{table}" for table in needed_tables(project.mapped)]


def build_core(project: Project) -> dg.AssetsDefinition:
    """One multi-asset over the canonical tables the project works with."""
    contracts = {table: CONTRACTS[table] for table in needed_tables(project.mapped)}
    specs = [
        spec(
            f"core.{table}",
            "core",
            f"{contract.description} Grain: {contract.grain}.",
            deps=[f"raw.{source}" for source in project.mapped.get(table, [])],
        )
        for table, contract in contracts.items()
    ]
    checks = []
    for table in project.mapped:
        key = dg.AssetKey(["core", table])
        checks.append(
            dg.AssetCheckSpec("unique_key", asset=key, blocking=True, description="no key stands twice")
        )
        checks += [
            dg.AssetCheckSpec(
                f"{reference.column}_known",
                asset=key,
                description=f"every {reference.column} stands in core.{reference.table}",
            )
            for reference in references(project, table)
        ]
    if MERGES in project.mapped:
        checks.append(
            dg.AssetCheckSpec(
                "merges_end",
                asset=dg.AssetKey(["core", MERGES]),
                description="every merge leads to a surviving customer, none in a circle",
            )
        )

    @dg.multi_asset(name="core", specs=specs, check_specs=checks, pool=POOL)
    def core(
        context: dg.AssetExecutionContext,
        project: ProjectParam,
        warehouse: WarehouseParam,
        control: ControlParam,
        progress: ProgressParam,
    ) -> Results:
        merged: dict[str, Merged] = {}
        with warehouse.open("core") as con:
            create_absent(con, contracts)
            for table, contract in contracts.items():
                progress(f"core {table}")
                sources = project.mapped.get(table, [])
                mappings = [
                    mapping
                    for name in sources
                    for mapping in mappings_of(con, name, project.config.sources[name])
                    if mapping.contract.table == table
                ]
                merged[table] = refresh(con, contract, mappings, merges_mapped=MERGES in project.mapped)
            progress("core money")
            held = money.refresh(con, money.terms_of(project.config))
            if not row_count(con, "core.orders"):
                raise _nothing_to_segment(control.findings(context.run.run_id))
            for table, one in merged.items():
                mapped = table in project.mapped
                metadata = table_metadata(con, f"core.{table}") | {"how": one.how, "mapped": mapped}
                if table == "orders":
                    metadata["waiting_for_a_rate"] = held
                yield from results(f"core.{table}", metadata, _checks(con, project, one) if mapped else [])

    return core


def _nothing_to_segment(found: list[Finding]) -> InvariantError:
    """Says first what was wrong with the sources in this run: one of them should have brought orders."""
    faults = [f"{one.subject}: {one.message}" for one in found if not one.ok]
    return InvariantError(
        "\n".join(
            [
                "no orders have been accepted yet, so there is nothing to segment",
                *faults,
                "Why rows were refused: `lohko quarantine list`. Rows that a mended mapping can read enter"
                " with `lohko quarantine replay SOURCE`",
            ]
        )
    )


def _checks(
    con: "duckdb.DuckDBPyConnection", project: Project, merged: Merged
) -> Iterator[dg.AssetCheckResult]:
    table = f"core.{merged.table}"
    yield check(table, "unique_key", merged.duplicate_keys == 0, duplicates=merged.duplicate_keys)
    if merged.table == MERGES:
        circles = refused(con)
        yield check(table, "merges_end", circles == 0, critical=False, refused=circles, rows=merged.rows)
    for reference in references(project, merged.table):
        unknown = unknown_references(con, merged.table, reference)
        yield check(
            table,
            f"{reference.column}_known",
            unknown == 0,
            critical=False,
            unknown=unknown,
            rows=merged.rows,
        )


def references(project: Project, table: str) -> list[Reference]:
    """The references of a table whose target some source maps."""
    return [one for one in CONTRACTS[table].references if one.table in project.mapped]
