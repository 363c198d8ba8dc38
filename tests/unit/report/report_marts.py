"""Believable marts for the report: a shop with three segmentations, made by a seeded generator."""

from __future__ import annotations

import random
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from pipelines.engine import connect

TODAY = date(2026, 7, 31)
YESTERDAY = date(2026, 7, 30)
NOW = datetime(2026, 7, 31, 4, 12)  # noqa: DTZ001 - the marts hold plain timestamps

SCHEMA = """
create schema marts;
create table marts.run (project_name varchar, currency varchar, as_of_date date, previous_date date,
    run_id varchar, revision bigint, generated_at timestamp, effective_at timestamptz, code_version varchar,
    customers bigint, revenue_365d decimal(18,4), orders_365d bigint);
create table marts.segment_current (segmentation_id varchar, segmentation_name varchar,
    entity_kind varchar, segment_id varchar, segment_name varchar, description varchar, position integer,
    exclusive boolean, members bigint, share double, customers bigint,
    revenue_365d decimal(18,4), revenue_share double, margin_365d decimal(18,4), orders_365d bigint,
    average_order_value decimal(18,4), purchase_days_365d double, recency_days double,
    members_before bigint, change bigint, entered bigint, departed bigint, as_of_date date,
    previous_date date, effective_at timestamptz);
create table marts.segment_day (as_of_date date, segmentation_id varchar, entity_kind varchar,
    segment_id varchar, segment_name varchar, position integer, members bigint, share double,
    revenue_365d decimal(18,4), revenue_share double, average_order_value decimal(18,4), basis varchar);
create table marts.segment_movement (period varchar, from_date date, to_date date, segmentation_id varchar,
    entity_kind varchar, from_segment_id varchar, from_segment_name varchar, to_segment_id varchar,
    to_segment_name varchar, members bigint);
create table marts.quality (source varchar, table_name varchar, check_name varchar, description varchar,
    severity varchar, passed boolean, unexpected_count bigint, element_count bigint,
    unexpected_percent double, batch_seq bigint, samples varchar);
create table marts.batch (batch_seq bigint, source varchar, table_name varchar, status varchar, files bigint,
    rows_landed bigint, rows_accepted bigint, rows_quarantined bigint, rows_repeated bigint,
    rows_conflicting bigint, rows_superseded bigint,
    rows_deleted bigint, keys_vanished bigint, landed_at timestamp, reason varchar);
create table marts.quarantine_reason (source varchar, table_name varchar, reason varchar,
    column_name varchar, "rows" bigint, samples varchar);
create table marts.revenue_day (business_date date, orders bigint, lines bigint, customers bigint,
    guest_orders bigint, revenue decimal(18,4), guest_revenue decimal(18,4));
create table marts.revenue_bridge (source varchar, table_name varchar, position integer, step varchar,
    kind varchar, amount decimal(18,4), running_total decimal(18,4), meaning varchar);
create table marts.freshness (source varchar, table_name varchar, watermark_date date, age_days bigint,
    warn_after_days bigint, fail_after_days bigint, status varchar);
create table marts.incident (kind varchar, subject varchar, severity varchar, message varchar,
    opened_at timestamp);
"""
OPTIONAL = """
create table marts.roi_month (month date, complete boolean, segmentation_id varchar, segment_id varchar,
    segment_name varchar, position integer, membership_date date, membership_basis varchar, customers bigint,
    revenue decimal(18,4), attributed_revenue decimal(18,4), margin decimal(18,4), contacts bigint,
    contact_cost decimal(18,4), coupon_cost decimal(18,4), cost decimal(18,4), profit decimal(18,4),
    roi double, roi_previous double, roi_change double, label varchar);
create table marts.roi_campaign (campaign_id varchar, campaign_name varchar, campaign_type varchar,
    start_date date, end_date date, status varchar, segmentation_id varchar, segment_id varchar,
    segment_name varchar, position integer, membership_date date, membership_basis varchar,
    contacted bigint, responders bigint, attributed_orders double, attributed_revenue decimal(18,4),
    margin decimal(18,4), contact_cost decimal(18,4), coupon_cost decimal(18,4), cost decimal(18,4),
    profit decimal(18,4), roi double, previous_campaign_id varchar, roi_previous double, roi_change double,
    label varchar);
create table marts.drift (as_of_date date, baseline_date date, baseline_basis varchar, measure varchar,
    segmentation_id varchar, segment_id varchar, segment_name varchar, feature varchar, psi double,
    p_value double, q_value double, n_baseline bigint, n_current bigint, verdict varchar);
"""

