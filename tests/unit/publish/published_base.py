"""A company after two recorded days, with everything that the marts read."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
from shop import Shop

from pipelines.drift.measure import create
from pipelines.engine import DuckDB, run_step
from pipelines.features.catalogue import store_catalogue
from pipelines.publish.marts import build_marts
from pipelines.publish.parts import WHOLE, Part
from pipelines.roi.compute import compute_roi
from pipelines.segments import history, replay
from pipelines.segments.assignment import assign
from pipelines.segments.definitions import load_definitions

YESTERDAY, D = date(2024, 6, 29), date(2024, 6, 30)
NOW = datetime(2024, 7, 1, 5, 0, tzinfo=UTC).replace(tzinfo=None)
PARTS = [
    *(Part("segmentation", name, ("shop",)) for name in ("cycle", "plan")),
    *(Part("table", name, ("shop",)) for name in WHOLE),
]
RULES = """
segmentation: cycle
name: Life cycle
kind: rules
segments:
  - {id: new, name: New, when: recency_days < 2}
  - {id: never, name: Never, when: recency_days is null and not in_crm}
otherwise: {id: away, name: Away}
"""
PLAN = """
segmentation: plan
name: Plan
entity: account
kind: rules
segments:
  - {id: nurture, name: Nurture, when: recency_days < 2}
  - {id: visit, name: Visit, when: members > 9}
otherwise: {id: wait, name: Wait}
"""


def company(folder: Path) -> duckdb.DuckDBPyConnection:
    """The connection to `company_shop`."""
    return company_shop(folder).con


def company_shop(folder: Path, warehouse: Path | None = None) -> Shop:
    """Ann moves from new to away on D, bob stays away, cyd is new on D; in memory, or kept in a file.

    Each is an account too, of which she is the only customer.
    """
    shop = Shop(warehouse=warehouse, age="varchar")
    con = shop.con
    (folder / "cycle.yaml").write_text(RULES, encoding="utf-8")
    (folder / "plan.yaml").write_text(PLAN, encoding="utf-8")
    con.execute(
        "create table ingest.freshness (source varchar, table_name varchar, watermark_at timestamptz,"
        " watermark_date date, age_days bigint, warn_after_days bigint, fail_after_days bigint,"
        " status varchar)"
    )
    con.execute(
        "insert into ingest.freshness values"
        " ('shop', 'orders', '2024-06-30 20:00:00+00', '2024-06-30', 0, 1, 3, 'fresh'),"
        " ('old', 'campaign_responses', '2020-01-01 00:00:00+00', '2020-01-01', 99, null, null, 'no limit')"
    )
    shop.batch(1, date(2024, 5, 1))
    con.execute("insert into ingest.batch_table values (1, 'shop', 'orders', 5, 3, 1, 1, 0, 0)")
    con.execute("insert into ingest.file values (1, 'shop', 'orders.csv', 9, 1, 'abc', 1, 5, true)")
    con.execute("insert into ingest.file values (2, 'shop', 'old.csv', 9, 1, 'abd', 1, 5, false)")
    con.execute(
        "insert into quarantine.row values"
        " (1, 'shop', 'orders', 'orders.csv', 3, 'no date', 'ordered_at', 'x')"
    )
    con.execute(
        "insert into quality.result values (1, 'shop', 'orders', 'c', 'd', 'critical', true, 0, 5, 0, 'r')"
    )
    shop.order("o1", "ann", date(2024, 6, 28), {"revenue": 10, "product_id": "p"})
    shop.order("o2", "bob", date(2024, 5, 2), {"revenue": 20, "product_id": "p"})
    shop.order("o3", "cyd", D, {"revenue": 30, "product_id": "p"})
    shop.order("g", None, D, {"revenue": 5, "product_id": "p"})
    shop.add("core.accounts", *({"account_id": name, "industry": "Retail"} for name in ("ann", "bob", "cyd")))
    shop.add(
        "core.contacts",
        *(
            {
                "contact_id": person,
                "account_id": firm,
                "role": role,
                "email_consent": may,
                "created_on": since,
            }
            for person, firm, role, may, since in (
                ("p", "bob", "Owner", True, None),
                ("p", "ann", "Adviser", True, None),
                ("q", "ann", "Buyer", None, None),
                ("r", "bob", "Clerk", True, None),
                ("r", "cyd", "Clerk", False, None),
                ("s", "", "Owner", True, None),
                ("t", "ann", "Heir", True, date(2024, 7, 1)),
            )
        ),
    )
    shop.add("core.opportunities", {"opportunity_id": "d", "opened_on": YESTERDAY, "outcome": "open"})
    shop.add("core.campaigns", {"campaign_id": "k", "start_date": D, "end_date": D})
    shop.add("core.campaign_contacts", {"campaign_id": "k", "customer_id": "bob"})
    history.create(con)
    features = shop.catalogue()
    accounts = shop.account_catalogue()
    store_catalogue(DuckDB(con), {"customer": features, "account": accounts})
    loaded = load_definitions(folder, {"customer": features, "account": accounts})
    segmentations = list(loaded.checked())
    history.store_definitions(con, segmentations)
    for day in (YESTERDAY, D):
        shop.compute(day)
        assign(DuckDB(con), day, segmentations)
        history.record(con, day, segmentations, f"run {day}")
        run_step(con, "segments/profile_day", {"as_of": day, "basis": "recorded"})
    replay.bring_up(DuckDB(con), D, segmentations, 2, "inputs", lambda day, _: shop.compute(day))
    shop.compute(D)
    compute_roi(DuckDB(con), D, margin_rate=0.25, contact_cost=Decimal(1))
    create(DuckDB(con))
    return shop


def build(con: duckdb.DuckDBPyConnection, run_id: str = "run-1", **changed: Any) -> None:
    settings: dict[str, Any] = {
        "project": "Shop",
        "currency": "EUR",
        "code_version": "1",
        "generated_at": NOW,
        "parts": PARTS,
        "incidents": [("drift", "cycle", "warning", "moved", NOW)],
    }
    build_marts(con, D, run_id=run_id, **(settings | changed))
