"""Everything Dagster loads. Production, tests and the command come through `build_defs`."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import dagster as dg

from assets.core import build_core, core_tables
from assets.features import build_features
from assets.freshness import build_freshness
from assets.ingest import build_ingest
from assets.measure import build_measures
from assets.publish import build_publication
from assets.segments import build_segments
from lohko.after_run import log_start
from lohko.dagster_runs import facts_of
from lohko.jobs import daily_job
from lohko.partitions import daily
from lohko.schedules import daily_schedule
from lohko.sensors import build_sensors
from resources.control import ControlStore
from resources.project import Project
from resources.renderer import Renderer, started_renderer
from resources.warehouse import Warehouse


def build_defs(project: Project | None = None, overrides: Mapping[str, Any] | None = None) -> dg.Definitions:
    """The definitions of one project.

    Parameters
    ----------
    project : by default the one that LOHKO_PROJECT names.
    overrides : resources that replace the real ones, by name.
    """
    warnings.filterwarnings("ignore", category=dg.BetaWarning)
    warnings.filterwarnings("ignore", category=dg.PreviewWarning)
    project = project or Project.load()
    control = ControlStore(project.control_path)
    partitions = daily(project, control)
    job = daily_job()
    assets = [
        *build_ingest(project),
        build_core(project),
        build_freshness(project, partitions, core_tables(project)),
        *build_features(partitions, core_tables(project)),
        build_segments(partitions),
        *build_measures(partitions),
        *build_publication(project, partitions),
    ]
    assets = [definition.map_asset_specs(_owned_by(project.config.owners)) for definition in assets]
    keys = frozenset(key for definition in assets for key in definition.keys)
    resources: dict[str, Any] = {
        "project": project,
        "warehouse": _warehouse_of(project),
        "control": _control_of(project, control, keys),
        "renderer": _renderer,
        "progress": _silent,
    }
    return dg.Definitions(
        assets=assets,
        jobs=[job],
        schedules=[daily_schedule(job, project)],
        sensors=build_sensors(project, control, keys),
        resources=resources | dict(overrides or {}),
        executor=dg.in_process_executor,
    )


def _owned_by(owners: Sequence[str]) -> Callable[[dg.AssetSpec], dg.AssetSpec]:
    return lambda spec: spec.replace_attributes(owners=list(owners))


def _control_of(
    project: Project, control: ControlStore, assets: frozenset[dg.AssetKey]
) -> dg.ResourceDefinition:
    """The control store; a run that is handed it is in the log from then on, whatever started it."""

    @dg.resource
    def logged(context: dg.InitResourceContext) -> ControlStore:
        if context.run is not None:
            log_start(control, facts_of(project, context.run, assets))
        return control

    return logged


def _warehouse_of(project: Project) -> dg.ResourceDefinition:
    """The warehouse, held from the first step of a run to its last."""

    @dg.resource
    def warehouse(_: dg.InitResourceContext) -> Iterator[Warehouse]:
        with Warehouse(project.warehouse_path, project.config.timezone).held("a run") as held:
            yield held

    return warehouse


@dg.resource
def _renderer(_: dg.InitResourceContext) -> Iterator[Renderer]:
    """The chart engine: it starts while the first steps run, and ends with the run."""
    with started_renderer() as renderer:
        yield renderer


def _silent(text: str) -> None:
    """Progress of a run that nobody watches."""
