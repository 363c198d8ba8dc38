"""The generator of benchmarks/refresh.py: the same seed gives the same shop, and it is the shop asked for."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import duckdb
import purchases
import pytest
from purchases import FIRST, Shop

SHOP = Shop(lines=50_000, customers=2500, day_lines=3000)
FILES = ("lines/*.parquet", "day.parquet", "customers.parquet", "products.parquet")


def content(folder: Path) -> list[tuple[object, ...]]:
    """Rows of every part, a hash of all their columns, and how much money there is."""
    return [
        duckdb.execute(
            "select count(*), md5(string_agg(row::varchar, '' order by row::varchar))"
            f" from '{folder}/{part}' as row"
        ).fetchone()
        for part in FILES
    ]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shop")
    purchases.make(SHOP, folder)
    return folder


def test_the_same_seed_gives_the_same_shop_however_it_is_cut_into_chunks(
    shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(purchases, "CHUNK_CUSTOMERS", 700)
    monkeypatch.setattr(purchases, "FILE_ORDERS", 90)
    purchases.make(SHOP, tmp_path / "again")
    assert content(tmp_path / "again") == content(shop)


def test_another_seed_gives_another_shop(shop: Path, tmp_path: Path) -> None:
    purchases.make(replace(SHOP, seed=8), tmp_path / "other")
    assert all(
        one != other for one, other in zip(content(shop)[:3], content(tmp_path / "other")[:3], strict=True)
    )


def test_it_has_about_the_lines_asked_for_and_all_customers(shop: Path) -> None:
    lines, day, customers, products = (rows for rows, _ in content(shop))
    assert lines == pytest.approx(SHOP.lines, rel=0.05)
    assert day == pytest.approx(SHOP.day_lines, rel=0.1)
    assert (customers, products) == (SHOP.customers, SHOP.products)


def test_order_ids_rise_with_time_and_have_one_width(shop: Path) -> None:
    found = duckdb.execute(
        "with placed as (select distinct order_id, ordered_at from"
        f" (from '{shop}/lines/*.parquet' union all by name from '{shop}/day.parquet'))"
        " select count(*), count(distinct order_id), count_if(length(order_id) <> 11),"
        " count_if(ordered_at < before) from"
        " (select *, lag(ordered_at) over (order by order_id) as before from placed where ordered_at < $day)",
        {"day": SHOP.next_day},
    ).fetchone()
    assert found is not None
    assert found[0] == found[1] > SHOP.lines / 4
    assert found[2:] == (0, 0)


def test_history_ends_the_day_before_the_next(shop: Path) -> None:
    found = duckdb.execute(
        f"select min(ordered_at)::date, max(ordered_at)::date from '{shop}/lines/*.parquet'"
    ).fetchone()
    assert found == (FIRST, SHOP.last_day)
    assert duckdb.execute(f"select distinct ordered_at::date from '{shop}/day.parquet'").fetchall() == [
        (SHOP.last_day + timedelta(days=1),)
    ]


def test_a_few_buy_most_and_nobody_before_joining(shop: Path) -> None:
    share = duckdb.execute(
        f"with bought as (select sum(revenue) as revenue from '{shop}/lines/*.parquet' group by customer_id)"
        " select sum(revenue) filter (where place <= 0.2) / sum(revenue) from"
        " (select revenue, percent_rank() over (order by revenue desc) as place from bought)"
    ).fetchone()
    assert share is not None and share[0] > 0.5
    early = duckdb.execute(
        f"select count(*) from '{shop}/lines/*.parquet' join '{shop}/customers.parquet' using (customer_id)"
        " where ordered_at::date < created_on"
    ).fetchone()
    assert early == (0,)


def test_customers_who_cannot_buy_so_much_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="ask for more customers"):
        purchases.make(replace(SHOP, customers=10), tmp_path / "few")
