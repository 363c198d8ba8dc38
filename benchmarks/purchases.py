"""A realistic purchase process as Parquet: seeded, streaming, one row a line, in the order of time.

    python benchmarks/purchases.py FOLDER --lines 10000000 --customers 500000

Customers arrive over time, each buys at a rate of its own (gamma distributed, so that a few buy most), and
after any purchase may be gone for good (the MBG/NBD model). Baskets have a geometric number of lines, amounts
are log-normal, products Zipf distributed over 40 categories; some buy on the web, most at their own store.

Every figure is a function of (seed, customer, purchase, line), by hashes: nothing is drawn in sequence. So
purchases are made in chunks of customers, sorted month by month, and lines made from them: ten times the
lines need no more memory. Order ids have a fixed width and rise with time. The last day is a file of its own
and has the volume it is told to have, whatever the history: whoever bought lately, or never, comes again.

The model has no season and no weekday: neither changes what a refresh costs.
"""

from __future__ import annotations

import argparse
import json
import math
import shutil
import time
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb

from pipelines.engine import connect

FIRST = date(2023, 1, 1)
LINES_AN_ORDER = 3.0
CATEGORIES = 40
# How much is drawn, and how many orders are written, at a time: what decides the memory.
CHUNK_ORDERS, CHUNK_CUSTOMERS, FILE_ORDERS = 1_000_000, 500_000, 100_000
_PILOT = 20_000
MEMORY = "3GB"

# A number in (0, 1) that depends on the seed, a name and the ids; and a standard normal one of two such.
_MACROS = """
create or replace macro u(what, a, b) as
    ((hash($seed, what, a, b) >> 11)::double + 0.5) / 9007199254740992.0;
create or replace macro z(what, a, b) as
    sqrt(-2 * ln(u(what || '1', a, b))) * cos(2 * pi() * u(what || '2', a, b));
"""

# rate: purchases a day, `scale` times half a squared normal (gamma of shape 1/2), and a little for everyone.
# survives: the number of the purchase after which the customer is gone; geometric, its chance beta(1, 9).
_PURCHASES = """
with customer as (
    select
        c,
        greatest(0.0, (u('joined', c, 0) * 1.4 - 0.4) * $days) as joined,
        $scale * (0.02 + pow(z('rate', c, 0), 2) / 2) as rate,
        ceil(ln(u('gone', c, 0)) / ln(u('loyal', c, 0)) * 9) as survives
    from range($first, $last) as t(c)
),
purchase as (
    select
        c,
        k,
        joined + sum(-ln(u('gap', c, k)) / rate) over (partition by c order by k) as t
    from (
        select
            c, joined, rate,
            unnest(range(1, 2 + least(
                survives, ceil(($days - joined) * rate + 5 * sqrt(($days - joined) * rate) + 5)
            )::bigint)) as k
        from customer
    )
)
select c, k, t from purchase where t < $days
"""

# What a purchase holds, a row a line, in the order of time; `purchase` gives c, k, place, ordered_at.
_LINES = """
select
    'o' || lpad(place::varchar, 10, '0') as order_id,
    n::varchar as line_id,
    'c' || lpad(c::varchar, 8, '0') as customer_id,
    ordered_at,
    case
        when u('web', c, k) < u('online', c, 0) * 0.6 then null
        when u('away', c, k) < 0.8 then 's' || lpad(((u('home', c, 0) * 200)::int)::varchar, 3, '0')
        else 's' || lpad(((u('store', c, k) * 200)::int)::varchar, 3, '0')
    end as store_id,
    if(store_id is null, 'web', 'store') as channel,
    'p' || lpad(floor(exp(u('product', c, k * 64 + n) * ln($products)))::int::varchar, 5, '0') as product_id,
    (1 + floor(-ln(u('quantity', c, k * 64 + n)) / 1.5))::decimal(18, 4) as quantity,
    round(
        exp(1.2 + 0.4 * z('wealth', c, 0) + 0.7 * z('amount', c, k * 64 + n)), 2
    )::decimal(18, 4) as revenue,
    if(
        u('offer', c, k * 64 + n) < 0.2, round(revenue * 0.05 * (1 + floor(u('cut', c, k) * 5)), 2), 0
    )::decimal(18, 4) as discount
from (
    select
        *,
        unnest(range(1, 2 + least(39, floor(ln(u('basket', c, k)) / ln(1 - 1 / $an_order)))::bigint)) as n
    from purchase
    where place between $first and $last
)
order by place, n
"""


