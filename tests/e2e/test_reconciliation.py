"""The whole of Complete Journey: what stands in core and marts is what the source's files hold."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import duckdb
import pytest
from fixtures.shop import Shop

from pipelines.engine import connect

REVENUE = Decimal("4596039.58")


def published(shop: Shop, sql: str) -> list[tuple[Any, ...]]:
    path = (shop.project.current / "lohko.duckdb").resolve()
    with connect(str(path), read_only=True) as con:
        return con.execute(sql).fetchall()


def live(shop: Shop, sql: str) -> list[tuple[Any, ...]]:
    with shop.warehouse() as con:
        return con.execute(sql).fetchall()


def test_lines_baskets_households_and_revenue_are_the_sources(
    whole_year: Shop, source: duckdb.DuckDBPyConnection
) -> None:
    expected = source.execute(
        "select count(*), count(distinct basket_id), count(distinct household_id), sum(revenue) from line"
    ).fetchone()
    assert expected == (1_469_307, 155_848, 2_469, REVENUE)
    (core,) = live(
        whole_year,
        "select (select count(*) from core.order_lines), (select count(*) from core.orders),"
        " (select count(distinct customer_id) from core.orders), (select sum(revenue) from core.order_lines)",
    )
    assert core == expected
    (marts,) = published(
        whole_year,
        "select cast(sum(lines) as bigint), cast(sum(orders) as bigint),"
        " (select count(*) from marts.customer where orders_lifetime > 0), sum(revenue)"
        " from marts.revenue_day",
    )
    assert marts == expected
    assert published(whole_year, "select sum(revenue_lifetime) from marts.customer") == [(REVENUE,)]


def test_the_bridge_ends_at_the_sources_revenue(whole_year: Shop) -> None:
    bridge = published(
        whole_year,
        "select source, table_name, step, amount from marts.revenue_bridge where amount <> 0 order by all",
    )
    totals = ("customer_revenue", "gross", "net_revenue")
    assert bridge == [
        (*where, step, REVENUE)
        for where in (("(all)", "(all)"), ("transactions", "order_lines"))
        for step in totals
    ]


def test_every_day_of_new_york_has_its_revenue_to_the_cent(
    whole_year: Shop, source: duckdb.DuckDBPyConnection
) -> None:
    expected = source.execute(
        "select day, count(distinct basket_id), count(*), count(distinct household_id), sum(revenue)"
        " from line group by day order by day"
    ).fetchall()
    found = published(
        whole_year,
        "select business_date, orders, lines, customers, revenue from marts.revenue_day"
        " order by business_date",
    )
    assert len(found) == 364 and found == expected


def test_every_household_has_its_revenue_to_the_cent(
    whole_year: Shop, source: duckdb.DuckDBPyConnection
) -> None:
    expected = source.execute(
        "select cast(household_id as varchar) as id, count(distinct basket_id), sum(revenue), max(day)"
        " from line group by household_id order by id"
    ).fetchall()
    found = published(
        whole_year,
        "select customer_id, orders_lifetime, revenue_lifetime, last_purchase_date from marts.customer"
        " where orders_lifetime > 0 order by customer_id",
    )
    assert found == expected


def test_every_landed_row_is_accounted_for(whole_year: Shop, source: duckdb.DuckDBPyConnection) -> None:
    found = {
        (name, table): rest
        for name, table, *rest in live(
            whole_year,
            "select source, table_name, cast(sum(rows_landed) as bigint), cast(sum(rows_accepted) as bigint),"
            " cast(sum(rows_quarantined) as bigint), cast(sum(rows_repeated) as bigint),"
            " cast(sum(rows_conflicting + rows_superseded) as bigint)"
            " from ingest.batch join ingest.batch_table using (batch_seq, source)"
            " where status = 'accepted' group by all",
        )
    }
    assert found == {
        ("transactions", "order_lines"): [1_469_307, 1_469_307, 0, 0, 0],
        # A basket is told by each of its lines.
        ("transactions", "orders"): [1_469_307, 155_848, 0, 1_469_307 - 155_848, 0],
        ("products", "products"): [92_331, 92_331, 0, 0, 0],
        ("demographics", "customers"): [801, 801, 0, 0, 0],
        ("campaign_descriptions", "campaigns"): [27, 27, 0, 0, 0],
        ("campaigns", "campaign_contacts"): [6_589, 6_589, 0, 0, 0],
        ("coupons", "campaign_offers"): [116_204, 116_204 - 4_872, 0, 4_872, 0],
        ("redemptions", "campaign_responses"): [2_102, 2_102, 0, 0, 0],
    }
    distinct = source.execute(
        "select count(distinct (campaign_id, coupon_upc, product_id)) from coupons"
    ).fetchone()
    assert distinct == (116_204 - 4_872,)


def test_the_quirks_of_the_data_are_shown(whole_year: Shop, source: duckdb.DuckDBPyConnection) -> None:
    found = dict(
        live(
            whole_year,
            "select check_name, cast(sum(unexpected_count) as bigint) from quality.result"
            " where not passed group by all",
        )
    )
    assert found["quantity_above_zero"] == 8_869
    assert found["coupon_within_revenue"] == 3_507
    assert found["offer_in_one_campaign"] == 151
    # 11,226 values are 0, and 20 more are remains of floating-point sums, far below a cent.
    zero = source.execute(
        "select count(*) filter (sales_value = 0), count(*) filter (revenue = 0) from line"
    ).fetchone()
    assert zero == (11_226, 11_246) and found["revenue_above_zero"] == 11_246
    severities = live(whole_year, "select distinct severity from quality.result where not passed")
    assert severities == [("advisory",)]


def test_lines_of_unknown_products_are_kept_and_counted(
    whole_year: Shop, source: duckdb.DuckDBPyConnection
) -> None:
    unknown = "select count(*) from core.order_lines anti join core.products using (product_id)"
    expected = source.execute("select count(*) from line anti join products using (product_id)").fetchall()
    assert expected == [(4_836,)] and live(whole_year, unknown) == expected


@pytest.mark.parametrize("segmentation", ["lifecycle", "rfm", "value_tier"])
def test_everybody_is_in_one_segment_of_each_segmentation(whole_year: Shop, segmentation: str) -> None:
    ((members, customers),) = published(
        whole_year,
        "select count(*), count(distinct entity_id)"
        f" from marts.membership_as_of('{segmentation}', date '2017-12-31')",
    )
    ((sizes,),) = published(
        whole_year,
        f"select sum(members) from marts.segment_current where segmentation_id = '{segmentation}'",
    )
    ((all_of_them,),) = published(whole_year, "select count(*) from marts.customer")
    assert members == customers == sizes == all_of_them >= 2_469


def test_no_day_of_new_york_straddles_two_of_the_datas_weeks(source: duckdb.DuckDBPyConnection) -> None:
    weeks = "select max(n) from (select count(distinct week) as n from line group by {day})"
    assert source.execute(weeks.format(day="day")).fetchone() == (1,)
    # Taken as they are written, in UTC, days do.
    assert source.execute(weeks.format(day="cast(transaction_timestamp as date)")).fetchone() == (2,)
