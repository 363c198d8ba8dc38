"""A shop whose sources deliver in every way: a feed of orders, dumps of the CRM, merges and contacts."""

from __future__ import annotations

from collections.abc import Mapping as Mapped
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb

from pipelines.config.project import Source
from pipelines.contracts.registry import CONTRACTS
from pipelines.core.merge import Merged, refresh
from pipelines.ingest import batch, deliveries, ledger
from pipelines.ingest.reading import prepare
from pipelines.ingest.source import mappings_of
from pipelines.steps import rows
from resources.landing import new_files

FEED = {"delivery": "changes", "operation": {"column": "op", "delete": ["D"]}}
ORDERS = {"order_id": "id", "customer_id": "customer", "ordered_at": "day"}


def source(tables: dict[str, dict[str, str]], **settings: Any) -> Source:
    return Source.model_validate({"files": "*", "tables": tables, **settings})


class Deliveries:
    """A warehouse that files of some sources are handed to, one batch a call."""

    def __init__(self, folder: Path, sources: Mapped[str, Source]) -> None:
        self.folder = folder
        self.sources = sources
        self.con = duckdb.connect(config={"threads": 1})
        self.con.execute("set TimeZone = 'Europe/Helsinki'")
        ledger.create(self.con)
        self._files = 0

    @property
    def tables(self) -> list[str]:
        """The tables mapped, in the order in which core is built."""
        mapped = {table for one in self.sources.values() for table in one.tables}
        return [table for table in CONTRACTS if table in mapped]

    def land(
        self,
        name: str,
        *files: Sequence[str],
        accepted: bool = True,
        names: Sequence[str] = (),
        judged: bool = True,
    ) -> int:
        """Hand in files of one source, each its lines with the header first, and settle the batch."""
        paths = []
        for number, lines in enumerate(files):
            self._files += 1
            path = self.folder / (names[number] if names else f"{name}-{self._files:04}.csv")
            path.write_text("\n".join(lines) + "\n")
            paths.append(path)
        landed = new_files(paths, ledger.known_files(self.con, name))
        one = self.sources[name]
        mappings = lambda: mappings_of(self.con, name, one)  # noqa: E731
        readings = [prepare(self.con, file.path, None, self.folder) for file in landed]
        seq, unread = batch.stage_batch(self.con, name, landed, readings, mappings, "run")
        assert not unread
        for account in batch.accounts(self.con, seq):
            assert account.adds_up, account
        results = [r for m in mappings() for r in deliveries.judge_snapshot(self.con, m, one, seq)]
        failed = judged and any(not result.passed for result in results)
        batch.settle(self.con, seq, None if accepted and not failed else "rejected")
        return seq

    def accept(self, seq: int) -> None:
        """A person overrules the verdict."""
        batch.settle(self.con, seq, None)

    def withdraw(self, seq: int) -> None:
        batch.settle(self.con, seq, "withdrawn by hand")

    def refresh(self) -> dict[str, Merged]:
        found = {}
        for table in self.tables:
            mappings = [
                mapping
                for name, one in self.sources.items()
                for mapping in mappings_of(self.con, name, one)
                if mapping.contract.table == table
            ]
            found[table] = refresh(
                self.con, CONTRACTS[table], mappings, merges_mapped="customer_merges" in self.tables
            )
            assert found[table].duplicate_keys == 0
        return found

    def core(self, *, places: bool = True) -> dict[str, list[tuple[object, ...]]]:
        """Every core table, with or without where each row came from."""
        star = "*" if places else "* exclude (_source, _batch_seq, _file_id, _row)"
        return {
            table: self.con.execute(f"select {star} from core.{table} order by all").fetchall()
            for table in self.tables
        }

    def rebuild(self) -> dict[str, list[tuple[object, ...]]]:
        """The core tables made anew from what was landed."""
        for table in self.tables:
            self.con.execute(f"drop table core.{table}")
        self.con.execute("delete from ingest.core_state")
        self.refresh()
        return self.core()

    def orders(self) -> dict[str, str | None]:
        """Order -> customer."""
        return dict(self.con.execute("select order_id, customer_id from core.orders").fetchall())

    def take_dirty(self) -> set[str | None]:
        found = {row[0] for row in self.con.execute("select customer_id from ingest.dirty_day").fetchall()}
        self.con.execute("delete from ingest.dirty_day")
        return found

    def purchases(self) -> dict[str, list[tuple[object, ...]]]:
        """What each customer's features are made of."""
        found: dict[str, list[tuple[object, ...]]] = {}
        for customer, *rest in self.con.execute(
            "select customer_id, order_id, business_date, revenue from core.orders"
            " where customer_id is not null order by all"
        ).fetchall():
            found.setdefault(customer, []).append(tuple(rest))
        return found

    def rows(self, sql: str) -> list[dict[str, Any]]:
        return rows(self.con, sql)
