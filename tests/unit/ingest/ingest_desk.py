"""A desk where files of one source are handed in: real DuckDB, real files, real verdicts."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from pipelines.config.project import Source
from pipelines.core.state import create_state
from pipelines.engine import connect, relation_exists, rows
from pipelines.ingest import batch, ledger
from pipelines.ingest.source import Outcome, ingest
from resources.landing import files_to_land

ORDERS = {"order_id": "id", "customer_id": "customer", "ordered_at": "at", "revenue": "amount"}
HEADER = "id,customer,at,amount\n"


class Desk:
    """One source, `shop`; `hand_in` writes a file and runs the ingest of everything in the folder."""

    def __init__(self, folder: Path, source: Source, warehouse: Path | None = None) -> None:
        self.folder = folder
        self.source = source
        self.con = connect(str(warehouse or ":memory:"), config={"threads": 2})
        self.con.execute("set TimeZone = 'Europe/Helsinki'")
        ledger.create(self.con)
        create_state(self.con)
        self._tick = 0

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.write_text(text)
        self._tick += 1
        os.utime(path, ns=(self._tick * 10**9, self._tick * 10**9))
        return path

    def write_parquet(self, name: str, select: str) -> Path:
        path = self.folder / name
        self.con.execute(f"copy ({select}) to '{path}' (format parquet)")
        return path

    def run(self) -> Outcome:
        batch.discard_interrupted(self.con, "shop")
        paths = sorted(path for path in self.folder.iterdir() if path.is_file())
        files = files_to_land(self.con, "shop", paths)
        return ingest(self.con, "shop", self.source, files, "run-1", [str(path) for path in paths])

    def hand_in(self, name: str, text: str) -> Outcome:
        self.write(name, text)
        return self.run()

    def rows(self, sql: str) -> list[dict[str, Any]]:
        return rows(self.con, sql)

    def values(self, sql: str) -> list[Any]:
        return [row[0] for row in self.con.execute(sql).fetchall()]

    def left_behind(self) -> int:
        """Rows of every ledger and of what was loaded."""
        tables = ["ingest.batch", "ingest.file", "ingest.batch_table", "quarantine.row", "quality.result"]
        if relation_exists(self.con, "raw.shop"):
            tables.append("raw.shop")
        return sum(self.values(f"select count(*) from {table}")[0] for table in tables)


def shop(**tables: dict[str, str]) -> Source:
    """A source that tolerates a third of faulty rows."""
    return Source.model_validate(
        {"files": "*", "tables": tables or {"orders": ORDERS}, "max_bad_share": 0.34}
    )


def order(number: int, day: str = "2024-05-01", customer: str = "c1", amount: object = "10.00") -> str:
    return f"o{number},{customer},{day} 12:00,{amount}\n"
