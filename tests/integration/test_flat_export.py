"""One flat file of orders, lines and customers comes out to the cent, by `project.yaml` alone."""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from fixtures.flat_export import FlatShop, Written
from fixtures.seeds import seeds
from fixtures.shop import Shop

from pipelines.engine import connect

pytestmark = pytest.mark.alone

PROJECT = """
project: Flat file
timezone: Europe/Helsinki
currency: EUR
today: 2026-03-31
sources:
  flat:
    files: data/export-*.csv
    tables:
      orders:
        order_id: number
        customer_id: lower(trim(email))
        ordered_at: created
        channel: channel
        status: >-
          case when state in ('paid', 'shipped') then 'completed'
          when state = 'refunded' then 'returned' else state end
        revenue: TOTAL
      order_lines:
        order_id: number
        line_id: position
        product_id: sku
        quantity: pieces
        revenue: AMOUNT
  people:
    files: data/export-*.csv
    max_bad_share: 1      # further rows of an order name nobody
    version: created      # the latest order knows best where somebody lives
    leave_out: [number, channel, state, total, position, sku, pieces, amount, created, email]
    tables:
      customers: {customer_id: lower(trim(email)), town: town}
"""
SEGMENTS = """
segmentation: seen
name: Seen
kind: rules
segments:
  - {id: bought, name: Bought, when: purchase_days_lifetime > 0}
otherwise: {id: never, name: Never}
"""


def opened(tmp_path: Path, seed: int) -> tuple[Shop, FlatShop]:
    flat = FlatShop(seed, tmp_path / "shop")
    plain = "replace(replace({}, '$', ''), ',', '')"
    project = PROJECT
    for name in ("total", "amount"):
        project = project.replace(name.upper(), name if flat.german else f'"{plain.format(name)}"')
    (flat.root / "segments").mkdir(parents=True)
    (flat.root / "segments" / "seen.yaml").write_text(SEGMENTS)
    (flat.root / "project.yaml").write_text(project)
    flat.sell(60)
    return Shop(flat.root), flat


def cents(amount: Any) -> int:
    """Refuses what is no whole number of cents."""
    value = Decimal(str(amount or 0)) * 100
    assert value == int(value)
    return int(value)


def by(rows: list[dict[str, Any]], key: str, amount: str) -> dict[str, int]:
    """Cents by a column; what comes to nothing is left out."""
    found: dict[str, int] = defaultdict(int)
    for row in rows:
        found[str(row[key] or "")] += cents(row[amount])
    return {name: worth for name, worth in found.items() if worth}


