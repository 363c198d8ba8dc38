"""Calls in conditions: events, members, references, and the faults of each, told where they stand."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from shop import Shop

from pipelines.engine import DuckDB
from pipelines.errors import ConfigError
from pipelines.features.catalogue import Feature
from pipelines.features.compute import refresh_state
from pipelines.segments import history
from pipelines.segments.definitions import Definitions, load_definitions

D = date(2024, 6, 30)
ACCOUNT = [
    Feature("employees", "firmographic", "persons", "BIGINT", "How many people it employs"),
    Feature("industry", "firmographic", "", "VARCHAR", "Branch"),
]


class Market:
    """Customers with events and accounts, and segmentations of one condition each."""

    def __init__(self, folder: Path) -> None:
        self.shop = Shop(account_id="varchar")
        self.con = self.shop.con
        history.create(self.con)
        self.begin(folder)
        add = self.shop.add
        add("core.products", {"product_id": "w", "category": "WINE"}, {"product_id": "b", "category": "BEER"})
        add("core.accounts", {"account_id": "A"}, {"account_id": "B"}, {"account_id": "C"})
        for customer, account in (("ann", "A"), ("bob", "A"), ("cyd", "B"), ("dan", None)):
            add("core.customers", {"customer_id": customer, "account_id": account})
        order = self.shop.order
        order(
            "o1",
            "ann",
            date(2024, 6, 28),
            {"revenue": 30, "product_id": "w"},
            {"revenue": 9, "product_id": "w"},
        )
        order("o2", "ann", date(2024, 4, 2), {"revenue": 20, "product_id": "w"})
        order("o3", "ann", date(2024, 4, 1), {"revenue": 20, "product_id": "b"})
        order("o4", "bob", date(2024, 6, 30), {"revenue": 5, "product_id": "b"}, status="returned")
        order("o5", "cyd", date(2024, 7, 1), {"revenue": 500, "product_id": "w"})
        order("o6", "cyd", date(2023, 1, 1), {"revenue": 50, "product_id": "b"})
        add(
            "core.opportunities",
            {"opportunity_id": "x", "account_id": "A", "opened_on": date(2024, 5, 1),
             "closed_on": date(2024, 6, 1), "outcome": "won", "value": 10},
            {"opportunity_id": "y", "account_id": "B", "opened_on": date(2024, 5, 1),
             "closed_on": date(2024, 7, 2), "outcome": "won", "value": 10},
        )  # fmt: skip
        add("core.contacts", {"contact_id": "k1", "account_id": "A", "role": "CEO", "created_on": D})
        add(
            "core.contacts",
            {"contact_id": "k2", "account_id": "B", "role": "CEO", "created_on": date(2024, 7, 1)},
        )
        add("core.contacts", {"contact_id": "k3", "account_id": "B", "role": "clerk", "created_on": None})
        seen = {"occurred_at": "2024-06-20 10:00:00", "business_date": date(2024, 6, 20), "channel": "web"}
        add(
            "core.interactions",
            {"interaction_id": "i1", "customer_id": "bob", "contact_id": None, **seen},
            {"interaction_id": "i2", "customer_id": None, "contact_id": "k3", **seen},
        )
        add("core.campaigns", {"campaign_id": "m", "start_date": date(2024, 6, 1)})
        for customer, arm in (("ann", "treatment"), ("bob", "control")):
            add("core.campaign_contacts", {"campaign_id": "m", "customer_id": customer, "arm": arm})
        refresh_state(DuckDB(self.con))
        self.shop.compute(D)
        self.con.execute(
            "create or replace table features.account as select date '2024-06-30' as as_of_date,"
            " unnest(['A', 'B', 'C']) as account_id, unnest([10, 20, null]) as employees, 'x' as industry"
        )

    def begin(self, folder: Path) -> None:
        """No definition yet."""
        self.folder = folder / "segments"
        self.folder.mkdir()

    def write(self, name: str, text: str) -> None:
        (self.folder / f"{name}.yaml").write_text(text, encoding="utf-8")

    def rule(self, name: str, condition: str, entity: str = "customer") -> None:
        self.write(
            name,
            f"segmentation: {name}\nname: {name}\nkind: rules\nentity: {entity}\nsegments:\n"
            f"  - id: yes_\n    name: Yes\n    when: >-\n      {condition}\n"
            "otherwise: {id: no_, name: No}\n",
        )

    def load(self, **settings: Any) -> Definitions:
        return load_definitions(
            self.folder, {"customer": self.shop.catalogue(), "account": ACCOUNT}, **settings
        )

    def holds(self, condition: str, entity: str = "customer") -> set[str]:
        """Who meets a condition."""
        self.rule("asked", condition, entity)
        found = self.load()
        found.checked()
        plan = found.plan(entity, only={"asked"})  # type: ignore[arg-type]
        plan.prepare(DuckDB(self.con), D)
        rows = self.con.execute(plan.sql, plan.parameters(D)).fetchall()
        assert len(rows) == (4 if entity == "customer" else 3)
        return {member for member, segment in rows if segment == "yes_"}

    def fault(self, condition: str, entity: str = "customer", **settings: Any) -> str:
        """What is said of a faulty condition, without the folder."""
        self.rule("asked", condition, entity)
        return str(self.load(**settings).faults["asked"]).replace(f"{self.folder}/", "")


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Market:
    return Market(tmp_path_factory.mktemp("market"))


@pytest.fixture
def market(shared: Market, tmp_path: Path) -> Market:
    """Definitions of one's own, customers that all tests read."""
    shared.begin(tmp_path)
    return shared


