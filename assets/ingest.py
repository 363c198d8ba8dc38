"""Ingest: one asset a source, `raw/<source>`; its checks are the batch's quality and its accounting."""

from pathlib import Path
from typing import Any

import dagster as dg

from assets.common import POOL, RESOURCES, opened, spec, table_metadata
from assets.showing import Results, check_specs, results
from pipelines.config.project import Source
from pipelines.errors import SourceError
from pipelines.ingest.reading import format_of
from pipelines.refresh.ingest import SourceRefreshed, checks_of, fetch_source, ingest_source
from resources.landing import ProjectLanding
from resources.project import Project


def build_ingest(project: Project) -> list[dg.AssetsDefinition]:
    """The ingest asset of every source of a project."""
    return [_source_asset(project, name, source) for name, source in project.config.sources.items()]


def _source_asset(project: Project, name: str, source: Source) -> dg.AssetsDefinition:
    landing = ProjectLanding(project)

    @dg.multi_asset(
        name=f"raw__{name}",
        specs=[
            spec(
                f"raw.{name}",
                "ingest",
                f"Rows of source {name} as landed, for {', '.join(source.tables)}",
                kinds={"duckdb", *_format(source)},
            )
        ],
        check_specs=check_specs(checks_of(project, name)),
        can_subset=True,
        required_resource_keys={*RESOURCES},
        pool=POOL,
    )
    def landed(context: dg.AssetExecutionContext) -> Results:
        context.resources.progress(f"ingest {name}")
        fault = fetch_source(landing, name, source)
        with opened(context, f"ingest {name}") as refresh:
            refreshed = ingest_source(refresh, name, landing, fault)
            metadata = table_metadata(refresh.con, f"raw.{name}") | _told(refreshed)
        if refreshed.outcome.held:
            context.log.error(refreshed.outcome.message)
        yield from results(context, f"raw.{name}", metadata, refreshed.checks)

    return landed


def _format(source: Source) -> set[str]:
    """The format of the source's files, where their name or the source says one for all."""
    if source.files is None:
        return {"parquet"}
    try:
        return {format_of(Path(pattern), source.format) for pattern in source.patterns}
    except SourceError:
        return set()


def _told(refreshed: SourceRefreshed) -> dict[str, Any]:
    """What became of the source in this run."""
    outcome = refreshed.outcome
    metadata: dict[str, Any] = {"status": outcome.status}
    if outcome.batch_seq is not None:
        metadata["batch"] = outcome.batch_seq
    if outcome.message:
        metadata["message"] = outcome.message
    for account in outcome.accounts:
        metadata[f"{account.table}: landed"] = account.landed
        metadata[f"{account.table}: accepted"] = account.accepted
        metadata[f"{account.table}: quarantined"] = account.quarantined
        metadata[f"{account.table}: repeated"] = account.repeated
        for rare in ("conflicting", "superseded", "deleted"):
            if rows := getattr(account, rare):
                metadata[f"{account.table}: {rare}"] = rows
    return metadata
