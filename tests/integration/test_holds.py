"""A source that failed, was rejected or is too old holds what depends on it, and nothing else."""

from __future__ import annotations

from typing import Any

import dagster as dg
import pytest
from fixtures.daily import execute
from fixtures.patience import PATIENCE
from fixtures.shop import Shelf, Shop, run_first

pytestmark = pytest.mark.alone

BY_COUNTRY = """
segmentation: country
name: Country
kind: rules
segments:
  - {id: finland, name: Finland, when: country = 'FI'}
otherwise: {id: abroad, name: Abroad}
"""


@pytest.fixture
def two(shelf: Shelf) -> Shop:
    """A shop with one segmentation on orders and one on the CRM alone, after a first run."""

    def by_country(shop: Shop) -> None:
        (shop.root / "segments" / "country.yaml").write_text(BY_COUNTRY)
        run_first(shop)

    return shelf.at("two", by_country, shelf.new)


def days(shop: Shop) -> dict[str, str]:
    """Segmentation -> the day of its published rows."""
    return {
        row["segmentation_id"]: row["as_of_date"]
        for row in shop.lohko("query", "from marts.segment_current", "--json").json
    }


def spoil(shop: Shop) -> None:
    shop.deliver("orders-2.csv", *["9001,,not a day,web,paid,ten,none"] * 20)


def held_parts(shop: Shop) -> dict[str, dict[str, Any]]:
    return {one["part"]: one for one in shop.lohko("status", "--json").json["held_parts"]}


def test_a_rejected_batch_holds_the_segmentations_that_read_it(two: Shop) -> None:
    spoil(two)
    ended = two.lohko("run")
    assert ended.code == 5
    assert "stays: segmentation lifecycle as of 2026-03-29, held since 2" in ended.out
    assert days(two) == {"country": "2026-03-30", "lifecycle": "2026-03-29", "value_tier": "2026-03-29"}
    held = held_parts(two)
    assert set(held) == {"lifecycle", "value_tier", "customer", "revenue", "roi"}
    assert "was rejected" in held["lifecycle"]["reason"] and held["value_tier"]["sources"] == "shop_orders"
    # It reads the tenure, and the CRM may know a customer before the first order.
    assert held["lifecycle"]["sources"] == "crm, shop_orders"
    assert "Stays      segmentation lifecycle as of 2026-03-29" in two.lohko("status").out
    assert "What stays as it was published before" in (two.project.current / "report.html").read_text()
    since = held["lifecycle"]["held_since"]
    assert two.lohko("run", "--json").code == 5
    assert held_parts(two)["lifecycle"]["held_since"] == since
    (two.root / "data" / "orders-2.csv").unlink()
    assert two.lohko("run", "--json").code == 0
    assert set(days(two).values()) == {"2026-03-30"} and held_parts(two) == {}


def test_a_source_of_attributes_that_vanished_holds_what_reads_them(two: Shop) -> None:
    (two.root / "data" / "customers.csv").unlink()
    assert two.lohko("run", "--json").code == 5
    assert days(two) == {"country": "2026-03-29", "lifecycle": "2026-03-29", "value_tier": "2026-03-30"}
    assert {one.kind for one in two.control.open_incidents()} == {"failed_source"}


def test_a_source_that_is_too_old_holds_and_a_backfill_frees_nothing(two: Shop) -> None:
    two.edit("today: 2026-03-31", "today: 2026-04-04")
    assert two.lohko("run", "--json").code == 5
    # On the first days after the last order the source is not too old yet.
    assert days(two) == {"country": "2026-04-03", "lifecycle": "2026-04-02", "value_tier": "2026-04-02"}
    published, before = two.published(), held_parts(two)
    result = execute(two, "2026-03-10")
    assert result.success
    two.control.reconcile(result.run_id)
    assert two.published() == published and held_parts(two) == before
    assert [(one.kind, one.severity) for one in two.control.open_incidents()] == [
        ("stale_source", "critical")
    ]
    checks = {one.check_name: one.passed for one in execute(two, "2026-04-03").get_asset_check_evaluations()}
    assert checks["shop_orders_fresh"] is False


def test_a_project_may_publish_all_the_same_and_then_the_rows_say_how_old_they_are(two: Shop) -> None:
    with (two.root / "project.yaml").open("a") as project:
        project.write("\npublish: {when_stale: publish}\n")
    two.edit("today: 2026-03-31", "today: 2026-04-04")
    assert two.lohko("run", "--json").code == 5, "it is told all the same"
    assert set(days(two).values()) == {"2026-04-03"} and held_parts(two) == {}
    sql = (
        "select segmentation_id, cast(any_value(effective_at) as date) as day, any_value(as_of_date) as of"
        " from marts.audience group by 1"
    )
    assert {r["segmentation_id"]: (r["day"], r["of"]) for r in two.lohko("query", sql, "--json").json} == {
        "lifecycle": ("2026-03-30", "2026-04-03"),
        "value_tier": ("2026-03-30", "2026-04-03"),
        "country": (None, "2026-04-03"),
    }


