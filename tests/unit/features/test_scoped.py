"""Few customers: relations cut down to their rows, however a family is written."""

from __future__ import annotations

import pytest
import sqlglot
from shop import FIRST, SETTINGS, Shop, random_shop
from sqlglot import exp

from pipelines.engine import DuckDB, Statement, bound, load_fragment
from pipelines.features.compute import refresh_state
from pipelines.features.feature import Fragment
from pipelines.features.kinds import KINDS
from pipelines.features.recipe import Recipe, make
from pipelines.features.scoped import scoped

# A feature of the project reads `l.*` of the lines of orders, and names what it takes from that.
ALL = [
    one
    for one in KINDS["customer"].made_of(Recipe().mapped, SETTINGS, ["A"])
    if not one.name.startswith("custom_")
]


@pytest.mark.parametrize("fragment", ALL, ids=lambda one: one.name)
def test_a_family_names_its_columns(fragment: Fragment) -> None:
    for sql in (fragment.sql, *(load_fragment(f"features/families/{name}").sql for name in fragment.shared)):
        tree = sqlglot.parse_one(sql, dialect="duckdb")
        assert not [star for star in tree.find_all(exp.Star) if not isinstance(star.parent, exp.Count)]


def test_those_in_scope_come_out_as_among_everyone() -> None:
    shop = random_shop(4, orders=80, customers=12)
    refresh_state(DuckDB(shop.con))
    made = make(DuckDB(shop.con), "customer", Recipe(margin_rate=0.25, settings=SETTINGS, categories=("A",)))
    binds = bound(made.stored_sql, made.bindings(FIRST.replace(year=FIRST.year + 1)))
    everyone = {row[0]: row for row in shop.con.execute(made.stored_sql, binds).fetchall()}
    asked = sorted(everyone)[::2]
    shop.con.execute("create table features.scope as select unnest($ids) as customer_id", {"ids": asked})
    with scoped(DuckDB(shop.con), made.stored_sql) as sql:
        found = {row[0]: row for row in shop.con.execute(sql, binds).fetchall()}
    assert found == {name: everyone[name] for name in asked}
    assert not shop.select("select table_name from duckdb_tables() where table_name like 'cut_%'")


def test_text_and_remarks_that_look_like_relations_stay() -> None:
    shop = Shop()
    refresh_state(DuckDB(shop.con))
    shop.con.execute("create table features.scope as select 'ann' as customer_id")
    asked = "select 'core.orders' as a, 1 as \"core.orders\" -- core.orders\nfrom core.orders"
    with scoped(DuckDB(shop.con), asked) as sql:
        assert Statement(sql).inputs == ()
        assert "from cut_core_orders" in sql.lower() and Statement(sql).columns == ("a", "core.orders")
