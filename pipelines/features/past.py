"""Tables of features of several days: they follow the columns of the recipe, and days out of use go."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from pipelines.engine import Engine, value
from pipelines.features.recipe import Made


def fit_columns(engine: Engine, table: str, made: Made, view: str | None = None) -> None:
    """Give a table, if it is there, the stored columns of a recipe and no other.

    A column that is no feature any more, or of another type than now, goes with what it said.

    Parameters
    ----------
    table : the table to change.
    made : the recipe bound to the columns that the CRM has now.
    view : a view over the table, which goes where a column does: it is bound to it.
    """
    have, wanted = dict(engine.columns(table)), made.stored
    if not have:
        return
    keys = ("as_of_date", made.kind.key)
    gone = [name for name, kind in have.items() if name not in keys and wanted.get(name) != kind]
    if gone and view is not None:
        engine.drop(view)
    engine.reshape(
        table, drop=gone, add={name: kind for name, kind in wanted.items() if have.get(name) != kind}
    )


def keep_days(engine: Engine, table: str, days: Sequence[date]) -> None:
    """Drop every day of a table but these."""
    if there_is(engine, table):
        engine.delete(table, "as_of_date not in (select unnest($keep))", {"keep": list(days)})


def count_of(engine: Engine, table: str, day: date | None = None) -> int:
    """How many rows a table has, of a day or altogether."""
    where = " where as_of_date = $day" if day else ""
    return int(value(engine, f"select count(*) from {table}{where}", {"day": day}))


def there_is(engine: Engine, table: str) -> bool:
    """Whether a table has been made."""
    return bool(engine.columns(table))
