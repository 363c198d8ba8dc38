"""Attributed ROI of months and campaigns, worked out by hand."""

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from shop import Shop

from pipelines.engine import DuckDB, rows
from pipelines.features.compute import refresh_state
from pipelines.roi.compute import compute_roi
from pipelines.segments import assignment, history

AS_OF = date(2024, 6, 20)
BEFORE_MAY, BEFORE_JUNE, BEFORE_K = date(2024, 4, 30), date(2024, 5, 31), date(2024, 6, 4)
LABEL = "attributed, not incremental"


class Market:
    """Days with an assignment, campaigns, contacts and responses; `roi` gives a table's rows."""

    def __init__(self) -> None:
        self.shop = Shop()
        history.create(self.shop.con)
        assignment.ensure(DuckDB(self.shop.con))
        self.shop.con.execute("drop view segments.assignment")
        self.shop.con.execute(
            "create table segments.assignment"
            " (as_of_date date, segmentation_id varchar, segment_id varchar,"
            " entity_kind varchar, entity_id varchar)"
        )

    def day(self, day: date, segments: Mapping[str, str], basis: str = "replayed") -> None:
        self.shop.con.execute("insert into segments.snapshot_day values (?, ?, '')", [day, basis])
        for customer, segment in segments.items():
            self.shop.con.execute(
                "insert into segments.assignment values (?, 's', ?, 'customer', ?)", [day, segment, customer]
            )

    def campaign(self, name: str, start: date, end: date, kind: str | None = None) -> None:
        self.shop.add(
            "core.campaigns",
            {"campaign_id": name, "campaign_type": kind, "start_date": start, "end_date": end},
        )

    def contact(
        self,
        campaign: str,
        customer: str,
        on: date | None = None,
        cost: float | None = None,
        arm: str | None = "treatment",
    ) -> None:
        self.shop.add(
            "core.campaign_contacts",
            {"campaign_id": campaign, "customer_id": customer, "contacted_on": on, "cost": cost, "arm": arm},
        )

    def response(self, campaign: str, customer: str, on: date, offer: str = "") -> None:
        self.shop.add(
            "core.campaign_responses",
            {"campaign_id": campaign, "customer_id": customer, "responded_on": on, "offer_id": offer},
        )

    def roi(
        self, table: str, *, as_of: date = AS_OF, margin_rate: float | None = 0.5, contact_cost: str = "1"
    ) -> list[dict[str, Any]]:
        self.shop.everyone_is_dirty()
        refresh_state(DuckDB(self.shop.con))
        compute_roi(DuckDB(self.shop.con), as_of, margin_rate=margin_rate, contact_cost=Decimal(contact_cost))
        return rows(self.shop.con, f"from roi.{table} order by all")


@pytest.fixture
def market() -> Market:
    """Three customers; campaign k starts on 5 June, when bob moves from low to high."""
    found = Market()
    found.day(BEFORE_MAY, {"ann": "high", "bob": "low"})
    found.day(BEFORE_JUNE, {"ann": "high", "bob": "low", "cyd": "low"})
    found.day(BEFORE_K, {"ann": "high", "bob": "low", "cyd": "low"})
    found.day(date(2024, 6, 5), {"ann": "high", "bob": "high", "cyd": "low"})
    found.campaign("k", date(2024, 6, 5), date(2024, 6, 30))
    for customer in ("ann", "bob", "cyd"):
        found.contact("k", customer)
    order = found.shop.order
    order("a", "ann", date(2024, 6, 6), {"revenue": 100, "coupon_discount": 4}, {"revenue": 20})
    order("b", "bob", date(2024, 6, 7), {"revenue": 30, "coupon_discount": 1})
    order("b2", "bob", date(2024, 6, 8), 1000)
    found.response("k", "ann", date(2024, 6, 6), "coupon 1")
    found.response("k", "ann", date(2024, 6, 6), "coupon 2")
    found.response("k", "bob", date(2024, 6, 7))
    return found


def one(found: list[dict[str, Any]], **wanted: Any) -> dict[str, Any]:
    (only,) = [row for row in found if row.items() >= wanted.items()]
    return only


def test_every_figure_of_a_campaign(market: Market) -> None:
    found = market.roi("segment_campaign")
    assert len(found) == 2
    assert one(found, segment_id="high") == {
        "campaign_id": "k",
        "campaign_name": "k",
        "campaign_type": "",
        "start_date": date(2024, 6, 5),
        "end_date": date(2024, 6, 30),
        "status": "running",
        "segmentation_id": "s",
        "segment_id": "high",
        "membership_date": BEFORE_K,
        "membership_basis": "replayed",
        "contacted": 1,
        "responders": 1,
        "attributed_orders": 1,
        "attributed_revenue": 120,
        "margin": 60,
        "contact_cost": 1,
        "coupon_cost": 4,
        "cost": 5,
        "profit": 55,
        "roi": 11,
        "previous_campaign_id": None,
        "roi_previous": None,
        "roi_change": None,
        "label": LABEL,
    }


