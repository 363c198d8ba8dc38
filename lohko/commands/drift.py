"""`lohko drift`: segments and features that have moved."""

from __future__ import annotations

from typing import Annotated

import typer

from lohko.commands.shared import show, views
from lohko.commands.shared.options import Json, load
from lohko.commands.shared.published import Published


def drift(
    context: typer.Context,
    everything: Annotated[bool, typer.Option("--all", help="Include checks within the limits.")] = False,
    json: Json = False,
) -> None:
    """Segments and features that have drifted in four weeks."""
    with Published(load(context)) as published:
        found = published.rows("from marts.drift order by verdict = 'ok', psi desc nulls last")
    moved = [row for row in found if row["verdict"] in ("warn", "alert")]
    if json:
        show.print_json(found if everything else moved)
        return
    shown = found if everything else moved
    if shown:
        show.console.print(views.drift_table(shown))
    unknown = sum(row["verdict"] == "not enough data" for row in found)
    show.console.print(
        f"{len(found)} checks: {len(moved)} moved, {len(found) - len(moved) - unknown} within limits,"
        f" {unknown} without enough data"
        if found
        else "No day four weeks before to compare with."
    )
