"""Families beyond purchases, on customers worked out by hand."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from shop import Shop
from test_portable_sql import faults

from pipelines.config.features import Features
from pipelines.engine import DuckDB
from pipelines.features.recipe import Recipe, make

D = date(2024, 6, 30)  # 30 days from 06-01, 90 from 04-02, 365 from 2023-07-02
IN_90, BEFORE_90 = date(2024, 4, 2), date(2024, 4, 1)
IN_365, BEFORE_365 = date(2023, 7, 2), date(2023, 7, 1)
TOMORROW = D + timedelta(days=1)
SETTINGS = Features.model_validate(
    {
        "channel_shares": ["Web shop"],
        "product_breadth": True,
        "scales": {"innovativeness": {"questions": ["new", "old"], "reverse": ["old"]}},
        "questions": ["new", "why not?"],
        "distance_from": {"name": "the flagship store", "latitude": 60.1699, "longitude": 24.9384},
        "families": {"hobby": "demographic"},
    }
)

Row = dict[str, Any]


def interact(shop: Shop, day: date, channel: str, kind: str | None = None, **more: Any) -> None:
    count = shop.select("select count(*) from core.interactions")[0][0]
    shop.add(
        "core.interactions",
        {
            "interaction_id": f"i{count}",
            "customer_id": "ann",
            "business_date": day,
            "channel": channel,
            "interaction_type": kind,
            **more,
        },
    )


def answer(shop: Shop, response: str, question: str, day: date, score: float | None, text: str) -> None:
    shop.add(
        "core.survey_answers",
        {
            "survey_id": "s",
            "response_id": response,
            "question_id": question,
            "customer_id": "ann",
            "answered_on": day,
            "answer": text,
            "score": score,
            "scale_min": 1.0,
            "scale_max": 5.0,
        },
    )


def say(shop: Shop, kind: str, day: date, **more: Any) -> None:
    count = shop.select("select count(*) from core.feedback")[0][0]
    shop.add(
        "core.feedback",
        {"feedback_id": f"f{count:02}", "kind": kind, "customer_id": "ann", "received_on": day, **more},
    )


def at(day: date, hour: int) -> datetime:
    return datetime(day.year, day.month, day.day, hour, tzinfo=UTC)


@pytest.fixture(scope="module")
def shop() -> Shop:
    made = Shop(latitude="varchar", longitude="varchar", hobby="varchar", language="varchar")
    for customer, latitude, longitude in (
        ("ann", "61.4978", "23.7610"),  # Tampere
        ("bob", "60.1699", "24.9384"),
        ("cid", "north", None),
    ):
        made.add("core.customers", {"customer_id": customer, "latitude": latitude, "longitude": longitude})
    for number, (day, hour, channel, status, product) in enumerate(
        (
            (BEFORE_365, 8, "fair", "completed", "axe"),
            (IN_365, 8, "Web shop", "completed", "axe"),
            (date(2024, 6, 3), 17, "Web shop", "completed", "saw"),  # a Monday
            (date(2024, 6, 10), 17, "counter", "completed", "axe"),  # a Monday
            (date(2024, 6, 11), 0, None, "completed", "nail"),  # midnight: a source of days
            (date(2024, 6, 12), 0, "counter", "returned", "nail"),
            (TOMORROW, 8, "fair", "completed", "later"),
        )
    ):
        line = {"revenue": 10, "product_id": product}
        made.order(f"o{number}", "ann", day, line, status=status, channel=channel, ordered_at=at(day, hour))
    for args in (
        (BEFORE_365, "shop", "visit"),
        (IN_365, "web", "visit"),
        (BEFORE_90, "app", "view"),
        (IN_90, "web", "view"),
        (IN_90, "app", "visit"),
        (date(2024, 6, 1), "email", "Open"),
        (date(2024, 6, 2), "email", "click"),
        (D, "email", "sent"),
        (date(2024, 6, 1), "email", "sent"),
        (TOMORROW, "app", "view"),
    ):
        device = "Phone" if args[1] in ("app", "email") else None
        interact(made, *args, product_id="saw" if args[2] == "view" else None, device=device)
    for campaign, arm, day in (
        ("past", "treatment", BEFORE_365),
        ("may", "treatment", date(2024, 5, 1)),
        ("june", "treatment", None),
        ("held", "control", date(2024, 6, 1)),
        ("next", "treatment", TOMORROW),
    ):
        made.add("core.campaigns", {"campaign_id": campaign, "start_date": D, "end_date": TOMORROW})
        made.add(
            "core.campaign_contacts",
            {"campaign_id": campaign, "customer_id": "ann", "contacted_on": day, "arm": arm},
        )
    for campaign, day in (("may", date(2024, 5, 2)), ("may", date(2024, 5, 3)), ("past", BEFORE_365)):
        made.add(
            "core.campaign_responses", {"campaign_id": campaign, "customer_id": "ann", "responded_on": day}
        )
    answer(made, "r1", "new", date(2024, 1, 1), 1, "no")
    answer(made, "r2", "new", date(2024, 3, 1), 4, "rather")  # 0.75
    answer(made, "r2", "old", date(2024, 3, 2), 2, "no")  # 0.25, turned round 0.75
    answer(made, "r2", "else", date(2024, 3, 2), 5, "yes")
    answer(made, "r3", "new", TOMORROW, 5, "yes")
    answer(made, "r0", "why not?", BEFORE_365, None, "too old")
    say(made, "nps", date(2024, 1, 1), score=10.0)
    say(made, "nps", date(2024, 2, 1), score=6.0)
    say(made, "nps", date(2024, 2, 2))
    say(made, "nps", TOMORROW, score=9.0)
    say(made, "csat", date(2024, 2, 1), score=4.0)
    say(made, "ticket", BEFORE_90, complaint=True, closed_on=TOMORROW)
    say(made, "ticket", IN_90, complaint=True, closed_on=D)
    say(made, "ticket", D)
    for channel, granted, day in (
        ("email", False, date(2024, 1, 1)),
        ("email", True, date(2024, 2, 1)),
        ("sms", True, date(2024, 1, 1)),
        ("sms", False, D),
        ("post", True, D),
        ("phone", True, TOMORROW),
    ):
        made.add(
            "core.consents",
            {"customer_id": "ann", "channel": channel, "granted": granted, "changed_on": day},
        )
    made.compute(D, settings=SETTINGS)
    return made


@pytest.fixture(scope="module")
def found(shop: Shop) -> dict[str, Row]:
    return shop.features(D, settings=SETTINGS)


@pytest.mark.parametrize(
    "expected",
    [
        pytest.param({"preferred_weekday": 1, "weekend_share_365d": 0.25}, id="weekday"),
        pytest.param({"preferred_hour": 17}, id="hour"),
        pytest.param(
            {"preferred_channel": "Web shop", "channels_365d": 2, "share_channel_web_shop_365d": 2 / 3},
            id="channel",
        ),
        pytest.param({"returns_365d": 1, "return_share_365d": 0.2}, id="returns"),
        pytest.param({"products_365d": 3}, id="breadth"),
        pytest.param(
            {
                "last_interaction_date": date(2024, 6, 2),
                "interaction_recency_days": 28,
                "interactions_30d": 2,
                "interactions_90d": 4,
                "interactions_365d": 6,
                "interactions_web_90d": 1,
                "interactions_app_90d": 1,
                "interactions_email_90d": 2,
                "products_viewed_90d": 1,
                "email_sent_90d": 2,
                "email_opens_90d": 1,
                "email_clicks_90d": 1,
                "email_open_rate_90d": 0.5,
            },
            id="interaction",
        ),
        pytest.param(
            {"preferred_device": "phone", "preferred_platform": "app", "devices_365d": 1}, id="device"
        ),
        pytest.param(
            {
                "campaigns_contacted_365d": 2,
                "campaigns_responded_365d": 1,
                "response_rate_365d": 0.5,
                "last_response_date": date(2024, 5, 3),
            },
            id="response",
        ),
        pytest.param(
            {"scale_innovativeness": 0.75, "answer_new": "rather", "answer_why_not": None}, id="survey"
        ),
        pytest.param(
            {
                "nps_latest": 6,
                "nps_group": "detractor",
                "csat_latest": 4,
                "tickets_90d": 2,
                "complaints_90d": 1,
                "open_tickets": 2,
                "last_complaint_date": IN_90,
            },
            id="feedback",
        ),
        pytest.param(
            {
                "reachable_email": True,
                "reachable_sms": False,
                "reachable_phone": None,
                "reachable_post": True,
                "reachable_push": None,
                "reachable_channels": 2,
            },
            id="reach",
        ),
        # By hand: 2 R asin(sqrt(sin²(0.66395°) + cos 61.4978° cos 60.1699° sin²(0.5887°))).
        pytest.param({"distance_km": pytest.approx(160.9, abs=0.3)}, id="distance"),
    ],
)
def test_a_family_of_a_customer_of_whom_much_is_known(found: dict[str, Row], expected: Row) -> None:
    assert {name: found["ann"][name] for name in expected} == expected


def test_a_customer_of_whom_nothing_is_known_has_zeros_and_unknowns(found: dict[str, Row]) -> None:
    cid = found["cid"]
    zero = {name for name, value in cid.items() if value == 0 and value is not False}
    assert {"interactions_90d", "tickets_90d", "reachable_channels", "returns_365d", "products_365d"} <= zero
    for name in ("nps_group", "reachable_email", "scale_innovativeness", "preferred_device", "distance_km"):
        assert cid[name] is None
    assert found["bob"]["distance_km"] == 0


def test_an_attribute_has_the_family_its_name_or_the_project_says(shop: Shop) -> None:
    families = {one.name: one.family for one in shop.catalogue(settings=SETTINGS)}
    assert (families["latitude"], families["language"]) == ("geographic", "language")
    assert families["hobby"] == "demographic"


def test_the_catalogue_lists_what_the_day_has(shop: Shop) -> None:
    names = [one.name for one in shop.catalogue(settings=SETTINGS)]
    columns = [name for (name, *_) in shop.select("describe features.customer")]
    assert {*names} == {*columns} - {"as_of_date", "customer_id"}
    assert len(names) == len({*names})


def test_fragments_written_by_the_code_are_portable_too(shop: Shop) -> None:
    made = make(DuckDB(shop.con), "customer", Recipe(settings=SETTINGS, categories=("A",)))
    written = [one for one in made.fragments if one.text is not None]
    assert {"distance", "scale_innovativeness", "answers", "channel_shares"} <= {one.name for one in written}
    assert {one.name: found for one in written if (found := faults(one.sql))} == {}


def test_products_that_valuable_customers_buy_first() -> None:
    from pipelines.features.entry import store_entry_products

    made = Shop()
    for product, category in (("axe", "TOOLS"), ("saw", "TOOLS"), ("ham", "FOOD")):
        made.add("core.products", {"product_id": product, "category": category})
    for number in range(20):
        product = ("axe", "saw", "ham", "ham")[number % 4]
        line = {"revenue": 100 + number if product == "axe" else number, "product_id": product}
        made.order(f"o{number}", f"c{number}", D, line)
    made.compute(D)
    store_entry_products(DuckDB(made.con), D, {"products", "order_lines"})
    found = made.select(
        "select kind, name, customers, revenue_365d_mean, top_tenth_customers, top_tenth_share"
        " from features.entry_product order by kind, name"
    )
    # The top tenth of 20 customers are two: c16 and c12, who began with an axe.
    assert found == [
        ("category", "FOOD", 10, 10.5, 0, 0.0),
        ("category", "TOOLS", 10, 58.5, 2, 0.2),
        ("product", "axe", 5, 108.0, 2, 0.4),
        ("product", "ham", 10, 10.5, 0, 0.0),
        ("product", "saw", 5, 9.0, 0, 0.0),
    ]


def test_a_purchase_before_the_first_one_known_changes_the_entry() -> None:
    made = Shop()
    made.add("core.products", {"product_id": "axe", "category": "TOOLS"})
    made.add("core.customers", {"customer_id": "ann"})
    made.order("o1", "ann", D, {"revenue": Decimal(5), "product_id": "saw"})
    assert made.features(D)["ann"]["entry_product"] == "saw"
    made.order("o0", "ann", IN_90, {"revenue": Decimal(5), "product_id": "axe"})
    made.con.execute("insert into ingest.dirty_day values ('ann', ?)", [IN_90])
    ann = made.features(D)["ann"]
    assert (ann["entry_product"], ann["entry_category"]) == ("axe", "TOOLS")
    assert made.features(BEFORE_90)["ann"]["entry_product"] is None
