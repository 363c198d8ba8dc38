"""`lohko preview`: what a definition would do."""

from __future__ import annotations

from typing import Annotated

import typer

from lohko.commands.preview.previews import preview_json, print_preview, run_preview
from lohko.commands.shared import show
from lohko.commands.shared.options import Json, load


def preview(
    context: typer.Context,
    what: Annotated[
        str | None, typer.Argument(help="A segmentation, or a definition's file. Default: every definition.")
    ] = None,
    segment: Annotated[str | None, typer.Option(help="Only this segment.")] = None,
    sample: Annotated[int, typer.Option(help="Members to name in each segment.", min=0, max=100)] = 5,
    json: Json = False,
) -> None:
    """What a definition would do today: sizes, what each condition keeps, overlaps. Nothing is recorded."""
    found = run_preview(load(context), what, segment, sample)
    if json:
        show.print_json(preview_json(found))
    else:
        print_preview(found)
