"""Which household is in which segment of The Complete Journey, worked out from the package's files for all.

The files are asked by SQL that is written here and nowhere else, and each definition of `segments/*.yaml` is
said again in plain Python.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from fixtures.shop import Shop

BEFORE, DAY = date(2017, 12, 29), date(2017, 12, 30)

# One row a household with a purchase by $day. A window of 30 days is the day and the 29 before it.
HOUSEHOLDS = """
with bought as (select * from line where day <= $day),
visit as (select household_id, day from bought group by all),
rhythm as (
    select household_id, $day - max(day) as recency, $day - min(day) as tenure,
        (max(day) - min(day)) / nullif(count(*) - 1, 0) as gap,
        count(*) filter (where day > $day - 30) as visits_30,
        count(*) filter (where day > $day - 90) as visits_90
    from visit group by all
),
spent as (
    select household_id, sum(revenue) as revenue,
        cast(sum(revenue) filter (where department = 'FUEL') as double) / sum(revenue) as fuel,
        cast(sum(revenue) filter (where department in ('PRODUCE', 'MEAT')) as double) / sum(revenue) as fresh
    from bought left join products using (product_id) group by all
),
medicine as (
    select household_id, count(distinct basket_id) as baskets
    from bought join products using (product_id)
    where department = 'DRUG GM' and revenue >= 5 and day > $day - 28 group by all
),
redeemed as (
    select distinct household_id from coupon_redemptions where redemption_date between $day - 89 and $day
),
written_to as (
    select distinct household_id from campaigns join campaign_descriptions using (campaign_id)
    where start_date between $day - 179 and $day
)
select r.*, s.revenue, coalesce(s.fuel, 0) as fuel, coalesce(s.fresh, 0) as fresh,
    coalesce(m.baskets, 0) as medicine, c.household_id is not null as coupon,
    w.household_id is not null as written_to, coalesce(d.kids_count, '0') as kids
