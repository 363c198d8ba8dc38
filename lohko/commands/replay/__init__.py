"""`lohko replay`: a segmentation on past days, beside the record."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from lohko.commands.shared import show
from lohko.commands.shared.options import Json, load
from lohko.commands.shared.progress import follow


def replay(
    context: typer.Context,
    segmentation: Annotated[str, typer.Option("--segmentation", "-s", help="Its id.")],
    first: Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="The first day.")],
    last: Annotated[datetime, typer.Option("--to", formats=["%Y-%m-%d"], help="The last day.")],
    every: Annotated[
        str, typer.Option(help="day, week (each seventh day) or month (its last day).")
    ] = "week",
    known: Annotated[str, typer.Option(help="now, or then: when each day was recorded.")] = "now",
    definition: Annotated[
        Path | None, typer.Option(help="Another definition of the segmentation, to compare.")
    ] = None,
    output: Annotated[Path | None, typer.Option(help="Write the members: .parquet or .csv.")] = None,
    json: Json = False,
) -> None:
    """A segmentation on past days, under today's or another definition, beside what was recorded."""
    from lohko.commands.replay import past_days

    wanted = past_days.Wanted(
        segmentation,
        first.date(),
        last.date(),
        past_days.every_of(every),
        past_days.known_of(known),
        definition,
        output,
    )
    project = load(context)
    with follow([wanted.first, wanted.last], quiet=json) as progress:
        found = past_days.replay(project, wanted, lambda day: progress(day, "replay"))
    if json:
        show.print_json(past_days.as_rows(found))
    else:
        past_days.print_sizes(wanted, found)
