"""What is known as of a day, however the rows came in."""

import random
from datetime import date, timedelta
from itertools import pairwise

import pytest
from fixtures.seeds import seeds
from shop import FIRST, SETTINGS, Shop, random_order, random_shop

from pipelines.contracts.registry import CONTRACTS, FACTS
from pipelines.engine import DuckDB, bound, rows
from pipelines.features import state
from pipelines.features.compute import compute_past, has_features, keep_features, refresh_state
from pipelines.features.recipe import Made, Recipe, make

STATE = ("features.customer_day", "features.customer_entry")
# The day of a row of each table whose rows have one.
DAYS = {table: day for table, contract in CONTRACTS.items() if (day := contract.event or contract.known_from)}
KNOWN = [table for table, contract in CONTRACTS.items() if contract.known_from]
DAYS |= {table: fact.day for table, fact in FACTS.items() if fact.day in CONTRACTS[table].names}
DAYS |= {link.table: link.gives[0] for fact in FACTS.values() if (link := fact.else_day)}
ENDED = {table: fact.ends.day for table, fact in FACTS.items() if fact.ends}


def test_every_table_of_dated_rows_loses_those_of_later_days() -> None:
    of_another_row = {
        table for table, fact in FACTS.items() if any(fact.day in link.gives for link in fact.links)
    }
    assert FACTS.keys() - DAYS.keys() == of_another_row
    assert {"customers", "campaigns"} <= DAYS.keys()


@pytest.mark.parametrize("seed", seeds(3, 12))
def test_as_of_a_day_no_later_event_is_read(seed: int) -> None:
    shop = random_shop(seed)
    day = FIRST + timedelta(days=120 + 60 * (seed % 6))
    # A contact may come before its campaign's first day.
    shop.con.execute("delete from core.campaigns where start_date > $d", {"d": day})
    known_later = shop.features(day, None, ["A", "B"], settings=SETTINGS)
    for table, column in DAYS.items():
        shop.con.execute(f"delete from core.{table} where {column} > $d", {"d": day})
    for table in KNOWN:
        shop.con.execute(
            f"update ingest.delivered__{table} set delivered_on = $never where delivered_on > $d",
            {"d": day, "never": date(2999, 1, 1)},
        )
    # Nor what became known of an earlier event.
    for table, ended in ENDED.items():
        shop.con.execute(f"update core.{table} set {ended} = null where {ended} > $d", {"d": day})
    shop.everyone_is_dirty()
    assert shop.features(day, None, ["A", "B"], settings=SETTINGS) == known_later
    assert known_later


@pytest.mark.parametrize("seed", seeds(2, 12))
def test_the_state_after_random_batches_equals_the_state_from_scratch(seed: int) -> None:
    rng = random.Random(seed)
    shop = random_shop(seed, orders=25)
    refresh_state(DuckDB(shop.con))
    for batch in range(4):
        for i in range(rng.randrange(1, 6)):
            # New, corrected (moved to another customer and day), or with other lines.
            order_id = rng.choice([f"o{rng.randrange(25)}", f"n{batch}.{i}"])
            touched = shop.select("select customer_id from core.orders where order_id = ?", order_id)
            shop.con.execute("delete from core.orders where order_id = ?", [order_id])
            shop.con.execute("delete from core.order_lines where order_id = ?", [order_id])
            touched.append((random_order(shop, rng, order_id, 6, 500),))
            shop.dirty(*{one for (one,) in touched if one is not None})
        refresh_state(DuckDB(shop.con))
        kept = [rows(shop.con, f"from {table} order by all") for table in STATE]
        shop.everyone_is_dirty()
        refresh_state(DuckDB(shop.con))
        assert [rows(shop.con, f"from {table} order by all") for table in STATE] == kept


def test_a_feature_computed_with_few_others_is_the_same() -> None:
    shop = random_shop(2, orders=60)
    refresh_state(DuckDB(shop.con))
    made = make(DuckDB(shop.con), "customer", Recipe(margin_rate=0.25, settings=SETTINGS))
    day = FIRST + timedelta(days=300)

    def values(of: Made) -> dict[str, list[object]]:
        stored = f"(select date '{day}' as as_of_date, * from ({of.stored_sql}))"
        sql = f"from ({of.public_sql(stored)}) order by customer_id"
        found = shop.con.execute(sql, bound(sql, of.bindings(day)))
        names = [name for name, *_ in found.description]
        return {
            name: list(column)
            for name, column in zip(names, zip(*found.fetchall(), strict=True), strict=True)
        }

    everything = values(made)
    assert len(everything["customer_id"]) > 5
    for feature in made.features:
        few = made.of([feature.name])
        assert len(few.fragments) <= 3 < len(made.fragments)
        alone = values(few)
        for name in ("customer_id", feature.name):
            assert alone[name] == everything[name], feature.name


