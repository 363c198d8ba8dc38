"""Core: the canonical tables, one asset each, all brought up in one step."""

import dagster as dg

from assets.common import POOL, RESOURCES, newest, opened, spec, table_metadata
from assets.showing import Results, check_specs, results
from pipelines.ingest.freshness import newest_event
from pipelines.refresh.core import checks_of, contracts_of, refresh_core
from pipelines.refresh.coverage import told_of_ids
from resources.project import Project


def core_tables(project: Project) -> list[str]:
    """The core tables a project works with; those of them that no source maps are empty."""
    return [f"core.{table}" for table in contracts_of(project)]


def build_core(project: Project) -> dg.AssetsDefinition:
    """One multi-asset over the canonical tables the project works with."""
    specs = [
        spec(
            f"core.{table}",
            "core",
            f"{contract.description} Grain: {contract.grain}.",
            deps=[f"raw.{source}" for source in project.mapped.get(table, [])],
        )
        for table, contract in contracts_of(project).items()
    ]

    @dg.multi_asset(
        name="core",
        specs=specs,
        check_specs=check_specs(checks_of(project)),
        can_subset=True,
        required_resource_keys={*RESOURCES},
        pool=POOL,
    )
    def core(context: dg.AssetExecutionContext) -> Results:
        with opened(context, "core") as refresh:
            refreshed = refresh_core(refresh)
            for name, merged in refreshed.tables.items():
                table = f"core.{name}"
                metadata = table_metadata(refresh.con, table)
                metadata |= {"how": merged.how, "mapped": name in project.mapped}
                metadata |= newest(newest_event(refresh.con, name))
                metadata |= told_of_ids(refresh, name)
                if name == "orders":
                    metadata["waiting_for_a_rate"] = refreshed.waiting_for_a_rate
                yield from results(context, table, metadata, refreshed.checks)

    return core
