"""The state: what each customer did on each business day, recomputed for the days that changed.

`ingest.dirty_day` says which (customer, business day) orders and lines have touched since; no customer stands
for everyone, no day for all days of a customer. `ingest.dirty_customer` says of whom anything else changed.
Both end up in `features.stale_customer`: whose features must be computed again.
"""

from __future__ import annotations

import hashlib
from datetime import date
from itertools import pairwise
from typing import TYPE_CHECKING

from pipelines.core import money
from pipelines.engine import load_fragment, load_step, reading, relation_exists, store_select, transaction
from pipelines.features import entry

if TYPE_CHECKING:
    import duckdb

STEP = "features/customer_day"
# Of one span the lines are grouped in memory; of 33 million orders at once, 14 GB went to disk and back.
ORDERS_AT_ONCE = 5_000_000
# The orders that the state is computed from, where they are not all.
DAYS, SPAN, LINES = (
    f"features/scope/{name}" for name in ("orders_of_days", "orders_of_span", "lines_of_orders")
)
SCHEMA = """
create schema if not exists features;
create table if not exists features.stale_customer (customer_id varchar);
create table if not exists ingest.step_state (table_name varchar primary key, fingerprint varchar)
"""


def refresh_state(con: duckdb.DuckDBPyConnection) -> int | None:
    """Bring `features.customer_day` and `features.customer_entry` up to core.

    Returns
    -------
    How many customers were touched, None for everyone. What was to be done is forgotten in the same
    transaction.
    """
    con.execute(SCHEMA)
    con.execute(entry.SCHEMA)
    money.ensure(con)
    mark = hashlib.sha256("".join(load_step(one).sql for one in (STEP, entry.STEP)).encode()).hexdigest()
    touched = None
    with transaction(con):
        if not _same_steps(con, mark) or _everyone_is_dirty(con):
            _rebuild(con)
        else:
            touched = _refresh_days(con)
        con.execute("delete from ingest.dirty_day")
        con.execute("delete from ingest.dirty_customer")
        con.execute("insert or replace into ingest.step_state values ('features.customer_day', ?)", [mark])
    return touched


def _rebuild(con: duckdb.DuckDBPyConnection) -> None:
    step = load_step(STEP)
    con.execute(f"drop table if exists {step.table}")
    for span in _spans(con):
        # A semi join with all there is costs as much as what it guards.
        sql = step.sql if span is None else _of_orders(SPAN)
        values = {} if span is None else {"first": span[0], "last": span[1]}
        store_select(con, step.table, sql, "append", values)
    entry.rebuild_entries(con)
    con.execute("delete from features.stale_customer")
    con.execute("insert into features.stale_customer values (null)")


def _spans(con: duckdb.DuckDBPyConnection) -> list[tuple[date, date] | None]:
    """Days that are computed at once, so that the orders of each fit in memory; None for all there are."""
    spans: list[tuple[date, date] | None] = []
    found = con.execute(
        "select business_date, count(*) from core.orders group by business_date order by business_date"
    ).fetchall()
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
        load_step(STEP).sql,
        {"money.orders": "scoped_orders", "money.order_lines": load_fragment(LINES).sql},
        first={"scoped_orders": load_fragment(orders).sql},
    )


def _refresh_days(con: duckdb.DuckDBPyConnection) -> int:
    con.execute(
        """
        create or replace table features.day_scope as
        with whole as (select distinct customer_id from ingest.dirty_day where business_date is null)
        select customer_id, business_date from ingest.dirty_day where business_date is not null
        union
        select customer_id, business_date from core.orders semi join whole using (customer_id)
        union
        select customer_id, business_date from features.customer_day semi join whole using (customer_id)
        """
    )
    con.execute(
        "create or replace temp table touched as select customer_id from ingest.dirty_day"
        " union select customer_id from ingest.dirty_customer"
    )
    con.execute("insert into features.stale_customer select customer_id from touched")
    days = con.execute("select min(business_date), max(business_date) from features.day_scope").fetchone()
    first, last = days or (None, None)
    if first is not None:
        step = load_step(STEP)
        # The range says what the pairs alone do not: that most of the table cannot be meant.
        con.execute(
            f"delete from {step.table} where business_date between $first and $last"
            " and (customer_id, business_date) in"
            " (select (customer_id, business_date) from features.day_scope)",
            {"first": first, "last": last},
        )
        store_select(con, step.table, _of_orders(DAYS), "append", {"first": first, "last": last})
        entry.refresh_entries(con)
    row = con.execute("select count(*) from touched").fetchone()
    con.execute("drop table touched")
    return int(row[0]) if row else 0


def _same_steps(con: duckdb.DuckDBPyConnection, mark: str) -> bool:
    found = con.execute(
        "select fingerprint from ingest.step_state where table_name = 'features.customer_day'"
    ).fetchone()
    return found == (mark,) and relation_exists(con, load_step(STEP).table)


def _everyone_is_dirty(con: duckdb.DuckDBPyConnection) -> bool:
    row = con.execute(
        "select count(*) from (select customer_id from ingest.dirty_day"
        " union all select customer_id from ingest.dirty_customer) where customer_id is null"
    ).fetchone()
    return bool(row and row[0])
