"""Currencies, VAT and what is no revenue: what features see, who is computed again, and what waits."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from fixtures.seeds import SEED
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from money_shop import ALL_PARTS, MoneyShop, rounded

from pipelines.config.money import Amounts
from pipelines.core import changes, money
from pipelines.core.money.waiting import waiting_orders
from pipelines.engine import DuckDB

D = Decimal


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[MoneyShop]:
    made = MoneyShop(tmp_path)
    yield made
    made.con.close()


def taxed(folder: Path, **amounts: Amounts) -> MoneyShop:
    return MoneyShop(folder, **amounts)


def order(number: int, amount: object, day: int = 10, who: str = "ann", **more: object) -> dict[str, object]:
    said = {"id": f"o{number}", "customer": who, "day": f"2024-05-{day:02}", "state": "completed"}
    return said | {"amount": amount} | more


def rate(currency: str, day: int, value: object) -> dict[str, object]:
    return {"currency": currency, "day": f"2024-05-{day:02}", "rate": value}


def dirty(shop: MoneyShop) -> set[str | None]:
    return {row[0] for row in shop.select("select customer_id from ingest.dirty_day")}


def test_an_amount_is_converted_with_the_latest_rate_at_or_before_its_day(shop: MoneyShop) -> None:
    shop.hand_in("bank", rate("USD", 8, "0.9"), rate("USD", 10, "0.8"), rate("USD", 12, "0.5"))
    shop.hand_in(
        "shop",
        order(1, 10, day=8, who="ann", currency="USD"),
        order(2, 10, day=9, who="bob", currency="usd"),
        order(3, 10, day=11, who="cyd", currency="USD"),
        order(4, 10, day=11, who="dan"),
    )
    assert shop.run() == 0
    assert shop.revenue() == {"ann": 9, "bob": 9, "cyd": 8, "dan": 10}
    assert shop.select("select distinct revenue from core.orders") == [(10,)], "core keeps what was said"


def test_a_rate_may_be_so_old_and_no_older(tmp_path: Path) -> None:
    shop = MoneyShop(tmp_path, max_age=3)
    shop.hand_in("bank", rate("USD", 1, "0.5"))
    shop.hand_in(
        "shop", order(1, 10, day=4, who="ann", currency="USD"), order(2, 10, day=5, who="bob", currency="USD")
    )
    assert shop.run() == 1
    assert shop.revenue() == {"ann": 5}
    assert shop.select("select order_id, source, reason from money.held_order") == [
        ("o2", "shop", "no_currency_rate")
    ]
    shop.marts()
    ((*found, samples),) = shop.select("from marts.quarantine_reason")
    assert found == ["shop", "orders", "no_currency_rate", "currency", 1]
    assert samples.endswith(".csv:3 (USD as currency)"), samples
    (waiting,) = waiting_orders(shop.con)
    assert waiting["file"] + ":3 (USD as currency)" == samples
    assert (waiting["currency"], waiting["row_number"], waiting["business_date"].day) == ("USD", 3, 5)
    assert waiting_orders(shop.con, reason="no_vat_rate") == []


def test_an_order_that_waits_for_its_rate_enters_alone_when_it_comes(shop: MoneyShop) -> None:
    shop.hand_in("shop", order(1, 10, who="ann", currency="USD"), order(2, 10, who="bob"))
    assert shop.run() == 1
    assert shop.revenue() == {"bob": 10}
    assert shop.select("select customer_id from features.customer") == [("bob",)], "who waits is no customer"
    shop.hand_in("bank", rate("USD", 10, "0.5"))
    shop.core()
    assert dirty(shop) == {"ann"}
    assert shop.run() == 0
    assert shop.revenue() == {"ann": 5, "bob": 10}
    assert shop.state() == shop.rebuilt()


def test_a_changed_rate_touches_the_customers_it_prices_and_no_other(shop: MoneyShop) -> None:
    shop.hand_in("bank", rate("USD", 8, "0.9"), rate("USD", 11, "0.8"), rate("SEK", 8, "0.1"))
    shop.hand_in(
        "shop",
        order(1, 10, day=9, who="ann", currency="USD"),
        order(2, 10, day=12, who="bob", currency="USD"),
        order(3, 10, day=9, who="cyd", currency="SEK"),
        order(4, 10, day=9, who="dan"),
    )
    shop.run()
    mark = changes.newest(DuckDB(shop.con))
    shop.hand_in("bank", rate("USD", 8, "0.5"))
    shop.core()
    assert dirty(shop) == {"ann"}
    ((day,),) = shop.select("select business_date from core.orders where customer_id = 'ann'")
    marks = {day - timedelta(days=1): mark, day: mark}
    assert changes.since(DuckDB(shop.con), marks, without=["rates"]) == {day}
    shop.run()
    assert shop.revenue() == {"ann": 5, "bob": 8, "cyd": 1, "dan": 10}


def test_a_day_without_news_of_rates_touches_nobody(shop: MoneyShop) -> None:
    shop.hand_in("bank", rate("USD", 8, "0.9"))
    shop.hand_in("shop", order(1, 10, day=9, currency="USD"))
    shop.run()
    shop.core()
    assert dirty(shop) == set()


def test_other_terms_touch_everyone(shop: MoneyShop) -> None:
    shop.hand_in("shop", order(1, 124))
    shop.run()
    shop.amounts = {"shop": Amounts(vat=D("0.24"))}
    shop.core()
    assert dirty(shop) == {None}
    shop.run()
    assert shop.revenue() == {"ann": 100}


@pytest.mark.parametrize("amount", ["124", "9.99", "0.01", "-12.40", "99999999.99"])
def test_vat_at_one_rate_is_taken_out(tmp_path: Path, amount: str) -> None:
    shop = taxed(tmp_path, shop=Amounts(vat=D("0.24")))
    shop.hand_in("shop", order(1, amount))
    shop.run()
    assert shop.revenue() == {"ann": rounded(D(amount) / D("1.24"))}


def test_vat_of_a_row_is_its_own_and_an_order_without_it_waits(tmp_path: Path) -> None:
    shop = taxed(tmp_path, shop=Amounts(vat="row"))
    shop.hand_in(
        "shop",
        order(1, 124, vat_rate="0.24"),
        order(2, 114, who="bob", vat_rate="0.14"),
        order(3, 9, who="cyd", vat_rate=0),
        order(4, 9, who="dan"),
    )
    assert shop.run() == 1
    assert shop.revenue() == {"ann": 100, "bob": 100, "cyd": 9}
    assert shop.select("select order_id, reason from money.held_order") == [("o4", "no_vat_rate")]


def test_vat_of_a_country_holds_from_its_day_on(tmp_path: Path) -> None:
    shop = taxed(tmp_path, shop=Amounts(vat="country"))
    shop.hand_in(
        "tax",
        {"country": "FI", "day": "2024-01-01", "rate": "0.24"},
        {"country": "FI", "day": "2024-05-10", "rate": "0.255"},
        {"country": "EE", "day": "2024-01-01", "rate": "0.22"},
    )
    shop.hand_in(
        "shop",
        order(1, 124, day=9, country="FI"),
        order(2, "125.5", day=10, who="bob", country="fi"),
        order(3, 122, day=10, who="cyd", country="EE"),
        order(4, 100, day=10, who="dan", country="SE"),
    )
    assert shop.run() == 1
    assert shop.revenue() == {"ann": 100, "bob": 100, "cyd": 100}
    shop.hand_in("tax", {"country": "SE", "day": "2024-01-01", "rate": "0.25"})
    shop.core()
    assert dirty(shop) == {"dan"}
    assert shop.run() == 0
    assert shop.revenue()["dan"] == 80


def test_one_line_without_a_vat_rate_holds_the_whole_order(tmp_path: Path) -> None:
    shop = taxed(tmp_path, till=Amounts(vat="row"))
    shop.hand_in("shop", order(1, ""), order(2, "", who="bob"))
    shop.hand_in(
        "till",
        {"id": "o1", "line": 1, "amount": 124, "vat_rate": "0.24"},
        {"id": "o1", "line": 2, "amount": 10},
        {"id": "o2", "line": 1, "amount": 124, "vat_rate": "0.24"},
    )
    assert shop.run() == 1
    assert shop.revenue() == {"bob": 100}


def test_what_an_amount_includes_is_taken_out_and_what_reduced_it_comes_back(tmp_path: Path) -> None:
    shop = taxed(tmp_path, shop=ALL_PARTS)
    parts = {"shipping": 5, "gift_card_sold": 50, "gift_card_redeemed": 20, "deposit": 2, "discount": 7}
    shop.hand_in("shop", order(1, 168, vat_rate="0.24", currency="USD", **parts))
    shop.hand_in("bank", rate("USD", 10, "0.5"))
    shop.run()
    # 168 - 5 - 50 + 20 - 2 - 7 = 124 dollars with VAT.
    assert shop.revenue() == {"ann": 50}
    assert shop.select("select discount from features.customer_day") == [(rounded(D("3.5") / D("1.24")),)]


def test_parts_that_no_source_calls_included_change_nothing(shop: MoneyShop) -> None:
    shop.hand_in("shop", order(1, 100, shipping=5, gift_card_sold=50, deposit=2, vat_rate="0.24"))
    shop.run()
    assert shop.revenue() == {"ann": 100}


def test_without_terms_the_views_are_cores_own_columns(tmp_path: Path) -> None:
    shop = MoneyShop(tmp_path)
    shop.hand_in("shop", order(1, 10), order(2, ""))
    shop.hand_in("till", {"id": "o2", "line": 1, "amount": 3})
    shop.core()
    assert money.refresh(shop.con, money.Terms("EUR", 7, {}, foreign=False)) == 0
    for table in ("orders", "order_lines"):
        columns = ", ".join(
            row[0] for row in shop.select(f"select column_name from (describe money.{table})")
        )
        assert shop.select(f"select {columns} from money.{table} order by all") == shop.select(
            f"select {columns} from core.{table} order by all"
        )
    plan = shop.con.execute("explain select * from money.order_lines").fetchall()
    assert "JOIN" not in plan[0][1]
    assert shop.select("select count(*) from money.held_order") == [(0,)]


# --- Incremental equals rebuilt, and the bridge adds up ---------------------------------------------------

DAYS = st.integers(1, 12)
MONEY = st.sampled_from(["10", "0.03", "-4.5", "99.99", "0", ""])
SHARE = st.sampled_from(["0", "0.24", "0.1", "", "nine"])
PART = st.sampled_from(["", "1", "0.37"])
PARTS = st.fixed_dictionaries(
    {
        "shipping": PART,
        "gift_card_sold": PART,
        "gift_card_redeemed": PART,
        "deposit": PART,
        "discount": PART,
        "coupon_discount": PART,
    }
)
ORDER = st.builds(
    lambda n, amount, day, who, parts, currency, vat, country, state: (
        order(n, amount, day, who, currency=currency, vat_rate=vat, country=country, **parts)
        | {"state": state}
    ),
    st.integers(1, 4),
    MONEY,
    DAYS,
    st.sampled_from(["ann", "bob", ""]),
    PARTS,
    st.sampled_from(["", "EUR", "USD", "SEK"]),
    SHARE,
    st.sampled_from(["", "FI", "EE"]),
    st.sampled_from(["completed", "completed", "returned", "cancelled"]),
)
LINE = st.builds(
    lambda n, line, amount, vat, parts: (
        {"id": f"o{n}", "line": line, "amount": amount, "vat_rate": vat} | parts
    ),
    st.integers(1, 5),
    st.integers(1, 2),
    MONEY,
    SHARE,
    PARTS,
)
RATE = st.builds(
    rate, st.sampled_from(["USD", "SEK", "usd"]), DAYS, st.sampled_from(["0.9", "0.10000001", "x"])
)
TAX = st.builds(
    lambda country, day, value: {"country": country, "day": f"2024-05-{day:02}", "rate": value},
    st.sampled_from(["FI", "EE"]),
    DAYS,
    st.sampled_from(["0.24", "0.2"]),
)
FILES = st.one_of(
    *(
        st.tuples(st.just(source), st.lists(rows, min_size=1, max_size=4), st.integers(0, 5), st.booleans())
        for source, rows in (("shop", ORDER), ("shop", ORDER), ("till", LINE), ("bank", RATE), ("tax", TAX))
    )
)
TERMS = st.sampled_from(
    [
        {},
        {"shop": ALL_PARTS, "till": ALL_PARTS},
        {"shop": Amounts(vat="country", include=["shipping"]), "till": Amounts(vat=D("0.24"))},
    ]
)


Delivered = list[tuple[str, list[dict[str, object]], int, bool]]
SETTINGS = settings(deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])


@settings(SETTINGS, max_examples=4)
@given(TERMS, st.lists(FILES, min_size=1, max_size=4))
def test_day_by_day_is_the_same_as_rebuilt_and_every_bridge_adds_up(
    amounts: dict[str, Amounts], files: Delivered
) -> None:
    check_day_by_day(amounts, files)


@pytest.mark.slow
@seed(SEED)
@settings(SETTINGS, derandomize=False, database=None, max_examples=40)
@given(TERMS, st.lists(FILES, min_size=1, max_size=4))
def test_day_by_day_is_the_same_as_rebuilt_many_times(amounts: dict[str, Amounts], files: Delivered) -> None:
    check_day_by_day(amounts, files)


def check_day_by_day(amounts: dict[str, Amounts], files: Delivered) -> None:
    with tempfile.TemporaryDirectory() as folder:
        shop = MoneyShop(Path(folder), max_age=3, **amounts)
        shop.hand_in("shop", order(1, 10, vat_rate="0.24"), order(2, 20, currency="USD", vat_rate="0.24"))
        shop.run()
        for source, rows, file, runs in files:
            shop.hand_in(source, *rows, file=file)
            if runs:
                shop.run()
                assert_bridges_add_up(shop)
        shop.run()
        assert_bridges_add_up(shop)
        assert shop.state() == shop.rebuilt()
        shop.con.close()


def assert_bridges_add_up(shop: MoneyShop) -> None:
    shop.marts()
    for source, table in shop.select("select distinct source, table_name from marts.revenue_bridge"):
        bridge = shop.bridge(source, table)
        moved = {step: amount for step, amount in bridge.items() if step not in TOTALS}
        net = bridge["gross"] + sum(moved.values()) - moved["guests"]
        assert bridge["net_revenue"] == net, (source, table)
        assert bridge["customer_revenue"] == net + moved["guests"], (source, table)
    told = shop.bridge()
    assert told["net_revenue"] == shop.select("select coalesce(sum(revenue), 0) from marts.revenue_day")[0][0]
    assert (
        told["customer_revenue"]
        == shop.select("select coalesce(sum(revenue_lifetime), 0) from marts.customer")[0][0]
    )
    assert (
        told["gross"]
        == shop.select(
            "select coalesce(sum(try_cast(amount as decimal(18,4))), 0) from ("
            + " union all ".join(
                f"select amount from raw.{source} join ingest.file f on f.file_id = _file_id where f.current"
                for source in ("shop", "till")
                if shop.select(
                    f"select 1 from duckdb_tables() where schema_name = 'raw' and table_name = '{source}'"
                )
            )
            + ")"
        )[0][0]
    )


TOTALS = {"gross", "net_revenue", "customer_revenue"}


def test_the_bridge_leads_from_the_gross_total_to_net_revenue_step_by_step(tmp_path: Path) -> None:
    shop = taxed(tmp_path, shop=ALL_PARTS, till=Amounts(vat=D("0.25")))
    shop.hand_in("bank", rate("USD", 10, "0.5"))
    parts = {"shipping": 5, "gift_card_sold": 50, "gift_card_redeemed": 20, "deposit": 2}
    parts |= {"discount": 4, "coupon_discount": 3}
    shop.hand_in(
        "shop",
        order(1, 168, vat_rate="0.24", currency="USD", **parts),  # 84 EUR, of which net 50
        order(2, 1000, vat_rate="0.24", who="bob"),  # superseded by 12.40
        order(3, "much", who="bob"),  # a fault without an amount
        order(4, 7, day=99, who="bob", vat_rate=0),  # a fault with one
        order(5, 11, who="bob", vat_rate=0, currency="SEK"),  # waits for a currency's rate
        order(6, 13, who="bob"),  # waits for a VAT rate
        order(7, 12.4, vat_rate="0.24", who="cyd") | {"state": "returned"},
        order(8, 24.8, vat_rate="0.24", who=""),  # a guest
        order(9, 17, vat_rate="0.24", who="dan"),  # has lines
    )
    shop.hand_in("shop", order(2, 12.4, vat_rate="0.24", who="bob"))
    shop.hand_in(
        "shop", order(10, 19, vat_rate="0.24", who="dan") | {"day": "2024-06-01"}
    )  # after the day of the run
    shop.hand_in(
        "till", {"id": "o9", "line": 1, "amount": 50}, {"id": "o404", "line": 1, "amount": 23}
    )  # 40 net, and a line of nobody's order
    shop.run()
    shop.marts()
    assert_bridges_add_up(shop)
    assert shop.bridge("shop", "orders") == {
        "gross": D("1284.6"),
        "quarantined": -7,
        "superseded": -1000,
        "order_unknown": 0,
        "told_by_lines": -17,
        "later": -19,
        "no_currency_rate": -11,
        "no_vat_rate": -13,
        "currencies": -84,
        "shipping": D("-2.5"),
        "gift_cards_sold": -25,
        "gift_cards_redeemed": 10,
        "deposits": -1,
        "discounts": D("-3.5"),
        "vat": D("-21.6"),
        "not_completed": -10,
        "net_revenue": 80,
        "guests": -20,
        "customer_revenue": 60,
    }
    till = {step: amount for step, amount in shop.bridge("till", "order_lines").items() if amount}
    assert till == {"gross": 73, "order_unknown": -23, "vat": -10, "net_revenue": 40, "customer_revenue": 40}
    assert shop.bridge()["net_revenue"] == 120