# name, weight, order value, orders a year, days since purchase
RFM = [
    ("Champions", 0.07, 86, 14.2, 9),
    ("Loyal", 0.12, 64, 9.1, 21),
    ("Potential loyalists", 0.11, 52, 4.4, 24),
    ("New customers", 0.06, 41, 1.2, 14),
    ("Promising", 0.07, 35, 2.0, 33),
    ("Need attention", 0.09, 49, 4.0, 62),
    ("About to sleep", 0.09, 38, 2.2, 88),
    ("Cannot lose", 0.04, 93, 8.8, 131),
    ("At risk", 0.12, 57, 5.1, 142),
    ("Hibernating", 0.14, 31, 1.6, 211),
    ("Lost", 0.09, 28, 0.4, 338),
]
VALUE = [
    ("Top 5%", 0.05, 104, 15.0, 12),
    ("High", 0.15, 71, 8.4, 28),
    ("Middle", 0.30, 48, 3.9, 74),
    ("Low", 0.38, 32, 1.4, 140),
    ("One order only", 0.09, 30, 1.0, 180),
    ("Returns more than keeps", 0.03, 22, 2.4, 90),
]
CATEGORY = [
    ("Fresh food", 0.22, 38, 9.5, 18),
    ("Pantry", 0.19, 44, 5.2, 41),
    ("Household", 0.14, 51, 3.1, 63),
    ("Baby", 0.07, 72, 6.6, 25),
    ("Pets", 0.09, 59, 5.0, 33),
    ("Wine and spirits", 0.08, 83, 3.4, 57),
    ("Mixed basket", 0.21, 55, 4.8, 39),
]
SEGMENTATIONS = {
    "rfm": ("Recency, frequency, value", RFM),
    "value": ("Value tiers", VALUE),
    "category": ("Favourite category", CATEGORY),
}
CUSTOMERS = 48_210


def month_ends(count: int) -> list[date]:
    """The last days of the months before TODAY's, oldest first."""
    ends = []
    day = TODAY.replace(day=1)
    for _ in range(count):
        day -= timedelta(days=1)
        ends.append(day)
        day = day.replace(day=1)
    return ends[::-1]


def segment_id(name: str) -> str:
    return name.lower().replace(" ", "_")


def empty_marts(warehouse: Path | None = None) -> duckdb.DuckDBPyConnection:
    """Only the tables that every project has, all empty; in memory, or kept in a file."""
    con = connect(str(warehouse or ":memory:"), config={"threads": 1})
    con.execute(SCHEMA)
    return con


def fill_accounts(con: duckdb.DuckDBPyConnection) -> None:
    """A segmentation of accounts, and one whose segments overlap; of two days, with a move on the second."""
    current: list[tuple[Any, ...]] = []
    daily: list[tuple[Any, ...]] = []
    moves: list[tuple[Any, ...]] = []
    for key, name, exclusive in (("plan", "Account plan", True), ("fairs", "Met at fairs", False)):
        for position, size in enumerate((140, 60, 0), start=1):
            segment, called, share = f"{key}{position}", f"{name} {position}", size / 200
            current.append((key, name, "account", segment, called, "What is done", position, exclusive, size,
                            share, size * 3, size * 1000, share, None, size, 1000, None, 12,
                            size - 1, 1, 2, 1, TODAY, YESTERDAY, NOW))  # fmt: skip
            daily += [
                (day, key, "account", segment, called, position, size, share, size * 1000, share, 1000, basis)
                for day, basis in ((YESTERDAY, "recorded"), (TODAY, "recorded"))
            ]
            moves.append(("day", YESTERDAY, TODAY, key, "account", segment, called, segment, called, size))
        first, second = (f"{key}1", f"{name} 1"), (f"{key}2", f"{name} 2")
        moves.append(("day", YESTERDAY, TODAY, key, "account", *first, *second, 17))
    insert(con, "segment_current", current)
    insert(con, "segment_day", daily)
    insert(con, "segment_movement", moves)


