"""A customer base of two days in DuckDB, made from numpy columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from pipelines.config.drift import DriftLimits
from pipelines.drift.measure import measure_drift
from pipelines.engine import DuckDB, connect, quote, rows

BASELINE = date(2024, 5, 1)
AS_OF = date(2024, 6, 1)


class Base:
    """Two days of customers; `measure` checks the features given."""

    def __init__(self) -> None:
        self.con = connect()
        self.con.execute("create schema features; create schema segments")
        self.con.execute(
            "create table segments.assignment"
            " (as_of_date date, segmentation_id varchar, segment_id varchar,"
            " entity_kind varchar, entity_id varchar)"
        )

    def day(
        self,
        day: date,
        features: Mapping[str, Any],
        segments: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        """Add one day: a column a feature, and for each segmentation the segment of each customer."""
        frame = self.con.from_arrow(_table(features))
        frame.select("*, row_number() over () as customer_number").create_view("frame")
        self.con.execute("create or replace temp table drawn as from frame")
        columns = ", ".join(quote(name) for name in features)
        rows_of_day = (
            f"select ?::date as as_of_date, 'C' || customer_number as customer_id, {columns} from drawn"
        )
        if not self.con.execute("from information_schema.tables where table_schema = 'features'").fetchall():
            self.con.execute(f"create table features.customer as {rows_of_day} limit 0", [day])
        self.con.execute(f"insert into features.customer by name {rows_of_day}", [day])
        for segmentation, labels in (segments or {}).items():
            self.con.execute(
                "insert into segments.assignment"
                " select ?, ?, unnest(?::varchar[]), 'customer', 'C' || unnest(range(1, ? + 1))",
                [day, segmentation, list(labels), len(labels)],
            )

    def measure(self, *features: str, **limits: Any) -> int:
        return measure_drift(
            DuckDB(self.con),
            as_of=AS_OF,
            baseline=BASELINE,
            baseline_basis="recorded",
            features=features,
            limits=DriftLimits(**limits),
        )

    def verdicts(self, where: str = "true") -> list[dict[str, Any]]:
        return rows(self.con, f"select * from drift.verdict where {where} order by all")

    def verdict(self, where: str) -> dict[str, Any]:
        (only,) = self.verdicts(where)
        return only


def _table(features: Mapping[str, Any]) -> Any:
    import pyarrow as pa

    return pa.table({name: pa.array(values) for name, values in features.items()})
