"""A company with two shops that number their orders alike, share customers, and export each in its own way.

The till writes orders and lines in two files, lines without a number, in exports that overlap. The web shop
writes one file: each item a row, with customer, total and state on the first row of an order alone. What was
sold is worked out here from what was drawn, and `project.yaml` alone has to bring it in, to the cent.
"""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from fixtures.seeds import deep
from fixtures.shop import Shop

pytestmark = pytest.mark.alone

FIRST, TODAY = date(2026, 2, 1), date(2026, 3, 31)
PROJECT = f"""
project: Two shops
timezone: Europe/Helsinki
currency: EUR
today: {TODAY}
sources:
  till_orders:
    files: data/till-orders-*.csv
    tables:
      orders: {{order_id: number, customer_id: customer, ordered_at: day, channel: "'shop'"}}
  till_lines:
    files: data/till-lines-*.csv
    tables:
      order_lines: {{order_id: number, product_id: product, quantity: pieces, revenue: amount}}
  web:
    files: data/web-*.csv
    # keys
    tables:
      orders:
        order_id: name
        customer_id: email
        ordered_at: created
        status: case state when 'refunded' then 'returned' else 'completed' end
        channel: "'web'"
        revenue: total
  crm:
    files: data/crm.csv
    tables: {{customers: {{customer_id: id}}}}
  letters:
    files: data/letters.csv
    tables: {{customers: {{customer_id: id}}}}
"""
KEYS = "keys: {orders: {prefix: web-}}"
SEGMENTS = """
segmentation: seen
name: Seen
kind: rules
segments:
  - {id: bought, name: Bought, when: purchase_days_lifetime > 0}
otherwise: {id: never, name: Never}
"""


@dataclass
class Company:
    """What was sold, and the files that the shops write of it."""

    rng: random.Random
    root: Path
    of_customer: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    people: list[str] = field(default_factory=lambda: [f"c{number}" for number in range(12)])

    @property
    def sold(self) -> Decimal:
        return sum(self.of_customer.values(), Decimal(0))

    def write(self, name: str, *lines: str) -> None:
        (self.root / "data").mkdir(parents=True, exist_ok=True)
        (self.root / "data" / name).write_text("\n".join(lines) + "\n")

    def know(self) -> None:
        """The CRM and the newsletter know some of the same persons."""
        for name in ("crm.csv", "letters.csv"):
            self.write(name, "id", *sorted(self.rng.sample(self.people, 8)))

    def sell_at_the_till(self, orders: int) -> None:
        """Orders 1, 2, …; two exports of their lines, of which the second tells some again."""
        heads, lines = [], []
        for number in range(1, orders + 1):
            who, day = self.rng.choice(self.people), FIRST + timedelta(days=self.rng.randrange(50))
            heads.append(f"{number},{who},{day} 10:00")
            for _ in range(self.rng.randrange(1, 4)):
                pieces, price = self.rng.randrange(1, 4), Decimal(self.rng.randrange(100, 2000)) / 100
                alike = self.rng.choice([1, 1, 2])  # scanned twice: both were sold
                lines.append([f"{number},{self.rng.choice('abc')},{pieces},{price * pieces}"] * alike)
                self.of_customer[who] += price * pieces * alike
        self.write("till-orders-1.csv", "number,customer,day", *heads)
        cut = len(lines) // 2
        for number, part in enumerate((lines[: cut + 5], lines[cut - 5 :]), 1):
            told = [line for alike in part for line in alike]
            self.rng.shuffle(told)
            self.write(f"till-lines-{number}.csv", "number,product,pieces,amount", *told)

    def sell_on_the_web(self, orders: int) -> None:
        """Orders 1, 2, … again, of other customers; what is refunded is returned and no sale."""
        rows = []
        for number in range(1, orders + 1):
            who, day = self.rng.choice(self.people), FIRST + timedelta(days=self.rng.randrange(50))
            items = [Decimal(self.rng.randrange(100, 5000)) / 100 for _ in range(self.rng.randrange(1, 4))]
            state = self.rng.choice(["paid", "paid", "refunded"])
            created = f"{day} 10:15:00 +0200"
            rows.append(f"{number},{who},{state},{created},{sum(items)},{items[0]}")
            rows += [f"{number},,,{created},,{item}" for item in items[1:]]
            if state == "paid":
                self.of_customer[who] += sum(items)
        self.write("web-1.csv", "name,email,state,created,total,price", *rows)


def published(shop: Shop) -> tuple[Decimal, dict[str, Decimal]]:
    """What was sold in all, and to each customer, as published."""
    found = shop.lohko("query", "select customer_id, revenue_lifetime from marts.customer", "--json").json
    (total,) = shop.lohko("query", "select sum(revenue) as sold from marts.revenue_day", "--json").json
    of_customer = {row["customer_id"]: Decimal(str(row["revenue_lifetime"])) for row in found}
    return Decimal(str(total["sold"])), {who: worth for who, worth in of_customer.items() if worth}


def opened(tmp_path: Path, seed: int) -> tuple[Shop, Company]:
    shop = Shop(tmp_path / "shop")
    (shop.root / "segments").mkdir(parents=True)
    (shop.root / "segments" / "seen.yaml").write_text(SEGMENTS)
    (shop.root / "project.yaml").write_text(PROJECT)
    return shop, Company(random.Random(seed), shop.root)


def test_two_shops_are_held_until_the_project_says_whose_orders_they_are(tmp_path: Path) -> None:
    shop, company = opened(tmp_path, 7)
    company.know()
    company.sell_at_the_till(30)
    company.write(
        "web-0.csv", "name,email,state,created,total,price", "900,c1,paid,2026-02-02 09:00,1.00,1.00"
    )
    company.of_customer["c1"] += Decimal("1.00")
    before = company.sold
    ended = shop.lohko("run", "--as-of", "2026-03-29")
    assert ended.code == 0, ended.out + ended.err
    assert published(shop)[0] == before
    company.sell_on_the_web(30)
    for verb in (("run",), ("run",), ("status",)):
        ended = shop.lohko(*verb)
        assert ended.code == 5, ended.out + ended.err
        told = " ".join(ended.out.split())
        assert "till_orders and web both say 30 of its keys" in told and "same: true" in told
    assert published(shop)[0] == before
    assert "both say 30 of its keys" in (shop.project.current / "report.html").read_text()
    day = "2026-03-30"
    played = shop.lohko("replay", "-s", "seen", "--from", day, "--to", day, "--known", "then")
    assert played.code == 2 and "cannot be played: orders stays as it was" in " ".join(played.err.split())
    shop.edit("# keys", KEYS)
    ended = shop.lohko("run")
    assert ended.code == 0, ended.out + ended.err
    sold, of_customer = published(shop)
    assert sold == company.sold
    assert of_customer == {who: worth for who, worth in company.of_customer.items() if worth}
    assert "shared_keys" not in {incident.kind for incident in shop.control.open_incidents()}


@pytest.mark.slow
@pytest.mark.parametrize("seed", deep(6))
def test_two_shops_come_out_to_the_cent(tmp_path: Path, seed: int) -> None:
    shop, company = opened(tmp_path, seed)
    company.know()
    company.sell_at_the_till(60)
    company.sell_on_the_web(50)
    shop.edit("# keys", KEYS)
    ended = shop.lohko("run")
    assert ended.code == 0, ended.out + ended.err
    sold, of_customer = published(shop)
    assert sold == company.sold
    assert of_customer == {who: worth for who, worth in company.of_customer.items() if worth}
