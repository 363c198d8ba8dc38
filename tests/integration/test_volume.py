"""Five million lines: the right figures, memory that does not follow them, a next day that costs less."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from lohko.commands.init import TEMPLATE
from pipelines.engine import connect

LINES = 5_000_000
ORDERS = LINES // 5
CUSTOMERS = 100_000
# What pandas would need for the lines' text columns alone is more than twice that.
PEAK_MB = 2_500

PROJECT = """
project: Volume
timezone: Europe/Helsinki
currency: EUR
margin_rate: 0.30
today: 2026-03-31
sources:
  orders:
    files: data/orders-*.parquet
    tables:
      orders: {order_id: order_id, customer_id: customer_id, ordered_at: ordered_at}
  lines:
    files: data/lines-*.parquet
    tables:
      order_lines:
        {order_id: order_id, line_id: line_id, product_id: product_id, quantity: quantity, revenue: revenue,
        discount: discount}
  crm:
    files: data/crm.parquet
    tables:
      customers: {customer_id: customer_id, created_on: created_on}
"""

# Orders of two years, to the end of the last day in Helsinki; hash() stands for chance.
SHOP = f"""
create table orders as select i as order_id, 'C' || cast(hash(i) % {CUSTOMERS} as varchar) as customer_id,
    timestamptz '2024-04-01 00:00:00+00' + to_seconds(cast(hash(-i) % 62974800 as bigint)) as ordered_at
from range(1, {ORDERS + 1}) as t(i);
create table lines as select order_id, n as line_id,
    'P' || cast(hash(order_id * 10 + n) % 5000 as varchar) as product_id,
    1 + hash(order_id * 10 + n) % 3 as quantity,
    cast(cast(hash(order_id * 100 + n) % 5000 as bigint) * 0.01 as decimal(18, 2)) as revenue,
    cast(cast(hash(order_id * 1000 + n) % 100 as bigint) * 0.01 as decimal(18, 2)) as discount, ordered_at
from orders, range(1, 6) as t(n);
copy (select 'C' || i as customer_id, date '2024-03-01' as created_on from range({CUSTOMERS}) as t(i))
    to '{{folder}}/crm.parquet';
"""
DAY = "timestamptz '2026-03-30 00:00:00+03'"


@dataclass(frozen=True)
class Cost:
    """Seconds of the processors, whatever else they do meanwhile, and the peak of memory."""

    seconds: float
    megabytes: float


def run(root: Path, day: str) -> Cost:
    """One run in a process of its own, with what the system accounted for it."""
    command = [sys.executable, "-m", "lohko.cli", "--project", str(root), "run", "--as-of", day, "--json"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    return Cost(usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


@pytest.mark.slow
def test_five_million_lines(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (tmp_path / "project.yaml").write_text(PROJECT)
    shutil.copytree(TEMPLATE / "segments", tmp_path / "segments")
    source = connect()
    source.execute(SHOP.format(folder=data))

    def deliver(name: str, which: str) -> None:
        for table, columns in (("orders", "*"), ("lines", "* exclude (ordered_at)")):
            source.execute(
                f"copy (select {columns} from {table} where {which}) to '{data}/{table}-{name}.parquet'"
            )

    deliver("before", f"ordered_at < {DAY}")
    first = run(tmp_path, "2026-03-29")
    deliver("30", f"ordered_at >= {DAY}")
    second = run(tmp_path, "2026-03-30")
    print(f"{LINES:,} lines: first run {first}, next day {second}")

    expected = source.execute(
        "select count(*), count(distinct order_id), sum(revenue), sum(quantity) from lines"
    ).fetchone()
    manifest = json.loads((tmp_path / "published" / "current" / "manifest.json").read_text())
    assert manifest["run"]["as_of_date"] == "2026-03-30"
    with connect(str((tmp_path / "published" / "current" / "lohko.duckdb").resolve()), read_only=True) as con:
        found = con.execute(
            "select cast(sum(lines) as bigint), cast(sum(orders) as bigint), sum(revenue)"
            " from marts.revenue_day"
        ).fetchone()
        assert expected is not None and found == expected[:3]
        sizes = con.execute(
            "select segmentation_id, sum(members) from marts.segment_current group by all order by all"
        ).fetchall()
        assert sizes == [("lifecycle", CUSTOMERS), ("value_tier", CUSTOMERS)]
    assert max(first.megabytes, second.megabytes) < PEAK_MB
    assert second.seconds < first.seconds
