"""The commands that read what is published: a query, what campaigns brought, what has moved."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Annotated

import typer

from lohko import show, views
from lohko.options import ByName, Json, load
from lohko.reading import Published
from pipelines.errors import UsageError


def wanted_segmentations(known: Iterable[str], name: str | None) -> list[str]:
    """The segmentations asked for; an unknown name is answered with the known ones."""
    from pipelines.config.yaml import nearest

    known = list(dict.fromkeys(known))
    if name is None:
        return known
    if name not in known:
        raise UsageError(f"no segmentation {name}{nearest(name, known)} (known: {', '.join(known)})")
    return [name]


def query(
    context: typer.Context,
    sql: Annotated[str, typer.Argument(help="One SQL query over the published tables, schema marts.")],
    json: Json = False,
    limit: Annotated[int, typer.Option(help="Rows to show in the table; JSON has all.", min=1)] = 200,
) -> None:
    """Query the published DuckDB file, read-only."""
    with Published(load(context)) as published:
        names, found = published.query(sql)
    if json:
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise UsageError(f"two columns are named {twice[0]}; give one of them another name")
        show.print_json([dict(zip(names, row, strict=True)) for row in found])
        return
    numeric = [n for i, n in enumerate(names) if found and isinstance(found[0][i], (int, float, Decimal))]
    cells = [[show.cell(value) for value in row] for row in found[:limit]]
    show.console.print(show.table("", names, cells, right=numeric))
    if len(found) > limit:
        show.console.print(f"{limit} of {len(found):,} rows shown; --limit shows more")


def roi(
    context: typer.Context,
    segmentation: ByName = None,
    by: Annotated[str, typer.Option(help="month or campaign.")] = "month",
    last: Annotated[int, typer.Option(help="How many of the latest months or campaigns.", min=1)] = 3,
    json: Json = False,
) -> None:
    """What was sold along with campaigns, a segment: attributed, not incremental."""
    if by not in ("month", "campaign"):
        raise UsageError(f"--by {by}: expected month or campaign")
    project = load(context)
    started = "month" if by == "month" else "start_date"
    with Published(project) as published:
        wanted = wanted_segmentations(published.known_segmentations(), segmentation)[
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
        for one in left_out:
            show.console.print(f"left out: {show.text(one['campaign_name'])} {one['reason']}")


def drift(
    context: typer.Context,
    everything: Annotated[bool, typer.Option("--all", help="Checks within the limits too.")] = False,
    json: Json = False,
) -> None:
    """Segments and features that have moved since four weeks before."""
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
