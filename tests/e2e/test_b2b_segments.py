"""Who is in which segment of the B2B example, worked out from the raw files and compared for everybody.

Each function below says in plain Python what a definition in `segments/*.yaml` means; what it reads comes
from `fixtures/b2b_truth.py`, which knows the files and nothing of Lohko. HAND names companies whose place was
looked up in the files one by one.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Mapping
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from fixtures.b2b import DAYS
from fixtures.b2b_truth import Company, Group, companies, groups
from fixtures.shop import Shop

from pipelines.engine import connect

BEFORE, DAY = DAYS
# What one finds in the files of a dozen companies, and where it puts them.
HAND: dict[str, tuple[str, dict[str, set[str]]]] = {
    "A000588": (
        "one order on 30 December, after three silent months: slipping still; gave us a 3, returned goods",
        {"lifecycle": {"slipping"}, "treatment": {"rescue"}, "sales_actions": {"recover", "welders", "edi"}},
    ),
    "A000017": (
        "48 days with orders, 19,041.50 EUR in a year; rated B in July; three answers of 4 4 2 (reversed)",
        {"lifecycle": {"key"}, "rfm": {"champions"}, "value_tier": {"top"}, "credit": {"weak"}}
        | {"needs": {"pioneers"}, "treatment": {"protect"}, "account_plan": {"credit_check"}},
    ),
    "A000032": (
        "241 days with orders, none since June; the last ticket ended with 1 of 5; entered with power tools",
        {"lifecycle": {"slipping"}, "rfm": {"cannot_lose"}, "needs": {"price"}, "strategic": {"board"}}
        | {"sales_actions": {"recover", "entered_with_power_tools", "answers_mail"}},
    ),
    "A000005": (
        "never ordered, but a company of its group did last week; rated in 2023",
        {"lifecycle": {"prospect"}, "value_tier": {"none"}, "rfm": {"no_purchase"}, "credit": {"stale"}}
        | {"needs": {"delivery"}, "treatment": {"acquire"}, "account_plan": {"open_group"}},
    ),
    "A000082": (
        "one order, in November; belongs to the group of A000002",
        {"lifecycle": {"new"}, "credit": {"good"}, "account_plan": {"subsidiary"}},
    ),
    "A000022": (
        "a public body, ten weeks away and used to three; may be called; an open enquiry",
        {"size_and_industry": {"public"}, "sales_actions": {"call_back", "entered_with_power_tools"}}
        | {"lifecycle": {"slipping"}, "account_plan": {"fresh_lead"}},
    ),
    "A000121": (
        "downloaded a guide, last order six weeks ago; uses the app; an offer is out",
        {"sales_actions": {"guide_readers", "app_users"}, "needs": {"advice"}, "account_plan": {"close"}},
    ),
    "A000019": (
        "first hand tools in November, entered with power tools; was at the fair",
        {"sales_actions": {"new_category", "entered_with_power_tools"}, "strategic": {"fair"}},
    ),
    "A000026": (
        "never ordered; holds EDI; is written to in Swedish and agreed to e-mail",
        {"lifecycle": {"prospect"}, "sales_actions": {"edi", "swedish_letter"}, "account_plan": {"close"}},
    ),
    "A000013": (
        "21 km from the warehouse, eight weeks away in a rhythm of four",
        {"lifecycle": {"active"}, "sales_actions": {"van_round"}, "account_plan": {"maintain"}},
    ),
    "A000016": (
        "one order in June 2024, and a deal won since, worth 18,583.13 EUR; number of employees not known",
        {"lifecycle": {"lapsed"}, "size_and_industry": {"unknown_size"}, "account_plan": {"deliver"}},
    ),
    "A000010": (
        "a deal in negotiation, and nobody known who decides",
        {"account_plan": {"find_decider"}, "sales_actions": set(), "credit": {"unrated"}},
    ),
    "A000007": (
        "last order in November 2024",
        {"lifecycle": {"lapsed"}, "treatment": {"rest"}, "account_plan": {"quiet"}},
    ),
    "A000289": (
        "110,625.13 EUR in a year, two complaints this quarter, three guides; no deal was decided for a year",
        {"needs": {"pioneers"}, "sales_actions": {"recover", "van_round", "welders"}, "lifecycle": {"key"}}
        | {"size_and_industry": {"large"}, "account_plan": {"develop"}},
    ),
}
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
    """The first three that hold."""
    return {*audiences(one, stage)[:3]}


def audiences(one: Company, stage: str) -> list[str]:
    """All that hold, from the highest priority down."""
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
    return [name for name, held in holds.items() if held]


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


def orders_within(one: Group, day: date, days: int = 90) -> int:
    """Orders of a group until a day, as known now."""
    first = day - timedelta(days=days)
    return sum(first < order.day <= day for member in one.members for order in member.orders)


def fixed_days(
    heads: Mapping[str, Group], days: Iterable[date], since: Mapping[str, date]
) -> dict[str, date]:
    """Who has a fixed delivery day after these days, one after the other, and since when."""
    found = dict(since)
    for day in days:
        for id_, one in heads.items():
            orders, start = orders_within(one, day), found.get(id_)
            if start is None and orders >= 8:
                found[id_] = day
            elif start is not None and (day - start).days >= 14 and orders < 5:
                del found[id_]
    return found


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
def fixed_before(b2b: Shop) -> dict[str, date]:
    """Who got a fixed delivery day on the first day."""
    data = b2b.root / "data"
    return fixed_days(groups(data, BEFORE, companies(data, BEFORE)), [BEFORE], {})


@pytest.fixture(scope="module")
def expected(
    b2b: Shop,
    truth: dict[str, Company],
    before: dict[str, str],
    heads: dict[str, Group],
    fixed_before: dict[str, date],
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
    fixed = fixed_days(heads, [DAY], fixed_before)
    found["delivery"] = {id_: {"fixed_day" if id_ in fixed else "by_parcel"} for id_ in heads}
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


@pytest.mark.parametrize("company", HAND, ids=lambda one: one)
def test_a_company_looked_up_by_hand_is_where_it_belongs(company: str, recorded: dict[str, Places]) -> None:
    why, places = HAND[company]
    found = {segmentation: recorded[segmentation].get(company, set()) for segmentation in places}
    assert found == places, why


@pytest.mark.parametrize(
    "segmentation",
    [
        *("lifecycle", "value_tier", "rfm", "size_and_industry", "credit", "needs", "treatment"),
        *("sales_actions", "strategic", "account_plan", "delivery"),
    ],
)
def test_everybody_is_where_the_files_put_them(
    segmentation: str, expected: dict[str, Places], recorded: dict[str, Places]
) -> None:
    places, found = expected[segmentation], recorded[segmentation]
    assert found.keys() <= places.keys()
    assert {id_: found.get(id_, set()) for id_ in places} == places


def test_no_segmentation_and_no_segment_is_without_somebody(
    b2b: Shop, expected: dict[str, Places], recorded: dict[str, Places]
) -> None:
    with b2b.warehouse() as con:
        defined = con.execute("select segmentation_id, segment_id from segments.label").fetchall()
    held = {
        (name, segment) for name, places in recorded.items() for one in places.values() for segment in one
    }
    assert held == {*defined}
    assert recorded.keys() == expected.keys()


def test_whoever_was_slipping_is_back_with_a_second_order_only(
    truth: dict[str, Company], before: dict[str, str], recorded: dict[str, Places]
) -> None:
    """Their own conditions put them elsewhere on the second day: only where they stood keeps them."""
    alone = lifecycle(truth, {})
    kept = {id_ for id_ in alone if before.get(id_) == "slipping" and alone[id_] in ("active", "new", "key")}
    assert kept
    assert all(len(truth[id_].days(90)) < 2 for id_ in kept)
    assert {segment for id_ in kept for segment in recorded["lifecycle"][id_]} == {"slipping"}


def test_who_orders_less_keeps_the_fixed_day_from_one_recorded_day_to_the_next(
    heads: dict[str, Group], fixed_before: dict[str, date], recorded: dict[str, Places]
) -> None:
    kept = {id_ for id_ in fixed_before if orders_within(heads[id_], DAY) < 8}
    assert kept
    assert {segment for id_ in kept for segment in recorded["delivery"][id_]} == {"fixed_day"}


def test_over_weeks_some_keep_the_fixed_day_and_some_lose_it(
    b2b: Shop, heads: dict[str, Group], tmp_path: Path
) -> None:
    """What the definition does to accounts in the quiet weeks before Christmas, beside plain Python."""
    start, written = date(2025, 11, 25), tmp_path / "members.parquet"
    ended = b2b.lohko(
        *("replay", "-s", "delivery", "--from", start, "--to", DAY, "--every", "week"),
        *("--output", written, "--json"),
    )
    assert ended.code == 0, ended.err
    with connect() as con:
        rows = con.execute(
            f"select as_of_date, entity_id from '{written}' where segment_id = 'fixed_day'"
        ).fetchall()
    weeks = [start + timedelta(days=7 * i) for i in range(6)]
    fixed: dict[str, date] = {}
    ever: set[str] = set()
    for week in weeks:
        since_last = [week - timedelta(days=i) for i in range(6, -1, -1)] if week > start else [start]
        fixed = fixed_days(heads, since_last, fixed)
        assert {id_ for day, id_ in rows if day == week} == fixed.keys(), week
        ever |= fixed.keys()
    kept = {id_ for id_ in fixed if orders_within(heads[id_], DAY) < 8}
    gone = ever - fixed.keys()
    assert kept and all(orders_within(heads[id_], DAY) >= 5 for id_ in kept)
    assert gone and all(orders_within(heads[id_], DAY) < 5 for id_ in gone)


@pytest.mark.parametrize("segmentation", ["account_plan", "delivery"])
def test_accounts_as_known_then_are_where_they_were_recorded(b2b: Shop, segmentation: str) -> None:
    days = ("--from", BEFORE, "--to", DAY, "--every", "day")
    ended = b2b.lohko("replay", "-s", segmentation, *days, "--known", "then", "--json")
    assert ended.code == 0, ended.err
    assert sum(row["size"] for row in ended.json) > 900
    assert [row["size"] for row in ended.json] == [row["recorded"] for row in ended.json]


def test_nobody_is_in_more_than_three_audiences_and_some_would_be(
    truth: dict[str, Company], before: dict[str, str], recorded: dict[str, Places]
) -> None:
    stages = lifecycle(truth, before)
    crowded = {id_ for id_, one in truth.items() if len(audiences(one, stages[id_])) > 3}
    assert crowded
    assert {len(recorded["sales_actions"][id_]) for id_ in crowded} == {3}


def test_ids_that_a_list_names_and_nobody_has_are_left_out(b2b: Shop, recorded: dict[str, Places]) -> None:
    text = (b2b.root / "segments" / "lists" / "strategic_accounts.csv").read_text(encoding="utf-8")
    assert text.startswith("\ufeff") and text.count("A000080") == 2 and "A009001" in text
    board = {id_ for id_, segments in recorded["strategic"].items() if "board" in segments}
    assert "A000080" in board and "A009001" not in board
