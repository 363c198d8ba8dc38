"""Backfills: a range of days is one run, and what was recorded is never rewritten."""

from __future__ import annotations

import shutil

import dagster as dg
from fixtures.daily import execute
from fixtures.shop import Shop


def of_range(first: str, last: str) -> dict[str, str]:
    return {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last}


def days(shop: Shop) -> list[tuple[str, int, str]]:
    with shop.warehouse() as con:
        return con.execute(
            "select cast(as_of_date as varchar), revision, run_id from segments.recorded_day"
            " order by recorded_at"
        ).fetchall()


def test_a_range_of_days_is_recorded_in_order_by_one_run(new_shop: Shop) -> None:
    result = execute(new_shop, tags=of_range("2026-03-26", "2026-03-28"))
    assert result.success
    found = [f"2026-03-{day}" for day in (26, 27, 28)]
    assert days(new_shop) == [(day, 1, result.run_id) for day in found]
    materialized = {
        event.partition
        for event in result.get_asset_materialization_events()
        if event.asset_key == dg.AssetKey(["segments", "membership"])
    }
    assert materialized == set(found)
    checked = {
        judged.partition
        for judged in result.get_asset_check_evaluations()
        if judged.asset_key.path[0] not in ("raw", "core")
    }
    assert checked == {found[-1]}, "the last of the days is judged"
    day_by_day = new_shop.tables("segments", without=frozenset({"run_id", "recorded_at", "first_seen_at"}))
    assert new_shop.lohko("status", "--json").json["published"]["as_of_date"] == "2026-03-28"
    assert day_by_day == one_by_one(new_shop, found)


def one_by_one(shop: Shop, found: list[str]) -> dict[str, list[tuple[object, ...]]]:
    """The same days, a run each, in a project of their own."""
    for name in (".lohko", "published"):
        shutil.rmtree(shop.root / name)
    for day in found:
        assert execute(shop, day).success
    return shop.tables("segments", without=frozenset({"run_id", "recorded_at", "first_seen_at"}))


def test_a_range_after_the_record_fills_the_gap(shop: Shop) -> None:
    shop.edit("today: 2026-03-31", "today: 2026-04-03")
    assert execute(shop, tags=of_range("2026-03-31", "2026-04-01")).success
    assert [day for day, _, _ in days(shop)] == [*("2026-03-29", "2026-03-30", "2026-03-31", "2026-04-01")]


def test_an_earlier_day_changes_neither_record_nor_publication(shop: Shop) -> None:
    published = shop.published()
    before = shop.tables("segments", "roi", "drift", "marts")
    freshness = shop.tables("ingest")["ingest.freshness"]
    result = execute(shop, "2026-03-10")
    assert result.success
    assert shop.published() == published
    assert shop.tables("segments", "roi", "drift", "marts") == before
    assert shop.tables("ingest")["ingest.freshness"] == freshness


def test_an_earlier_day_turns_no_stale_source_green(shop: Shop) -> None:
    shop.edit("warn_after_days: 1", "warn_after_days: 0")
    shop.edit("today: 2026-03-31", "today: 2026-04-01")
    assert shop.lohko("run", "--json").code == 0
    before = [(one.kind, one.subject) for one in shop.control.open_incidents()]
    assert ("stale_source", "shop_orders") in before
    result = execute(shop, "2026-03-10")
    assert result.success
    shop.control.reconcile(result.run_id)
    assert [(one.kind, one.subject) for one in shop.control.open_incidents()] == before
