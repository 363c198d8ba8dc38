"""What the report reads from the marts: small queries, each giving a short list of rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipelines.engine import load_query, relation_exists, rows

if TYPE_CHECKING:
    import duckdb

Row = dict[str, Any]

RECENT_CAMPAIGNS = 12
ENOUGH_CONTACTS = 30  # below it, "best segment of a campaign" is a matter of luck


def run(con: duckdb.DuckDBPyConnection) -> Row | None:
    """The run this report describes. Its instant is read as seconds: DuckDB needs no time zone for that."""
    found = rows(
        con,
        "select * exclude (effective_at), epoch(effective_at) as effective_at"
        " from marts.run order by generated_at desc limit 1",
    )
    return found[0] if found else None


def segmentations(con: duckdb.DuckDBPyConnection) -> list[Row]:
    """Each segmentation, of customers and then of accounts, and its current segments in display order."""
    segments = rows(
        con,
        "from marts.segment_current order by entity_kind = 'account', segmentation_id, position, segment_id",
    )
    found: dict[str, Row] = {}
    for segment in segments:
        key = segment["segmentation_id"]
        head = {
            "id": key,
            "name": segment["segmentation_name"] or key,
            "entity": segment["entity_kind"],
            "segments": [],
        }
        found.setdefault(key, head)["segments"].append(segment)
    return list(found.values())


def history(con: duckdb.DuckDBPyConnection, segmentation: str) -> list[Row]:
    """Sizes over time of the segments that exist now, under the names they have now.

    Daily for the last four weeks, weekly before: a year of days is more than a small chart can show.
    """
    return _query(con, "size_of_day", {"id": segmentation})


def movement(con: duckdb.DuckDBPyConnection, segmentation: str) -> list[Row]:
    """Moves over the last month; over the last run where no month is known yet."""
    return _query(con, "movement", {"id": segmentation})


def roi_months(con: duckdb.DuckDBPyConnection, segmentation: str) -> list[Row]:
    """ROI of the last 14 months by segment, oldest first."""
    return _query(con, "roi_of_month", {"id": segmentation}, of="marts.roi_month")


def roi_campaigns(con: duckdb.DuckDBPyConnection, segmentation: str) -> list[Row]:
    """One row a campaign, newest first: the sum of its segments, and which of them answered best."""
    return _query(
        con, "roi_of_campaign", {"id": segmentation, "enough": ENOUGH_CONTACTS}, of="marts.roi_campaign"
    )


def roi_campaign_cells(con: duckdb.DuckDBPyConnection, segmentation: str) -> list[Row]:
    """ROI by segment of the most recent campaigns, oldest first; namesakes are told apart by their date."""
    return _query(
        con, "roi_cell", {"id": segmentation, "campaigns": RECENT_CAMPAIGNS}, of="marts.roi_campaign"
    )


def drift(con: duckdb.DuckDBPyConnection) -> list[Row]:
    """All checks of the latest day, the worst first."""
    return _query(con, "drift_check", of="marts.drift")


def accounting(con: duckdb.DuckDBPyConnection) -> list[Row]:
    """What became of the rows of each table that landed. Rows of a rejected batch are counted apart."""
    return _query(con, "landed_table")


def rejected_batches(con: duckdb.DuckDBPyConnection) -> list[Row]:
    """Batches refused as a whole, newest first."""
    return rows(
        con, "select * from marts.batch where status = 'rejected' order by landed_at desc, batch_seq desc"
    )


def checks(con: duckdb.DuckDBPyConnection) -> list[Row]:
    """The latest result of each quality check: failed before passed, critical before advisory."""
    return _query(con, "quality_check")


def quarantine_reasons(con: duckdb.DuckDBPyConnection) -> list[Row]:
    """Why rows were set aside, the most frequent reason first."""
    return _query(con, "quarantine_reason")


def guests(con: duckdb.DuckDBPyConnection) -> Row:
    """Orders without a customer, and what they brought, beside all orders; everything known now.

    `keyed_revenue` is the part of guests who have a guest key: customers of their own, and in segments.
    """
    (found,) = _query(con, "guest_totals")
    return found


def bridge(con: duckdb.DuckDBPyConnection) -> list[Row]:
    """From the gross total of all sources to the revenue of known customers: totals, and what moved."""
    return rows(
        con,
        "select step, kind, amount, meaning from marts.revenue_bridge"
        " where source = '(all)' and (kind = 'total' or amount <> 0) order by position",
    )


def coverage(con: duckdb.DuckDBPyConnection) -> list[Row]:
    """Every column of ids and every list, with how much of it stands in the table it refers to."""
    return _optional(
        con,
        "marts.coverage",
        "from marts.coverage order by referenced_table, table_name, column_name, source",
    )


def coverage_of_events(con: duckdb.DuckDBPyConnection) -> list[Row]:
    """The tables that events refer to, with how many of their ids no event names."""
    return _optional(con, "marts.coverage_of_events", "from marts.coverage_of_events order by table_name")


def deals_of_month(con: duckdb.DuckDBPyConnection) -> list[Row]:
    """Leads and deals as a whole by month: what came in, was decided, won and lost."""
    return _query(con, "deals_of_month", of="marts.funnel")


def deals_at_stage(con: duckdb.DuckDBPyConnection) -> list[Row]:
    """Leads and deals by stage over all months; without a stage, all of them."""
    return _query(con, "deals_at_stage", of="marts.funnel")


def freshness(con: duckdb.DuckDBPyConnection) -> list[Row]:
    """Each source with its newest day, those past a limit first."""
    return _query(con, "fresh_source")


def held(con: duckdb.DuckDBPyConnection) -> list[Row]:
    """What stays as it was published before, and why."""
    return _optional(
        con, "marts.publication", "select * from marts.publication where held order by kind, part"
    )


def restatements(con: duckdb.DuckDBPyConnection) -> list[Row]:
    """The days whose figures changed since the last published day, the largest change first."""
    return _optional(
        con,
        "marts.restatements",
        "select * from marts.restatements order by abs(revenue_change) desc, business_date desc",
    )


def incidents(con: duckdb.DuckDBPyConnection) -> list[Row]:
    """Open incidents, the critical ones first."""
    return rows(
        con, "select * from marts.incident order by severity = 'critical' desc, opened_at desc, kind, subject"
    )


def _query(
    con: duckdb.DuckDBPyConnection,
    name: str,
    parameters: dict[str, Any] | None = None,
    *,
    of: str | None = None,
) -> list[Row]:
    """The rows of a query; none where the mart `of`, which not every project gets, is missing."""
    sql = load_query(f"report/queries/{name}").sql
    return rows(con, sql, parameters) if of is None else _optional(con, of, sql, parameters)


def _optional(
    con: duckdb.DuckDBPyConnection, table: str, sql: str, parameters: dict[str, Any] | None = None
) -> list[Row]:
    """The rows of a query on a table that a project without campaigns or without drift never gets."""
    return rows(con, sql, parameters) if relation_exists(con, table) else []
