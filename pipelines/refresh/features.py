"""Features: the state a customer and day, then everything known of every customer as of the day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from pipelines.engine import DuckDB
from pipelines.features import compute
from pipelines.features.accounts.compute import compute_accounts
from pipelines.features.catalogue import measure_nulls, store_catalogue
from pipelines.features.entry import store_entry_products
from pipelines.features.recipe import Recipe
from pipelines.features.vocabulary import features_now
from pipelines.refresh.checks import Check, Outcome
from pipelines.refresh.context import Refresh

if TYPE_CHECKING:
    import duckdb

EVERYONE_ONCE = Check(
    "features.customer", "everyone_once", "every customer has one row of the day", blocking=True
)


@dataclass(frozen=True)
class FeaturesRefreshed:
    """Whose days' features were made, and how their check came out."""

    days: tuple[date, ...]
    checks: list[Outcome]


def refresh_state(refresh: Refresh) -> int | None:
    """Bring `features.customer_day` up; returns how many customers were computed again, None for everyone."""
    refresh.progress("features customer_day")
    return compute.refresh_state(refresh.engine)


def refresh_features(refresh: Refresh) -> FeaturesRefreshed:
    """Make the features of the days of the refresh stand, and those of the last be told of.

    Of days before the latest recorded nothing is made: what stands are the features of the latest day.
    """
    con, project, days = refresh.con, refresh.project, refresh.days_due
    if not days:
        return FeaturesRefreshed((), [])
    known = features_now(DuckDB(con), project.recipe)
    store_catalogue(DuckDB(con), known)
    repeated = 0
    for day in days:
        refresh.progress(f"features as of {day}")
        compute_day(con, project.recipe, day)
        repeated += _repeated(con, day)
    measure_nulls(DuckDB(con), refresh.day)
    store_entry_products(DuckDB(con), refresh.day, project.mapped)
    return FeaturesRefreshed(days, [EVERYONE_ONCE.outcome(repeated == 0, repeated=repeated)])


def compute_day(con: duckdb.DuckDBPyConnection, recipe: Recipe, day: date) -> int:
    """Make the features of a day stand; returns how many customers were computed."""
    count = compute.compute_customers(DuckDB(con), day, recipe)
    compute_accounts(DuckDB(con), day, recipe)
    return count


def compute_past_day(
    con: duckdb.DuckDBPyConnection, recipe: Recipe, day: date, after: date | None = None
) -> int:
    """Compute the features of an earlier day beside those of the latest; see `compute_past`.

    Parameters
    ----------
    recipe : what the project's configuration says of its features.
    after : the day after which events are left out of the state; None for the state's own day.
    """
    count = compute.compute_past(DuckDB(con), day, recipe, after)
    compute_accounts(DuckDB(con), day, recipe)
    return count


def _repeated(con: duckdb.DuckDBPyConnection, day: date) -> int:
    """How many rows of a day are further ones of a customer."""
    row = con.execute(
        "select count(*) - count(distinct customer_id) from features.customer where as_of_date = ?", [day]
    ).fetchone()
    return int(row[0]) if row else 0
