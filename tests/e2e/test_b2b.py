"""The B2B example: two days delivered and run; what stands in core and marts is what the generator says."""

from __future__ import annotations

import json
import pickle
from decimal import Decimal
from typing import Any

import pytest
from fixtures.b2b import DAYS
from fixtures.shop import Shop

from lohko.definitions import build_defs
from pipelines.engine import connect
from resources.instance import instance_of


@pytest.fixture(scope="module")
def facts(b2b: Shop) -> dict[str, Any]:
    found: dict[str, Any] = pickle.loads((b2b.root / "facts").read_bytes())  # noqa: S301 - our own
    return found


@pytest.fixture(scope="module")
def totals(b2b: Shop) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((b2b.root / "data" / "totals.json").read_text())
    return found


def published(shop: Shop, sql: str) -> list[tuple[Any, ...]]:
    path = (shop.project.current / "lohko.duckdb").resolve()
    with connect(str(path), read_only=True) as con:
        return con.execute(sql).fetchall()


def live(shop: Shop, sql: str) -> list[tuple[Any, ...]]:
    with shop.warehouse() as con:
        return con.execute(sql).fetchall()


def test_both_days_are_recorded_and_nothing_is_held(facts: dict[str, Any]) -> None:
    runs = [run for said in facts["said"] for run in said["runs"]]
    assert [(run["day"], run["held"]) for run in runs] == [(str(day), []) for day in (*DAYS, DAYS[-1])]
    assert facts["said"][1]["run"]["previous_date"] == str(DAYS[0])


@pytest.mark.parametrize(
    "table",
    [
        *("accounts", "contacts", "leads", "opportunities", "interactions", "survey_answers", "feedback"),
        *("spend", "consents", "orders", "order_lines", "campaign_contacts", "campaign_responses"),
    ],
)
def test_every_table_has_the_rows_of_the_generator(b2b: Shop, totals: dict[str, Any], table: str) -> None:
    assert totals[table] > 0
    assert live(b2b, f"select count(*) from core.{table}") == [(totals[table],)]


def test_revenue_is_the_generators_to_the_cent(b2b: Shop, totals: dict[str, Any]) -> None:
    assert published(b2b, "select sum(orders), sum(revenue) from marts.revenue_day") == [
        (totals["orders_completed"], Decimal(totals["revenue_completed"]))
    ]
    # Orders of guests count in totals, and for no account.
    assert totals["orders_guest"] > 0
    assert published(b2b, "select sum(revenue_lifetime) from marts.customer") == [
        (Decimal(totals["revenue_of_customers"]),)
    ]


def test_every_broken_row_is_in_quarantine_and_every_row_accounted_for(
    b2b: Shop, totals: dict[str, Any]
) -> None:
    found = {
        table: tuple(rest)
        for table, *rest in published(
            b2b,
            "select table_name, sum(rows_landed), sum(rows_accepted), sum(rows_quarantined),"
            " sum(rows_repeated), sum(rows_conflicting), sum(rows_superseded) from marts.batch group by all",
        )
    }
    assert all(landed == sum(rest) for landed, *rest in found.values())
    landed = totals["orders"] + totals["orders_broken"] + totals["orders_sent_again"]
    assert (found["orders"][0], found["orders"][2]) == (landed, totals["orders_broken"])
    assert found["order_lines"][1:3] == (totals["order_lines"], totals["order_lines_broken"])
    # The CRM's full export was delivered on both days, test rows and all.
    assert found["accounts"][2] == found["customers"][2] == 2 * totals["accounts_broken"] > 0
    reasons = {
        (table, reason)
        for table, reason in live(b2b, "select distinct table_name, reason from quarantine.row")
    }
    assert {
        ("accounts", "missing"),
        ("order_lines", "missing"),
        ("opportunities", "below_minimum"),
    } <= reasons
    assert {reason for table, reason in reasons if table == "orders"} <= {
        "missing",
        "not_timestamp",
        "not_allowed",
    }


