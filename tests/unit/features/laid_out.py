"""A history of features, day by day, past days and spans among them, as text: what test_layout.py compares.

Run as a program, on whichever copy of `pipelines` stands first in PYTHONPATH.
"""

from __future__ import annotations

from datetime import timedelta

from shop import FIRST, SETTINGS
from test_incremental import CATEGORIES, RULES, History

from pipelines.engine import DuckDB, rows
from pipelines.features import state
from pipelines.features.compute import compute_past
from pipelines.features.recipe import Recipe


def told() -> list[str]:
    """Every derived row of a history, table after table."""
    history = History(5)
    day = FIRST + timedelta(days=340)
    found = [history.stands(day)]
    for days in (1, 30, 0, 7, 1, 40):
        for _ in range(5):
            history.batch()
        day += timedelta(days=days)
        found.append(history.stands(day))
    con = history.shop.con
    recipe = Recipe(settings=SETTINGS, categories=tuple(CATEGORIES), rules=RULES, currency="EUR")
    for ago, after in ((60, None), (30, day - timedelta(days=60))):
        compute_past(DuckDB(con), day - timedelta(days=ago), recipe, after)
    found.append([rows(con, f"from features.{name} order by all") for name in ("customer_past", "account")])
    # Again from nothing, the days in spans that fit in memory.
    state.ORDERS_AT_ONCE = 7
    found.append(history.rebuilt(day))
    return [repr(row) for stands in found for table in stands for row in table]


if __name__ == "__main__":
    print("\n".join(told()))