def full_marts(seed: int = 7, warehouse: Path | None = None) -> duckdb.DuckDBPyConnection:
    """A shop after 14 months, with something to worry about in each section."""
    con = empty_marts(warehouse)
    con.execute(OPTIONAL)
    rng = random.Random(seed)
    fill_run(con)
    fill_accounts(con)
    for key, (name, segments) in SEGMENTATIONS.items():
        fill_segments(con, rng, key, name, segments)
        fill_roi(con, rng, key, segments)
        fill_drift(con, rng, key, segments)
    fill_quality(con, rng)
    return con


def insert(con: duckdb.DuckDBPyConnection, table: str, found: list[tuple[Any, ...]]) -> None:
    """One statement for all rows: one by one they take DuckDB seconds."""
    row = f"({', '.join('?' * len(found[0]))})"
    con.execute(
        f"insert into marts.{table} values {', '.join([row] * len(found))}", [v for one in found for v in one]
    )


def fill_run(con: duckdb.DuckDBPyConnection) -> None:
    con.execute(
        "insert into marts.run values ('Kauppa Oy', 'EUR', ?, ?, '8f2b61d0', 3, ?,"
        " '2026-07-31 03:05:00+00'::timestamptz, '0.1.0+4c1d9ae', ?, 11240318.42, 231877)",
        [TODAY, YESTERDAY, NOW, CUSTOMERS],
    )


def fill_segments(
    con: duckdb.DuckDBPyConnection, rng: random.Random, key: str, name: str, segments: list[Any]
) -> None:
    money = sum(weight * value * orders for _, weight, value, orders, _ in segments)
    days = [(day, "replayed") for day in month_ends(12)]
    days += [(TODAY - timedelta(days=offset), "recorded") for offset in range(19, -1, -1)]
    drifts = [rng.uniform(-0.25, 0.3) for _ in segments]
    current, daily = [], []
    for position, (segment, weight, value, orders, recency) in enumerate(segments, start=1):
        share_of_money = weight * value * orders / money
        for index, (day, basis) in enumerate(days):
            age = (TODAY - day).days / 365
            size = CUSTOMERS * weight * (1 - drifts[position - 1] * age) * (1 - 0.12 * age)
            size = (
                round(size * rng.uniform(0.985, 1.015))
                if index < len(days) - 1
                else round(CUSTOMERS * weight)
            )
            daily.append((day, key, "customer", segment_id(segment), segment, position, size, weight,
                          11_240_318 * share_of_money, share_of_money, value, basis))  # fmt: skip
        customers, entered = round(CUSTOMERS * weight), rng.randint(8, 120)
        left = rng.randint(5, 120)
        current.append((key, name, "customer", segment_id(segment), segment,
                        f"About {orders:g} orders a year", position, True, customers, weight, customers,
                        11_240_318 * share_of_money, share_of_money,
                        3_400_000 * share_of_money, round(customers * orders), value, orders * 0.9, recency,
                        customers - entered + left, entered - left, entered, left, TODAY, YESTERDAY,
                        NOW))  # fmt: skip
    insert(con, "segment_current", current)
    insert(con, "segment_day", daily)
    insert(con, "segment_movement", movement(rng, key, segments))


