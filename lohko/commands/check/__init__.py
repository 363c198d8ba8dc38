"""`lohko check`: validate a project without running it."""

from __future__ import annotations

import typer

from lohko.commands.check.configuration import check_configuration, check_sources, mapping_faults
from lohko.commands.check.ids import reused_ids
from lohko.commands.shared import show
from lohko.commands.shared.options import Json, load, print_fault
from pipelines.errors import LohkoError, SourceError
from pipelines.segments.model import Segmentation
from resources.project import Project


def check(context: typer.Context, json: Json = False) -> None:
    """Validate configuration, mappings and definitions without running anything."""
    faults: list[LohkoError] = []
    try:
        project = load(context)
        faults, segmentations, remark = _faults(project)
    except LohkoError as wrong:  # nothing else can be checked
        faults = [wrong]
    if json:
        show.print_json({"ok": not faults, "faults": [str(fault) for fault in faults]})
    else:
        for fault in faults:
            print_fault(fault)
    if faults:
        raise typer.Exit(max(faults, key=lambda f: not isinstance(f, SourceError)).exit_code)
    if not json:
        names = ", ".join(segmentation.id for segmentation in segmentations)
        show.console.print(
            f"{project.root}: ok. {len(project.config.sources)} sources; segmentations: {names}"
        )
        if remark:
            show.console.print(remark)


def _faults(project: Project) -> tuple[list[LohkoError], list[Segmentation], str]:
    """Every fault of a project whose project.yaml can be read; its segmentations; a remark on their ids."""
    # Files are not read by mappings that are wrong themselves.
    if wrong := mapping_faults(project):
        return [*wrong], [], ""
    faults = check_sources(project)
    try:
        segmentations = check_configuration(project)
        reused, remark = reused_ids(project, segmentations)
    except LohkoError as fault:
        return [*faults, fault], [], ""
    return [*faults, *reused], segmentations, remark
