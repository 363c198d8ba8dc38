"""The bridge from what sources say to net revenue: computed when a day is recorded, which it can refuse.

`money.revenue_day` and `money.revenue_bridge` are what the marts of the same names are made of: all history
is added up once a day, and the record and the marts are compared with the same sums.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from pipelines.engine import store_select
from pipelines.publish.steps import mart_step

if TYPE_CHECKING:
    import duckdb

# Mart -> the table that has its rows when the day was recorded in the same run.
READY = {"revenue_day": "money.revenue_day", "revenue_bridge": "money.revenue_bridge"}


def compute_bridge(con: duckdb.DuckDBPyConnection, day: date) -> None:
    """Add up revenue by day and the bridge as of a business day."""
    for mart, table in READY.items():
        store_select(con, table, mart_step(mart).sql, "replace", {"as_of": day})


def bridge_faults(
    con: duckdb.DuckDBPyConnection, bridge: str, revenue: str, customers: str, day: date | None = None
) -> list[str]:
    """Where the bridge does not end, to the cent, at what it leads to.

    Parameters
    ----------
    bridge, revenue : tables as `marts.revenue_bridge` and `marts.revenue_day`.
    customers : a relation with the lifetime revenue of every customer; `$day` in it is `day`.

    Returns
    -------
    A sentence for each step that differs.
    """
    told = {
        "net_revenue": f"select coalesce(sum(revenue), 0) from {revenue}",
        "customer_revenue": f"select coalesce(sum(revenue_lifetime), 0) from {customers}",
    }
    faults = []
    for step, sql in told.items():
        binds: dict[str, object] = {"step": step} | ({"day": day} if "$day" in sql else {})
        found = con.execute(
            f"select coalesce(sum(amount), 0) as bridge, ({sql}) as mart from {bridge}"
            " where source = '(all)' and step = $step",
            binds,
        ).fetchone()
        if found and found[0] != found[1]:
            faults.append(
                f"{bridge}: {step} is {found[0]} and what it leads to sums to {found[1]};"
                " expected equal figures"
            )
    return faults
