"""`lohko roi`: what was sold along with campaigns."""

from __future__ import annotations

from typing import Annotated

import typer

from lohko.commands.shared import show, views
from lohko.commands.shared.options import ByName, Json, load, wanted_segmentations
from lohko.commands.shared.published import Published
from pipelines.errors import UsageError


def roi(
    context: typer.Context,
    segmentation: ByName = None,
    by: Annotated[str, typer.Option(help="month or campaign.")] = "month",
    last: Annotated[int, typer.Option(help="How many of the latest months or campaigns.", min=1)] = 3,
    json: Json = False,
) -> None:
    """What each segment bought in campaigns: attributed, not incremental."""
    if by not in ("month", "campaign"):
        raise UsageError(f"--by {by}: expected month or campaign")
    project = load(context)
    started = "month" if by == "month" else "start_date"
    with Published(project) as published:
        wanted = wanted_segmentations(published.segmentations_of_customers(), segmentation)[
            : None if segmentation or json else 1
        ]
        found = published.rows(
            f"select * exclude (rank) from (select *, dense_rank() over (order by {started} desc) as rank"
            f" from marts.roi_{by} where segmentation_id in (select unnest($wanted)))"
            f" where rank <= $last order by segmentation_id, {started}, position",
            {"wanted": wanted, "last": last},
        )
        left_out = published.rows(
            "from marts.roi_left_out where reason <> 'starts later' order by start_date"
        )
    if json:
        show.print_json({"label": "attributed, not incremental", "rows": found, "left_out": left_out})
        return
    if not found:
        show.console.print("No campaign contacts in this project: nothing to attribute.")
        return
    make = views.roi_month_table if by == "month" else views.roi_campaign_table
    show.console.print(make(found, project.config.currency))
    show.console.print(
        "Without a control group these figures say what was sold along with campaigns, not what they caused."
    )
    if by == "campaign":
        for row in left_out:
            show.console.print(f"left out: {show.text(row['campaign_name'])} {row['reason']}")