def test_an_account_is_judged_by_customers_who_are_kept_where_they_stood(tmp_path: Path) -> None:
    market = Market(tmp_path)
    market.write(
        "cycle",
        "segmentation: cycle\nname: Cycle\nkind: rules\nsegments:\n"
        "  - {id: warm, name: Warm, when: recency_days <= 2, exit: recency_days > 60}\n"
        "otherwise: {id: cold, name: Cold}\n",
    )
    market.rule("asked", "any_member(where: in_segment('cycle.warm'))", "account")
    tomorrow = date(2024, 7, 1)
    for day in (D, tomorrow):
        market.shop.compute(day)
        assert history.record(market.con, day, market.load().checked(), "run").held == {}
    stays = market.con.execute(
        "select entity_id, entered_date from segments.membership"
        " where segment_id in ('warm', 'yes_') and left_date is null order by all"
    ).fetchall()
    # Ann bought on 28 June: three days ago she is kept, and so is her account. Cyd buys tomorrow.
    assert stays == [("A", D), ("B", tomorrow), ("ann", D), ("cyd", tomorrow)]


@pytest.mark.parametrize(
    ("condition", "who"),
    [
        ("did(orders)", {"ann", "cyd"}),
        ("did(orders, within: 90d)", {"ann"}),
        ("did(orders, within: 90d, at_least: 2)", {"ann"}),  # 2 April is the first day of the 90
        ("did(orders, within: 90d, at_least: 3)", set()),
        ("did(orders) and did_not(orders, within: 2d)", {"ann", "cyd"}),  # two windows of one table
        ("did(orders) and did(orders, within: 3d)", {"ann"}),
        ("did(orders, at_least: 2, at_most: 2)", set()),
        ("did(orders, at_most: 2)", {"cyd"}),
        ("did(orders, at_least: 3, at_most: 3)", {"ann"}),
        ("did(orders, where: category = 'WINE', at_least: 2)", {"ann"}),
        ("did(orders, where: category = 'WINE', at_least: 3)", set()),  # lines of one order count once
        ("did(orders, where: revenue = 39)", {"ann"}),
        ("did(orders, where: line_revenue = 39)", set()),
        ("did(orders, where: status = 'returned')", {"bob"}),
        ("did_not(orders, within: 13w)", {"bob", "cyd", "dan"}),
        ("did(orders, where: days_since(business_date) > 400)", {"cyd"}),
        ("did(interactions, where: channel = 'web', within: 11d)", {"bob"}),
        ("did(interactions, within: 10d)", set()),
        ("did(campaign_contacts)", {"ann"}),
        ("did(campaign_contacts, where: arm = 'control')", {"bob"}),
        ("did(opportunities, where: outcome = 'won')", {"ann", "bob"}),
        ("did(opportunities, where: outcome = 'open' and closed_on is null)", {"cyd"}),
        ("not did(orders) and recency_days is null", {"bob", "dan"}),
        ("date_diff('day', last_purchase_date, as_of_date) = 2", {"ann"}),
        ("days_since(last_purchase_date) between 1 and 9", {"ann"}),
    ],
)
def test_events_are_counted_up_to_the_day(market: Market, condition: str, who: set[str]) -> None:
    assert market.holds(condition) == who


