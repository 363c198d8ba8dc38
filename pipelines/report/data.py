"""What the report reads from the marts: small queries, each giving a short list of rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipelines.engine import quote, relation_exists, rows

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
    return rows(
        con,
        """
        with days as (
            select *, max(as_of_date) over () as newest from marts.segment_day where segmentation_id = $id
        )
        select d.as_of_date, d.segment_id, c.segment_name, c.position, d.members, d.basis
        from days as d
        join marts.segment_current as c using (segmentation_id, entity_kind, segment_id)
        qualify row_number() over (
            partition by d.segment_id,
                if(d.as_of_date > d.newest - 28, d.as_of_date, date_trunc('week', d.as_of_date)::date)
            order by d.as_of_date desc, d.basis
        ) = 1
        order by d.as_of_date, c.position
        """,
        {"id": segmentation},
    )


def movement(con: duckdb.DuckDBPyConnection, segmentation: str) -> list[Row]:
    """Moves over the last month; over the last run where no month is known yet."""
    return rows(
        con,
        """
        select * from marts.segment_movement
        where segmentation_id = $id
        qualify dense_rank() over (
            order by if(period = 'four_weeks', 0, 1), to_date desc, from_date desc
        ) = 1
        """,
        {"id": segmentation},
    )


def roi_months(con: duckdb.DuckDBPyConnection, segmentation: str) -> list[Row]:
    """ROI of the last 14 months by segment, oldest first."""
    return _optional(
        con,
        "marts.roi_month",
        """
        select * from marts.roi_month
        where segmentation_id = $id
        qualify dense_rank() over (order by month desc) <= 14
        order by month, position
        """,
        {"id": segmentation},
    )


def roi_campaigns(con: duckdb.DuckDBPyConnection, segmentation: str) -> list[Row]:
    """One row a campaign, newest first: the sum of its segments, and which of them answered best."""
    return _optional(
        con,
        "marts.roi_campaign",
        f"""
        with campaigns as (
            select
                campaign_id,
                any_value(campaign_name) as campaign_name,
                any_value(campaign_type) as campaign_type,
                any_value(start_date) as start_date,
                any_value(end_date) as end_date,
                any_value(status) as status,
                any_value(previous_campaign_id) as previous_campaign_id,
                sum(contacted) as contacted,
                sum(responders) as responders,
                sum(attributed_revenue) as attributed_revenue,
                sum(margin) as margin,
                sum(cost) as cost,
                sum(profit) as profit,
                (sum(margin) - sum(cost))::double / nullif(sum(cost)::double, 0) as roi,
                arg_max(segment_name, roi) filter (where contacted >= {ENOUGH_CONTACTS}) as best_segment,
                max(roi) filter (where contacted >= {ENOUGH_CONTACTS}) as best_roi
            from marts.roi_campaign
            where segmentation_id = $id
            group by campaign_id
        )
        select c.*, c.roi - p.roi as roi_change
        from campaigns as c left join campaigns as p on p.campaign_id = c.previous_campaign_id
        order by c.start_date desc, c.campaign_id
        """,
        {"id": segmentation},
    )


def roi_campaign_cells(con: duckdb.DuckDBPyConnection, segmentation: str) -> list[Row]:
    """ROI by segment of the most recent campaigns, oldest first; namesakes are told apart by their date."""
    return _optional(
        con,
        "marts.roi_campaign",
        f"""
        select campaign_id, segment_name, position, status, roi,
            if(
                min(campaign_id) over namesakes <> max(campaign_id) over namesakes,
                campaign_name || ' ' || start_date, campaign_name
            ) as campaign_name
        from marts.roi_campaign
        where segmentation_id = $id and segment_id is not null
        window namesakes as (partition by campaign_name)
        qualify dense_rank() over (order by start_date desc, campaign_id) <= {RECENT_CAMPAIGNS}
        order by start_date, campaign_id desc, position
        """,
        {"id": segmentation},
    )


def drift(con: duckdb.DuckDBPyConnection) -> list[Row]:
    """All checks of the latest day, the worst first."""
    return _optional(
        con,
        "marts.drift",
        """
        select d.*, coalesce(c.segmentation_name, d.segmentation_id) as segmentation_name
        from marts.drift as d
        left join (
            select segmentation_id, any_value(segmentation_name) as segmentation_name
            from marts.segment_current group by all
        ) as c using (segmentation_id)
        where as_of_date = (select max(as_of_date) from marts.drift)
        order by case verdict when 'alert' then 0 when 'warn' then 1 when 'ok' then 3 else 2 end,
            psi desc nulls last, segmentation_id, segment_id, feature
        """,
    )


def accounting(con: duckdb.DuckDBPyConnection) -> list[Row]:
    """What became of the rows of each table that landed. Rows of a rejected batch are counted apart."""
    return rows(
        con,
        """
        with batches as (
            select *, coalesce(rows_landed, 0) as landed, coalesce(rows_accepted, 0) as accepted,
                coalesce(rows_quarantined, 0) as quarantined, coalesce(rows_superseded, 0) as superseded,
                coalesce(rows_deleted, 0) as deleted, coalesce(keys_vanished, 0) as vanished,
                landed - accepted - quarantined - superseded - deleted as left_over
            from marts.batch
        )
        select source, table_name, count(*) as batches, sum(files) as files, max(landed_at) as landed_at,
            sum(landed) as landed, sum(accepted) as accepted, sum(quarantined) as quarantined,
            sum(superseded) as superseded, sum(deleted) as deleted, sum(vanished) as vanished,
            sum(if(status = 'rejected', left_over, 0)) as rejected,
            sum(if(status = 'rejected', 0, left_over)) as missing
        from batches group by all order by source, table_name
        """,
    )


def rejected_batches(con: duckdb.DuckDBPyConnection) -> list[Row]:
    """Batches refused as a whole, newest first."""
    return rows(
        con, "select * from marts.batch where status = 'rejected' order by landed_at desc, batch_seq desc"
    )


def checks(con: duckdb.DuckDBPyConnection) -> list[Row]:
    """The latest result of each quality check: failed before passed, critical before advisory."""
    return rows(
        con,
        """
        select * from marts.quality
        qualify row_number() over (
            partition by source, table_name, check_name, description
            order by batch_seq desc nulls last, passed
        ) = 1
        order by passed, severity = 'critical' desc, source, table_name, check_name
        """,
    )


def quarantine_reasons(con: duckdb.DuckDBPyConnection) -> list[Row]:
    """Why rows were set aside, the most frequent reason first."""
    return rows(
        con,
        f"select source, table_name, reason, column_name, sum({quote('rows')}) as affected,"
        " any_value(samples) as samples"
        " from marts.quarantine_reason group by all order by affected desc, source, table_name, reason",
    )


def guests(con: duckdb.DuckDBPyConnection) -> Row:
    """Orders without a customer, and what they brought, beside all orders; everything known now.

    `keyed_revenue` is the part of guests who have a guest key: customers of their own, and in segments.
    """
    (found,) = rows(
        con,
        """
        select cast(coalesce(sum(orders), 0) as bigint) as orders,
            cast(coalesce(sum(guest_orders), 0) as bigint) as guest_orders,
            coalesce(sum(revenue), 0) as revenue, coalesce(sum(guest_revenue), 0) as guest_revenue,
            coalesce(sum(guest_revenue), 0) + coalesce((
                select sum(amount) from marts.revenue_bridge where source = '(all)' and step = 'guests'
            ), 0) as keyed_revenue
        from marts.revenue_day
        """,
    )
    return found


def bridge(con: duckdb.DuckDBPyConnection) -> list[Row]:
    """From the gross total of all sources to the revenue of known customers: totals, and what moved."""
    return rows(
        con,
        "select step, kind, amount, meaning from marts.revenue_bridge"
        " where source = '(all)' and (kind = 'total' or amount <> 0) order by position",
    )


def freshness(con: duckdb.DuckDBPyConnection) -> list[Row]:
    """Each source with its newest day, those past a limit first."""
    return rows(
        con,
        "select * from marts.freshness order by case status when 'failed' then 0 when 'stale' then 1"
        " when 'no data' then 2 when 'fresh' then 3 else 4 end, source, table_name",
    )


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


def _optional(
    con: duckdb.DuckDBPyConnection, table: str, sql: str, parameters: dict[str, Any] | None = None
) -> list[Row]:
    """The rows of a query on a table that a project without campaigns or without drift never gets."""
    return rows(con, sql, parameters) if relation_exists(con, table) else []