def movement(rng: random.Random, key: str, segments: list[Any]) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = []
    for period, start in (("day", YESTERDAY), ("four_weeks", month_ends(1)[0])):
        for one, (source, weight, *_) in enumerate(segments):
            for other, (target, *_) in enumerate(segments):
                near = max(0.0, 1 - abs(one - other) / 4)
                moved = round(CUSTOMERS * weight * 0.035 * near * rng.random())
                count = round(CUSTOMERS * weight * 0.85) if one == other else moved
                if count:
                    found.append((period, start, TODAY, key, "customer", segment_id(source), source,
                                  segment_id(target), target, count))  # fmt: skip
        for target, weight, *_ in segments[2:5]:
            found.append((period, start, TODAY, key, "customer", None, None, segment_id(target), target,
                          round(2000 * weight)))  # fmt: skip
    return found


def fill_roi(con: duckdb.DuckDBPyConnection, rng: random.Random, key: str, segments: list[Any]) -> None:
    months = [day.replace(day=1) for day in month_ends(13)] + [TODAY.replace(day=1)]
    label = "attributed, not incremental"
    found: list[tuple[Any, ...]] = []
    for position, (segment, weight, value, orders, _) in enumerate(segments, start=1):
        level = (value * orders) / 250 - 0.9
        before = None
        for month in months:
            silent = rng.random() < 0.06
            contacts = 0 if silent else round(CUSTOMERS * weight * rng.uniform(0.3, 0.9))
            cost = contacts * 0.08 + contacts * rng.uniform(0.02, 0.06) * 5
            roi = None if silent else level + rng.uniform(-0.45, 0.5)
            margin = cost * (1 + (roi or 0))
            customers = round(CUSTOMERS * weight)
            found.append((month, month != months[-1], key, segment_id(segment), segment, position,
                          month - timedelta(days=1), "replayed", customers,
                          customers * value * orders / 12, margin / 0.3, margin, contacts, contacts * 0.08,
                          cost - contacts * 0.08, cost, margin - cost, roi, before,
                          roi - before if roi is not None and before is not None else None,
                          label))  # fmt: skip
            before = roi
    insert(con, "roi_month", found)
    insert(con, "roi_campaign", campaigns(rng, key, segments, label))


def campaigns(rng: random.Random, key: str, segments: list[Any], label: str) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = []
    kinds = ["Type A", "Type B", "Type C"]
    for number in range(1, 28):
        start = date(2025, 5, 20) + timedelta(days=number * 15)
        end = start + timedelta(days=45)
        status = "running" if end > TODAY else "starts before the data" if number == 1 else "complete"
        for position, (segment, weight, value, orders, _) in enumerate(segments, start=1):
            contacted = round(CUSTOMERS * weight * rng.uniform(0.1, 0.4))
            cost, roi = contacted * 0.31, (value * orders) / 250 - 0.8 + rng.uniform(-0.6, 0.7)
            margin = cost * (1 + roi)
            found.append((f"c{number}", f"Campaign {number}", kinds[number % 3], start, end, status, key,
                          segment_id(segment), segment, position, start, "replayed", contacted,
                          round(contacted * rng.uniform(0.02, 0.16)), 10.5, margin / 0.3, margin,
                          contacted * 0.08, cost - contacted * 0.08, cost, margin - cost, roi,
                          f"c{number - 3}" if number > 3 else None, None, None, label))  # fmt: skip
    return found


def fill_drift(con: duckdb.DuckDBPyConnection, rng: random.Random, key: str, segments: list[Any]) -> None:
    base = month_ends(1)[0]
    found: list[tuple[Any, ...]] = [
        (TODAY, base, "replayed", "share", key, None, None, None, 0.012, 0.41, 0.66, 47_900, CUSTOMERS, "ok")
    ]
    for segment, weight, *_ in segments:
        for feature in ("average_order_value", "purchase_days_365d", "recency_days"):
            size = round(CUSTOMERS * weight)
            psi = rng.expovariate(30)
            verdict = "alert" if psi > 0.13 else "warn" if psi > 0.1 else "ok"
            verdict = "not enough data" if size < 1500 else verdict
            found.append((TODAY, base, "replayed", "feature", key, segment_id(segment), segment, feature, psi,
                          0.0004, 0.0031, size - 40, size, verdict))  # fmt: skip
    insert(con, "drift", found)


