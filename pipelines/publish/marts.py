"""Marts: the tables analysts query and downstream tools receive, built in one transaction."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING

from pipelines.errors import InvariantError
from pipelines.segments import history
from pipelines.segments.replay import four_weeks_before
from pipelines.steps import load_step, store_select, transaction

if TYPE_CHECKING:
    import duckdb

# `run` first: the others read the day's effective_at from it.
MARTS = (
    "run",
    "segment_current",
    "segment_day",
    "segment_movement",
    "membership",
    "audience",
    "customer",
    "revenue_day",
    "roi_month",
    "roi_campaign",
    "roi_left_out",
    "drift",
    "quality",
    "batch",
    "file",
    "quarantine_reason",
    "freshness",
    "feature_catalogue",
)
# Marts whose rows are persons: never shown in previews, reports or messages.
PERSONAL = frozenset({"membership", "audience", "customer"})

MACROS = {
    "membership_as_of": (
        "(wanted_segmentation, wanted_day) as table"
        " select segmentation_id, segment_id, customer_id, entered_date, left_date from marts.membership"
        " where segmentation_id = wanted_segmentation and entered_date <= wanted_day"
        " and (left_date is null or left_date > wanted_day)"
    ),
    "segment_size_on": (
        "(wanted_segmentation, wanted_day) as table"
        " select segment_id, count(*) as customers from marts.membership"
        " where segmentation_id = wanted_segmentation and entered_date <= wanted_day"
        " and (left_date is null or left_date > wanted_day) group by segment_id"
    ),
}


def table_of(mart: str) -> str:
    """`segment_day` -> `marts.segment_day`."""
    return f"marts.{mart}"


def build_marts(
    con: duckdb.DuckDBPyConnection,
    as_of: date,
    *,
    project: str,
    currency: str,
    run_id: str,
    code_version: str,
    generated_at: datetime,
    incidents: list[tuple[str, str, str, str, datetime]],
) -> None:
    """Rebuild every mart for a day, all or none; a key that repeats undoes them all.

    Parameters
    ----------
    incidents : what is open now: kind, subject, severity, message, opened at (UTC).
    """
    parameters = {
        "as_of": as_of,
        "previous_date": history.previous_day(con, as_of),
        "baseline": four_weeks_before(as_of),
        "project": project,
        "currency": currency,
        "run_id": run_id,
        "code_version": code_version,
        "generated_at": generated_at,
    }
    with transaction(con):
        con.execute("create schema if not exists marts")
        for mart in MARTS:
            step = load_step(f"publish/marts/{mart}")
            # Ordered by key, so that the same rows make the same file.
            ordered = f"select * from ({step.sql}) order by {', '.join(step.key)}" if step.key else step.sql
            store_select(con, step.table, ordered, step.store, parameters)
        con.execute(
            "create or replace table marts.incident (kind varchar, subject varchar, severity varchar,"
            " message varchar, opened_at timestamp)"
        )
        for incident in incidents:
            con.execute("insert into marts.incident values (?, ?, ?, ?, ?)", list(incident))
        for mart in MARTS:
            check_key(con, mart)


def check_key(con: duckdb.DuckDBPyConnection, mart: str) -> None:
    """A mart whose key repeats would be read wrongly: stop before it is published."""
    step = load_step(f"publish/marts/{mart}")
    key = ", ".join(step.key)
    row = con.execute(f"select count(*) - count(distinct ({key})) from {step.table}").fetchone()
    if row and row[0]:
        raise InvariantError(f"{step.table}: {row[0]} rows repeat the key ({key}); nothing was published")
