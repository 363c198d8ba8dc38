"""A shop that sells in several currencies and with VAT, made of operations handed in file by file."""

from __future__ import annotations

from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any, NamedTuple

from pipelines.config.money import Amounts
from pipelines.config.project import Source
from pipelines.contracts.registry import CONTRACTS
from pipelines.core import money
from pipelines.core.merge import refresh
from pipelines.core.state import create_state
from pipelines.engine import DuckDB, connect, relation_exists, store_select
from pipelines.features.compute import compute_customers, refresh_state
from pipelines.features.recipe import Recipe
from pipelines.ingest import batch, ledger
from pipelines.ingest.reading import prepare
from pipelines.ingest.source import mappings_of
from pipelines.publish.steps import mart_step
from resources.landing import new_files

CENT = Decimal("0.0001")
PARTS = ("shipping", "gift_card_sold", "gift_card_redeemed", "deposit", "discount", "coupon_discount")
SAME = {part: part for part in PARTS}
# `shop` has money on the order, `till` on lines; each file is of one source.
MAPPED: dict[str, dict[str, dict[str, str]]] = {
    "shop": {
        "orders": {
            "order_id": "id",
            "customer_id": "customer",
            "ordered_at": "day",
            "status": "state",
            "currency": "currency",
            "country": "country",
            "revenue": "amount",
            "vat_rate": "vat_rate",
            **SAME,
        }
    },
    "till": {
        "order_lines": {
            "order_id": "id",
            "line_id": "line",
            "revenue": "amount",
            "vat_rate": "vat_rate",
            **SAME,
        }
    },
    "bank": {"rates": {"currency": "currency", "day": "day", "rate": "rate"}},
    "tax": {"vat_rates": {"country": "country", "valid_from": "day", "rate": "rate"}},
}
ALL_PARTS = Amounts(
    vat="row",
    include=["shipping", "gift_card_sold", "deposit", "discount", "coupon_discount"],
    reduced_by=["gift_card_redeemed"],
)
DAY = date(2024, 5, 31)


class Entry(NamedTuple):
    """One row of a file, by the columns of its header; what is not given is empty."""

    source: str
    values: dict[str, object]


HEADERS = {
    "shop": ["id", "customer", "day", "state", "currency", "country", "amount", "vat_rate", *PARTS],
    "till": ["id", "line", "amount", "vat_rate", *PARTS],
    "bank": ["currency", "day", "rate"],
    "tax": ["country", "day", "rate"],
}


class MoneyShop:
    """A warehouse with the project's terms; `hand_in` brings a file, `run` what a daily run does."""

    def __init__(self, folder: Path, max_age: int = 7, **amounts: Amounts) -> None:
        self.folder, self.amounts, self.max_age = folder, amounts, max_age
        self.sources = {
            name: Source.model_validate({"files": "*", "max_bad_share": 1, "tables": tables})
            for name, tables in MAPPED.items()
        }
        self.con = connect(config={"threads": 1})
        self.con.execute("set TimeZone = 'Europe/Helsinki'")
        ledger.create(self.con)
        create_state(self.con)
        self.file = 0

    @property
    def terms(self) -> money.Terms:
        return money.Terms("EUR", self.max_age, self.amounts, foreign=True)

    def hand_in(self, source: str, *found: dict[str, object], file: int | None = None) -> None:
        """Land a file; the same number again replaces what it brought before."""
        self.file += 1
        path = self.folder / f"{source}-{self.file if file is None else file}.csv"
        header = HEADERS[source]
        lines = [",".join(header)] + [",".join(str(row.get(name, "")) for name in header) for row in found]
        path.write_text("\n".join(lines) + "\n")
        files = new_files([path], ledger.known_files(self.con, source))
        if not files:
            return
        mappings = lambda: mappings_of(self.con, source, self.sources[source])  # noqa: E731
        readings = [prepare(self.con, file.path, None, self.folder) for file in files]
        seq, _ = batch.stage_batch(self.con, source, files, readings, mappings, "run")
        assert all(account.adds_up for account in batch.accounts(self.con, seq))
        batch.settle(self.con, seq, None)

    def core(self) -> int:
        """Core and money, as the core asset does; returns how many orders are held."""
        for table, contract in CONTRACTS.items():
            mappings = [
                mapping
                for name, source in self.sources.items()
                if table in source.tables
                for mapping in mappings_of(self.con, name, source)
            ]
            if mappings or not relation_exists(self.con, f"core.{table}"):  # what no source maps stays empty
                refresh(self.con, contract, mappings)
        return money.refresh(self.con, self.terms)

    def run(self) -> int:
        """Core, money, the state and the customers of the day; returns how many orders are held."""
        held = self.core()
        refresh_state(DuckDB(self.con))
        compute_customers(DuckDB(self.con), DAY, Recipe())
        return held

    def select(self, sql: str) -> list[tuple[Any, ...]]:
        return self.con.execute(sql).fetchall()

    def state(self) -> dict[str, list[tuple[Any, ...]]]:
        return {
            table: self.select(f"select * from {table} order by all")
            for table in ("features.customer_day", "features.customer")
        }

    def rebuilt(self) -> dict[str, list[tuple[Any, ...]]]:
        """The same from nothing but what landed."""
        for table in CONTRACTS:
            self.con.execute(f"drop table core.{table}")
        self.con.execute("delete from ingest.core_state; delete from ingest.step_state")
        self.con.execute("drop schema money cascade; drop schema features cascade")
        self.run()
        return self.state()

    def revenue(self) -> dict[str, Decimal]:
        """Customer -> net revenue ever; of those who have ordered."""
        return dict(
            self.select("select customer_id, sum(revenue) from features.customer_day group by customer_id")
        )

    def marts(self) -> None:
        """The marts of money: the days, the bridge, the customers and the reasons."""
        self.con.execute("create schema if not exists marts")
        for mart in ("revenue_day", "revenue_bridge", "quarantine_reason"):
            step = mart_step(mart)
            store_select(self.con, step.table, step.sql, step.store, {"as_of": DAY})
        self.con.execute("create or replace table marts.customer as from features.customer")

    def bridge(self, source: str = "(all)", table: str = "(all)") -> dict[str, Decimal]:
        found = self.con.execute(
            "select step, amount from marts.revenue_bridge where source = ? and table_name = ?",
            [source, table],
        ).fetchall()
        return dict(found)


def rounded(value: Decimal) -> Decimal:
    return value.quantize(CENT, rounding=ROUND_HALF_UP)
