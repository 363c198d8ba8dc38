"""What the record says of one member: the changes that count, and who took over whose id."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import TYPE_CHECKING

from pipelines.engine import load_query, relation_exists, rows
from pipelines.segments.why.model import Who

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True)
class Event:
    """Everything that one member did in one segmentation on one day."""

    segmentation_id: str
    day: date
    left: list[str]
    entered: list[str]
    version: str


def survivor(con: duckdb.DuckDBPyConnection, customer: str) -> str:
    """Whom a customer was merged into; the customer, where nobody."""
    if not relation_exists(con, "core.customer_id_map"):
        return customer
    row = con.execute(
        "select survivor_id from core.customer_id_map where customer_id = ?", [customer]
    ).fetchone()
    return row[0] if row else customer


def events_of(con: duckdb.DuckDBPyConnection, who: Who, start: date, end: date) -> list[Event]:
    """What counts of the record: the last revision of each day.

    Parameters
    ----------
    who : the customer or account.
    start : the first day.
    end : the last day.
    """
    query = load_query("segments/queries/event_that_counts")
    span = {"first_date": start, "last_date": end}
    found = rows(con, query.sql, {"entity": who.entity, "id": who.id, **span})
    events = []
    for (day, name), group in groupby(found, key=lambda row: (row["as_of_date"], row["segmentation_id"])):
        listed = list(group)
        events.append(
            Event(
                name,
                day,
                [row["segment_id"] for row in listed if row["event"] == "leave"],
                [row["segment_id"] for row in listed if row["event"] == "enter"],
                listed[0]["definition_version"],
            )
        )
    return events