@dataclass(frozen=True)
class Shop:
    """What is asked for: about `lines` lines of `customers` customers in `days` days, and one day more."""

    lines: int
    customers: int
    days: int = 1096
    day_lines: int = 90_000
    products: int = 4000
    seed: int = 7

    @property
    def last_day(self) -> date:
        """The last day of the history."""
        return FIRST + timedelta(days=self.days - 1)

    @property
    def next_day(self) -> date:
        return FIRST + timedelta(days=self.days)


@dataclass(frozen=True)
class Made:
    """What was made, and what making it took."""

    lines: int
    orders: int
    day_lines: int
    seconds: float


def make(shop: Shop, folder: Path) -> Made:
    """Write `lines/*.parquet`, `day.parquet`, `customers.parquet`, `products.parquet` and `made.json`.

    A folder that holds this very shop already is left as it is.
    """
    facts = folder / "made.json"
    if facts.exists():
        known = json.loads(facts.read_text(encoding="utf-8"))
        if known["shop"] == asdict(shop):
            return Made(**known["made"])
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "lines").mkdir(parents=True)
    began = time.perf_counter()
    con = generator(shop.seed)
    try:
        _write_references(con, shop, folder)
        _write_purchases(con, shop, folder / "purchases")
        orders, lines = _write_months(con, shop, folder)
        day_lines = _write_day(con, shop, folder, orders)
    finally:
        con.close()
    shutil.rmtree(folder / "purchases")
    made = Made(lines, orders, day_lines, round(time.perf_counter() - began, 1))
    facts.write_text(json.dumps({"shop": asdict(shop), "made": asdict(made)}), encoding="utf-8")
    return made


def generator(seed: int) -> duckdb.DuckDBPyConnection:
    """An engine in memory with the generator's random numbers."""
    con = connect(config={"memory_limit": MEMORY, "preserve_insertion_order": "false"})
    con.execute("set TimeZone = 'UTC'")
    con.execute("set enable_progress_bar = false")
    con.execute(_MACROS.replace("$seed", str(int(seed))))
    return con


def scale_for(con: duckdb.DuckDBPyConnection, shop: Shop) -> float:
    """The scale of rates at which a sample of the customers buys as much as is asked for.

    Raises
    ------
    ValueError
        When no rate gives so many lines: customers leave too early.
    """
    sample = min(_PILOT, shop.customers)
    wanted = shop.lines / LINES_AN_ORDER * sample / shop.customers
    low, high = 1e-6, 10.0
    for _ in range(24):
        middle = math.sqrt(low * high)
        found = _count(con, f"select count(*) from ({_PURCHASES})", _binds(shop, middle, 0, sample))
        low, high = (low, middle) if found > wanted else (middle, high)
    if high == 10.0:
        raise ValueError(
            f"{shop.customers:,} customers do not make {shop.lines:,} lines; ask for more customers"
        )
    return high


def _write_purchases(con: duckdb.DuckDBPyConnection, shop: Shop, folder: Path) -> None:
    """Purchases of a chunk of customers at a time, in a folder a month."""
    scale = scale_for(con, shop)
    each = shop.lines / LINES_AN_ORDER / shop.customers
    chunk = max(1, min(CHUNK_CUSTOMERS, int(CHUNK_ORDERS / each)))
    for first in range(0, shop.customers, chunk):
        con.execute(
            f"copy (select *, strftime(date '{FIRST}' + floor(t)::int, '%Y-%m') as month from ({_PURCHASES}))"
            f" to '{folder}' (format parquet, partition_by (month), append,"
            " filename_pattern '{uuid}')",
            _binds(shop, scale, first, min(first + chunk, shop.customers)),
        )


def _write_months(con: duckdb.DuckDBPyConnection, shop: Shop, folder: Path) -> tuple[int, int]:
    """Number the purchases of a month in the order of time, and write their lines in that order."""
    orders = lines = 0
    for month in sorted(path.name.removeprefix("month=") for path in (folder / "purchases").iterdir()):
        con.execute(
            "create or replace temp table purchase as"
            " select c, k, $before + row_number() over (order by t, c, k) as place,"
            f" {_moment('t')} as ordered_at"
            f" from read_parquet('{folder}/purchases/month={month}/*.parquet', hive_partitioning = false)",
            {"before": orders},
        )
        known, orders = orders, orders + _count(con, "select count(*) from purchase")
        for first in range(known + 1, orders + 1, FILE_ORDERS):
            target = folder / "lines" / f"{month}-{first:010d}.parquet"
            lines += _write_lines(con, shop, target, first, min(first + FILE_ORDERS - 1, orders))
    return orders, lines


