"""The features of one member as of a few days, in the place of everyone's.

An account is judged by its customers as well, so theirs are computed with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

from pipelines.engine import DuckDB, bound, load_query
from pipelines.features.accounts.compute import compute_accounts
from pipelines.features.recipe import Recipe, make
from pipelines.features.scoped import scoped
from pipelines.segments.plan import ensure_read
from pipelines.segments.why.model import Who

if TYPE_CHECKING:
    import duckdb

# Without a day there is nothing to compute, but conditions read the relations all the same.
_NO_DAY = date(1970, 1, 1)
_CUSTOMERS = {
    # The company may be asked, and is judged by all its customers.
    "customer": load_query("segments/queries/colleague").sql,
    # A customer without account is the account of the same id: features/accounts/members.sql says so too.
    # Who was a member on some day only is looked at on all: features go by the account of each day.
    "account": "select customer_id from core.customers where account_id = $id union"
    " select customer_id from core.past_customers where account_id = $id union select $id",
}


def customers_of(con: duckdb.DuckDBPyConnection, who: Who) -> list[str]:
    """The customers of the account; the customer, and those of the companies that were ever theirs."""
    return [row[0] for row in con.execute(_CUSTOMERS[who.entity], {"id": who.id}).fetchall()]


def companies_of(con: duckdb.DuckDBPyConnection, who: Who) -> list[str]:
    """The companies at which a customer ever stood; the account itself."""
    if who.entity == "account":
        return [who.id]
    found = con.execute(
        "select account_id from core.customers where customer_id = $id"
        " union select account_id from core.past_customers where customer_id = $id",
        {"id": who.id},
    )
    return [who.id, *(account for (account,) in found.fetchall() if account is not None)]


def compute_alone(con: duckdb.DuckDBPyConnection, who: Who, recipe: Recipe, days: Sequence[date]) -> None:
    """Make the relations of features hold this member on these days, computed from what is known now.

    Parameters
    ----------
    who : the customer or account.
    recipe : what the project's configuration says of its features.
    days : the days, in order.
    """
    made = make(DuckDB(con), "customer", recipe)
    con.execute(
        "create or replace table features.scope as select unnest($ids::varchar[]) as customer_id",
        {"ids": customers_of(con, who)},
    )
    DuckDB(con).drop("features.customer")
    DuckDB(con).drop("features.account")
    with scoped(DuckDB(con), made.stored_sql) as stored:
        dated = f"(select cast($as_of as date) as as_of_date, stored.* from ({stored}) as stored)"
        sql = made.public_sql(dated)
        for i, day in enumerate(days or [_NO_DAY]):
            how = "insert into features.customer by name" if i else "create table features.customer as"
            con.execute(f"{how} {sql}", bound(sql, made.bindings(day)))
            compute_accounts(DuckDB(con), day, recipe)
    if who.entity == "account":
        con.execute("delete from features.account where account_id <> ?", [who.id])
    else:
        con.execute("delete from features.customer where customer_id <> ?", [who.id])
    ensure_read(DuckDB(con))
