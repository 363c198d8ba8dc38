"""Batches of a small shop, made of operations on orders, landed as files of two sources."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from pipelines.config.project import Source
from pipelines.contracts.registry import CONTRACTS
from pipelines.core.merge import Merged, refresh
from pipelines.core.state import create_state
from pipelines.engine import connect
from pipelines.ingest import batch, ledger
from pipelines.ingest.reading import prepare
from pipelines.ingest.source import mappings_of
from resources.landing import new_files

SOURCES = {
    "shop": Source.model_validate(
        {
            "files": "*",
            "tables": {"orders": {"order_id": "id", "customer_id": "customer", "ordered_at": "day"}},
        }
    ),
    "lines": Source.model_validate(
        {
            "files": "*",
            "tables": {"order_lines": {"order_id": "id", "line_id": "line", "revenue": "amount"}},
        }
    ),
}
HEADERS = {"shop": "id,customer,day", "lines": "id,line,amount"}


class Row(NamedTuple):
    """A line of a file: `order` says which order, the rest what is said of it; -1 is a fault."""

    order: int
    who: int
    what: int

    def text(self, source: str) -> str:
        if source == "shop":
            day = f"2024-05-{self.what + 1:02}" if self.what >= 0 else "someday"
            return f"o{self.order},c{self.who},{day}"
        return f"o{self.order},{self.who},{self.what if self.what >= 0 else 'much'}"


class Batch(NamedTuple):
    """A file handed in; the same `file` again replaces what it brought before. Not accepted: rejected."""

    source: str
    file: int
    rows: list[Row]
    accepted: bool


class History:
    """A warehouse that batches are handed to, one by one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.con = connect(config={"threads": 1})
        self.con.execute("set TimeZone = 'Europe/Helsinki'")
        ledger.create(self.con)
        create_state(self.con)
        self._tick = 0

    def land(self, one: Batch) -> None:
        self._tick += 1
        path = self.folder / f"{one.source}-{one.file}.csv"
        lines = [HEADERS[one.source], *(row.text(one.source) for row in one.rows)]
        path.write_text("\n".join(lines) + "\n")
        files = new_files([path], ledger.known_files(self.con, one.source))
        if not files:
            return
        source = SOURCES[one.source]
        mappings = lambda: mappings_of(self.con, one.source, source)  # noqa: E731
        readings = [prepare(self.con, file.path, None, self.folder) for file in files]
        seq, _ = batch.stage_batch(self.con, one.source, files, readings, mappings, "run")
        assert all(account.adds_up for account in batch.accounts(self.con, seq))
        batch.settle(self.con, seq, None if one.accepted else "rejected by hand")

    def refresh(self) -> dict[str, Merged]:
        return {
            table: refresh(
                self.con,
                CONTRACTS[table],
                [
                    mapping
                    for name, source in SOURCES.items()
                    for mapping in mappings_of(self.con, name, source)
                    if mapping.contract.table == table
                ],
            )
            for table in ("orders", "order_lines")
        }

    def core(self) -> dict[str, list[tuple[object, ...]]]:
        return {
            table: self.con.execute(f"select * from core.{table} order by all").fetchall()
            for table in ("orders", "order_lines")
        }

    def rebuild(self) -> dict[str, list[tuple[object, ...]]]:
        self.con.execute("drop table core.orders; drop table core.order_lines; delete from ingest.core_state")
        assert all(merged.how != "merged" for merged in self.refresh().values())
        return self.core()

    def take_dirty(self) -> set[str | None]:
        found = {row[0] for row in self.con.execute("select customer_id from ingest.dirty_day").fetchall()}
        self.con.execute("delete from ingest.dirty_day")
        return found

    def purchases(self) -> dict[str, list[tuple[object, ...]]]:
        """What each customer's features are made of."""
        found: dict[str, list[tuple[object, ...]]] = {}
        for customer, *rest in self.con.execute(
            "select customer_id, o.order_id, business_date, line_id, l.revenue"
            " from core.orders o left join core.order_lines l using (order_id)"
            " where customer_id is not null order by all"
        ).fetchall():
            found.setdefault(customer, []).append(tuple(rest))
        return found
