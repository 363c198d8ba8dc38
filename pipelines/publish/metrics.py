"""What every published figure means: the one place that `marts.metric_definitions` and docs/marts.md read.

Figures of `marts.customer` and `marts.account` are features, and stand in the feature catalogue. A test holds
that every other number in the marts is defined here, and that nothing is defined that they no longer have.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelines.engine import insert_rows

if TYPE_CHECKING:
    import duckdb

# Numbers that order or name rows and measure nothing.
NOT_FIGURES = frozenset({"position", "change_seq", "batch_seq", "file_id", "revision"})
_NUMBERS = ("BIGINT", "INTEGER", "DOUBLE")


@dataclass(frozen=True)
class Metric:
    """One figure: a column of a mart, its unit, its formula in words, and the SQL that makes it."""

    mart: str
    name: str
    unit: str
    meaning: str
    source: str


def is_figure(name: str, kind: str) -> bool:
    """Whether a column of a mart measures something, going by its name and type."""
    return name not in NOT_FIGURES and (kind in _NUMBERS or kind.startswith("DECIMAL"))


def _of(source: str, *marts: str, **figures: tuple[str, str]) -> list[Metric]:
    """The figures of marts that share them, made by one SQL file: name -> unit, meaning."""
    return [
        Metric(mart, name, unit, meaning, f"pipelines/{source}.sql")
        for mart in marts
        for name, (unit, meaning) in figures.items()
    ]


_MONEY = "currency"
_MEMBERS = "customers or accounts"
_DEALS = "deals or leads"
_REVENUE = "Net revenue of completed orders: without VAT, in the project's currency"

METRICS: tuple[Metric, ...] = (
    *_of(
        "publish/marts/run",
        "run",
        held_parts=("parts", "Segmentations and tables that stay as they were published before"),
        customers=("customers", "Everyone who ordered with an id, was contacted, or stands in the CRM"),
        revenue_365d=(_MONEY, f"{_REVENUE}, of known customers, in the last 365 days"),
        orders_365d=("orders", "Completed orders of known customers in the last 365 days"),
    ),
    *_of(
        "segments/profile_day",
        "segment_current",
        "segment_day",
        members=(_MEMBERS, "Customers or accounts in the segment at the end of the day"),
        share=("share", "Members of the segment over all customers, or all accounts"),
        customers=("customers", "The members that are customers; of accounts, the customers they have"),
        active_members_90d=(_MEMBERS, "Members of the segment with a purchase in the last 90 days"),
        revenue_365d=(_MONEY, f"{_REVENUE}, of the segment's customers, in the last 365 days"),
        revenue_share=("share", "revenue_365d of the segment over that of all customers, or all accounts"),
        margin_365d=(_MONEY, "Sum of the members' margin_365d: from line costs, or margin_rate"),
        orders_365d=("orders", "Completed orders of the segment's customers in the last 365 days"),
        average_order_value=(_MONEY, "revenue_365d over orders_365d"),
    ),
    *_of(
        "segments/profile_day",
        "segment_current",
        purchase_days_365d=(
            "days",
            "Mean of the customers' days with a purchase in the last 365 days; not of accounts",
        ),
        recency_days=("days", "Mean days since the last purchase, of members who have one"),
    ),
    *_of(
        "segments/profile_day",
        "segment_day",
        revenue_30d=(_MONEY, f"{_REVENUE}, of the segment's customers, in the last 30 days"),
    ),
    *_of(
        "publish/marts/segment_current",
        "segment_current",
        members_before=(_MEMBERS, "Members of the segment on the previous recorded day"),
        change=(_MEMBERS, "members less members_before"),
        entered=(_MEMBERS, "Members whose stay in the segment begins on the day"),
        departed=(_MEMBERS, "Members whose stay in the segment ends on the day"),
    ),
    *_of(
        "publish/marts/segment_movement",
        "segment_movement",
        members=(_MEMBERS, "Members in from_segment_id on from_date and in to_segment_id on the day"),
    ),
    *_of(
        "publish/marts/funnel",
        "funnel",
        entered=(_DEALS, "Deals that entered the stage in the month, or came in, of deals as a whole"),
        departed=(_DEALS, "Deals that left the stage in the month, or were decided"),
        converted=(
            _DEALS,
            "Those of departed that went on to another stage, or were won or converted; no lead does by being"
            " disqualified",
        ),
        days_in_stage=("days", "Mean days of those of departed of which it is known when they entered"),
        won=(_DEALS, "Those of departed that are won by now, or converted leads"),
        lost=(_DEALS, "Those of departed that are lost by now, or disqualified leads"),
        win_rate=("share", "won as a share of won and lost"),
    ),
    *_of(
        "publish/marts/revenue_day",
        "revenue_day",
        orders=("orders", "Completed orders of the day, guests included"),
        lines=("lines", "Lines of these orders"),
        customers=("customers", "Known customers with a completed order that day"),
        guest_orders=("orders", "Completed orders of the day without a customer"),
        revenue=(_MONEY, f"{_REVENUE}, guests included"),
        guest_revenue=(_MONEY, "The part of revenue whose orders have no customer"),
    ),
    *_of(
        "publish/marts/revenue_bridge",
        "revenue_bridge",
        amount=(_MONEY, "What the step adds (or, below 0, takes out); of a total, what is left there"),
        running_total=(_MONEY, "Gross total plus every change up to and with this step"),
    ),
    *_of(
        "publish/marts/restatements",
        "restatements",
        orders_before=("orders", "Completed orders of the day, as last published"),
        orders_after=("orders", "Completed orders of the day now"),
        customers_before=("customers", "Known customers with a completed order that day, as last published"),
        customers_after=("customers", "Known customers with a completed order that day now"),
        revenue_before=(_MONEY, f"{_REVENUE}, guests included, as last published"),
        revenue_after=(_MONEY, f"{_REVENUE}, guests included, now"),
        revenue_change=(_MONEY, "revenue_after less revenue_before"),
    ),
    *_of(
        "roi/segment_month",
        "roi_month",
        customers=("customers", "Customers in the segment the day before the month began"),
        revenue=(_MONEY, f"{_REVENUE}, of these customers, in the month"),
        contacts=("touches", "Times campaigns addressed these customers in the month"),
    ),
    *_of(
        "roi/segment_campaign",
        "roi_campaign",
        contacted=("customers", "Customers of the segment whom the campaign contacted"),
        responders=("customers", "Contacted customers who responded, whether or not they bought"),
        attributed_orders=("orders", "Orders of contacted customers on the days they responded"),
    ),
    *(
        metric
        for mart, file in (("roi_month", "segment_month"), ("roi_campaign", "segment_campaign"))
        for metric in _of(
            f"roi/{file}",
            mart,
            attributed_revenue=(_MONEY, "Net revenue of contacted customers on the days they responded"),
            margin=(_MONEY, "Margin of the attributed revenue: from line costs, or margin_rate"),
            contact_cost=(_MONEY, "What the touches cost, or costs.contact for each"),
            coupon_cost=(_MONEY, "Value of the coupons redeemed with the attributed revenue"),
            cost=(_MONEY, "contact_cost plus coupon_cost"),
            profit=(_MONEY, "margin less cost"),
            roi=("ratio", "profit over cost: attributed, not incremental"),
            roi_previous=("ratio", "roi of the period or campaign before"),
            roi_change=("ratio", "roi less roi_previous"),
        )
    ),
    *_of(
        "drift/finding",
        "drift",
        psi=("index", "Population stability index: sum of (q - p) ln(q / p) over bins"),
        p_value=("probability", "Chance of an index as large where nothing has changed"),
        q_value=("probability", "p_value after Benjamini and Hochberg over the checks of the run"),
        n_baseline=("customers", "Customers on the day compared with"),
        n_current=("customers", "Customers on the day of the run"),
    ),
    *_of(
        "publish/marts/quality",
        "quality",
        unexpected_count=("rows", "Rows of the batch that do not meet the expectation"),
        element_count=("rows", "Rows of the batch that the expectation looked at"),
        unexpected_percent=("percent", "unexpected_count in percent of element_count"),
    ),
    *_of(
        "publish/marts/batch",
        "batch",
        files=("files", "Files of the batch"),
        rows_landed=("rows", "Rows the files hold: the sum of the six below"),
        rows_accepted=("rows", "Keys the batch brought"),
        rows_quarantined=("rows", "Rows with a fault, kept out"),
        rows_repeated=("rows", "Further rows of a key that say nothing else than the one that counts"),
        rows_conflicting=("rows", "Further rows of a key that say something else in the same file"),
        rows_superseded=("rows", "Further rows of a key that a later file, version or change replaces"),
        rows_deleted=("rows", "Keys that a change feed deletes"),
        keys_vanished=("keys", "Keys that a snapshot lacks of the one before; no landed rows"),
    ),
    *_of(
        "publish/marts/file",
        "file",
        size=("bytes", "Size of the file as it landed"),
        rows=("rows", "Rows the file holds"),
        skip=("lines", "Lines left out before the header or the first row"),
        columns=("columns", "Columns of the file"),
    ),
    *_of(
        "publish/marts/quarantine_reason",
        "quarantine_reason",
        rows=("rows", "Rows kept out for this reason, or orders that wait for a rate"),
    ),
    *_of(
        "publish/marts/freshness",
        "freshness",
        age_days=("days", "Days from the newest event to the day of the run"),
        warn_after_days=("days", "Age above which the source is stale"),
        fail_after_days=("days", "Age above which the source has failed"),
    ),
    *_of(
        "publish/marts/feature_catalogue",
        "feature_catalogue",
        null_share=("share", "Customers, or accounts, of the day of whom the feature says nothing"),
    ),
    *_of(
        "features/entry_product",
        "entry_product",
        customers=("customers", "Customers whose first purchase day held it"),
        revenue_365d_mean=("currency", "Their mean net revenue in the last 365 days"),
        top_tenth_customers=("customers", "Those of them in the top tenth of customers by that revenue"),
        top_tenth_share=("share", "top_tenth_customers over customers"),
    ),
    *_of(
        "publish/marts/coverage",
        "coverage",
        named_rows=("rows", "Rows whose column names an id"),
        known_rows=("rows", "Those of them whose id stands in the table referred to"),
        known_row_share=("share", "known_rows over named_rows"),
        named_ids=("ids", "Different ids in the column"),
        known_ids=("ids", "Those of them that stand in the table referred to"),
        known_id_share=("share", "known_ids over named_ids"),
        newest_named_rows=("rows", "named_rows of the newest batch of the source"),
        newest_known_rows=("rows", "known_rows of the newest batch of the source"),
        newest_known_row_share=("share", "newest_known_rows over newest_named_rows"),
        newest_named_ids=("ids", "named_ids of the newest batch of the source"),
        newest_known_ids=("ids", "known_ids of the newest batch of the source"),
        newest_known_id_share=("share", "newest_known_ids over newest_named_ids"),
    ),
    *_of(
        "publish/marts/coverage_of_events",
        "coverage_of_events",
        ids=("ids", "Ids that the table has"),
        with_events=("ids", "Those of them that some event names"),
        without_events=("ids", "ids less with_events"),
        with_events_share=("share", "with_events over ids"),
        newest_ids=("ids", "Ids of rows that came with the newest batch of their source"),
        newest_with_events=("ids", "Those of them that some event names"),
        newest_with_events_share=("share", "newest_with_events over newest_ids"),
    ),
    *_of(
        "publish/marts/attribute_quality",
        "attribute_quality",
        entities=("entities", "Customers of the CRM, or accounts, on the day"),
        filled=("entities", "Those whose value is there, expired or not"),
        expired=(
            "entities",
            "Those whose value counts as unknown: too old, of a later day or, where values have a day,"
            " without one",
        ),
        known=("entities", "filled less expired"),
        coverage_share=("share", "known over entities"),
        expired_share=("share", "expired over filled"),
        observed_share=("share", "Values observed, over filled"),
        declared_share=("share", "Values the customer declared, over filled"),
        inferred_share=("share", "Values inferred, over filled"),
        origin_unknown_share=("share", "Values of no known origin, over filled"),
        age_known_share=("share", "Values with a day they are of, over filled"),
        median_age_days=("days", "Median age of the values with a day; the lower one of two"),
        max_age_days=("days", "Greatest age of the values with a day"),
        expires_after_days=("days", "Age after which a value counts as unknown, as configured"),
    ),
)


def store_metrics(con: duckdb.DuckDBPyConnection) -> None:
    """Write `publish.metric`, from which `marts.metric_definitions` is made."""
    con.execute("create schema if not exists publish")
    con.execute(
        "create or replace table publish.metric"
        " (mart varchar, metric varchar, unit varchar, meaning varchar, source varchar)"
    )
    found = [
        (described.mart, described.name, described.unit, described.meaning, described.source)
        for described in METRICS
    ]
    insert_rows(con, "publish.metric", found)
