"""`lohko check`: validate a project without running it."""

from __future__ import annotations

import typer

from lohko.commands.check.configuration import (
    check_configuration,
    check_sources,
    mapping_faults,
    unread_values,
)
from lohko.commands.check.ids import reused_ids
from lohko.commands.check.personal import remark as remark_on
from lohko.commands.check.personal import unclassified
from lohko.commands.check.suspicions import suspicions
from lohko.commands.shared import show
from lohko.commands.shared.options import Json, load, print_fault
from pipelines.errors import LohkoError, SourceError
from pipelines.segments.model import Segmentation
from resources.project import Project


def check(context: typer.Context, json: Json = False) -> None:
    """Validate configuration, mappings and definitions without running anything."""
    faults: list[LohkoError] = []
    remarks: list[str] = []
    personal: list[str] = []
    try:
        project = load(context)
        faults, segmentations, remarks = _faults(project)
        personal = [] if faults else unclassified(project)
    except LohkoError as wrong:  # nothing else can be checked
        faults = [wrong]
    if json:
        told = [str(fault) for fault in faults]
        show.print_json({"ok": not faults, "faults": told, "remarks": remarks, "unclassified": personal})
    else:
        for fault in faults:
            print_fault(fault)
        for remark in remarks:
            show.errors.print(show.text(remark))
    if faults:
        raise typer.Exit(max(faults, key=lambda f: not isinstance(f, SourceError)).exit_code)
    if not json:
        names = ", ".join(segmentation.id for segmentation in segmentations)
        show.console.print(
            f"{project.root}: ok. {len(project.config.sources)} sources; segmentations: {names}"
        )
        if personal:
            show.console.print(remark_on(personal))


def _faults(project: Project) -> tuple[list[LohkoError], list[Segmentation], list[str]]:
    """Every fault of a project whose project.yaml can be read; its segmentations; and remarks."""
    # Files are not read by mappings that are wrong themselves.
    if wrong := mapping_faults(project):
        return [*wrong], [], []
    faults = check_sources(project)
    # Values are looked at in files that can be read.
    unread = [] if faults else unread_values(project)
    faults += [SourceError(f"{told}; a run would reject it") for told, rejected in unread if rejected]
    remarks = [told for told, rejected in unread if not rejected]
    try:
        segmentations = check_configuration(project)
        reused, remark = reused_ids(project, segmentations)
    except LohkoError as fault:
        return [*faults, fault], [], remarks
    return [*faults, *reused], segmentations, [*remarks, *filter(None, [remark]), *suspicions(project)]
