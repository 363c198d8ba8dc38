"""`lohko segments`: sizes of the published segments."""

from __future__ import annotations

import typer

from lohko.commands.shared import show, views
from lohko.commands.shared.options import ByName, Json, load, wanted_segmentations
from lohko.commands.shared.published import Published


def segments(context: typer.Context, segmentation: ByName = None, json: Json = False) -> None:
    """Sizes of the segments, their revenue, and the change since the previous day."""
    project = load(context)
    with Published(project) as published:
        everything = published.segments()
    wanted = wanted_segmentations([row["segmentation_id"] for row in everything], segmentation)
    found = [row for row in everything if row["segmentation_id"] in wanted]
    if json:
        show.print_json(found)
        return
    for table in views.segment_tables(found, project.config.currency):
        show.console.print(table)
