"""What each customer bought first: `features.customer_entry`, kept up from the days that changed.

A purchase after the first one changes nothing here, so hardly any customer is computed again on a day. Where
no product is known, the table stays empty and costs nothing.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from typing import TYPE_CHECKING

from pipelines.engine import (
    load_fragment,
    load_step,
    reading,
    relation_exists,
    row_count,
    run_step,
    store_select,
)

if TYPE_CHECKING:
    import duckdb

STEP = "features/customer_entry"
DAYS = "features/scope/days_of_entries"
PRODUCTS = "features/entry_product"
SCHEMA = """
create schema if not exists features;
create table if not exists features.entry_product (
    as_of_date date, kind varchar, name varchar, customers bigint, revenue_365d_mean double,
    top_tenth_customers bigint, top_tenth_share double
)
"""


def rebuild_entries(con: duckdb.DuckDBPyConnection) -> None:
    """Compute the entry of everyone."""
    step = load_step(STEP)
    known = row_count(con, "core.products") > 0
    sql = step.sql if known else f"select * from ({step.sql}) where false"
    store_select(con, step.table, sql, "replace", {})


def refresh_entries(con: duckdb.DuckDBPyConnection) -> None:
    """Compute again the entry of whose days in `features.day_scope` reach back to it, or who had none."""
    step = load_step(STEP)
    if not relation_exists(con, step.table):
        rebuild_entries(con)
        return
    if not row_count(con, "core.products"):
        return
    con.execute(
        "create or replace table features.entry_scope as"
        " select distinct d.customer_id from features.day_scope as d"
        f" left join {step.table} as e on e.customer_id = d.customer_id"
        " where e.customer_id is null or d.business_date <= e.first_date"
    )
    if row_count(con, "features.entry_scope"):
        con.execute(
            f"delete from {step.table} where customer_id in (select customer_id from features.entry_scope)"
        )
        sql = reading(step.sql, {"features.customer_day": load_fragment(DAYS).sql})
        store_select(con, step.table, sql, "append", {})


def store_entry_products(con: duckdb.DuckDBPyConnection, as_of: date, mapped: Collection[str]) -> None:
    """Make `features.entry_product` of a day: what the most valuable customers bought first.

    Where no source maps products and lines it has no rows.
    """
    if {"products", "order_lines"} <= {*mapped}:
        run_step(con, PRODUCTS, {"as_of": as_of})
    else:
        con.execute("drop table if exists features.entry_product")
        con.execute(SCHEMA)
