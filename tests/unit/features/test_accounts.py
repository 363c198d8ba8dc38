"""Features of accounts, and a project's own features of either entity."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from shop import EVERYTHING, Shop

from pipelines.config.features import CustomFeature, Features
from pipelines.engine import DuckDB, columns_of, rows
from pipelines.errors import ConfigError
from pipelines.features.catalogue import STANDARD, measure_nulls, store_catalogue
from pipelines.features.compute import keep_features
from pipelines.features.custom import check_types, compile_feature

D = date(2024, 6, 30)
IN_90, BEFORE_90, BEFORE_365 = date(2024, 4, 2), date(2024, 4, 1), date(2023, 7, 1)
TOMORROW = D + timedelta(days=1)
SETTINGS = Features.model_validate(
    {
        "pipeline_stages": ["Proposal sent"],
        "custom": [
            {
                "name": "big_deals",
                "from": "opportunities",
                "aggregate": "count",
                "where": "value > 50 and outcome = 'open'",
                "entity": "account",
                "meaning": "Open deals above 50",
            },
            {
                "name": "visits_90d",
                "from": "interactions",
                "aggregate": "count",
                "window": "90d",
                "entity": "account",
                "meaning": "Visits of its people",
            },
            {
                "name": "dearest_line",
                "from": "order_lines",
                "aggregate": "max",
                "of": "revenue",
                "where": "category = 'TOOLS'",
                "meaning": "Dearest tool",
            },
            {
                "name": "last_topic",
                "from": "feedback",
                "aggregate": "latest",
                "of": "upper(topic)",
                "type": "text",
                "meaning": "Topic of the last feedback",
            },
        ],
    }
)

Row = dict[str, Any]


def deal(shop: Shop, number: int, opened: date, closed: date | None, outcome: str, **more: Any) -> None:
    shop.add(
        "core.opportunities",
        {
            "opportunity_id": f"d{number}",
            "account_id": "acme",
            "opened_on": opened,
            "closed_on": closed,
            "outcome": outcome,
            **more,
        },
    )


@pytest.fixture(scope="module")
def shop() -> Shop:
    made = Shop(segment="varchar")
    made.add(
        "core.accounts",
        {
            "account_id": "acme",
            "industry": "Metal",
            "employees": 50,
            "credit_rating": "AA",
            "credit_rating_date": date(2024, 6, 20),
            "created_on": BEFORE_365,
            "segment": "key",
        },
        {
            "account_id": "sub",
            "industry": None,
            "employees": None,
            "credit_rating": "B",
            "credit_rating_date": TOMORROW,
            "created_on": None,
            "segment": None,
        },
        {
            "account_id": "later",
            "industry": None,
            "employees": None,
            "credit_rating": None,
            "credit_rating_date": None,
            "created_on": TOMORROW,
            "segment": None,
        },
    )
    made.con.execute("update core.accounts set parent_account_id = 'acme' where account_id = 'sub'")
    for contact, role, decides, since in (
        ("k1", "Purchasing", True, None),
        ("k2", "Owner", True, D),
        ("k3", "Welder", False, None),
        ("k4", "Chief", True, TOMORROW),
    ):
        made.add(
            "core.contacts",
            {
                "contact_id": contact,
                "account_id": "acme",
                "role": role,
                "decision_maker": decides,
                "email_consent": contact == "k1" or None,
                "created_on": since,
            },
        )
    deal(made, 1, IN_90, None, "open", value=100, probability=0.5, stage="Proposal sent")
    deal(made, 2, IN_90, TOMORROW, "won", value=10, probability=0.9, stage="Won")
    deal(made, 3, BEFORE_365, date(2024, 6, 1), "won", value=20, currency="USD")
    deal(made, 4, BEFORE_365, date(2024, 5, 1), "won", value=7)
    deal(made, 5, BEFORE_365, date(2024, 6, 20), "lost", value=5)
    deal(made, 6, D, None, "open", value=3, currency="GBP")
    deal(made, 7, BEFORE_365, date(2024, 6, 25), "won", value=11)
    deal(made, 8, TOMORROW, None, "open", value=1000)
    for day, rate in ((date(2024, 5, 1), "0.5"), (date(2024, 6, 15), "0.9")):
        made.add("core.rates", {"currency": "USD", "day": day, "rate": Decimal(rate)})
    for number, (account, contact, day) in enumerate(
        (("acme", None, IN_90), (None, "k1", D), ("acme", None, BEFORE_90), (None, None, D))
    ):
        made.add(
            "core.leads",
            {"lead_id": f"l{number}", "account_id": account, "contact_id": contact, "created_on": day},
        )
    # Two customers of acme by account_id, one of sub by its own id.
    for customer, account in (("c1", "acme"), ("c2", "acme"), ("sub", None)):
        made.add("core.customers", {"customer_id": customer, "account_id": account})
    made.add("core.products", {"product_id": "axe", "category": "TOOLS"})
    made.order("o1", "c1", date(2024, 6, 10), {"revenue": 40, "product_id": "axe"})
    made.order("o2", "c2", date(2024, 3, 1), {"revenue": 60, "product_id": "rye"})
    made.order("o3", "sub", D, {"revenue": 5, "product_id": "axe"})
    for number, (customer, contact, day) in enumerate(
        (("c1", None, D), (None, "k3", IN_90), ("c1", None, BEFORE_90), ("sub", None, D))
    ):
        made.add(
            "core.interactions",
            {
                "interaction_id": f"i{number}",
                "customer_id": customer,
                "contact_id": contact,
                "business_date": day,
                "channel": "web",
            },
        )
    for number, (topic, day) in enumerate((("price", D), ("delivery", D), (None, D), ("later", TOMORROW))):
        made.add(
            "core.feedback",
            {
                "feedback_id": f"f{number}",
                "kind": "ticket",
                "customer_id": "c1",
                "received_on": day,
                "topic": topic,
            },
        )
    made.compute(D, 0.5, settings=SETTINGS)
    return made


@pytest.fixture(scope="module")
def found(shop: Shop) -> dict[str, Row]:
    return {row["account_id"]: row for row in rows(shop.con, "from features.account")}


def test_accounts_are_those_known_by_the_day(found: dict[str, Row]) -> None:
    assert sorted(found) == ["acme", "sub"]


@pytest.mark.parametrize(
    "expected",
    [
        pytest.param(
            {
                "industry": "Metal",
                "employees": 50,
                "credit_rating": "AA",
                "credit_rating_age_days": 10,
                "subsidiaries": 1,
                "segment": "key",
            },
            id="company",
        ),
        pytest.param(
            {
                "contacts": 3,
                "decision_makers": 2,
                "decision_maker_roles": "Owner, Purchasing",
                "contacts_reachable_email": 1,
            },
            id="people",
        ),
        pytest.param(
            {
                "open_opportunities": 3,
                "open_opportunity_value": 110,
                "weighted_opportunity_value": 59,
                "deal_stage": "Proposal sent",
                "pipeline_proposal_sent": 100,
                "won_365d": 3,
                "lost_365d": 1,
                "won_value_365d": 28,  # 20 dollars at 0.5, 7 and 11
                "win_rate_365d": 0.75,
                "last_won_date": date(2024, 6, 25),
                "opportunities_without_rate": 1,
                "big_deals": 1,
            },
            id="pipeline",
        ),
        pytest.param({"order_book_value": 11}, id="order book"),
        pytest.param({"leads_90d": 2, "last_lead_date": D}, id="lead"),
        pytest.param(
            {
                "members": 2,
                "active_members_90d": 1,
                "orders_365d": 2,
                "revenue_90d": 40,
                "revenue_365d": 100,
                "margin_365d": 50,
                "recency_days": 20,
            },
            id="members",
        ),
        pytest.param({"visits_90d": 2}, id="custom"),
    ],
)
def test_a_family_of_an_account_of_which_much_is_known(found: dict[str, Row], expected: Row) -> None:
    assert {name: found["acme"][name] for name in expected} == expected


def test_an_account_of_which_little_is_known(found: dict[str, Row]) -> None:
    expected = {
        "credit_rating": None,  # that of tomorrow
        "contacts": 0,
        "open_opportunities": 0,
        "win_rate_365d": None,
        "big_deals": 0,
        "members": 1,
        "revenue_365d": 5,
    }
    assert {name: found["sub"][name] for name in expected} == expected


def test_customers_may_have_features_of_the_projects_own(shop: Shop) -> None:
    found = shop.select(
        "select customer_id, dearest_line, last_topic from features.customer order by customer_id"
    )
    assert found == [("c1", 40, "DELIVERY"), ("c2", None, None), ("sub", 5, None)]


def test_the_catalogue_of_accounts_is_what_the_day_has_with_its_null_shares(shop: Shop) -> None:
    listed = shop.account_catalogue(SETTINGS)
    keys = {"as_of_date": "DATE", "account_id": "VARCHAR"}
    assert {one.name: one.type for one in listed} | keys == dict(columns_of(shop.con, "features.account"))
    store_catalogue(DuckDB(shop.con), {"customer": shop.catalogue(settings=SETTINGS), "account": listed})
    measure_nulls(DuckDB(shop.con), D)
    shares = shop.select(
        "select entity_kind, name, null_share from features.catalogue"
        " where name in ('credit_rating', 'contacts', 'dearest_line', 'orders_90d') order by position"
    )
    assert shares == [
        ("customer", "orders_90d", 0.0),
        ("customer", "dearest_line", pytest.approx(1 / 3)),
        ("account", "credit_rating", 0.5),
        ("account", "contacts", 0.0),
        ("account", "orders_90d", 0.0),
    ]


def test_days_out_of_use_are_forgotten_and_accounts_may_go(shop: Shop) -> None:
    week_ago = D - timedelta(days=7)
    shop.compute(week_ago, settings=SETTINGS)
    days = "select distinct as_of_date from features.account order by 1"
    assert shop.select(days) == [(week_ago,), (D,)]
    keep_features(DuckDB(shop.con), [])
    assert shop.select(days) == [(D,)]
    shop.compute(D, settings=Features(), mapped=EVERYTHING - {"accounts"})
    names = ["as_of_date", "account_id", *(feature.name for feature in STANDARD["account"])]
    assert [name for name, _ in columns_of(shop.con, "features.account")] == names
    assert shop.select("from features.account") == []
    assert shop.select("from features.account") == []
    shop.compute(D, settings=Features())
    assert shop.select(days) == [(D,)]


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ({"aggregate": "sum"}, "sum needs `of`"),
        ({"aggregate": "count", "of": "score"}, "count counts events"),
        ({"aggregate": "count", "type": "text"}, "the type of count is known"),
        ({"aggregate": "count", "from": "leads"}, "write entity: account"),
        ({"aggregate": "count", "window": "3m"}, "window"),
        ({"aggregate": "count", "from": "customers"}, "from"),
    ],
)
def test_a_feature_that_makes_no_sense_is_refused(written: Row, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        CustomFeature.model_validate({"name": "x", "from": "feedback", "meaning": "m"} | written)


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ({"aggregate": "count", "where": "topik = 'x'"}, "did you mean topic"),
        ({"aggregate": "count", "where": "count(*) > 1"}, "an aggregate"),
        ({"aggregate": "latest", "of": "upper(topic)"}, "needs `type`"),
        ({"aggregate": "count", "where": "received_on + topic"}, "features.custom: x: "),
        ({"aggregate": "sum", "of": "topic"}, "features.custom: x: "),
        ({"aggregate": "avg", "of": "complaint"}, "features.custom: x: "),
    ],
)
def test_a_faulty_expression_is_told_with_its_feature(shop: Shop, written: Row, told: str) -> None:
    one = CustomFeature.model_validate({"name": "x", "from": "feedback", "meaning": "m"} | written)
    with pytest.raises(ConfigError, match=r"project.yaml: features.custom: x") as fault:
        compile_feature(one)
        check_types(DuckDB(shop.con), [one])
    assert told in str(fault.value)


def test_touches_and_responses_of_customers_contacts_and_the_account_count_for_it() -> None:
    shop = Shop()
    shop.add("core.accounts", {"account_id": "acme"}, {"account_id": "prospect"})
    shop.add("core.customers", {"customer_id": "ann", "account_id": "acme"})
    shop.add("core.contacts", {"contact_id": "kim", "account_id": "acme"})
    for number, (owner, name, campaign, day, arm) in enumerate(
        (
            ("customer_id", "ann", "may", D, "treatment"),
            ("customer_id", "ann", "may", IN_90, None),
            ("contact_id", "kim", "may", D, "treatment"),
            ("contact_id", "kim", "june", D, "control"),
            ("account_id", "acme", "june", BEFORE_365, "treatment"),
            ("account_id", "acme", "july", TOMORROW, "treatment"),
            ("account_id", "prospect", "june", D, "treatment"),
        )
    ):
        shop.add(
            "core.campaign_contacts",
            {"touch_id": f"t{number}", owner: name, "campaign_id": campaign, "contacted_on": day, "arm": arm},
        )
    for owner, name, campaign in (("contact_id", "kim", "may"), ("account_id", "prospect", "fair")):
        shop.add("core.campaign_responses", {"campaign_id": campaign, owner: name, "responded_on": D})
    shop.compute(D)
    names = ("touches_365d", "campaigns_contacted_365d", "campaigns_responded_365d", "response_rate_365d")
    found = {
        row["account_id"]: tuple(row[n] for n in names) for row in rows(shop.con, "from features.account")
    }
    assert found == {"acme": (3, 1, 1, 1.0), "prospect": (1, 1, 1, 0.0)}


def test_contacts_may_be_addressed_for_a_purpose_as_they_said_on_a_day() -> None:
    shop = Shop()
    shop.add("core.accounts", {"account_id": "acme"})
    shop.add(
        "core.contacts", *({"contact_id": k, "account_id": "acme", "email_consent": True} for k in "abc")
    )
    for contact, purpose, granted, day in (
        ("a", "marketing", False, D),
        ("b", "News", True, D),
        ("c", "news", True, IN_90),
        ("c", "NEWS", False, D),
        ("a", "news", True, TOMORROW),
    ):
        said = {"channel": "email", "granted": granted, "changed_on": day}
        shop.add("core.consents", {"contact_id": contact, "purpose": purpose, **said})
    shop.compute(D, settings=Features(consent_purposes=["News"]))
    (acme,) = rows(shop.con, "from features.account")
    assert (acme["contacts_reachable_email"], acme["contacts_reachable_email_news"]) == (2, 1)


@pytest.mark.parametrize("value", [1_000_000, 9_999_999.99, 40_000_000_000])
def test_deals_of_millions_are_converted_and_weighted(value: float) -> None:
    # DuckDB makes DECIMAL(18) of two of them, and a million with twelve decimals does not fit.
    made, worth = Shop(), Decimal(str(value))
    made.add("core.accounts", {"account_id": "acme"})
    made.add("core.rates", {"currency": "USD", "day": D, "rate": Decimal("1.25")})
    deal(made, 1, D, None, "open", value=worth, currency="USD", probability=0.5)
    deal(made, 2, D, D, "won", value=worth, currency="USD")
    made.compute(D)
    columns = "open_opportunity_value, weighted_opportunity_value, won_value_365d"
    (found,) = made.con.execute(f"select {columns} from features.account").fetchall()
    converted = worth * Decimal("1.25")
    assert found == (converted, (converted / 2).quantize(Decimal("0.0001")), converted)