from rhythm r join spent s using (household_id) left join medicine m using (household_id)
left join redeemed c using (household_id) left join written_to w using (household_id)
left join demographics d using (household_id)
"""


@dataclass(frozen=True)
class Household:
    """What the files say of a household as of a day."""

    household_id: str
    recency: int
    tenure: int
    gap: float | None
    visits_30: int
    visits_90: int
    revenue: Decimal
    fuel: float
    fresh: float
    medicine: int
    coupon: bool
    written_to: bool
    kids: str


def households(source: duckdb.DuckDBPyConnection, day: date) -> dict[str, Household]:
    cursor = source.execute(HOUSEHOLDS, {"day": day})
    names = [column[0] for column in cursor.description]
    rows: list[dict[str, Any]] = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    return {
        str(row["household_id"]): Household(**row | {"household_id": str(row["household_id"])})
        for row in rows
    }


def lifecycle(one: Household, stood: str | None) -> str:
    """Who stood as loyal the day before has been so for one day, and stays for fourteen."""
    if stood == "loyal":
        return "loyal"
    if one.recency > 90:
        return "lapsed"
    if one.recency > 30 or (one.recency > 14 and one.gap is not None and one.recency / one.gap > 3):
        return "slipping"
    if stood == "slipping" and one.visits_30 < 2:
        return "slipping"
    if one.tenure <= 60:
        return "new"
    return "loyal" if one.visits_90 >= 12 else "active"


def tiers(all_: Mapping[str, Household]) -> dict[str, str]:
    total = sum(one.revenue for one in all_.values())
    found, above, equal = {}, Decimal(0), Decimal(0)
    before = None
    for one in sorted(all_.values(), key=lambda one: -one.revenue):
        if one.revenue != before:
            above, equal, before = above + equal, Decimal(0), one.revenue
        equal += one.revenue
        limits = (("top", "0.5"), ("high", "0.8"), ("medium", "0.95"), ("low", "1"))
        inside = next(tier for tier, until in limits if above < Decimal(until) * total)
        found[one.household_id] = inside if one.revenue > 0 else "none"
    return found


def treatment(stage: str, tier: str) -> str:
    if (stage, tier) in {("loyal", "top"), ("loyal", "high"), ("active", "top")}:
        return "protect"
    if stage in ("slipping", "lapsed") and tier in ("top", "high", "medium"):
        return "win_back"
    if stage == "new":
        return "welcome"
    if stage == "loyal" or (stage == "active" and tier in ("high", "medium")):
        return "grow"
    return "leave"


def habits(one: Household, stage: str, filled_up: bool, lately: bool) -> list[str]:
    """All that hold, from the highest priority down; `lately` says that the recency score is 4 or 5."""
    holds = {
        "coupon": one.coupon,
        "families": one.kids in ("1", "2", "3+") and stage != "lapsed",
        "fresh": one.fresh >= 0.25 and one.visits_90 >= 3,
        "medicine_cabinet": one.medicine >= 3,
        "fuel": one.fuel >= 0.1 or (filled_up and one.fuel >= 0.08),
        "no_letter": not one.written_to and lately and not one.coupon,
    }
    return [name for name, held in holds.items() if held]


@dataclass(frozen=True)
class Expected:
    """What the definitions come to."""

    stages: dict[str, str]
    alone: dict[str, str]
    tiers: dict[str, str]
    habits: dict[str, list[str]]


@pytest.fixture
def expected(source: duckdb.DuckDBPyConnection) -> Expected:
    before, now = households(source, BEFORE), households(source, DAY)
    stood = {id_: lifecycle(one, None) for id_, one in before.items()}
    stages = {id_: lifecycle(one, stood.get(id_)) for id_, one in now.items()}
    away = sorted(-one.recency for one in now.values())
    found = {}
    for id_, one in now.items():
        score = 1 + 5 * bisect_left(away, -one.recency) // len(away)
        filled_up = id_ in before and before[id_].fuel >= 0.1
        found[id_] = habits(one, stages[id_], filled_up, score >= 4)
    alone = {id_: lifecycle(one, None) for id_, one in now.items()}
    return Expected(stages, alone, tiers(now), found)


def recorded(shop: Shop, segmentation: str) -> dict[str, set[str]]:
    """Who is where at the end of the day."""
    with shop.warehouse() as con:
        rows = con.execute(
            "select entity_id, segment_id from segments.membership"
            " where segmentation_id = $segmentation and entered_date <= $day"
            " and coalesce(left_date > $day, true)",
            {"segmentation": segmentation, "day": DAY},
        ).fetchall()
    found: dict[str, set[str]] = {}
    for id_, segment in rows:
        found.setdefault(id_, set()).add(segment)
    return found


def test_every_household_stands_where_its_purchases_and_its_past_put_it(
    whole_year: Shop, expected: Expected
) -> None:
    assert recorded(whole_year, "lifecycle") == {id_: {stage} for id_, stage in expected.stages.items()}


def test_some_stand_where_they_do_only_because_they_stood_there(expected: Expected) -> None:
    """One visit brings nobody back from slipping; a fortnight holds who was loyal."""
    kept = {
        (expected.alone[id_], stage) for id_, stage in expected.stages.items() if expected.alone[id_] != stage
    }
    assert {stage for _, stage in kept} == {"slipping", "loyal"}


def test_the_plan_is_lifecycle_and_value_put_together(whole_year: Shop, expected: Expected) -> None:
    assert recorded(whole_year, "value_tier") == {id_: {tier} for id_, tier in expected.tiers.items()}
    plan = {id_: {treatment(stage, expected.tiers[id_])} for id_, stage in expected.stages.items()}
    assert recorded(whole_year, "plan") == plan
    assert len({segment for segments in plan.values() for segment in segments}) == 5


def test_every_household_is_in_its_audiences_and_in_three_at_most(
    whole_year: Shop, expected: Expected
) -> None:
    found = recorded(whole_year, "shopping_habits")
    assert found == {id_: {*held[:3]} for id_, held in expected.habits.items() if held}
    assert any(len(held) > 3 for held in expected.habits.values())
    assert len({segment for segments in found.values() for segment in segments}) == 6
