"""The state: what each customer did on each business day, recomputed for the days that changed.

`ingest.dirty_day` says which (customer, business day) orders and lines have touched since; no customer stands
for everyone, no day for all days of a customer. `ingest.dirty_customer` says of whom anything else changed.
Both end up in `features.stale_customer`: whose features must be computed again.
"""

from __future__ import annotations

import hashlib
from datetime import date
from itertools import pairwise

from pipelines.core import money
from pipelines.core.facts import counted
from pipelines.engine import Engine, Statement, Step, load_fragment, load_step, reading, value
from pipelines.features import entry

STEP = "features/customer_day"
# Of one span the lines are grouped in memory; of 33 million orders at once, 14 GB went to disk and back.
ORDERS_AT_ONCE = 5_000_000
# Which customers and days are computed again.
SCOPE = "features/scope/days"
# The orders that the state is computed from, where they are not all.
DAYS, SPAN, LINES = (
    f"features/scope/{name}" for name in ("orders_of_days", "orders_of_span", "lines_of_orders")
)
MARKS = "ingest.step_state"


def refresh_state(engine: Engine) -> int | None:
    """Bring `features.customer_day` and `features.customer_entry` up to core.

    Returns
    -------
    How many customers were touched, None for everyone. What was to be done is forgotten in the same
    transaction.
    """
    ensure(engine)
    entry.ensure(engine)
    money.ensure(engine)
    mark = hashlib.sha256((state_step().sql + entry.entry_step().sql).encode()).hexdigest()
    touched = None
    with engine.transaction():
        if not _same_steps(engine, mark) or _everyone_is_dirty(engine):
            _rebuild(engine)
        else:
            touched = _refresh_days(engine)
        engine.delete("ingest.dirty_day")
        engine.delete("ingest.dirty_customer")
        engine.delete(MARKS, "table_name = $table", {"table": state_step().table})
        engine.insert(MARKS, [(state_step().table, mark)])
    return touched


def state_step() -> Step:
    """The state's step, with what counts as its contract says."""
    return load_step(STEP).with_slots(counts=Statement(counted("orders", "o")))


def ensure(engine: Engine) -> None:
    """Create what the state is kept in, empty, where it is missing."""
    engine.ensure("features.stale_customer", {"customer_id": "varchar"})
    engine.ensure(MARKS, {"table_name": "varchar primary key", "fingerprint": "varchar"})


def _rebuild(engine: Engine) -> None:
    step = state_step()
    engine.drop(step.table)
    for span in _spans(engine):
        # A semi join with all there is costs as much as what it guards.
        sql = step.sql if span is None else _of_orders(SPAN)
        values = {} if span is None else {"first": span[0], "last": span[1]}
        engine.store(step.table, sql, "append", values)
    entry.rebuild_entries(engine)
    engine.delete("features.stale_customer")
    engine.insert("features.stale_customer", [(None,)])


def _spans(engine: Engine) -> list[tuple[date, date] | None]:
    """Days that are computed at once, so that the orders of each fit in memory; None for all there are."""
    spans: list[tuple[date, date] | None] = []
    counted = engine.rows(
        "select business_date, count(*) as orders from core.orders group by business_date"
        " order by business_date"
    )
    found = [(row["business_date"], row["orders"]) for row in counted]
    if sum(orders for _, orders in found) <= ORDERS_AT_ONCE:
        return [None]
    first, held = found[0][0], 0
    for (day, orders), (following, more) in pairwise([*found, (None, ORDERS_AT_ONCE)]):
        held += orders
        if held + more > ORDERS_AT_ONCE:
            spans.append((first, day))
            first, held = following, 0
    return spans


def _of_orders(orders: str) -> str:
    """The SELECT of the state from the orders that a fragment gives, and from their lines alone."""
    return reading(
        state_step().sql,
        {"money.orders": "scoped_orders", "money.order_lines": load_fragment(LINES).sql},
        first={"scoped_orders": load_fragment(orders).sql},
    )


def _refresh_days(engine: Engine) -> int:
    engine.store("features.day_scope", load_fragment(SCOPE).sql, "replace", {})
    engine.keep(
        "touched",
        "select customer_id from ingest.dirty_day union select customer_id from ingest.dirty_customer",
    )
    engine.store("features.stale_customer", "select customer_id from touched", "append", {})
    (days,) = engine.rows(
        "select min(business_date) as first, max(business_date) as last from features.day_scope"
    )
    if days["first"] is not None:
        step = state_step()
        # The range says what the pairs alone do not: that most of the table cannot be meant.
        engine.delete(
            step.table,
            "business_date between $first and $last and (customer_id, business_date) in"
            " (select (customer_id, business_date) from features.day_scope)",
            days,
        )
        engine.store(step.table, _of_orders(DAYS), "append", days)
        entry.refresh_entries(engine)
    touched: int = value(engine, "select count(*) from touched")
    engine.drop("touched")
    return touched


def _same_steps(engine: Engine, mark: str) -> bool:
    table = state_step().table
    known = value(engine, f"select fingerprint from {MARKS} where table_name = $table", {"table": table})
    return known == mark and bool(engine.columns(table))


def _everyone_is_dirty(engine: Engine) -> bool:
    return bool(
        value(
            engine,
            "select count(*) from (select customer_id from ingest.dirty_day"
            " union all select customer_id from ingest.dirty_customer) where customer_id is null",
        )
    )
