"""Past days: taken from the record where they stand in it, replayed beside it where they do not."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from population import RULES, load
from shop import Shop

from pipelines.config.attributes import AttributeRule
from pipelines.config.features import Features
from pipelines.engine import DuckDB, run_step
from pipelines.features.accounts.compute import compute_accounts
from pipelines.features.compute import (
    compute_customers,
    compute_past,
    has_features,
    keep_features,
    refresh_state,
)
from pipelines.features.mark import features_mark
from pipelines.features.recipe import Recipe
from pipelines.segments import history, replay
from pipelines.segments.assignment import assign
from pipelines.segments.definitions import load_definitions
from pipelines.segments.model import Segmentation

D = date(2024, 6, 20)
BASELINE, MAY_END, APRIL_END = date(2024, 5, 23), date(2024, 5, 31), date(2024, 4, 30)
BEFORE_CAMPAIGN = date(2024, 6, 4)


class Company:
    """A shop with one segmentation and one campaign; says which days were computed."""

    def __init__(self, folder: Path) -> None:
        self.shop = Shop()
        self.con = self.shop.con
        history.create(self.con)
        self.folder = folder
        load(folder, RULES)
        self.segmentations = self.read()
        self.computed: list[date] = []
        self.recipe = Recipe(margin_rate=0.25)
        self.shop.add(
            "core.campaigns",
            {"campaign_id": "k", "start_date": date(2024, 6, 5), "end_date": date(2024, 6, 9)},
        )
        self.shop.order("o1", "ann", date(2024, 4, 10), 5)
        self.shop.order("o2", "bob", date(2024, 6, 1), 5)
        self.shop.batch(1, date(2024, 4, 10))
        refresh_state(DuckDB(self.con))

    def read(self) -> list[Segmentation]:
        return list(load_definitions(self.folder, {"customer": self.shop.catalogue()}).checked())

    def compute(self, day: date, after: date | None) -> None:
        self.computed.append(day)
        compute_past(DuckDB(self.con), day, self.recipe, after)
        compute_accounts(DuckDB(self.con), day, self.recipe)

    def record(self, day: date) -> None:
        compute_customers(DuckDB(self.con), day, self.recipe)
        compute_accounts(DuckDB(self.con), day, self.recipe)
        history.record(self.con, day, self.segmentations, "run")

    def bring_up(self, day: date = D, months: int = 2) -> list[date]:
        versions = {one.id: one.version for one in self.segmentations}
        inputs = replay.inputs_hash(versions, features_mark(DuckDB(self.con), self.recipe))
        return replay.bring_up(DuckDB(self.con), day, self.segmentations, months, inputs, self.compute)

    def days(self, table: str) -> list[date]:
        found = self.shop.select(f"select distinct as_of_date from {table} order by 1")
        return [row[0] for row in found]


@pytest.fixture
def company(tmp_path: Path) -> Company:
    return Company(tmp_path)


NEEDED = [APRIL_END, BASELINE, MAY_END, BEFORE_CAMPAIGN]


def test_needed_are_the_days_before_months_and_campaigns_the_baseline_and_the_previous(
    company: Company,
) -> None:
    assert replay.needed_days(DuckDB(company.con), D, 2) == NEEDED
    assert replay.needed_days(DuckDB(company.con), D, 1) == [BASELINE, MAY_END, BEFORE_CAMPAIGN]
    # Nothing before the first order, however many months are asked for.
    assert replay.needed_days(DuckDB(company.con), D, 13) == NEEDED
    company.record(date(2024, 6, 17))
    assert replay.needed_days(DuckDB(company.con), D, 2) == [*NEEDED, date(2024, 6, 17)]


def test_nothing_is_needed_before_there_are_orders() -> None:
    shop = Shop()
    history.create(shop.con)
    assert replay.needed_days(DuckDB(shop.con), D, 2) == []


def test_drift_is_measured_against_the_same_weekday_four_weeks_before() -> None:
    before = replay.four_weeks_before(date(2024, 3, 1))
    assert before == date(2024, 2, 2)
    assert before.weekday() == date(2024, 3, 1).weekday()


def test_months_start_on_first_days_over_the_turn_of_a_year() -> None:
    assert replay.month_starts(date(2024, 2, 29), 3) == [
        date(2023, 12, 1), date(2024, 1, 1), date(2024, 2, 1),
    ]  # fmt: skip


def test_needed_days_are_replayed_and_nothing_of_them_is_recorded(company: Company) -> None:
    assert company.bring_up() == NEEDED
    assert company.days("segments.assignment") == NEEDED
    assert company.days("segments.profile_day") == NEEDED
    assert company.days("segments.membership_event") == company.days("segments.recorded_day") == []
    assert {replay.basis_of(DuckDB(company.con), day) for day in NEEDED} == {"replayed"}
    assert replay.basis_of(DuckDB(company.con), D) is None


def test_of_replayed_days_only_the_baseline_keeps_its_features(company: Company) -> None:
    company.bring_up()
    assert [day for day in NEEDED if has_features(DuckDB(company.con), day)] == [BASELINE]


def test_a_replayed_day_stands_until_something_changes(company: Company) -> None:
    company.bring_up()
    company.computed.clear()
    assert company.bring_up() == company.computed == []


def test_a_baseline_without_features_is_computed_again(company: Company) -> None:
    company.bring_up()
    keep_features(DuckDB(company.con), [])
    assert company.bring_up() == [BASELINE]


@pytest.mark.parametrize(
    ("first", "replayed"),
    [(date(2024, 5, 31), [MAY_END, BEFORE_CAMPAIGN]), (date(2024, 6, 5), []), (None, NEEDED)],
)
def test_rows_that_changed_replay_the_days_they_bear_on(
    company: Company, first: date | None, replayed: list[date]
) -> None:
    company.bring_up()
    company.shop.changed("orders", first)
    assert company.bring_up() == replayed
    assert company.bring_up() == []


def test_a_later_change_does_not_hide_an_earlier_one(company: Company) -> None:
    company.bring_up()
    for first in (date(2024, 6, 1), date(2024, 5, 31), date(2024, 6, 20)):
        company.shop.changed("orders", first)
    assert company.bring_up() == [MAY_END, BEFORE_CAMPAIGN]


@pytest.mark.parametrize("table", ["accounts", "opportunities", "rates"])
def test_what_only_accounts_are_made_of_replays_the_baseline_alone(company: Company, table: str) -> None:
    company.bring_up()
    company.shop.changed(table, None)
    # Of the baseline the features of accounts stand as well.
    assert company.bring_up() == [BASELINE]


def test_contacts_bear_on_customers_too_who_may_be_the_same_persons(company: Company) -> None:
    company.bring_up()
    company.shop.changed("contacts", None)
    assert company.bring_up() == NEEDED
    company.shop.changed("contacts", D)
    assert company.bring_up() == []


def test_a_segment_that_asks_for_deals_follows_whatever_says_whose_they_are(company: Company) -> None:
    load(company.folder, RULES.replace("<= 30", "<= 30 and did(opportunities)"))
    company.segmentations = company.read()
    company.bring_up()
    company.shop.changed("contacts", NEEDED[0])
    assert company.bring_up() == NEEDED
    company.shop.changed("orders", D)
    assert company.bring_up() == []


def test_a_definition_or_margin_rate_that_changes_replays_everything(company: Company) -> None:
    company.bring_up()
    load(company.folder, RULES.replace("name: Near", "name: Closer"))
    company.segmentations = company.read()
    assert company.bring_up() == []
    load(company.folder, RULES.replace("<= 30", "<= 31"))
    company.segmentations = company.read()
    assert company.bring_up() == NEEDED
    company.recipe = replace(company.recipe, margin_rate=0.3)
    assert company.bring_up() == NEEDED


def with_custom(company: Company, *custom: dict[str, str]) -> Recipe:
    return replace(company.recipe, settings=Features.model_validate({"custom": custom}))


BIG = {"name": "big", "from": "orders", "aggregate": "count", "where": "store_id = 'a'", "meaning": "Big"}
SMALL = BIG | {"name": "small", "where": "store_id = 'b'"}


def test_a_feature_of_the_project_that_changes_replays_everything(company: Company) -> None:
    company.recipe = with_custom(company, BIG, SMALL)
    assert company.bring_up() == NEEDED
    company.recipe = with_custom(company, BIG | {"where": "store_id = 'c'"}, SMALL)
    assert company.bring_up() == NEEDED
    company.recipe = with_custom(company, BIG | {"where": "store_id = 'c'", "window": "90d"}, SMALL)
    assert company.bring_up() == NEEDED


def test_words_about_a_feature_and_its_place_in_the_list_replay_nothing(company: Company) -> None:
    company.recipe = with_custom(company, BIG, SMALL)
    company.bring_up()
    company.recipe = with_custom(
        company, SMALL, BIG | {"meaning": "Large", "unit": "orders", "family": "rfm"}
    )
    assert company.bring_up() == company.bring_up() == []


@pytest.mark.parametrize(
    ("settings", "again"),
    [
        ({"scales": {"care": {"questions": ["q1"], "reverse": ["q1"]}}}, NEEDED),
        ({"distance_from": {"name": "Shop", "latitude": 60.0, "longitude": 25.1}}, NEEDED),
        ({"distance_from": {"name": "The shop", "latitude": 60.0, "longitude": 25.0}}, []),
        ({"pipeline_stages": ["won"]}, NEEDED),
        ({"families": {"latitude": "custom"}}, []),
    ],
)
def test_a_setting_replays_everything_when_values_follow_from_it(
    company: Company, settings: dict[str, Any], again: list[date]
) -> None:
    for name in ("latitude", "longitude"):
        company.shop.alter("customers", f"add column {name} double")
    given = {
        "scales": {"care": {"questions": ["q1"]}},
        "distance_from": {"name": "Shop", "latitude": 60.0, "longitude": 25.0},
    }
    company.recipe = replace(company.recipe, settings=Features.model_validate(given))
    company.bring_up()
    company.recipe = replace(company.recipe, settings=Features.model_validate(given | settings))
    assert company.bring_up() == again


def test_a_rule_of_an_attribute_replays_everything_when_values_expire_by_it(company: Company) -> None:
    company.shop.alter("customers", "add column income varchar")
    rule = AttributeRule(as_of="created_on", expires_after="365d")
    for rules, again in (
        ({}, NEEDED),
        ({"income": AttributeRule(origin="declared")}, []),
        ({"income": rule}, NEEDED),
        ({"income": rule.model_copy(update={"origin": "declared"})}, []),
        ({"income": rule.model_copy(update={"expires_after": "366d"})}, NEEDED),
    ):
        company.recipe = replace(company.recipe, rules=rules)
        assert company.bring_up() == again, rules


def test_a_recorded_day_is_taken_from_the_record_whatever_is_known_now(company: Company) -> None:
    company.record(MAY_END)
    recorded = company.shop.select("from segments.assignment order by all")
    company.shop.order("late", "zoe", date(2024, 5, 1), 5)
    company.shop.dirty("zoe")
    refresh_state(DuckDB(company.con))
    company.shop.changed("orders", date(2024, 5, 1))
    assert MAY_END not in company.bring_up()
    assert (
        company.shop.select("from segments.assignment where as_of_date = ? order by all", MAY_END) == recorded
    )
    assert replay.basis_of(DuckDB(company.con), MAY_END) == "recorded"
    replayed = company.shop.select("select entity_id from segments.assignment where as_of_date = ?", BASELINE)
    assert ("zoe",) in replayed


def test_a_recorded_baseline_gets_its_features_back(company: Company) -> None:
    company.record(BASELINE)
    keep_features(DuckDB(company.con), [])
    company.bring_up()
    assert has_features(DuckDB(company.con), BASELINE)


def test_days_that_nobody_needs_any_more_are_dropped(company: Company) -> None:
    company.record(date(2024, 6, 3))
    company.bring_up()
    july = date(2024, 7, 25)
    company.bring_up(july, months=1)
    needed = replay.needed_days(DuckDB(company.con), july, 1)
    assert MAY_END not in needed
    assert company.days("segments.assignment") == company.days("segments.snapshot_day") == needed


def test_profiles_of_recorded_days_stay_when_nobody_needs_them(company: Company) -> None:
    company.record(MAY_END)
    run_step(company.con, "segments/profile_day", {"as_of": MAY_END, "basis": "recorded"})
    company.bring_up()
    company.record(date(2024, 7, 20))
    company.bring_up(date(2024, 8, 25), months=1)
    assert MAY_END not in company.days("segments.assignment")
    assert MAY_END in company.days("segments.profile_day")
    assert APRIL_END not in company.days("segments.profile_day")


def test_a_profile_counts_and_sums_its_segment(company: Company) -> None:
    company.shop.order("o3", "bob", date(2024, 6, 2), {"revenue": 15, "cost": 5})
    company.shop.dirty("bob")
    refresh_state(DuckDB(company.con))
    company.bring_up()
    found = company.shop.select(
        "select segment_id, members, customers, share, active_members_90d, revenue_30d, revenue_365d,"
        " revenue_share, margin_365d, orders_365d, average_order_value, purchase_days_365d, recency_days,"
        " basis from segments.profile_day where as_of_date = ? order by segment_id",
        BEFORE_CAMPAIGN,
    )
    assert found == [
        ("away", 1, 1, 0.5, 1, 0, 5, 0.2, 1.25, 1, 5, 1, 55, "replayed"),
        # 10 of the order with a cost, and a quarter of the 5 without.
        ("new", 1, 1, 0.5, 1, 20, 20, 0.8, Decimal("11.25"), 2, 10, 2, 2, "replayed"),
    ]


def test_the_margin_of_a_segment_is_unknown_when_one_customers_is(tmp_path: Path) -> None:
    company = Company(tmp_path)
    company.shop.order("o4", "cyd", date(2024, 6, 1), {"revenue": 15, "cost": 5})
    company.shop.dirty("cyd")
    refresh_state(DuckDB(company.con))
    day = BEFORE_CAMPAIGN
    compute_customers(DuckDB(company.con), day, Recipe())
    compute_accounts(DuckDB(company.con), day, Recipe())
    assign(DuckDB(company.con), day, company.segmentations)
    run_step(company.con, "segments/profile_day", {"as_of": day, "basis": "recorded"})
    assert company.shop.select("select distinct margin_365d from segments.profile_day") == [(None,)]