def asked(shop: Shop, sql: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = shop.lohko("query", sql, "--json").json
    return found


def batches(shop: Shop, source: str, table: str) -> list[dict[str, int]]:
    wanted = f"source = '{source}' and table_name = '{table}'"
    return asked(shop, f"select * from marts.batch where {wanted} order by batch_seq")


def check_rows(shop: Shop, *deliveries: list[Written]) -> None:
    """Every row of every delivery is accounted for, in each table that is made of it."""
    for table in ("orders", "order_lines", "customers"):
        found = batches(shop, "people" if table == "customers" else "flat", table)
        assert len(found) == len(deliveries)
        for batch, files in zip(found, deliveries, strict=True):
            left_out = ("repeated", "conflicting", "superseded", "quarantined", "deleted")
            went = batch["rows_accepted"] + sum(batch[f"rows_{name}"] for name in left_out)
            assert batch["rows_landed"] == went == sum(file.rows for file in files)
            blank = sum(file.blank for file in files) if table == "customers" else 0
            assert batch["rows_quarantined"] == blank
            if table == "orders":
                # Of an order in a later file too, that file corrects what the earlier one says.
                last = {number: file for file in files for number in file.numbers}
                told = [(last[number] is file) for file in files for number in file.in_two_ways]
                assert batch["rows_conflicting"] == sum(told) > 0
                assert batch["rows_superseded"] == len(told) - sum(told)
                assert batch["rows_accepted"] == len(last)
            if table == "order_lines":
                assert batch["rows_conflicting"] == batch["rows_superseded"] == 0


def check_money(shop: Shop, flat: FlatShop, files: list[Written]) -> None:
    """File, core, features, marts and published files say the same, to the cent."""
    customers, days = flat.cents_by("customer"), flat.cents_by("day")
    known = {who: worth for who, worth in customers.items() if who and worth}
    with shop.warehouse() as con:

        def live(sql: str) -> list[dict[str, Any]]:
            return con.execute(sql).df().to_dict("records")

        core = live(
            "select coalesce(o.customer_id, '') as customer_id, l.revenue from core.order_lines as l"
            " join core.orders as o using (order_id) where o.status = 'completed'"
        )
        assert by(core, "customer_id", "revenue") == {who: worth for who, worth in customers.items() if worth}
        counted = con.execute(
            "select (select count(*) from core.orders), (select count(*) from core.order_lines),"
            " (select count(distinct product_id) from core.order_lines)"
        ).fetchone()
        skus = {line.sku for order in flat.orders for line in order.lines}
        assert counted == (len(flat.orders), flat.lines, len(skus))
        features = live(
            "select customer_id, revenue_lifetime from features.customer"
            " where as_of_date = (select max(as_of_date) from features.customer)"
        )
        assert by(features, "customer_id", "revenue_lifetime") == known
    marts = asked(shop, "select customer_id, revenue_lifetime from marts.customer")
    assert by(marts, "customer_id", "revenue_lifetime") == known
    of_day = asked(shop, "select business_date, revenue, guest_revenue from marts.revenue_day")
    assert by(of_day, "business_date", "revenue") == {day: worth for day, worth in days.items() if worth}
    assert sum(cents(row["guest_revenue"]) for row in of_day) == customers.get("", 0)
    with (shop.root / "published/current/csv/customer.csv").open(encoding="utf-8", newline="") as file:
        assert by(list(csv.DictReader(file)), "customer_id", "revenue_lifetime") == known
    parquet = shop.root / "published/current/parquet/revenue_day.parquet"
    with connect() as con:
        (total,) = con.execute(f"select sum(revenue) from '{parquet}'").fetchone() or (None,)
    assert cents(total) == sum(customers.values())
    bridge = asked(shop, "select table_name, step, amount from marts.revenue_bridge where source = '(all)'")
    steps = {row["step"]: cents(row["amount"]) for row in bridge}
    assert steps["net_revenue"] == sum(customers.values())
    assert steps["customer_revenue"] == sum(known.values())
    bridge = asked(shop, "select table_name, amount from marts.revenue_bridge where step = 'gross'")
    gross = {row["table_name"]: cents(row["amount"]) for row in bridge}
    assert gross["orders"] == sum(file.totals for file in files)
    assert gross["order_lines"] == sum(file.amounts for file in files)


def check_people(shop: Shop, flat: FlatShop) -> None:
    """One person is one customer, with what the latest order says of them; names are not published."""
    found = asked(shop, "from marts.customer")
    assert {row["customer_id"]: row["town"] or "" for row in found} == flat.towns()
    assert not {"full_name", "email"} & set(found[0])
    # Whether a credit note is an order of its own is no question of this file.
    credited = {order.person for order in flat.orders if order.number.startswith("C")}
    bought = Counter(order.person for order in flat.orders if order.sold)
    for row in found:
        person = row["customer_id"].partition("@")[0]
        assert person in credited or row["orders_lifetime"] == bought[person]


def check_told(shop: Shop, files: list[Written], out: str) -> None:
    """What is left out, and what is said in two ways, is told by the run and in the marts."""
    blank = sum(file.blank for file in files)
    (kept_out,) = asked(shop, "from marts.quarantine_reason")
    assert (kept_out["source"], kept_out["column_name"], kept_out["rows"]) == ("people", "customer_id", blank)
    assert f"{blank} rows are in quarantine" in " ".join(out.split())
    (batch,) = batches(shop, "flat", "orders")
    failed = asked(shop, "select check_name, unexpected_count from marts.quality where not passed")
    told = {row["check_name"]: row["unexpected_count"] for row in failed}
    assert told["rows_of_a_key_agree"] == batch["rows_conflicting"]
    assert f"they differ: channel in {batch['rows_conflicting']}" in " ".join(out.split())
    # 7 and 007 are kept apart, and said to be alike.
    assert told["product_id_alike"] == 2
    assert "1 column looks personal" in out


@pytest.mark.parametrize("seed", seeds(2, 6))
def test_a_flat_file_comes_out_to_the_cent(tmp_path: Path, seed: int) -> None:
    shop, flat = opened(tmp_path, seed)
    cut = len(flat.orders) // 2
    first = [
        flat.export("export-1.csv", flat.orders[: cut + 6]),
        flat.export("export-2.csv", flat.orders[cut - 6 :]),
    ]
    ended = shop.lohko("run", "--as-of", "2026-03-29")
    assert ended.code == 0, ended.out + ended.err
    check_rows(shop, first)
    check_money(shop, flat, first)
    check_people(shop, flat)
    check_told(shop, first, ended.out)
    again = [flat.export("export-3.csv", flat.rng.sample(flat.orders, 40))]
    ended = shop.lohko("run")
    assert ended.code == 0, ended.out + ended.err
    check_rows(shop, first, again)
    check_money(shop, flat, first + again)
    check_people(shop, flat)