def test_a_customer_who_moves_on_the_first_day_counts_in_the_old_segment(market: Market) -> None:
    low = one(market.roi("segment_campaign"), segment_id="low")
    assert (low["contacted"], low["responders"], low["attributed_revenue"]) == (2, 1, 30)
    assert (low["cost"], low["profit"], low["roi"]) == (3, 12, 4)


def test_who_responded_without_buying_responded_too(market: Market) -> None:
    market.response("k", "cyd", date(2024, 6, 9))
    market.response("k", "cyd", AS_OF + timedelta(days=1), "later")
    market.response("k", "ann", date(2024, 6, 10), "without an order")
    low, high = (one(market.roi("segment_campaign"), segment_id=segment) for segment in ("low", "high"))
    assert (low["contacted"], low["responders"], low["attributed_orders"]) == (2, 2, 1)
    assert (high["contacted"], high["responders"], high["attributed_revenue"]) == (1, 1, 120)


def test_a_response_of_a_later_day_is_none_yet(market: Market) -> None:
    market.response("k", "cyd", AS_OF + timedelta(days=1))
    assert one(market.roi("segment_campaign"), segment_id="low")["responders"] == 1


def test_every_figure_of_a_month(market: Market) -> None:
    market.shop.order("m", "ann", date(2024, 5, 5), 7)
    found = market.roi("segment_month")
    assert one(found, month=date(2024, 6, 1), segment_id="low") == {
        "month": date(2024, 6, 1),
        "complete": False,
        "segmentation_id": "s",
        "segment_id": "low",
        "membership_date": BEFORE_JUNE,
        "membership_basis": "replayed",
        "customers": 2,
        "revenue": 1030,
        "attributed_revenue": 30,
        "margin": 15,
        "contacts": 2,
        "contact_cost": 2,
        "coupon_cost": 1,
        "cost": 3,
        "profit": 12,
        "roi": 4,
        "roi_previous": None,
        "roi_change": None,
        "label": LABEL,
    }
    may = one(found, month=date(2024, 5, 1), segment_id="high")
    assert (may["complete"], may["revenue"], may["cost"], may["profit"], may["roi"]) == (True, 7, 0, 0, None)


def test_days_that_are_no_months_last_make_no_month(market: Market) -> None:
    months = {row["month"] for row in market.roi("segment_month")}
    assert months == {date(2024, 5, 1), date(2024, 6, 1)}


def test_the_previous_month_stands_beside(market: Market) -> None:
    market.campaign("m", date(2024, 5, 2), date(2024, 5, 9))
    market.contact("m", "ann")
    market.response("m", "ann", date(2024, 5, 3))
    market.shop.order("m", "ann", date(2024, 5, 3), 6)
    june = one(market.roi("segment_month"), month=date(2024, 6, 1), segment_id="high")
    assert (june["roi_previous"], june["roi"], june["roi_change"]) == (2, 11, 9)


def test_the_previous_campaign_is_the_one_before_of_its_type(market: Market) -> None:
    market.shop.con.execute("update core.campaigns set campaign_type = 'A'")
    for name, start, kind in (("a1", 1, "A"), ("b1", 3, "B"), ("later", 10, "A")):
        market.campaign(name, date(2024, 6, start), date(2024, 6, start), kind)
        market.contact(name, "ann")
        if start > 1:
            market.day(date(2024, 6, start - 1), {"ann": "high"})
    found = [row for row in market.roi("segment_campaign") if row["segment_id"] == "high"]
    before = {row["campaign_id"]: row["previous_campaign_id"] for row in found}
    assert before == {"a1": None, "b1": None, "k": "a1", "later": "k"}
    assert one(found, campaign_id="k")["roi_change"] == 12
    assert one(found, campaign_id="later")["roi_previous"] == 11


def test_a_day_with_responses_to_two_campaigns_is_divided(market: Market) -> None:
    market.campaign("twin", date(2024, 6, 5), date(2024, 6, 10))
    market.contact("twin", "ann")
    market.response("twin", "ann", date(2024, 6, 6))
    found = [row for row in market.roi("segment_campaign") if row["segment_id"] == "high"]
    assert [(row["attributed_revenue"], row["coupon_cost"], row["attributed_orders"]) for row in found] == [
        (60, 2, 0.5), (60, 2, 0.5),
    ]  # fmt: skip
    month = one(market.roi("segment_month"), month=date(2024, 6, 1), segment_id="high")
    assert (month["attributed_revenue"], month["contacts"]) == (120, 2)