def test_dagster_is_told_the_event_time_of_a_source(shop: Shop) -> None:
    result = execute(shop, "2026-03-30")
    (seen,) = [one.asset_observation_data.asset_observation for one in result.get_asset_observation_events()]
    assert seen.asset_key == dg.AssetKey(["raw", "shop_orders"])
    with shop.warehouse() as con:
        newest = con.execute(
            "select epoch(max(ordered_at)) from core.orders where business_date <= '2026-03-30'"
        ).fetchone()
    assert newest is not None
    assert seen.metadata["dagster/last_updated_timestamp"].value == newest[0]


def test_a_closed_weekend_does_not_hold(two: Shop) -> None:
    two.edit("      warn_after_days: 1\n", "      warn_after_days: 0\n")
    two.edit(
        "      fail_after_days: 3\n",
        "      fail_after_days: 0\n      calendar: {closed_dates: [2026-03-31]}\n",
    )
    two.edit("today: 2026-03-31", "today: 2026-04-01")
    assert two.lohko("run", "--json").code == 0
    two.edit("today: 2026-04-01", "today: 2026-04-02")
    assert two.lohko("run", "--json").code == 5
    assert "1 of them closed" in two.lohko("status").out


def test_what_came_late_is_restated_in_the_next_publication(shop: Shop) -> None:
    assert shop.lohko("query", "from marts.restatements", "--json").json == []
    shop.deliver("orders-2.csv", '9001,C001,2026-03-20 12:00:00,web,paid,"10,00","0,00"')
    assert shop.lohko("run", "--json").code == 0
    (day,) = shop.lohko("query", "from marts.restatements", "--json").json
    assert day["business_date"] == "2026-03-20" and float(day["revenue_change"]) == 10
    assert day["orders_after"] == day["orders_before"] + 1
    assert "Restated since the last published day" in (shop.project.current / "report.html").read_text()
    # The same day again says the same; the next one starts from it.
    assert shop.lohko("run", "--json").code == 0
    assert shop.lohko("query", "from marts.restatements", "--json").json == [day]
    shop.edit("today: 2026-03-31", "today: 2026-04-01")
    assert shop.lohko("run", "--json").code == 0
    assert shop.lohko("query", "from marts.restatements", "--json").json == []


@pytest.mark.parametrize("words", [("segments",), ("segments", "--json"), ("run",), ("status",)])
def test_a_reader_that_goes_away_ends_the_command_quietly(shop: Shop, words: tuple[str, ...]) -> None:
    with shop.start(*words) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.close()
        told = process.stderr.read()
        assert process.wait(timeout=PATIENCE) == 0, told
    assert "Traceback" not in told and "Broken" not in told and "Exception" not in told


def test_an_attribute_that_the_crm_no_longer_brings_holds_what_reads_it(two: Shop) -> None:
    crm = two.root / "data" / "customers.csv"
    whole = crm.read_text()
    header, *rows = [line.split(",") for line in whole.splitlines()]
    at = header.index("country")
    crm.write_text("\n".join(",".join([*row[:at], *row[at + 1 :]]) for row in [header, *rows]) + "\n")
    ended = two.lohko("run")
    assert ended.code == 5
    told = "it reads country, and data/customers.csv of source crm has no column country of customers"
    assert told in " ".join(ended.out.split())
    assert days(two) == {"country": "2026-03-29", "lifecycle": "2026-03-30", "value_tier": "2026-03-30"}
    assert told in held_parts(two)["country"]["reason"]
    assert "attributes.country.required: false" in " ".join(two.lohko("status").out.split())
    assert "has no column country" in (two.project.current / "report.html").read_text()
    two.edit("today: 2026-03-31", "today: 2026-04-01")
    assert two.lohko("run", "--json").code == 5, "it is not forgotten when nothing new comes"
    crm.write_text(whole)
    two.edit("today: 2026-04-01", "today: 2026-04-02")
    assert two.lohko("run", "--json").code == 0
    assert set(days(two).values()) == {"2026-04-01"} and held_parts(two) == {}


def test_a_project_may_say_that_no_definition_waits_for_an_attribute(two: Shop) -> None:
    crm = two.root / "data" / "customers.csv"
    crm.write_text(crm.read_text().replace("country", "land", 1))
    two.edit("sources:\n", "attributes:\n  country: {required: false}\nsources:\n")
    assert two.lohko("run", "--json").code == 0
    assert set(days(two).values()) == {"2026-03-30"}
