"""Features: the state a customer and day, and everything known of every customer as of a day."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from pipelines.config.attributes import AttributeRule
from pipelines.contracts.registry import CONTRACTS
from pipelines.core import money
from pipelines.features.attributes import customers_with_known
from pipelines.features.catalogue import share_name
from pipelines.steps import (
    bound,
    columns_of,
    load_step,
    qualified,
    quote,
    run_step,
    store_select,
    table_exists,
    transaction,
)

if TYPE_CHECKING:
    import duckdb

STATE_STEPS = ("features/customer_day", "features/customer_category_day")
WINDOWS = (30, 90, 365)
# Columns of core.customers that are not attributes.
_OWN = {"_source", "_batch_seq", "_file_id", "_row", *CONTRACTS["customers"].names}


def attributes_of(con: duckdb.DuckDBPyConnection) -> list[tuple[str, str]]:
    """Names and types of the CRM's further columns."""
    return [(name, kind) for name, kind in columns_of(con, "core.customers") if name not in _OWN]


def refresh_state(con: duckdb.DuckDBPyConnection) -> int:
    """Recompute `features.customer_day` and its like for the customers whose events changed.

    Returns
    -------
    How many customers were recomputed. What was to be done is forgotten in the same transaction.
    """
    con.execute("create schema if not exists features")
    con.execute(
        "create table if not exists ingest.step_state (table_name varchar primary key, fingerprint varchar)"
    )
    money.ensure(con)
    mark = hashlib.sha256("".join(load_step(step).sql for step in STATE_STEPS).encode()).hexdigest()
    with transaction(con):
        everyone = not _same_steps(con, mark) or _all_dirty(con)
        whom = (
            "select distinct customer_id from core.orders where customer_id is not null"
            if everyone
            else "select distinct customer_id from ingest.dirty_customer"
        )
        con.execute(f"create or replace table features.scope as {whom}")
        count = con.execute("select count(*) from features.scope").fetchone()
        touched = int(count[0]) if count else 0
        for name in STATE_STEPS:
            step = load_step(name)
            if everyone:
                store_select(con, step.table, step.sql, "replace", {})
            elif touched:
                con.execute(f"delete from {step.table} where customer_id in (from features.scope)")
                run_step(con, step)
        con.execute("delete from ingest.dirty_customer")
        con.execute("insert or replace into ingest.step_state values ('features.customer_day', ?)", [mark])
    return touched


def _same_steps(con: duckdb.DuckDBPyConnection, mark: str) -> bool:
    found = con.execute(
        "select fingerprint from ingest.step_state where table_name = 'features.customer_day'"
    ).fetchone()
    return found == (mark,)


def _all_dirty(con: duckdb.DuckDBPyConnection) -> bool:
    row = con.execute("select count(*) from ingest.dirty_customer where customer_id is null").fetchone()
    return bool(row and row[0])


def window_parameters(as_of: date, margin_rate: float | None) -> dict[str, Any]:
    """What `customer.sql` binds: the day and the first day of each window that ends with it."""
    first_days = {f"from_{days}": as_of - timedelta(days=days - 1) for days in WINDOWS}
    return {"as_of": as_of, "as_of_date": as_of, "margin_rate": margin_rate, **first_days}


def compute_customers(
    con: duckdb.DuckDBPyConnection,
    as_of: date,
    *,
    margin_rate: float | None,
    categories: Sequence[str],
    without: Collection[str] = (),
    rules: Mapping[str, AttributeRule] | None = None,
) -> None:
    """Fill the partition `as_of` of `features.customer`: one row for everyone who is a customer that day.

    Parameters
    ----------
    margin_rate : margin as a share of revenue, where lines carry no cost.
    categories : those whose share of revenue is a feature.
    without : standard features that are absent, because no source maps what they need.
    rules : what the project says of attributes; an expired value is NULL.
    """
    parameters = window_parameters(as_of, margin_rate)
    step = load_step("features/customer")
    attributes = [name for name, _ in attributes_of(con)]
    kept = f" exclude ({', '.join(quote(name) for name in sorted(without))})" if without else ""
    shares, joined = "", ""
    if categories:
        shares = "".join(f", {quote(share_name(category))}" for category in categories)
        wide = ", ".join(
            f"coalesce(cast(sum(revenue) filter (where category = $category_{i}) as double), 0)"
            f" / nullif(cast(sum(revenue) as double), 0) as {quote(share_name(category))}"
            for i, category in enumerate(categories)
        )
        parameters |= {f"category_{i}": category for i, category in enumerate(categories)}
        joined = (
            f" left join (select customer_id, {wide} from features.customer_category_day"
            " where business_date between $from_365 and $as_of group by customer_id) using (customer_id)"
        )
    extra = "".join(f", attribute.{quote(name)}" for name in attributes)
    sql = (
        f"select base.*{kept}{shares}{extra} from ({step.sql}) as base{joined}"
        f" left join {customers_with_known(con, rules or {}, attributes)} as attribute"
        " on attribute.customer_id = base.customer_id"
        " and (attribute.created_on is null or attribute.created_on <= $as_of)"
    )
    with transaction(con):
        store_select(con, step.table, sql, step.store, parameters)
        described = con.execute(f"{sql} limit 0", bound(sql, parameters)).description
        _drop_left_over(con, step.table, {column[0] for column in described})


def _drop_left_over(con: duckdb.DuckDBPyConnection, table: str, wanted: Collection[str]) -> None:
    """Drop the columns of categories and attributes that the project no longer has."""
    for name, _ in columns_of(con, table):
        if name not in wanted:
            con.execute(f"alter table {qualified(table)} drop column {quote(name)}")


def has_features(con: duckdb.DuckDBPyConnection, as_of: date) -> bool:
    """Whether the partition of a day is there."""
    if not table_exists(con, "features.customer"):
        return False
    row = con.execute("select count(*) from features.customer where as_of_date = ?", [as_of]).fetchone()
    return bool(row and row[0])


def forget_features(con: duckdb.DuckDBPyConnection, keep: Sequence[date]) -> None:
    """Drop the partitions of other days: any of them can be computed again."""
    con.execute(
        "delete from features.customer where as_of_date not in (select unnest($keep))", {"keep": list(keep)}
    )