def test_three_touches_are_one_customer_contacted_at_the_cost_of_three(market: Market) -> None:
    market.contact("k", "ann", date(2024, 6, 1), cost=2)
    market.contact("k", "ann", date(2024, 5, 20), cost=3)
    high = one(market.roi("segment_campaign"), segment_id="high")
    # The first touch has no cost of its own; nothing else is multiplied.
    assert (high["contacted"], high["responders"], high["contact_cost"]) == (1, 1, 6)
    assert (high["attributed_orders"], high["attributed_revenue"], high["coupon_cost"]) == (1, 120, 4)
    ann = one(market.roi("contact"), customer_id="ann")
    assert (ann["contacted_on"], ann["touches"], ann["cost"]) == (date(2024, 5, 20), 3, 6)
    months = [row for row in market.roi("segment_month") if row["segment_id"] == "high"]
    assert {row["month"].month: (row["contacts"], row["contact_cost"]) for row in months} == {
        5: (1, 3),
        6: (2, 3),
    }


def test_whoever_is_in_both_arms_counts_as_contacted_and_costs_what_was_sent(market: Market) -> None:
    market.contact("k", "ann", date(2024, 6, 1), cost=50, arm="control")
    market.contact("k", "bob", date(2024, 6, 1), cost=50, arm="control")
    found = {row["segment_id"]: row for row in market.roi("segment_campaign")}
    assert {name: (row["contacted"], row["contact_cost"]) for name, row in found.items()} == {
        "high": (1, 1),
        "low": (2, 2),
    }


def test_touches_of_contacts_and_companies_are_in_no_figure_and_the_campaign_is_named(market: Market) -> None:
    before = market.roi("segment_campaign")
    market.campaign("fair", date(2024, 6, 5), date(2024, 6, 30))
    for campaign in ("k", "fair"):
        for owner in ("contact_id", "account_id"):
            market.shop.add("core.campaign_contacts", {"campaign_id": campaign, owner: "ann", "cost": 9})
    assert market.roi("segment_campaign") == before
    (left_out,) = market.roi("campaign_left_out")
    assert (left_out["campaign_id"], left_out["reason"]) == (
        "fair",
        "contacts persons or companies, no customer",
    )


def test_a_response_of_somebody_not_contacted_brings_nothing(market: Market) -> None:
    market.shop.con.execute("delete from core.campaign_contacts where customer_id = 'bob'")
    assert {row["customer_id"] for row in market.roi("attribution")} == {"ann"}
    assert one(market.roi("segment_month"), month=date(2024, 6, 1), segment_id="low")["margin"] == 0


def test_a_contact_or_response_after_the_day_does_not_count_yet(market: Market) -> None:
    market.shop.con.execute("update core.campaign_contacts set contacted_on = '2024-06-21'"
                            " where customer_id = 'ann'")  # fmt: skip
    market.shop.con.execute("update core.campaign_responses set responded_on = '2024-06-21'"
                            " where customer_id = 'bob'")  # fmt: skip
    (low,) = market.roi("segment_campaign")
    assert (low["segment_id"], low["contacted"], low["responders"]) == ("low", 2, 0)
    high = one(market.roi("segment_month"), month=date(2024, 6, 1), segment_id="high")
    assert (high["contacts"], high["attributed_revenue"]) == (0, 0)


def test_what_was_bought_after_the_day_does_not_count_yet(market: Market) -> None:
    early = market.roi("segment_month", as_of=date(2024, 6, 7))
    assert one(early, month=date(2024, 6, 1), segment_id="low")["revenue"] == 30


def test_a_contact_costs_what_it_says_or_else_what_the_project_says(market: Market) -> None:
    market.contact("k", "dan", cost=0.25)
    costs = {row["customer_id"]: row["cost"] for row in market.roi("contact", contact_cost="0.1")}
    assert costs["dan"] == Decimal("0.25")
    assert costs["ann"] == Decimal("0.1")


def test_roi_is_unknown_without_cost_and_profit_is_not(market: Market) -> None:
    market.shop.con.execute("update core.order_lines set coupon_discount = 0")
    high = one(market.roi("segment_campaign", contact_cost="0"), segment_id="high")
    assert (high["cost"], high["profit"], high["roi"]) == (0, 60, None)


def test_margin_profit_and_roi_are_unknown_where_nothing_says_what_goods_cost(market: Market) -> None:
    for table in ("segment_campaign", "segment_month"):
        found = market.roi(table, margin_rate=None)
        rows_with_sales = [row for row in found if row["attributed_revenue"]]
        assert rows_with_sales
        assert {(row["margin"], row["profit"], row["roi"]) for row in rows_with_sales} == {(None, None, None)}
        assert all(row["cost"] > 0 for row in rows_with_sales)


