"""The features of accounts as of a day.

Accounts are few. Those of a day are computed whole, after the customers of that day, and stand in the table
`features.account`, one row an account and day in use.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from pipelines.engine import Engine
from pipelines.features.kinds import KINDS
from pipelines.features.past import count_of, fit_columns, keep_days
from pipelines.features.recipe import Recipe, make

TABLE = "features.account"


def compute_accounts(engine: Engine, as_of: date, recipe: Recipe) -> int:
    """Fill a day of `features.account`, once the customers of that day stand in `features.customer`.

    Returns
    -------
    How many accounts there are; where no source maps accounts none, in a table of the standard features.
    """
    made = make(engine, "account", recipe)
    if not made.fragments:
        columns = {feature.name: feature.type for feature in KINDS["account"].standard}
        engine.drop(TABLE)
        engine.ensure(TABLE, {"as_of_date": "date", "account_id": "varchar", **columns})
        return 0
    sql = f"select cast($as_of as date) as as_of_date, stored.* from ({made.stored_sql}) as stored"
    with engine.transaction():
        fit_columns(engine, TABLE, made)
        binds = made.bindings(as_of) | {"as_of_date": as_of}
        engine.store(TABLE, sql, "partition as_of_date", binds, fits=True)
    return count_of(engine, TABLE, as_of)


def keep_accounts(engine: Engine, days: Sequence[date]) -> None:
    """Drop every day but these: any of them can be computed again."""
    keep_days(engine, TABLE, days)
