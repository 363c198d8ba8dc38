"""Customers of a day with a few typed features, and segmentations over them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from pipelines.engine import DuckDB, connect, quote
from pipelines.features.catalogue import Feature
from pipelines.segments import history
from pipelines.segments.assignment import assign
from pipelines.segments.definitions import load_definitions
from pipelines.segments.model import Segmentation

TYPES = {
    "recency_days": "BIGINT",
    "orders_365d": "BIGINT",
    "revenue_365d": "DECIMAL(18,4)",
    "share_meat_365d": "DOUBLE",
    "preferred_store": "VARCHAR",
    "in_crm": "BOOLEAN",
    "last_purchase_date": "DATE",
}
FEATURES = [Feature(name, "test", "", kind, name) for name, kind in TYPES.items()]
ABSENT = {"preferred_category": ("order_lines", "products")}
D = date(2024, 6, 30)

RULES = """
segmentation: cycle
name: Life cycle
kind: rules
segments:
  - {id: new, name: New, when: recency_days <= 10}
  - {id: near, name: Near, when: recency_days <= 30}
otherwise: {id: away, name: Away}
"""


def empty_population() -> duckdb.DuckDBPyConnection:
    con = connect(config={"threads": 1})
    columns = ", ".join(f"{quote(name)} {kind}" for name, kind in TYPES.items())
    con.execute("create schema features")
    con.execute(f"create table features.customer (as_of_date date, customer_id varchar, {columns})")
    history.create(con)
    return con


def fill(con: duckdb.DuckDBPyConnection, day: date, customers: Mapping[str, Mapping[str, Any]]) -> None:
    """Replace the customers of a day; what is not given is unknown."""
    con.execute("delete from features.customer where as_of_date = ?", [day])
    for customer, known in customers.items():
        names = ", ".join(["as_of_date", "customer_id", *map(quote, known)])
        values = [day, customer, *known.values()]
        con.execute(
            f"insert into features.customer ({names}) values ({', '.join('?' * len(values))})", values
        )


def load(folder: Path, *texts: str) -> list[Segmentation]:
    """Segmentations from the texts of their files, one.yaml first."""
    for old in folder.glob("*.yaml"):
        old.unlink()
    for name, text in zip(("one", "two", "three"), texts, strict=False):
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    return list(load_definitions(folder, {"customer": FEATURES}, {"customer": ABSENT}).checked())


def segments_of(
    con: duckdb.DuckDBPyConnection, segmentations: Sequence[Segmentation], day: date = D
) -> dict[str, str]:
    """Customer -> segment, of the only segmentation."""
    assign(DuckDB(con), day, segmentations)
    found = con.execute("select entity_id, segment_id from segments.assignment where as_of_date = ?", [day])
    return dict(found.fetchall())
