"""`lohko query SQL`: a query of the published file."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

import typer

from lohko.commands.shared import show
from lohko.commands.shared.options import Json, load
from lohko.commands.shared.published import Published
from pipelines.errors import UsageError


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