def test_the_second_day_brings_and_recomputes_only_what_is_new(
    b2b: Shop, facts: dict[str, Any], totals: dict[str, Any]
) -> None:
    batches = live(
        b2b,
        "select t.rows_landed from ingest.batch_table t join ingest.batch using (batch_seq)"
        " where t.table_name = 'order_lines' order by batch_seq",
    )
    assert len(batches) == 2 and batches[1][0] < batches[0][0] / 100
    # The last that a run computes is the day it compares with, carried on from the day before: whoever
    # ordered, visited or answered on it, or so long ago that it left a window; and a campaign began on it.
    _, of_the_day, again = facts["touched"]
    assert 0 < of_the_day < totals["accounts"] / 2 and again == 0


def test_the_control_group_is_known_and_was_not_contacted(b2b: Shop, totals: dict[str, Any]) -> None:
    control = totals["campaign_contacts_control"]
    assert control > 0
    assert live(b2b, "select count(*) from core.campaign_contacts where arm = 'control'") == [(control,)]
    assert live(b2b, "select count(*) from roi.contact") == [(totals["campaign_contacts"] - control,)]


def test_spend_is_the_bookkeepers_to_the_cent(b2b: Shop, totals: dict[str, Any]) -> None:
    assert live(b2b, "select sum(cost) from core.spend") == [(Decimal(totals["spend_cost"]),)]


def test_firmographics_are_attributes_that_segments_use(b2b: Shop, totals: dict[str, Any]) -> None:
    found = dict(
        published(
            b2b,
            "select segment_id, members from marts.segment_current"
            " where segmentation_id = 'size_and_industry'",
        )
    )
    assert sum(found.values()) == totals["accounts"] and all(found.values())
    ((public,),) = live(b2b, "select count(*) from core.accounts where industry = 'Public sector'")
    assert found["public"] == public
    # Three spellings of a country in the file, one in core.
    assert {len(country) for (country,) in live(b2b, "select distinct country from core.accounts")} == {2}


def test_accounts_are_published_with_their_segments(b2b: Shop, totals: dict[str, Any]) -> None:
    assert published(b2b, "select count(*), sum(revenue_lifetime) from marts.account") == published(
        b2b, "select count(*), sum(revenue_lifetime) from marts.customer"
    )
    sizes = published(
        b2b,
        "select segmentation_id, sum(members), sum(customers), sum(revenue_365d)"
        " from marts.segment_current where entity_kind = 'account' group by segmentation_id order by 1",
    )
    ((revenue,),) = published(b2b, "select revenue_365d from marts.run")
    count = totals["accounts"]
    assert sizes == [(name, count, count, revenue) for name in ("account_plan", "delivery")]
    assert published(
        b2b,
        "select count(*) from marts.audience join marts.account on entity_kind = 'account'"
        " and entity_id = account_id where segmentation_id = 'account_plan'",
    ) == [(count,)]
    assert published(
        b2b,
        "select basis, count(*) from marts.segment_day where entity_kind = 'account'"
        " and as_of_date in ('2025-11-30', '2025-12-29') group by basis order by basis",
    ) == [("recorded", 12), ("replayed", 12)]


def test_names_and_addresses_of_persons_stay_out_of_core_and_marts(b2b: Shop) -> None:
    text = (b2b.root / "data" / "contacts.jsonl").read_text()
    assert "@example.com" in text
    columns = live(
        b2b, "select column_name from duckdb_columns() where schema_name in ('core', 'features', 'marts')"
    )
    assert not {"email", "first_name", "last_name"} & {name for (name,) in columns}
    assert not any(b"@example.com" in content for content in b2b.published().values())


def test_the_same_day_again_changes_nothing(facts: dict[str, Any]) -> None:
    _, before, after = facts["left"]
    for kind in ("tables", "rows"):
        assert before[kind].keys() == after[kind].keys() and len(before[kind]) > 10
        assert [name for name in before[kind] if before[kind][name] != after[kind][name]] == []


def test_every_column_that_dagster_shows_is_described(b2b: Shop) -> None:
    keys = build_defs(b2b.project).resolve_asset_graph().get_all_asset_keys()
    with instance_of(b2b.project) as instance:
        shown = {key.to_user_string(): instance.get_latest_materialization_event(key) for key in keys}
    described = 0
    for key, event in shown.items():
        assert event and event.asset_materialization, key
        if key != "published/current":
            columns = event.asset_materialization.metadata["dagster/column_schema"].value.columns
            assert columns and not [column.name for column in columns if not column.description], key
            described += len(columns)
    assert described > 500