def test_the_state_made_span_by_span_is_the_state_made_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    shop = random_shop(3, orders=60)
    refresh_state(DuckDB(shop.con))
    at_once = [rows(shop.con, f"from {table} order by all") for table in STATE]
    monkeypatch.setattr(state, "ORDERS_AT_ONCE", 7)
    spans = [one for one in state._spans(DuckDB(shop.con)) if one is not None]
    assert len(spans) > 5
    assert all(before[1] < after[0] for before, after in pairwise(spans))
    shop.everyone_is_dirty()
    refresh_state(DuckDB(shop.con))
    assert [rows(shop.con, f"from {table} order by all") for table in STATE] == at_once


def test_only_dirty_customers_are_recomputed_and_then_forgotten() -> None:
    shop = random_shop(1)
    assert refresh_state(DuckDB(shop.con)) is None  # everyone
    assert refresh_state(DuckDB(shop.con)) == 0
    shop.dirty("c1", "c1", "c2")
    assert refresh_state(DuckDB(shop.con)) == 2
    assert shop.select("from ingest.dirty_customer") == []


def test_a_customer_whose_orders_are_gone_leaves_the_state() -> None:
    shop = Shop()
    shop.order("o1", "ann", FIRST, {"revenue": 5, "product_id": "p"})
    refresh_state(DuckDB(shop.con))
    shop.con.execute("delete from core.orders")
    shop.dirty("ann")
    refresh_state(DuckDB(shop.con))
    assert shop.select("from features.customer_day") == []
    assert shop.select("from features.customer_entry") == []


def test_a_state_made_by_another_recipe_is_made_anew() -> None:
    shop = Shop()
    shop.order("o1", "ann", FIRST, 100)
    assert shop.features(FIRST, 0.25)["ann"]["margin_365d"] == 25
    assert shop.features(FIRST + timedelta(days=1), 0.5)["ann"]["margin_365d"] == 50


def test_a_day_computed_again_replaces_that_day_only() -> None:
    shop = Shop()
    shop.order("o1", "ann", FIRST, 5)
    tomorrow = FIRST + timedelta(days=1)
    shop.compute(FIRST)
    shop.compute(tomorrow)
    shop.order("o2", "bob", FIRST, 7)
    shop.dirty("bob")
    shop.compute(FIRST)
    found = shop.select("select as_of_date, customer_id from features.customer order by all")
    assert found == [(FIRST, "ann"), (FIRST, "bob"), (tomorrow, "ann")]


def test_a_day_without_any_customer_left_is_emptied() -> None:
    shop = Shop()
    shop.order("o1", "ann", FIRST, 5)
    shop.compute(FIRST)
    shop.con.execute("delete from core.orders")
    shop.dirty("ann")
    shop.compute(FIRST)
    assert not has_features(DuckDB(shop.con), FIRST)


def test_past_days_that_are_not_kept_are_forgotten_and_the_state_stays() -> None:
    shop = Shop()
    shop.order("o1", "ann", FIRST, 5)
    days = [FIRST + timedelta(days=i) for i in range(4)]
    shop.compute(days[3])
    for day in days[:3]:
        compute_past(DuckDB(shop.con), day, Recipe())
    keep_features(DuckDB(shop.con), [days[0], days[2]])
    assert [has_features(DuckDB(shop.con), day) for day in days] == [True, False, True, True]


def test_there_are_no_features_before_they_are_computed() -> None:
    assert not has_features(DuckDB(Shop().con), date(2024, 1, 1))


@pytest.mark.parametrize("seed", seeds(2, 12))
def test_a_past_day_carried_on_from_an_earlier_one_is_the_day_computed_alone(seed: int) -> None:
    rng = random.Random(seed)
    shop = random_shop(seed, orders=120, customers=12)
    refresh_state(DuckDB(shop.con))
    recipe = Recipe(margin_rate=0.25, categories=("A", "B"))
    day = FIRST + timedelta(days=200)
    compute_past(DuckDB(shop.con), day, recipe)
    sparing = 0
    for _ in range(8):
        before, day = day, day + timedelta(days=rng.choice([1, 7, 7, 30, 100]))
        compute_past(DuckDB(shop.con), day, recipe, after=before)
        (computed, customers), *_ = shop.select(
            "select (select count(*) from features.scope), count(*) from features.customer_past"
            " where as_of_date = ?",
            day,
        )
        sparing += computed < customers
        carried = rows(shop.con, "from features.customer_past where as_of_date = ? order by all", [day])
        compute_past(DuckDB(shop.con), day, recipe)
        alone = rows(shop.con, "from features.customer_past where as_of_date = ? order by all", [day])
        assert carried == alone
        assert carried
    assert sparing