def _write_lines(con: duckdb.DuckDBPyConnection, shop: Shop, target: Path, first: int, last: int) -> int:
    """Write the lines of the purchases at places `first` to `last`; returns how many there are."""
    binds = {"products": float(shop.products), "an_order": LINES_AN_ORDER, "first": first, "last": last}
    con.execute(f"copy ({_LINES}) to '{target}' (format parquet)", binds)
    return _count(con, f"select count(*) from '{target}'")


def _moment(days: str) -> str:
    """A moment between 8 and 21 o'clock of the day, to the second."""
    return (
        f"timestamp '{FIRST}' + to_days(floor({days})::int)"
        f" + to_seconds((8 * 3600 + floor(({days} - floor({days})) * 13 * 3600))::bigint)"
    )


def _write_day(con: duckdb.DuckDBPyConnection, shop: Shop, folder: Path, orders: int) -> int:
    """The day after: nine in ten are orders of those who bought lately, the rest of anyone."""
    wanted = max(1, round(shop.day_lines / LINES_AN_ORDER))
    months = sorted((folder / "purchases").iterdir())[-3:]
    files = ", ".join(f"'{path}/*.parquet'" for path in months)
    con.execute(
        "create or replace temp table purchase as"
        " with lately as ("
        f"    select c from read_parquet([{files}], hive_partitioning = false)"
        "    order by hash($seed, 'again', c, k), c, k limit $again"
        " ), anyone as ("
        "    select (u('anyone', i, 0) * $customers)::bigint % $customers as c from range($anyone) as t(i)"
        " ), coming as ("
        "    select c, row_number() over (partition by c) as nth from (from lately union all from anyone)"
        " )"
        " select c, 1000000 + nth as k,"
        " $orders + row_number() over (order by c, nth) as place,"
        f" timestamp '{shop.next_day}' + to_seconds((8 * 3600 + u('moment', c, nth) * 13 * 3600)::bigint)"
        " as ordered_at from coming",
        {
            "seed": shop.seed,
            "again": wanted * 9 // 10,
            "anyone": wanted - wanted * 9 // 10,
            "customers": shop.customers,
            "orders": orders,
        },
    )
    return _write_lines(con, shop, folder / "day.parquet", orders + 1, orders + wanted)


def _write_references(con: duckdb.DuckDBPyConnection, shop: Shop, folder: Path) -> None:
    """The CRM, in which everyone stands from the day of joining, and the products with their categories."""
    con.execute(
        "copy (select 'c' || lpad(c::varchar, 8, '0') as customer_id,"
        f" date '{FIRST}' + floor(greatest(0.0, (u('joined', c, 0) * 1.4 - 0.4) * $days))::int as created_on"
        f" from range($customers) as t(c)) to '{folder}/customers.parquet' (format parquet)",
        {"days": shop.days, "customers": shop.customers},
    )
    con.execute(
        "copy (select 'p' || lpad(p::varchar, 5, '0') as product_id,"
        " 'category ' || lpad(floor(u('category', p, 0) * $categories)::int::varchar, 2, '0') as category"
        f" from range(1, $products + 1) as t(p)) to '{folder}/products.parquet' (format parquet)",
        {"products": shop.products, "categories": CATEGORIES},
    )


def _binds(shop: Shop, scale: float, first: int, last: int) -> dict[str, Any]:
    return {"days": float(shop.days), "scale": scale, "first": first, "last": last}


def _count(con: duckdb.DuckDBPyConnection, sql: str, binds: dict[str, Any] | None = None) -> int:
    row = con.execute(sql, binds or {}).fetchone()
    return int(row[0]) if row else 0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--days", type=int, default=Shop.days, help="of history")
    parser.add_argument("--day-lines", type=int, default=Shop.day_lines, help="of the day after")
    parser.add_argument("--seed", type=int, default=Shop.seed)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--customers", type=int, help="default: a twentieth of the lines")
    add_arguments(parser)
    given = parser.parse_args()
    customers = given.customers or max(1, given.lines // 20)
    shop = Shop(given.lines, customers, given.days, given.day_lines, seed=given.seed)
    made = make(shop, given.folder)
    facts = {"lines": made.lines, "orders": made.orders, "lines of the next day": made.day_lines}
    print(json.dumps({"facts": facts}))


if __name__ == "__main__":
    main()
