"""`lohko backup` and `lohko restore`: the record of membership, out of the warehouse and into a new one."""

from pathlib import Path
from typing import Annotated

import typer

from lohko.commands.shared import show
from lohko.commands.shared.options import Json, load
from pipelines.errors import SourceError
from resources.warehouse import Warehouse


def backup(context: typer.Context, json: Json = False) -> None:
    """Write the record of membership to `.lohko/backup/` as Parquet files."""
    warehouse = _warehouse(context)
    if not warehouse.path.exists():
        raise SourceError(f"{warehouse.path}: there is no warehouse yet; run `lohko run` first")
    folder = warehouse.back_up()
    if json:
        show.print_json({"backup": str(folder)})
    else:
        show.console.print(f"Wrote {show.text(folder)}", soft_wrap=True)


def restore(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="A folder that `lohko backup` or an upgrade wrote.")],
    json: Json = False,
) -> None:
    """Make a new warehouse with the record of a backup. The next run loads your files again."""
    warehouse = _warehouse(context)
    restored = warehouse.restore(folder)
    if json:
        show.print_json({"schema_version": restored.version, "rows": restored.rows})
        return
    show.console.print(
        f"Restored {sum(restored.rows.values()):,} rows of {len(restored.rows)} tables; the former warehouse"
        " is .lohko/warehouse.before-restore.duckdb. Now run `lohko run`: it loads your files again."
    )


def _warehouse(context: typer.Context) -> Warehouse:
    project = load(context)
    return Warehouse(project.warehouse_path, project.config.timezone)
