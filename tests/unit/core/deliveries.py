"""A shop whose sources deliver in every way: a feed of orders, dumps of the CRM, merges and contacts."""

from __future__ import annotations

from collections.abc import Mapping as Mapped
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from pipelines.config.project import Source
from pipelines.contracts.registry import CONTRACTS
from pipelines.core.merge import Merged
from pipelines.core.together import refresh_all
from pipelines.engine import columns_of, connect, rows
from pipelines.ingest import batch, deliveries, ledger
from pipelines.ingest.mapping import Mapping
from pipelines.ingest.reading import prepare
from pipelines.ingest.source import mappings_of
from resources.landing import new_files

FEED_COLUMN = "op"
FEED = {"delivery": "changes", "operation": {"column": FEED_COLUMN, "delete": ["D"]}}
ORDERS = {"order_id": "id", "customer_id": "customer", "ordered_at": "day"}


def source(tables: dict[str, dict[str, str]], **settings: Any) -> Source:
    return Source.model_validate({"files": "*", "tables": tables, **settings})


class Deliveries:
    """A warehouse that files of some sources are handed to, one batch a call."""

    def __init__(self, folder: Path, sources: Mapped[str, Source]) -> None:
        self.folder = folder
        self.sources = sources
        self.con = connect(config={"threads": 1})
        self.con.execute("set TimeZone = 'Europe/Helsinki'")
        ledger.create(self.con)
        self._files = 0
        self.written: dict[str, list[str]] = {}  # `merge` of the project
        self.today: date | None = None

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
        if not landed:
            return 0  # everything is known already
        one = self.sources[name]
        mappings: list[Mapping] = []

        def read_mappings() -> list[Mapping]:
            mappings[:] = mappings_of(self.con, name, one)
            return mappings

        readings = [prepare(self.con, file.path, None, self.folder) for file in landed]
        seq, unread = batch.stage_batch(
            self.con, name, landed, readings, read_mappings, "run", delivered=self.today
        )
        assert not unread
        results = [r for m in mappings for r in deliveries.check_snapshot(self.con, m, one, seq)]
        failed = judged and any(not result.passed for result in results)
        batch.settle(self.con, seq, None if accepted and not failed else "rejected")
        self.check_accounts()
        return seq

    def check_accounts(self) -> None:
        """Every row of every batch that ever landed went to exactly one place, in every table mapped."""
        mapped = [(name, table) for name, one in self.sources.items() for table in one.tables]
        found = self.con.execute(
            """
            with mapped as (select unnest($mapped, recursive := true)),
            landed as (select batch_seq, cast(sum(rows) as bigint) as rows from ingest.file group by all)
            select b.batch_seq, m.table_name, landed.rows, t.* exclude (batch_seq, source, table_name),
                coalesce(d.rows_deleted, 0),
                (select count(*) from quarantine.row q
                 where q.batch_seq = b.batch_seq and q.table_name = m.table_name)
            from ingest.batch b join mapped m using (source) join landed using (batch_seq)
            left join ingest.batch_table t on t.batch_seq = b.batch_seq and t.table_name = m.table_name
            left join ingest.batch_deletion d on d.batch_seq = b.batch_seq and d.table_name = m.table_name
            order by all
            """,
            {"mapped": [{"source": source, "table_name": table} for source, table in mapped]},
        ).fetchall()
        assert len({row[:2] for row in found}) == len(found), "an account stands twice"
        for (
            *which,
            held,
            landed,
            accepted,
            quarantined,
            superseded,
            repeated,
            at_odds,
            deleted,
            kept,
        ) in found:
            parts = (accepted, quarantined, superseded, repeated, at_odds, deleted)
            assert held == landed == sum(parts), (which, "does not add up")
            assert min(parts) >= 0, (which, "a row was counted twice")
            assert quarantined == kept, (which, "quarantine holds other rows than were counted")

    def accept(self, seq: int) -> None:
        """A person overrules the verdict."""
        batch.settle(self.con, seq, None)

    def withdraw(self, seq: int) -> None:
        batch.settle(self.con, seq, "withdrawn by hand")

    def refresh(self) -> dict[str, Merged]:
        """Bring every mapped table up; every account adds up before and after."""
        mappings: dict[str, list[Mapping]] = {table: [] for table in self.tables}
        for name, one in self.sources.items():
            for mapping in mappings_of(self.con, name, one):
                mappings[mapping.contract.table].append(mapping)
        found = refresh_all(
            self.con, mappings, merges_mapped="customer_merges" in self.tables, written=self.written
        )
        assert not any(merged.duplicate_keys for merged in found.values())
        self.check_accounts()
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

    def columns(self, table: str) -> list[str]:
        """The columns of a core table."""
        return [name for name, _ in columns_of(self.con, f"core.{table}")]

    def orders(self) -> dict[str, str | None]:
        """Order -> customer."""
        return dict(self.con.execute("select order_id, customer_id from core.orders").fetchall())

    def take_dirty(self) -> set[str | None]:
        found = {row[0] for row in self.con.execute("select customer_id from ingest.dirty_day").fetchall()}
        self.con.execute("delete from ingest.dirty_day")
        return found

    def purchases(self) -> dict[str, list[tuple[object, ...]]]:
        """What each customer's features are made of."""
        line, beside = "null", ""
        if "order_lines" in self.tables:
            line, beside = (
                "{'id': line_id, 'revenue': l.revenue}",
                "left join core.order_lines l using (order_id)",
            )
        found: dict[str, list[tuple[object, ...]]] = {}
        for customer, *rest in self.con.execute(
            f"select customer_id, o.order_id, business_date, o.revenue, {line} from core.orders o {beside}"
            " where customer_id is not null order by all"
        ).fetchall():
            found.setdefault(customer, []).append(tuple(rest))
        return found

    def told(self, before: dict[str, list[tuple[object, ...]]]) -> dict[str, list[tuple[object, ...]]]:
        """Whoever's purchases differ from `before` has been marked; returns the purchases now."""
        dirty, after = self.take_dirty(), self.purchases()
        changed = {c for c in {*before, *after} if before.get(c) != after.get(c)}
        assert changed <= dirty or None in dirty, "a customer's purchases changed and nobody was told"
        return after

    def rows(self, sql: str) -> list[dict[str, Any]]:
        return rows(self.con, sql)
