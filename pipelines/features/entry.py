"""What each customer bought first: `features.customer_entry`, kept up from the days that changed.

A purchase after the first one changes nothing here, so hardly any customer is computed again on a day. Where
no product is known, the table stays empty and costs nothing.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

from pipelines.core.facts import counted
from pipelines.engine import Engine, Statement, Step, load_fragment, load_step, reading, value

STEP = "features/customer_entry"
SCOPE, DAYS = "features/scope/entries", "features/scope/days_of_entries"
PRODUCTS = "features/entry_product"
COLUMNS = {
    "as_of_date": "date",
    "kind": "varchar",
    "name": "varchar",
    "customers": "bigint",
    "revenue_365d_mean": "double",
    "top_tenth_customers": "bigint",
    "top_tenth_share": "double",
}


def ensure(engine: Engine) -> None:
    """Create `features.entry_product`, empty, where it is missing."""
    engine.ensure(load_step(PRODUCTS).table, COLUMNS)


def entry_step() -> Step:
    """The step of `features.customer_entry`, with what counts as its contract says."""
    return load_step(STEP).with_slots(counts=Statement(counted("orders", "o")))


def rebuild_entries(engine: Engine) -> None:
    """Compute the entry of everyone."""
    step = entry_step()
    sql = step.sql if _knows_products(engine) else f"select * from ({step.sql}) where false"
    engine.store(step.table, sql, "replace", {})


def refresh_entries(engine: Engine) -> None:
    """Compute again the entry of whose days in `features.day_scope` reach back to it, or who had none."""
    step = entry_step()
    if not engine.columns(step.table):
        rebuild_entries(engine)
        return
    if not _knows_products(engine):
        return
    engine.store("features.entry_scope", load_fragment(SCOPE).sql, "replace", {})
    if value(engine, "select count(*) from features.entry_scope"):
        engine.delete(step.table, "customer_id in (select customer_id from features.entry_scope)")
        sql = reading(step.sql, {"features.customer_day": load_fragment(DAYS).sql})
        engine.store(step.table, sql, "append", {})


def _knows_products(engine: Engine) -> bool:
    return bool(value(engine, "select count(*) from core.products"))


def store_entry_products(engine: Engine, as_of: date, mapped: Collection[str]) -> None:
    """Make `features.entry_product` of a day: what the most valuable customers bought first.

    Where no source maps products and lines it has no rows.
    """
    if {"products", "order_lines"} <= {*mapped}:
        step = load_step(PRODUCTS)
        engine.store(step.table, step.sql, step.store, {"as_of": as_of})
    else:
        engine.drop(load_step(PRODUCTS).table)
        ensure(engine)