def fill_quality(con: duckdb.DuckDBPyConnection, rng: random.Random) -> None:
    tables = [("shop", "orders"), ("shop", "order_lines"), ("crm", "customers"), ("mail", "contacts")]
    batches: list[tuple[Any, ...]] = []
    checks: list[tuple[Any, ...]] = []
    for seq in range(1, 57):
        source, table = tables[seq % 4]
        landed = rng.randint(800, 9000)
        bad, old = rng.randint(0, 9), rng.randint(0, 60)
        gone, torn, replaced = 7 if seq == 20 else 0, 2 if seq == 22 else 0, 5 if seq == 23 else 0
        rejected = seq == 41
        left = (bad, old, torn, replaced, gone)
        counts = (0,) * 7 if rejected else (landed - sum(left), *left, 3 if seq == 21 else 0)
        batches.append((seq, source, table, "rejected" if rejected else "accepted", 1, landed, *counts,
                        NOW - timedelta(hours=6 * (56 - seq)),
                        "column total is missing from 1 file" if rejected else None))  # fmt: skip
    for index, (source, table) in enumerate(tables):
        for name in ("not_null", "unique", "in_set", "between", "row_count", "foreign_key"):
            failed = (table, name) in {("contacts", "in_set"), ("orders", "between")}
            checks.append((source, table, f"expect_{name}", f"{table} values: {name.replace('_', ' ')}",
                           "advisory" if name in ("in_set", "between") else "critical", not failed,
                           37 if failed else 0, 5200, 0.71 if failed else 0.0, 53 + index,
                           "new.csv:17" if failed else None))  # fmt: skip
    insert(con, "batch", batches)
    insert(con, "quality", checks)
    insert(con, "quarantine_reason", [
        ("shop", "order_lines", "quantity is not a number", "quantity", 112, "lines.csv:9; lines.csv:23"),
        ("shop", "orders", "customer is not known", "customer_id", 64, "orders.csv:4"),
        ("mail", "contacts", "date is after the day of the delivery", "sent_at", 21, "mail.csv:2"),
    ])  # fmt: skip
    insert(
        con, "revenue_day", [(YESTERDAY, 4000, 9000, 3100, 210, 1000, 50), (TODAY, 20, 44, 18, 1, 240, 10)]
    )
    insert(con, "revenue_bridge", [
        ("(all)", "(all)", 1, "gross", "total", 1500, 1500, "What accepted files say"),
        ("(all)", "(all)", 10, "shipping", "change", 0, 1500, "Shipping that amounts include"),
        ("(all)", "(all)", 15, "vat", "change", -260, 1240, "VAT that amounts include"),
        ("(all)", "(all)", 17, "net_revenue", "total", 1240, 1240, "Net revenue"),
        ("(all)", "(all)", 18, "guests", "change", -45, 1195, "Orders without a customer"),
        ("shop", "orders", 15, "vat", "change", -999, 1240, "VAT of one source"),
    ])  # fmt: skip
    insert(con, "freshness", [
        ("shop", "orders", YESTERDAY, 1, 2, 4, "fresh"),
        ("shop", "order_lines", YESTERDAY, 1, 2, 4, "fresh"),
        ("crm", "customers", date(2026, 7, 28), 3, 2, 7, "stale"),
        ("mail", "contacts", date(2026, 7, 26), 5, None, None, "no limit"),
    ])  # fmt: skip
    insert(con, "incident", [
        ("freshness", "crm.customers", "advisory", "No new rows for 3 days; the limit is 2 days.",
         NOW - timedelta(hours=26)),
    ])  # fmt: skip
