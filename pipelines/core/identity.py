"""Merged customers: who each id counts for, and which tables still have to be told.

`core.customer_merges` says id by id; `core.customer_id_map` says where each chain ends. What is older or
younger, the merge or the orders, makes no difference: every table after it counts for whom the map says.
A merge that leads into a circle has no surviving customer: it is refused, and the ids stay what they were.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.contracts.model import Contract
from pipelines.contracts.registry import CONTRACTS
from pipelines.engine import load_query

if TYPE_CHECKING:
    import duckdb

MERGES = "customer_merges"
STATE = """
create table if not exists core.customer_id_map (customer_id varchar, survivor_id varchar);
create table if not exists ingest.moved_customer (
    table_name varchar, customer_id varchar, old_survivor varchar, new_survivor varchar
);
"""
OWNED = tuple(
    name for name, contract in CONTRACTS.items() if name != MERGES and contract.column("customer_id")
)


def resolves(contract: Contract, merges_mapped: bool) -> bool:
    """Whether the rows of a table count for whom the map says."""
    return merges_mapped and contract.table in OWNED


def refresh_map(con: duckdb.DuckDBPyConnection) -> None:
    """Follow every chain to its end, and note for each table with customers who counts for another now."""
    _follow_chains(con)
    moved = load_query("core/queries/moved_customer").sql
    con.execute(f"insert into ingest.moved_customer by name {moved}", {"tables": list(OWNED)})
    # A contact may be the customer of the same id, whose own rows do not move.
    con.execute(
        "insert into ingest.dirty_customer"
        " select distinct unnest([old_survivor, new_survivor]) from ingest.moved_customer"
    )
    con.execute("create or replace table core.customer_id_map as from chain order by customer_id")
    con.execute("drop table chain")


def _follow_chains(con: duckdb.DuckDBPyConnection) -> None:
    """`chain`: id -> survivor. Every round doubles the steps taken, so a chain of a million takes twenty."""
    con.execute(
        "create or replace temp table chain as"
        " select old_id as customer_id, new_id as survivor_id from core.customer_merges"
    )
    reach, unfinished = 1, _unfinished(con)
    merges = con.execute("select count(*) from chain").fetchone()
    while unfinished and merges and reach <= merges[0]:
        con.execute(
            "create or replace temp table chain as"
            " select c.customer_id, coalesce(n.survivor_id, c.survivor_id) as survivor_id"
            " from chain c left join chain n on n.customer_id = c.survivor_id"
        )
        reach, unfinished = 2 * reach, _unfinished(con)
    # Whoever is still on the way after more steps than there are merges goes in a circle.
    con.execute(
        "create or replace temp table chain as"
        " from chain anti join (select customer_id as survivor_id from chain) using (survivor_id)"
    )


def _unfinished(con: duckdb.DuckDBPyConnection) -> int:
    row = con.execute(
        "select count(*) from chain where survivor_id in (select customer_id from chain)"
    ).fetchone()
    return int(row[0]) if row else 0


def refused(con: duckdb.DuckDBPyConnection) -> int:
    """How many merges lead into a circle and are not followed."""
    row = con.execute(
        "select count(*) from core.customer_merges m"
        " anti join core.customer_id_map i on i.customer_id = m.old_id"
    ).fetchone()
    return int(row[0]) if row else 0


def is_waiting(con: duckdb.DuckDBPyConnection, table: str) -> bool:
    """Whether merges came that a table does not show yet."""
    row = con.execute("select count(*) from ingest.moved_customer where table_name = ?", [table]).fetchone()
    return bool(row and row[0])


def forget_moved(con: duckdb.DuckDBPyConnection, table: str) -> None:
    """The table shows every merge now."""
    con.execute("delete from ingest.moved_customer where table_name = ?", [table])
