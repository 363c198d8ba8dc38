"""Parts of what is published: what they depend on, how old they are, what stays while a source is held."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from published_base import NOW, PARTS, YESTERDAY, D, build, company_shop
from shop import Shop

from pipelines.engine import rows
from pipelines.errors import InvariantError
from pipelines.features.catalogue import catalogue
from pipelines.publish.marts import MARTS, build_marts, table_of
from pipelines.publish.parts import BY_SEGMENTATION, WHOLE, Part, parts_of, remember_published
from pipelines.segments.definitions import load_definitions

WATERMARK = datetime(2024, 6, 30, 20, tzinfo=UTC)
BROKEN = {"shop": "batch 2 of source shop was rejected"}


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The warehouse of the company, of which each test gets a copy."""
    warehouse = tmp_path_factory.mktemp("company") / "made.duckdb"
    company_shop(tmp_path_factory.mktemp("segments"), warehouse).con.close()
    return warehouse


@pytest.fixture
def shop(company: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    made = Shop.opened(Path(shutil.copy(company, tmp_path_factory.mktemp("shop"))))
    yield made
    made.con.close()


@pytest.fixture
def con(shop: Shop) -> duckdb.DuckDBPyConnection:
    return shop.con


def recompute(shop: Shop) -> None:
    """Features of D from what core holds now, as a run computes them."""
    shop.everyone_is_dirty()
    shop.compute(D)


def content(con: duckdb.DuckDBPyConnection, mart: str) -> list[tuple[Any, ...]]:
    return con.execute(f"select * from {table_of(mart)} order by all").fetchall()


def test_a_part_depends_on_the_sources_behind_the_features_it_reads(tmp_path: Any) -> None:
    mapped = {
        "orders": ["till", "web"],
        "order_lines": ["till"],
        "products": ["stock"],
        "customers": ["crm"],
        "campaigns": ["mailing"],
        "rates": ["bank"],
    }
    features = catalogue("customer", mapped, [("age", "varchar")])
    definition = "segmentation: {0}\nname: {0}\nkind: rules\nsegments:\n  - {{id: a, name: A, when: {1}}}\n"
    otherwise = "otherwise: {id: b, name: B}\n"
    for name, when in {
        "by_age": "age = '30'",
        "by_revenue": "revenue_365d > 10",
        "by_category": "preferred_category = 'x'",
        "by_both": "age = '30' and recency_days < 5",
    }.items():
        (tmp_path / f"{name}.yaml").write_text(definition.format(name, when) + otherwise)
    found = {
        part.name: set(part.sources)
        for part in parts_of(
            load_definitions(tmp_path, {"customer": features}).checked(), {"customer": features}, mapped
        )
    }
    assert found == {
        "by_age": {"crm"},
        "by_revenue": {"till", "web", "bank"},
        "by_category": {"till", "web", "bank", "stock"},
        "by_both": {"crm", "till", "web", "bank"},
        "customer": {"crm", "till", "web", "bank", "stock"},
        "revenue": {"till", "web", "bank"},
        "roi": {"till", "web", "bank", "mailing"},
    }


def test_parts_of_accounts_depend_on_what_accounts_and_their_customers_are_made_from(tmp_path: Any) -> None:
    mapped = {
        "orders": ["till"],
        "customers": ["crm"],
        "accounts": ["companies"],
        "opportunities": ["deals"],
        "contacts": ["persons"],
    }
    features = {"customer": catalogue("customer", mapped, []), "account": catalogue("account", mapped, [])}
    definition = (
        "segmentation: {0}\nname: {0}\nentity: account\nkind: rules\nsegments:\n"
        '  - {{id: a, name: A, when: "{1}"}}\notherwise: {{id: b, name: B}}\n'
    )
    for name, when in {
        "by_industry": "industry = 'Retail'",
        "by_deals": "open_opportunities > 0",
        "by_revenue": "revenue_365d > 10",
        "by_members": "any_member(where: recency_days < 9)",
        "by_contacts": "any_member(contacts, where: decision_maker)",
    }.items():
        (tmp_path / f"{name}.yaml").write_text(definition.format(name, when))
    loaded = load_definitions(tmp_path, features, mapped=mapped).checked()
    found = {part.name: set(part.sources) for part in parts_of(loaded, features, mapped)}
    assert {name: found[name] for name in found if name.startswith("by_")} == {
        "by_industry": {"companies"},
        "by_deals": {"companies", "deals", "persons"},
        "by_revenue": {"companies", "till", "crm"},
        "by_members": {"companies", "till", "crm"},
        "by_contacts": {"companies", "persons"},
    }
    assert found["account"] == {"companies", "till", "crm", "deals", "persons"}
    assert found["customer"] == {"till", "crm"}


def test_rows_say_the_oldest_watermark_among_their_own_sources(con: duckdb.DuckDBPyConnection) -> None:
    con.execute(
        "insert into ingest.freshness values"
        " ('crm', 'x', '2024-06-01 00:00:00+00', '2024-06-01', 30, 60, 90, 'fresh')"
    )
    customers = Part("table", "customer", ("crm", "old", "shop"))
    build(con, parts=[Part("segmentation", "cycle", ("old", "shop")), customers])
    for mart in ("audience", "segment_current", "membership"):
        found = con.execute(
            f"select distinct effective_at from {table_of(mart)} where segmentation_id = 'cycle'"
        ).fetchall()
        assert found == [(WATERMARK,)], "crm is older and not among the segmentation's sources"
    assert con.execute("select distinct effective_at from marts.customer").fetchall() == [
        (datetime(2024, 6, 1, tzinfo=UTC),)
    ]


def test_without_a_limited_source_nothing_is_said_of_age(con: duckdb.DuckDBPyConnection) -> None:
    build(con, parts=[Part("segmentation", "cycle", ("old",))])
    assert con.execute("select distinct effective_at from marts.audience").fetchall() == [(None,)]


def test_a_day_says_how_old_its_data_was_when_it_was_recorded(con: duckdb.DuckDBPyConnection) -> None:
    build(con)
    later = WATERMARK + timedelta(days=3)
    con.execute("update ingest.freshness set watermark_at = ? where source = 'shop'", [later])
    con.execute("insert into publish.effective_day values (?, 'cycle', ?)", [YESTERDAY, WATERMARK])
    build(con)
    found = dict(
        con.execute("select as_of_date, max(effective_at) from marts.segment_day group by 1").fetchall()
    )
    assert found[YESTERDAY] == WATERMARK, "what it was then, although the source has gone on"
    assert found[D] == later
    replayed = {day: at for day, at in found.items() if day < YESTERDAY}
    midnight = con.execute("select cast(cast(? as date) + 1 as timestamptz)", [min(replayed)]).fetchone()
    assert midnight is not None and replayed[min(replayed)] == midnight[0]


DEPENDING = sorted(BY_SEGMENTATION | {m for marts in WHOLE.values() for m in marts})


@pytest.fixture(scope="module")
def held(company: Path, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What each mart held before the source was in trouble, during it and after, while its data changed."""
    shop = Shop.opened(Path(shutil.copy(company, tmp_path_factory.mktemp("held"))))
    con = shop.con
    build(con)
    found = [{mart: content(con, mart) for mart in DEPENDING}]
    con.execute("delete from segments.membership where entity_id = 'ann'")
    con.execute("delete from segments.current_customer where entity_id = 'ann'")
    con.execute("delete from segments.replayed where entity_id = 'ann'")
    con.execute("delete from segments.profile_day")
    con.execute("delete from core.orders where order_id = 'o3'")
    con.execute("update core.opportunities set outcome = 'won'; update core.contacts set role = 'Director'")
    recompute(shop)
    con.execute("delete from roi.segment_month; delete from roi.segment_campaign")
    build(con, "run-2", trouble=BROKEN)
    found.append({mart: content(con, mart) for mart in DEPENDING})
    build(con, "run-3")
    found.append({mart: content(con, mart) for mart in DEPENDING})
    con.close()
    return found


@pytest.mark.parametrize("mart", DEPENDING)
def test_what_depends_on_a_held_source_stays_as_it_was(held: list[dict[str, Any]], mart: str) -> None:
    before, during, after = (moment[mart] for moment in held)
    assert during == before
    if mart != "roi_left_out":  # empty in this company
        assert after != before, "the source is well again"


def test_what_does_not_depend_on_it_goes_on(shop: Shop) -> None:
    con = shop.con
    parts = [Part("segmentation", "cycle", ("shop",)), Part("table", "customer", ("crm",))]
    build(con, parts=parts)
    con.execute("delete from core.orders where order_id = 'o1'")
    recompute(shop)
    con.execute("delete from segments.membership where entity_id = 'ann'")
    build(con, "run-2", parts=parts, trouble={"crm": "too old"})
    customers = [row[0] for row in con.execute("select customer_id from marts.customer").fetchall()]
    audience = [row[0] for row in con.execute("select entity_id from marts.audience").fetchall()]
    assert "ann" in customers and "ann" not in audience


def test_only_the_rows_of_the_held_segmentation_stay(con: duckdb.DuckDBPyConnection) -> None:
    build(con)
    before = content(con, "audience")
    con.execute(
        "insert into marts.audience by name select * replace ('gone' as segmentation_id) from marts.audience"
    )
    build(con, "run-2", trouble=BROKEN)
    assert content(con, "audience") == before


def test_it_is_told_what_is_held_and_since_when(con: duckdb.DuckDBPyConnection) -> None:
    build(con)
    later = NOW + timedelta(days=1)
    for run, at in (("run-2", later), ("run-3", later + timedelta(days=1))):
        con.execute("update ingest.freshness set watermark_at = '2024-07-05 00:00:00+00'")
        build(con, run, trouble=BROKEN, generated_at=at)
    (part,) = rows(con, "from marts.publication where part = 'cycle'")
    assert (part["held"], part["held_since"], part["reason"]) == (True, later, BROKEN["shop"])
    assert (part["as_of_date"], part["effective_at"], part["sources"]) == (D, WATERMARK, "shop")
    (run_,) = rows(con, "from marts.run")
    assert (run_["held_parts"], run_["held_since"]) == (len(PARTS), later)
    build(con, "run-4")
    (run_,) = rows(con, "from marts.run")
    assert (run_["held_parts"], run_["held_since"]) == (0, None)


def test_what_was_never_published_and_is_held_has_no_rows(con: duckdb.DuckDBPyConnection) -> None:
    build(con, trouble=BROKEN)
    assert content(con, "audience") == [] and content(con, "customer") == []
    (part,) = rows(con, "from marts.publication where part = 'cycle'")
    assert (part["held"], part["as_of_date"], part["effective_at"]) == (True, None, None)
    assert len(content(con, "run")) == 1 and set(MARTS) >= {"publication"}


def test_the_bridge_goes_on_while_customers_are_held_and_must_still_meet_the_features(shop: Shop) -> None:
    con = shop.con
    parts = [*PARTS[:1], Part("table", "customer", ("crm",)), Part("table", "revenue", ("shop",))]
    build(con, parts=parts)
    con.execute("delete from core.orders where order_id = 'o3'")
    recompute(shop)
    build(con, "run-2", parts=parts, trouble={"crm": "too old"})
    bridge = "select amount from marts.revenue_bridge where source = '(all)' and step = 'customer_revenue'"
    assert con.execute(bridge).fetchall() == [(30,)]
    assert con.execute("select sum(revenue_lifetime) from marts.customer").fetchall() == [(60,)]
    con.execute("update features.customer_state set revenue_lifetime = 9 where customer_id = 'ann'")
    with pytest.raises(InvariantError, match="customer_revenue is 30"):
        build(con, "run-3", parts=parts, trouble={"crm": "too old"})


def restated(con: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
    return con.execute(
        "select cast(business_date as varchar), orders_before, orders_after, cast(revenue_before as double),"
        " cast(revenue_after as double) from marts.restatements order by 1"
    ).fetchall()


def test_a_late_and_a_corrected_order_restate_their_days_and_no_other(shop: Shop) -> None:
    con = shop.con
    build(con)
    assert restated(con) == [], "nothing was published before"
    remember_published(con)
    build(con)
    assert restated(con) == []
    it_was_published_yesterday(con)
    con.execute("update core.order_lines set revenue = 12 where order_id = 'o1'")
    con.execute(
        "insert into core.orders by name select * replace ('late' as order_id) from core.orders"
        " where order_id = 'o2'"
    )
    recompute(shop)
    build(con, "run-2")
    assert restated(con) == [("2024-05-02", 1, 2, 20, 20), ("2024-06-28", 1, 1, 10, 12)]
    for again in ("run-2", "run-3"):
        build(con, again)
        assert len(restated(con)) == 2, "the same day again says the same"
        remember_published(con)
    it_was_published_yesterday(con)
    build(con, "run-4")
    assert restated(con) == []


def it_was_published_yesterday(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("delete from publish.revenue_day where as_of_date < ? or business_date > ?", [D, YESTERDAY])
    con.execute("update publish.revenue_day set as_of_date = ?", [YESTERDAY])


def test_a_day_that_was_not_published_yet_is_new_and_one_that_vanished_restated(shop: Shop) -> None:
    con = shop.con
    build(con)
    remember_published(con)
    it_was_published_yesterday(con)
    con.execute("delete from core.orders where order_id = 'o1'")
    recompute(shop)
    build_again = {"project": "Shop", "currency": "EUR", "code_version": "1", "generated_at": NOW}
    build_marts(con, D, run_id="run-2", incidents=[], parts=PARTS, **build_again)  # type: ignore[arg-type]
    assert restated(con) == [("2024-06-28", 1, 0, 10, 0)]
