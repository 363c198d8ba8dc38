"""The job and the refresh without Dagster do the same: tables, findings and what is published."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from fixtures.alone import refresh
from fixtures.daily import execute
from fixtures.shop import Shelf, Shop

DAYS = (date(2026, 3, 29), date(2026, 3, 30))
SCHEMAS = (
    *("raw", "core", "money", "features", "ingest", "quarantine", "quality"),
    *("segments", "roi", "drift", "marts", "publish"),
)
# What differs by nature between two runs of the same days.
BY_NATURE = frozenset(
    {"run_id", "generated_at", "landed_at", "recorded_at", "first_seen_at", "mtime_ns", "opened_at"}
    | {"held_since"}
)

# Marts that show such moments; their tables are compared without.
TIMED = {"batch", "publication"}


def by_the_job(shop: Shop, day: date) -> str:
    result = execute(shop, day.isoformat())
    assert result.success
    return result.run_id


def alone(shop: Shop, day: date) -> str:
    run_id = f"alone-{day}"
    assert refresh(shop.project, day, run_id=run_id) is not None
    return run_id


def after_two_days(shelf: Shelf, run: Callable[[Shop, date], str]) -> list[Any]:
    """Two days, the second with a late order and a batch that is rejected."""
    shop, findings = shelf.new(), []
    shop.edit("today: 2026-03-31", "first_day: 2026-03-29\ntoday: 2026-03-31")
    for day in DAYS:
        findings.append(shop.control.findings(run(shop, day)))
        shop.deliver("orders-2.csv", '9001,C001,2025-12-24 12:00:00,web,paid,"10,00","0,00"')
        with (shop.root / "data" / "customers.csv").open("a") as crm:
            crm.write("C998,no date at all,NO,yes\n")
    return [shop.tables(*SCHEMAS, without=BY_NATURE), shop.rows(), findings]


def test_the_job_and_the_refresh_alone_do_the_same(shelf: Shelf) -> None:
    (tables, rows, findings) = after_two_days(shelf, by_the_job)
    (tables_alone, rows_alone, findings_alone) = after_two_days(shelf, alone)
    assert tables.keys() == tables_alone.keys() and len(tables) > 80
    for table, found in tables.items():
        assert found == tables_alone[table], table
    assert {mart: row for mart, row in rows.items() if mart not in TIMED} == {
        mart: row for mart, row in rows_alone.items() if mart not in TIMED
    }
    assert findings == findings_alone
    assert any(not finding.ok for finding in findings[1])