@pytest.mark.parametrize(
    ("condition", "who"),
    [
        ("employees > 15", {"B"}),
        ("any_member(where: recency_days < 10)", {"A"}),
        ("all_members(where: recency_days < 10)", set()),
        ("all_members(where: recency_days is not null)", {"B"}),
        ("no_member(where: recency_days < 10)", {"B", "C"}),
        ("members(where: true, at_least: 2)", {"A"}),
        ("members()", {"A", "B"}),
        ("members(at_most: 1)", {"B"}),
        ("not members()", {"C"}),
        ("any_member(contacts, where: role = 'CEO')", {"A"}),
        ("no_member(contacts, where: role = 'CEO')", {"B", "C"}),
        ("any_member(where: in_segment('fresh.yes_') and did(orders, within: 5d))", {"A"}),
        ("did(orders, within: 90d)", {"A"}),
        ("did(interactions, at_least: 1)", {"A", "B"}),
        ("did(opportunities, where: outcome = 'won')", {"A"}),
    ],
)
def test_accounts_are_judged_by_their_members(market: Market, condition: str, who: set[str]) -> None:
    market.rule("fresh", "recency_days < 10")
    assert market.holds(condition, "account") == who


def test_members_are_asked_in_one_select_with_the_cut_points_of_what_they_refer_to(market: Market) -> None:
    market.write(
        "tier",
        "segmentation: tier\nname: T\nkind: tiers\nby: revenue_365d\ntiers:\n"
        "  - {id: top, name: Top, until: 0.5}\n  - {id: low, name: Low, until: 1}\n"
        "otherwise: {id: none, name: None}\n",
    )
    assert market.holds("any_member(where: in_segment('tier.top'))", "account") == {"A"}


@pytest.mark.parametrize(
    ("condition", "said", "at"),
    [
        ("did(ordrs)", "ordrs is not a table of events; did you mean orders or order_lines?", "ordrs"),
        (
            "in_crm and did(orders, where: categry = 'x')",
            "categry is not a column of orders; did you mean category",
            "categry",
        ),
        (
            "did(orders, within: 90)",
            "within is '90'; expected days or weeks, such as 90d or 12w; did you mean 90d?",
            "within",
        ),
        ("did(orders, within: 3m)", "within is '3m'; expected days or weeks", "within"),
        ("did(orders, within: 0d)", "within is 0d; expected 1d to 36500d", "within"),
        ("did(orders, at_least: 0)", "at_least is '0'; expected a whole number from 1 upwards", "at_least"),
        ("did(orders, at_least: 3, at_most: 2)", "at_most is 2 and at_least 3", "at_most"),
        ("did(orders, were: true)", "did has no argument were; did you mean where", "were"),
        ("did(orders, true)", "did has a value; expected where: …", "true"),
        ("did(where: true)", "did names no table first", "did"),
        ("did(orders, where: did(orders))", "did cannot be used inside did", "did(orders))"),
        ("did(orders, where: in_segment('a.b'))", "in_segment cannot be used inside did", "in_segment"),
        ("did(orders, where: revenue)", "revenue is an amount of money, not a condition", "revenue"),
        ("did(orders", "did is not closed", "did"),
        ("did(orders, where:)", "did has an empty where", "where"),
        ("did(orders,, within: 3d)", "an argument is missing", ", within"),
        ("did(orders, within: 3d, within: 4d)", "did is given within twice", "within: 4d"),
        (
            "any_member(where: true)",
            "asks for the members of an account, and this segmentation divides customers",
            "any_member",
        ),
        ("tenure_days = 'x'", "tenure_days is a number of days, compared with text 'x'", "'x'"),
        ("revenue_365d > 'much'", "revenue_365d is an amount of money, compared with text 'much'", "'much'"),
        ("recency_days and true", "recency_days is a number of days, not a condition", "recency_days"),
        (
            "true and tenur_days > 3",
            "tenur_days is not a feature of the catalogue; did you mean tenure_days",
            "tenur_days",
        ),
        (
            "days_since(tenure_days) > 3",
            "days_since takes a date, and tenure_days is a number of days",
            "tenure_days",
        ),
        ("in_segment('fresh.yess_')", "fresh has no segment yess_; did you mean yes_?", "'fresh"),
        ("in_segment('frsh.yes_')", "there is no segmentation frsh; did you mean fresh?", "'frsh"),
        ("in_segment('asked.yes_')", "in_segment('asked.yes_') refers to asked itself", "'asked"),
        ("in_segment('fresh')", "is not of the form segmentation.part", "'fresh"),
        ("in_segment(preferred_store)", "in_segment takes one quoted text", "in_segment"),
        ("score('fresh.r') > 1", "fresh has no score r: it scores nothing", "'fresh.r'"),
        ("cast(preferred_store as integer) > 1", "cannot be evaluated: Could not convert string 'x'", None),
    ],
)
def test_a_faulty_call_is_answered_in_its_place(
    market: Market, condition: str, said: str, at: str | None
) -> None:
    market.rule("fresh", "recency_days < 10")
    message = market.fault(condition)
    assert message.startswith("asked.yaml:8: segments.0.when: ")
    assert said in message.splitlines()[0]
    if at is not None:
        _, text, caret = message.splitlines()
        assert text[caret.index("^") :].startswith(at)


