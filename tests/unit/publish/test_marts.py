"""The marts of a day: what they hold, and that a broken one stops them all."""

from collections.abc import Iterator
from decimal import Decimal

import duckdb
import pytest
from published_base import NOW, YESTERDAY, D, build, company

from pipelines.engine import columns_of, load_step, row_count, rows
from pipelines.errors import InvariantError
from pipelines.publish.manifest import manifest
from pipelines.publish.marts import MARTS, check_key, table_of


@pytest.fixture(scope="module")
def con(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    with company(tmp_path_factory.mktemp("segments")) as made:
        build(made)
        yield made


@pytest.mark.parametrize("mart", MARTS)
def test_a_mart_has_a_key_and_no_column_that_parquet_widens(
    con: duckdb.DuckDBPyConnection, mart: str
) -> None:
    step = load_step(f"publish/marts/{mart}")
    columns = dict(columns_of(con, table_of(mart)))
    assert step.key
    assert set(step.key) <= columns.keys()
    assert "HUGEINT" not in columns.values()
    check_key(con, mart)


def test_marts_that_must_have_rows_have_them(con: duckdb.DuckDBPyConnection) -> None:
    empty = {mart for mart in MARTS if not row_count(con, table_of(mart))}
    assert empty == {
        *("drift", "roi_left_out", "restatements", "entry_product"),
        *("coverage", "coverage_of_events", "attribute_change"),
    }


def test_the_run_is_as_fresh_as_its_oldest_source_with_a_limit(con: duckdb.DuckDBPyConnection) -> None:
    (run,) = rows(con, "from marts.run")
    assert (run["customers"], run["revenue_365d"], run["revision"]) == (3, 60, 1)
    assert (run["as_of_date"], run["previous_date"], run["generated_at"]) == (D, YESTERDAY, NOW)
    assert run["effective_at"].isoformat() == "2024-06-30T20:00:00+00:00"


def test_every_segment_stands_in_the_current_day_beside_the_day_before(
    con: duckdb.DuckDBPyConnection,
) -> None:
    found = con.execute(
        "select segment_id, members, members_before, change, entered, departed from marts.segment_current"
        " where segmentation_id = 'cycle' order by position"
    ).fetchall()
    assert found == [("new", 1, 1, 0, 1, 1), ("never", 0, 0, 0, 0, 0), ("away", 2, 1, 1, 1, 0)]


def test_movements_show_who_went_where_and_who_is_new(con: duckdb.DuckDBPyConnection) -> None:
    found = con.execute(
        "select from_segment_id, to_segment_id, members from marts.segment_movement"
        " where segmentation_id = 'cycle' and period = 'day' order by all"
    ).fetchall()
    assert found == [("away", "away", 1), ("new", "away", 1), (None, "new", 1)]


def test_the_audience_has_every_customer_once_a_segmentation(con: duckdb.DuckDBPyConnection) -> None:
    found = con.execute(
        "select entity_id, segment_id, entered_date from marts.audience where entity_kind = 'customer'"
        " order by all"
    ).fetchall()
    assert found == [("ann", "away", D), ("bob", "away", YESTERDAY), ("cyd", "new", D)]


def test_persons_stand_at_each_company_and_one_of_these_is_the_primary(
    con: duckdb.DuckDBPyConnection,
) -> None:
    """Whom nobody asked may not be written to, and who said no at one company may not at another."""
    found = con.execute(
        "select contact_id, account_id, is_primary, reachable_email from marts.contact order by all"
    ).fetchall()
    assert found == [
        ("p", "ann", True, True),
        ("p", "bob", False, True),
        ("q", "ann", True, False),
        ("r", "bob", True, False),
        ("r", "cyd", False, False),
        ("s", None, False, True),
    ]


def test_the_audience_of_accounts_names_whom_to_address(con: duckdb.DuckDBPyConnection) -> None:
    found = con.execute(
        "select segment_id, account_id, contact_id, role, reachable_email from marts.audience_contact"
        " where segmentation_id = 'plan' order by account_id, contact_id"
    ).fetchall()
    assert found == [
        ("wait", "ann", "p", "Adviser", True),
        ("wait", "ann", "q", "Buyer", False),
        ("wait", "bob", "p", "Owner", True),
        ("wait", "bob", "r", "Clerk", False),
        ("nurture", "cyd", "r", "Clerk", False),
    ]


def test_a_customer_says_at_which_account_they_count(con: duckdb.DuckDBPyConnection) -> None:
    found = con.execute("select customer_id, account_id from marts.customer order by all").fetchall()
    assert found == [("ann", "ann"), ("bob", "bob"), ("cyd", "cyd")]


def test_accounts_stand_beside_customers_and_not_among_them(con: duckdb.DuckDBPyConnection) -> None:
    """Ids of accounts are ids of customers here: only `entity_kind` says which they are."""
    sizes = con.execute(
        "select segment_id, members, share, customers, active_members_90d, revenue_365d, revenue_share,"
        " margin_365d, members_before, change, entered, departed"
        " from marts.segment_current where segmentation_id = 'plan' order by position"
    ).fetchall()
    assert [one[:4] for one in sizes] == [("nurture", 1, 1 / 3, 1), ("visit", 0, 0, 0), ("wait", 2, 2 / 3, 2)]
    assert [one[4:8] for one in sizes] == [
        (1, 30, 0.5, Decimal("7.5")),
        (0, 0, 0, None),
        (2, 30, 0.5, Decimal("7.5")),
    ]
    assert [one[8:] for one in sizes] == [(1, 0, 1, 1), (0, 0, 0, 0), (2, 0, 1, 1)]
    stays = con.execute(
        "select segmentation_id, segment_id, entity_id, entered_date, left_date from marts.membership"
        " where entity_kind = 'account' order by all"
    ).fetchall()
    assert stays == [
        ("plan", "nurture", "ann", YESTERDAY, D),
        ("plan", "nurture", "cyd", D, None),
        ("plan", "wait", "ann", D, None),
        ("plan", "wait", "bob", YESTERDAY, None),
        ("plan", "wait", "cyd", YESTERDAY, D),
    ]
    moved = con.execute(
        "select from_segment_id, to_segment_id, members from marts.segment_movement"
        " where segmentation_id = 'plan' and period = 'day' order by all"
    ).fetchall()
    assert moved == [("nurture", "wait", 1), ("wait", "nurture", 1), ("wait", "wait", 1)]
    days = con.execute(
        "select as_of_date, segment_id, members from marts.segment_day where segmentation_id = 'plan'"
        " and basis = 'recorded' order by as_of_date, position"
    ).fetchall()
    assert days == [
        (day, s, n) for day in (YESTERDAY, D) for s, n in (("nurture", 1), ("visit", 0), ("wait", 2))
    ]
    audience = con.execute(
        "select entity_id, segment_id, segment_name from marts.audience where entity_kind = 'account'"
    ).fetchall()
    assert sorted(audience) == [
        ("ann", "wait", "Wait"),
        ("bob", "wait", "Wait"),
        ("cyd", "nurture", "Nurture"),
    ]
    told = con.execute("select account_id, industry, members, revenue_365d from marts.account").fetchall()
    assert sorted(told) == [("ann", "Retail", 1, 10), ("bob", "Retail", 1, 20), ("cyd", "Retail", 1, 30)]
    for mart in ("membership", "audience", "segment_current", "segment_day", "segment_movement"):
        found = con.execute(f"select distinct segmentation_id, entity_kind from marts.{mart}").fetchall()
        assert sorted(found) == [("cycle", "customer"), ("plan", "account")], mart


def test_guests_count_in_revenue_and_not_as_customers(con: duckdb.DuckDBPyConnection) -> None:
    (today,) = rows(con, "from marts.revenue_day where business_date = ?", [D])
    assert (today["orders"], today["customers"], today["guest_orders"], today["revenue"]) == (2, 1, 1, 35)
    assert today["guest_revenue"] == 5


def test_the_manifest_says_from_what_the_marts_were_made(con: duckdb.DuckDBPyConnection) -> None:
    found = manifest(con)
    assert found["run"]["run_id"] == "run-1"
    assert [(one["path"], one["sha256"]) for one in found["inputs"]] == [("orders.csv", "abc")]
    assert [one["source"] for one in found["watermarks"]] == ["old", "shop"]
    assert found["rows"] == {mart: row_count(con, table_of(mart)) for mart in MARTS}
    versions = con.execute("select segmentation_id, definition_version from segments.definition").fetchall()
    assert [tuple(one.values()) for one in found["definitions"]] == sorted(versions) != []


def test_the_manifest_names_the_definition_of_today_only(
    con: duckdb.DuckDBPyConnection,
) -> None:
    con.execute("begin")
    con.execute("update segments.membership set definition_version = 'older' where entity_id = 'bob'")
    assert len(manifest(con)["definitions"]) == 2
    con.execute("rollback")


def test_a_key_that_repeats_leaves_every_mart_as_it_was(con: duckdb.DuckDBPyConnection) -> None:
    before = {mart: rows(con, f"from {table_of(mart)}") for mart in MARTS}
    con.execute("insert into segments.label select * from segments.label where segment_id = 'new'")
    with pytest.raises(InvariantError, match=r"repeat the key \(.*\); nothing was published"):
        build(con, "run-2")
    assert {mart: rows(con, f"from {table_of(mart)}") for mart in MARTS} == before


def test_a_missing_input_leaves_every_mart_as_it_was(tmp_path_factory: pytest.TempPathFactory) -> None:
    with company(tmp_path_factory.mktemp("segments")) as con:
        build(con)
        con.execute("drop table quality.result")
        with pytest.raises(duckdb.Error):
            build(con, "run-2")
        assert rows(con, "select run_id from marts.run") == [{"run_id": "run-1"}]
