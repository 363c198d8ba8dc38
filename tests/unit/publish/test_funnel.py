"""The funnel: deals and leads by stage, source, segment and month, and what nobody knows of them."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from fixtures.seeds import seeds
from shop import Shop

from pipelines.engine import DuckDB, load_step
from pipelines.segments import history
from pipelines.segments.deals import record_stages

MARCH, APRIL, MAY = date(2024, 3, 1), date(2024, 4, 1), date(2024, 5, 1)
DAY = date(2024, 5, 20)


@pytest.fixture
def shop() -> Iterator[Shop]:
    made = Shop()
    history.create(made.con)
    yield made
    made.con.close()


def deal(shop: Shop, key: str, **columns: Any) -> None:
    shop.add("core.opportunities", {"opportunity_id": key, "outcome": "open", "_batch_seq": 1} | columns)


def turn(shop: Shop, day: date, stage: str, *keys: str) -> None:
    """The source says that deals stand at a stage, and the day is recorded."""
    shop.con.execute("delete from ingest.batch")
    shop.batch(1, None)
    shop.con.execute("update ingest.batch set delivered_on = ?", [day])
    shop.con.execute(
        "update core.opportunities set stage = ? where opportunity_id in (select unnest(?))", [stage, [*keys]]
    )
    record_stages(DuckDB(shop.con), day)


def funnel(shop: Shop, day: date = DAY) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    """Kind, stage, source, segment and month -> the figures."""
    sql = load_step("publish/marts/funnel").sql
    columns = (
        "deal_kind, stage, source, segment_id, month, entered, departed, converted, days_in_stage, won, lost"
    )
    found = shop.con.execute(f"select {columns}, win_rate from ({sql})", {"as_of": day}).fetchall()
    assert len({row[:5] for row in found}) == len(found)
    return {row[:5]: row[5:] for row in found}


def test_deals_without_day_or_account_stand_in_totals(shop: Shop) -> None:
    deal(shop, "won", opened_on=date(2024, 3, 10), closed_on=date(2024, 4, 9), outcome="won", account_id="a")
    deal(shop, "lost", opened_on=date(2024, 3, 10), closed_on=date(2024, 4, 19), outcome="lost")
    deal(shop, "open", opened_on=date(2024, 4, 1), account_id="a")
    deal(shop, "unopened", closed_on=date(2024, 4, 2), outcome="won")
    deal(shop, "dayless")
    deal(shop, "to come", opened_on=date(2024, 4, 5), closed_on=DAY + timedelta(days=1), outcome="won")
    shop.con.execute(
        "insert into segments.membership (segmentation_id, segment_id, entity_kind, entity_id, entered_date)"
        " values ('plan', 'key', 'account', 'a', '2024-05-01')"
    )
    assert funnel(shop) == {
        ("opportunity", None, None, None, MARCH): (2, 0, 0, None, 0, 0, None),
        ("opportunity", None, None, None, APRIL): (3, 3, 2, 35.0, 2, 1, 2 / 3),
        ("opportunity", None, None, None, None): (1, 0, 0, None, 0, 0, None),
        ("opportunity", None, None, "key", MARCH): (1, 0, 0, None, 0, 0, None),
        ("opportunity", None, None, "key", APRIL): (1, 1, 1, 30.0, 1, 0, 1.0),
    }


def test_stages_are_known_from_what_was_recorded(shop: Shop) -> None:
    deal(shop, "old", opened_on=date(2024, 1, 1), source="web")
    turn(shop, date(2024, 3, 5), "talk", "old")
    deal(shop, "new", opened_on=date(2024, 3, 6), source="web")
    turn(shop, date(2024, 3, 8), "talk", "new")
    turn(shop, date(2024, 3, 16), "offer", "old", "new")
    lost = "update core.opportunities set outcome = 'lost', closed_on = '2024-04-15'"
    shop.con.execute(f"{lost} where opportunity_id = 'new'")
    found = {key: row for key, row in funnel(shop).items() if key[1]}
    assert found == {
        # When the old one came to it nobody knows; the new one was ten days in it.
        ("opportunity", "talk", "web", None, None): (1, 0, 0, None, 0, 0, None),
        ("opportunity", "talk", "web", None, MARCH): (1, 2, 2, 10.0, 0, 1, 0.0),
        ("opportunity", "offer", "web", None, MARCH): (2, 0, 0, None, 0, 0, None),
        ("opportunity", "offer", "web", None, APRIL): (0, 1, 0, 30.0, 0, 1, 0.0),
    }


def test_a_day_that_is_caught_up_learns_no_stage_of_today(shop: Shop) -> None:
    deal(shop, "d", opened_on=date(2024, 1, 1), stage="offer")
    shop.batch(1, None)
    shop.con.execute("update ingest.batch set delivered_on = ?", [DAY])
    recorded = "select as_of_date, stage from segments.deal_stage"
    for day in (DAY - timedelta(days=1), DAY, DAY):
        record_stages(DuckDB(shop.con), day)
        assert shop.select(recorded) == ([(DAY, "offer")] if day == DAY else [])


def test_leads_follow_their_status(shop: Shop) -> None:
    leads = {
        "converted": {"status": "converted", "converted_on": date(2024, 4, 20)},
        "blank": {"status": None, "converted_on": date(2024, 4, 10)},
        "dropped": {"status": "disqualified", "converted_on": None},
        "working": {"status": "working", "converted_on": None},
    }
    for key, said in leads.items():
        shop.add("core.leads", {"lead_id": key, "created_on": date(2024, 3, 31), "source": "fair"} | said)
    assert funnel(shop) == {
        ("lead", None, "fair", None, MARCH): (4, 0, 0, None, 0, 0, None),
        ("lead", None, "fair", None, APRIL): (0, 2, 2, 15.0, 2, 0, 1.0),
        # Of a lead that is dropped the source has no day.
        ("lead", None, "fair", None, None): (0, 1, 0, None, 0, 1, 0.0),
    }


def test_a_lead_that_is_disqualified_does_not_go_on(shop: Shop) -> None:
    shop.batch(1, None)
    for key in ("good", "bad"):
        row = {"lead_id": key, "created_on": date(2024, 3, 6), "_batch_seq": 1, "source": None}
        shop.add("core.leads", row | {"status": "working", "converted_on": None})
    shop.con.execute("update ingest.batch set delivered_on = ?", [date(2024, 3, 5)])
    record_stages(DuckDB(shop.con), date(2024, 3, 5))
    statuses = "status = if(lead_id = 'good', 'qualified', 'disqualified')"
    shop.con.execute(f"update core.leads set {statuses}")
    record_stages(DuckDB(shop.con), date(2024, 3, 16))
    found = funnel(shop)
    # Both left, one of them for another stage.
    assert found["lead", "working", None, None, MARCH][:3] == (2, 2, 1)
    assert found["lead", "qualified", None, None, MARCH][:3] == (1, 0, 0)


@pytest.mark.parametrize("seed", seeds(2, 10))
def test_the_funnel_of_random_deals_equals_a_count_one_by_one(shop: Shop, seed: int) -> None:
    rng = random.Random(seed)
    expected: dict[tuple[Any, ...], list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for number in range(80):
        opened = rng.choice([None, date(2024, 1, 1) + timedelta(days=rng.randrange(160))])
        closed = rng.choice([None, (opened or MARCH) + timedelta(days=rng.randrange(60))])
        outcome, source = rng.choice(["open", "won", "lost"]), rng.choice(["web", None])
        deal(shop, f"d{number}", opened_on=opened, closed_on=closed, outcome=outcome, source=source)
        ended = (closed or opened) if outcome != "open" else None
        began = opened or ended
        if began is not None and began > DAY:
            continue
        expected[source, began and began.replace(day=1)][0] += 1
        if outcome != "open" and not (ended and ended > DAY):
            counted = expected[source, ended and ended.replace(day=1)]
            counted[1] += 1
            counted[2 if outcome == "won" else 3] += 1
    found = {(key[2], key[4]): [row[0], row[1], row[4], row[5]] for key, row in funnel(shop).items()}
    assert found == expected