def test_what_no_source_maps_is_said(market: Market) -> None:
    mapped = ["orders", "customers", "accounts"]
    assert "interactions: no source of this project maps it" in market.fault(
        "did(interactions)", mapped=mapped
    )
    assert "category needs order_lines and products, which no source of this project maps" in market.fault(
        "did(orders, where: category = 'x')", mapped=mapped
    )
    assert "no source of this project maps contacts" in market.fault(
        "any_member(contacts, where: role = 'x')", "account", mapped=mapped
    )


def test_a_circle_is_told_from_each_that_is_on_it_and_the_others_go_on(market: Market) -> None:
    market.rule("a", "in_segment('b.yes_')")
    market.rule("b", "in_segment('c.yes_')")
    market.rule("c", "in_segment('a.yes_')")
    market.rule("leans", "in_segment('b.yes_')")
    market.rule("good", "in_crm")
    found = market.load()
    assert [one.id for one in found.segmentations] == ["good"]
    assert found.faults.keys() == {"a", "b", "c", "leans"}
    assert "in a cycle: a -> b -> c -> a" in str(found.faults["a"])
    assert "in a cycle: b -> c -> a -> b" in str(found.faults["b"])
    assert "in a cycle: c -> a -> b -> c" in str(found.faults["c"])
    assert "refers to b, which is faulty itself" in str(found.faults["leans"])
    with pytest.raises(ConfigError, match="cycle"):
        found.checked()


def test_a_fault_holds_its_segmentation_and_what_refers_to_it_and_no_other(market: Market) -> None:
    market.rule("base", "recency_day < 3")
    market.rule("top", "in_segment('base.yes_')")
    market.rule("other", "recency_days < 3")
    market.write("broken", "segmentation: [")
    found = market.load()
    assert [one.id for one in found.segmentations] == ["other"]
    assert found.faults.keys() == {"base", "top", "broken"}


def test_references_stand_after_what_they_refer_to_and_take_up_its_version(market: Market) -> None:
    market.rule("zz", "recency_days < 3")
    market.rule("aa", "in_segment('zz.yes_')")
    first = market.load().segmentations
    assert [one.id for one in first] == ["zz", "aa"]
    assert first[1].uses == {"zz"}
    assert first[1].features == frozenset()
    market.rule("zz", "recency_days < 4")
    second = market.load().segmentations
    assert second[1].version != first[1].version


def test_an_entity_cannot_ask_a_segmentation_of_another(market: Market) -> None:
    market.rule("firms", "employees > 3", "account")
    assert "firms divides accounts, and this segmentation divides customers" in market.fault(
        "in_segment('firms.yes_')"
    )


def test_an_inspection_tells_each_term_of_each_condition(market: Market) -> None:
    market.rule("asked", "recency_days < 10 and did(orders, within: 90d, at_least: 2) and in_crm")
    found = market.load()
    plan = found.plan()
    plan.prepare(DuckDB(market.con), D)
    inspection = plan.inspect(found.segmentations[0])
    assert [(one.segment_id, one.role, one.part, one.text) for one in inspection.asked][1:] == [
        ("yes_", "when", 0, "recency_days < 10"),
        ("yes_", "when", 1, "did(orders, within: 90d, at_least: 2)"),
        ("yes_", "when", 2, "in_crm"),
    ]
    rows = market.con.execute(inspection.sql, plan.parameters(D)).fetchall()
    found = {row[0]: row[1:6] for row in rows}
    assert found["ann"] == ("yes_", True, True, True, True)
    assert found["cyd"] == ("no_", False, False, False, True)


def test_what_is_read_is_told(market: Market) -> None:
    market.rule("asked", "employees > 3 and any_member(where: recency_days < 3 and did(feedback))", "account")
    (one,) = market.load().segmentations
    assert one.features == {"employees"}
    assert one.member_features == {"recency_days"}
    assert one.tables == {"customers", "feedback"}