@pytest.mark.parametrize("table", ["segment_campaign", "segment_month"])
def test_one_day_of_unknown_margin_leaves_the_customers_margin_unknown(market: Market, table: str) -> None:
    market.shop.con.execute("update core.order_lines set cost = 10 where order_id = 'a'")
    market.shop.order("a2", "ann", date(2024, 6, 9), 50)
    market.response("k", "ann", date(2024, 6, 9))
    found = [row for row in market.roi(table, margin_rate=None) if row["attributed_revenue"] == 170]
    assert [row["margin"] for row in found] == [None]


def test_costs_of_goods_count_before_the_margin_rate(market: Market) -> None:
    market.shop.con.execute("update core.order_lines set cost = 10 where order_id = 'a'")
    assert one(market.roi("segment_campaign"), segment_id="high")["margin"] == 100


@pytest.mark.parametrize(("as_of", "complete"), [(date(2024, 6, 29), False), (date(2024, 6, 30), True)])
def test_a_month_and_a_campaign_are_complete_on_their_last_day(
    market: Market, as_of: date, complete: bool
) -> None:
    june = one(market.roi("segment_month", as_of=as_of), month=date(2024, 6, 1), segment_id="high")
    assert june["complete"] is complete
    status = {row["status"] for row in market.roi("segment_campaign", as_of=as_of)}
    assert status == {"complete" if complete else "running"}


def test_every_campaign_has_figures_or_a_reason(market: Market) -> None:
    market.shop.order("first", "ann", date(2024, 4, 10), 5)
    for name, start in (
        ("later", date(2024, 6, 21)),
        ("ancient", date(2024, 4, 10)),
        ("old", date(2024, 4, 20)),
        ("nobody", date(2024, 6, 5)),
        ("stranger", date(2024, 6, 5)),
    ):
        market.campaign(name, start, start)
    market.contact("stranger", "zoe")
    reasons = {row["campaign_id"]: row["reason"] for row in market.roi("campaign_left_out")}
    assert reasons == {
        "later": "starts later",
        "ancient": "starts before the data",
        "old": "starts before the months of ROI",
        "nobody": "contacts no customer",
        "stranger": "contacts only customers unknown the day before",
    }
    figures = {row["campaign_id"] for row in market.roi("segment_campaign")}
    assert figures.isdisjoint(reasons)
    assert len(figures | reasons.keys()) == market.shop.select("select count(*) from core.campaigns")[0][0]


def test_segments_add_up_to_their_customers(market: Market) -> None:
    market.campaign("twin", date(2024, 6, 5), date(2024, 6, 10))
    market.campaign("triplet", date(2024, 6, 5), date(2024, 6, 10))
    for name in ("twin", "triplet"):
        market.contact(name, "ann")
        market.response(name, "ann", date(2024, 6, 6))
    june = [row for row in market.roi("segment_month") if row["month"] == date(2024, 6, 1)]
    attribution, contact = market.roi("attribution"), market.roi("contact")
    for name, total in (
        ("attributed_revenue", sum(row["revenue"] for row in attribution)),
        ("margin", sum(row["margin"] for row in attribution)),
        ("coupon_cost", sum(row["coupon_cost"] for row in attribution)),
        ("contact_cost", sum(row["cost"] for row in contact)),
        ("revenue", Decimal(1150)),
    ):
        assert sum(row[name] for row in june) == total
    campaigns = market.roi("segment_campaign")
    assert (
        sum(row["attributed_revenue"] for row in campaigns) == sum(r["revenue"] for r in attribution) == 150
    )


def test_every_row_says_that_it_is_attributed(market: Market) -> None:
    for table in ("segment_month", "segment_campaign"):
        assert {row["label"] for row in market.roi(table)} == {LABEL}


def test_tables_stand_empty_without_campaigns() -> None:
    market = Market()
    assert (
        market.roi("segment_month") == market.roi("segment_campaign") == market.roi("campaign_left_out") == []
    )


def test_the_control_group_is_not_contacted_and_costs_nothing(market: Market) -> None:
    market.campaign("m", date(2024, 6, 5), date(2024, 6, 12))
    market.contact("m", "a", cost=2)
    market.contact("m", "b", arm="control")
    market.contact("m", "c", arm=None)
    contacts = [one for one in market.roi("contact") if one["campaign_id"] == "m"]
    assert [(one["customer_id"], one["cost"]) for one in contacts] == [("a", Decimal(2)), ("c", Decimal(1))]
