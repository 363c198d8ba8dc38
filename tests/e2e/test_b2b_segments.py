"""Who is in which segment of the B2B example, worked out from the raw files and compared for everybody.

Each function below says in plain Python what a definition in `segments/*.yaml` means; what it reads comes
from `fixtures/b2b_truth.py`, which knows the files and nothing of Lohko. HAND names companies whose place was
looked up in the files one by one.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from decimal import Decimal

import pytest
from fixtures.b2b import DAYS
from fixtures.b2b_truth import Company, Group, companies, groups
from fixtures.shop import Shop

BEFORE, DAY = DAYS
Places = dict[str, set[str]]
Stood = Mapping[str, str]


def lifecycle(all_: Mapping[str, Company], stood: Stood) -> dict[str, str]:
    """`stood` is where everybody stood the day before; a key account stays one for 90 days."""

    def of(one: Company) -> str:
        before = stood.get(one.id)
        if before == "key":
            return "key"
        if not one.days():
            return "prospect"
        if one.recency > 365:
            return "lapsed"
        if one.recency > 120 or (one.recency > 45 and one.recency_in_gaps > 3):
            return "slipping"
        if before == "slipping" and len(one.days(90)) < 2:
            return "slipping"
        if (one.day - one.days()[0]).days <= 90:
            return "new"
        return "key" if one.revenue() >= 10_000 else "active"

    return {one.id: of(one) for one in all_.values()}


def value_tier(all_: Mapping[str, Company]) -> dict[str, str]:
    values = {one.id: one.revenue() for one in all_.values()}
    total = sum(max(value, Decimal(0)) for value in values.values())
    found = {}
    for id_, value in values.items():
        above = sum(other for other in values.values() if other > value > 0)
        tiers = (("top", "0.5"), ("high", "0.8"), ("medium", "0.95"), ("low", "1"))
        inside = (tier for tier, until in tiers if above < Decimal(until) * total)
        found[id_] = next(inside) if value > 0 else "none"
    return found


def money_score(one: Company) -> int:
    return 1 + sum(one.revenue() >= limit for limit in (500, 2000, 10_000))


def rfm(all_: Mapping[str, Company]) -> dict[str, str]:
    scored = [one for one in all_.values() if one.days(365)]

    def quantile(bins: int, worse: Iterable[Company]) -> int:
        return 1 + bins * len(list(worse)) // len(scored)

    def of(one: Company) -> str:
        r = quantile(5, (other for other in scored if other.recency > one.recency))
        f = quantile(4, (other for other in scored if len(other.days(365)) < len(one.days(365))))
        m = money_score(one)
        if r >= 4 and f == 4 and m >= 3:
            return "champions"
        if r <= 2 and m >= 3:
            return "cannot_lose"
        if f >= 3:
            return "regulars"
        return "promising" if r >= 4 else "occasional"

    return dict.fromkeys(all_, "no_purchase") | {one.id: of(one) for one in scored}


def size_and_industry(one: Company) -> str:
    industry, employees = one.row["Industry"], one.row["Employees"]
    if industry == "Public sector":
        return "public"
    if not employees:
        return "unknown_size"
    if int(employees) >= 50 or int(one.row["Turnover"] or 0) >= 10_000_000:
        return "large"
    producing = ("Manufacturing", "Construction", "Automotive", "Marine", "Energy")
    return "producing" if industry in producing else "other"


def rated_days_ago(row: Mapping[str, str], day: date) -> int:
    there, month, year = (int(part) for part in row["Rated on"].split("."))
    return (day - date(year, month, there)).days


def credit(one: Company) -> str:
    if not one.row["Rating"]:
        return "unrated"
    if rated_days_ago(one.row, one.day) > 365:
        return "stale"
    return "weak" if one.row["Rating"] in ("B", "C") else "good"


def needs(one: Company) -> str:
    if (one.innovativeness or 0) >= 0.75 or one.guides >= 3:
        return "pioneers"
    if one.priority in ("price", "delivery"):
        return one.priority
    return "advice" if one.priority in ("advice", "sustainability") else "unknown"


def treatment(stage: str, tier: str) -> str:
    if stage == "key" or (stage, tier) in {
        ("active", "top"),
        ("active", "high"),
        ("new", "top"),
        ("new", "high"),
    }:
        return "protect"
    if stage == "slipping" and tier in ("top", "high", "medium"):
        return "rescue"
    if stage in ("active", "new"):
        return "grow"
    return "acquire" if (stage, tier) == ("prospect", "none") else "rest"


def sales_actions(one: Company, stage: str) -> set[str]:
    """The first three that hold, from the highest priority down."""
    rated, nps = one.latest_score("csat"), one.latest_score("nps")
    upset = one.complaints > 0 or (rated is not None and rated <= 2)
    upset |= nps is not None and nps <= 6 and any(one.recent(day, 365) for day in one.returned)
    new, welding = one.last_new_category, "Welding"
    welded = [
        order
        for order in one.bought(182)
        if any(line.category == welding and line.net >= 100 for line in order.lines)
    ]
    services, km = one.row["Services"], one.km_from_warehouse
    holds = {
        "recover": upset,
        "call_back": not upset
        and stage == "slipping"
        and money_score(one) >= 2
        and one.consents.get("phone") is True,
        "guide_readers": not upset and one.did("download", 60) > 0 and not one.bought(30),
        "new_category": new is not None and (one.day - new[0]).days <= 60 and new[1] != one.entry_category,
        "welders": one.share(welding) >= 0.25 or one.preferred_category == welding or len(welded) >= 2,
        "entered_with_power_tools": one.entry_category == "Power tools" and one.products >= 10,
        "van_round": km is not None and km <= 50 and one.country == "FI" and bool(one.days(365)),
        "app_users": one.platform == "app" and "Vending machine" not in services,
        "edi": (one.channel_share("EDI") >= 0.4 or "EDI" in services) and one.discount_share <= 0.12,
        "answers_mail": any(one.recent(day, 365) for day in one.responses)
        and one.did("open", 90) > 0
        and one.did("sent", 90) > 0
        and not any(one.recent(day, 14) for day in one.addressed),
        "swedish_letter": one.row["Language"] == "sv" and one.consents.get("email") is True,
    }
    return set([name for name, held in holds.items() if held][:3])


def account_plan(one: Group, stages: Stood) -> str:
    rating, revenue = one.row["Rating"], sum(member.revenue() for member in one.members)
    enquired = any(
        lead["status"] in ("new", "working", "qualified") and ago(one, lead["created"]) < 45
        for lead in one.leads
    )
    idle = ("lapsed", "prospect")
    producer = one.row["Industry"] in ("Manufacturing", "Construction", "Energy")
    if not one.members:
        return "subsidiary"
    if one.stage in ("Proposal", "Negotiation") and one.decider:
        return "close"
    if one.open_deals and not one.decider:
        return "find_decider"
    buying = any(member.days() and member.recency <= 90 for member in one.members)
    if len(one.members) >= 2 and buying and any(stages[member.id] in idle for member in one.members):
        return "open_group"
    if one.order_book > 0:
        return "deliver"
    if revenue >= 1000 and rating and (rating in ("B", "C") or rated_days_ago(one.row, one.day) > 730):
        return "credit_check"
    if all(stages[member.id] in idle for member in one.members):
        return "quiet"
    if enquired or any((one.day - deal.opened).days < 90 for deal in one.open_deals):
        return "fresh_lead"
    if int(one.row["Employees"] or 0) >= 50 and producer and not one.decided:
        return "develop"
    return "maintain"


def ago(one: Group, day: str) -> int:
    return (one.day - date.fromisoformat(day)).days


def listed(shop: Shop, file: str, column: str, known: Iterable[str]) -> set[str]:
    text = (shop.root / "segments" / "lists" / file).read_text(encoding="utf-8-sig")
    delimiter = ";" if ";" in text else ","
    return {row[column] for row in csv.DictReader(text.splitlines(), delimiter=delimiter)} & {*known}


@pytest.fixture(scope="module")
def truth(b2b: Shop) -> dict[str, Company]:
    return companies(b2b.root / "data", DAY)


@pytest.fixture(scope="module")
def before(b2b: Shop) -> dict[str, str]:
    """The lifecycle on the first day, when nobody stood anywhere yet."""
    return lifecycle(companies(b2b.root / "data", BEFORE), {})


@pytest.fixture(scope="module")
def heads(b2b: Shop, truth: dict[str, Company]) -> dict[str, Group]:
    return groups(b2b.root / "data", DAY, truth)


@pytest.fixture(scope="module")
def expected(
    b2b: Shop, truth: dict[str, Company], before: dict[str, str], heads: dict[str, Group]
) -> dict[str, Places]:
    """Segmentation -> id -> the segments that it is in."""
    stages, tiers, scores = lifecycle(truth, before), value_tier(truth), rfm(truth)
    lists = {
        "board": listed(b2b, "strategic_accounts.csv", "Account", truth),
        "fair": listed(b2b, "fair_2025.csv", "customer_id", truth),
    }
    one_each: dict[str, Callable[[Company], str]] = {
        "lifecycle": lambda one: stages[one.id],
        "value_tier": lambda one: tiers[one.id],
        "rfm": lambda one: scores[one.id],
        "size_and_industry": size_and_industry,
        "credit": credit,
        "needs": needs,
        "treatment": lambda one: treatment(stages[one.id], tiers[one.id]),
    }
    found = {name: {id_: {of(one)} for id_, one in truth.items()} for name, of in one_each.items()}
    found["sales_actions"] = {id_: sales_actions(one, stages[id_]) for id_, one in truth.items()}
    found["strategic"] = {id_: {name for name, ids in lists.items() if id_ in ids} for id_ in truth}
    found["account_plan"] = {id_: {account_plan(one, stages)} for id_, one in heads.items()}
    return found


@pytest.fixture(scope="module")
def recorded(b2b: Shop) -> dict[str, Places]:
    """What Lohko recorded: segmentation -> id -> segments."""
    with b2b.warehouse() as con:
        rows = con.execute(
            "select segmentation_id, entity_id, segment_id from segments.membership where left_date is null"
        ).fetchall()
    found: dict[str, Places] = {}
    for segmentation, id_, segment in rows:
        found.setdefault(segmentation, {}).setdefault(id_, set()).add(segment)
    return found


def test_everybody_is_where_the_files_put_them(
    expected: dict[str, Places], recorded: dict[str, Places]
) -> None:
    assert recorded.keys() == expected.keys()
    for segmentation, places in expected.items():
        found = recorded[segmentation]
        assert found.keys() <= places.keys()
        wrong = {
            id_: (found.get(id_, set()), held)
            for id_, held in places.items()
            if found.get(id_, set()) != held
        }
        assert wrong == {}, segmentation
