"""Databases, against a real PostgreSQL server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from fixtures.fetched import Fetched, fetched
from fixtures.postgres import postgres

from pipelines.errors import ConfigError, SourceError

Run = Callable[..., None]


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with postgres() as url:
        yield url


@pytest.fixture
def run(address: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """Runs SQL on a server that has nothing in it, and whose address SHOP_DATABASE_URL holds."""
    monkeypatch.setenv("SHOP_DATABASE_URL", address)
    engine = sa.create_engine(address)

    def execute(*statements: str) -> None:
        with engine.begin() as con:
            for statement in statements:
                con.execute(sa.text(statement))

    execute(
        "drop schema if exists public cascade", "drop schema if exists sales cascade", "create schema public"
    )
    yield execute
    engine.dispose()


ORDERS = "create table orders (id bigint primary key, amount numeric(12, 2), updated_at timestamptz)"


def insert(number: int, at: str, amount: str = "10.50") -> str:
    when = f"timestamptz '{at}'" if at else "null"
    return (
        f"insert into orders values ({number}, {amount}, {when})"
        " on conflict (id) do update set amount = excluded.amount, updated_at = excluded.updated_at"
    )


def shop(root: Path, **database: Any) -> Fetched:
    return fetched(root, database={"url_from": "SHOP_DATABASE_URL", **database})


def test_a_table_lands_with_its_types(run: Run, tmp_path: Path) -> None:
    run(
        "create schema sales",
        "create table sales.everything (id bigint, small smallint, amount numeric(12, 2), rate numeric,"
        " name text, day date, at timestamp, instant timestamptz, ok boolean, doc jsonb, key uuid,"
        " ratio double precision, nothing text)",
        "insert into sales.everything values (1, 2, 10.50, 0.123456789, 'Ü', '2026-03-29',"
        " '2026-03-29 12:00:00.25', '2026-03-29 12:00:00+03', true, '{\"a\": 1}',"
        " '6f1a3b1e-0000-4000-8000-000000000001', 0.1, null)",
    )
    one = shop(tmp_path, table="sales.everything")
    assert [path.name for path in one.fetch()] == ["full.parquet"]
    assert one.rows(
        'select id, small, amount, rate, name, day, "at", epoch(instant), ok, doc, key, ratio, nothing from t'
    ) == [
        (
            1,
            2,
            Decimal("10.5"),
            Decimal("0.123456789"),
            "Ü",
            date(2026, 3, 29),
            datetime.fromisoformat("2026-03-29T12:00:00.250"),
            1774774800.0,
            True,
            '{"a":1}',
            "6f1a3b1e-0000-4000-8000-000000000001",
            0.1,
            None,
        )
    ]
    assert one.left_behind() == []


def test_only_new_and_changed_rows_are_read_again(run: Run, tmp_path: Path) -> None:
    run(ORDERS, insert(1, "2026-03-01 10:00Z"), insert(2, "2026-03-02 10:00Z"))
    one = shop(tmp_path, table="orders", cursor="updated_at")
    one.fetch()
    run(insert(3, "2026-03-03 10:00Z"), insert(1, "2026-03-03 11:00Z", amount="99"))
    one.fetch()
    assert one.files() == ["pull-000001.parquet", "pull-000002.parquet"]
    # The newest row of the first pull is read twice: another may have come at its very instant.
    assert one.rows("select id, amount from t order by all") == [
        (1, Decimal("10.5")),
        (1, Decimal(99)),
        (2, Decimal("10.5")),
        (2, Decimal("10.5")),
        (3, Decimal("10.5")),
    ]


def test_a_pull_that_brings_what_the_last_one_did_lands_nothing(run: Run, tmp_path: Path) -> None:
    run(ORDERS, insert(1, "2026-03-01 10:00Z"))
    one = shop(tmp_path, table="orders", cursor="updated_at")
    for _ in range(3):
        one.fetch()
    assert one.files() == ["pull-000001.parquet"]


def test_rows_read_again_and_unchanged_land_nothing(run: Run, tmp_path: Path) -> None:
    run(ORDERS, insert(1, ""), *(insert(n, f"2026-03-0{n} 10:00Z") for n in (2, 3, 4)))
    one = shop(tmp_path, table="orders", cursor="updated_at", lookback="36h")
    for _ in range(2):
        assert [path.name for path in one.fetch()] == ["pull-000001.parquet"]
    run(insert(3, "2026-03-03 10:00Z", amount="99"))
    assert [path.name for path in one.fetch()] == ["pull-000001.parquet", "pull-000002.parquet"]
    assert one.rows("select amount from t where id = 3 order by all") == [(Decimal("10.5"),), (Decimal(99),)]


def test_a_table_empty_at_first_is_read_from_its_first_row_on(run: Run, tmp_path: Path) -> None:
    run(ORDERS)
    one = shop(tmp_path, table="orders", cursor="updated_at", lookback="1h")
    for _ in range(2):
        with pytest.raises(SourceError, match=r"sources\.shop: there were no rows; expected at least one"):
            one.fetch()
        assert list(one.landing.iterdir()) == []
    run(insert(1, "2020-01-01 10:00Z"), insert(2, "2026-03-02 10:00Z"))
    one.fetch()
    assert one.rows("select id from t order by id") == [(1,), (2,)]
    run("delete from orders")
    one.fetch()  # no row since the cursor is no fault
    run(insert(3, "2026-03-03 10:00Z"))
    one.fetch()
    assert one.rows("select id from t order by id") == [(1,), (2,), (3,)]


@pytest.mark.parametrize(("lookback", "found"), [("0d", [5, 6]), ("2d", [3, 4, 5, 6]), ("36h", [4, 5, 6])])
def test_the_lookback_reads_rows_that_were_committed_late(
    run: Run, tmp_path: Path, lookback: str, found: list[int]
) -> None:
    run(ORDERS, *(insert(n, f"2026-03-0{n} 10:00Z") for n in (1, 2, 4, 5)))
    one = shop(tmp_path, table="orders", cursor="updated_at", lookback=lookback)
    one.fetch()
    run(insert(3, "2026-03-03 10:00Z"), insert(6, "2026-03-05 11:00Z"))
    _, later = one.fetch()
    assert one.rows(f"select id from read_parquet('{later}') order by id") == [(number,) for number in found]


@pytest.mark.parametrize(
    ("kind", "values", "lookback", "found"),
    [
        ("bigint", ["1", "2", "3"], 1, [2, 3, 4]),
        ("date", ["'2026-03-01'", "'2026-03-02'", "'2026-03-03'"], "12h", [2, 3, 4]),
        ("timestamp", ["'2026-03-01'", "'2026-03-02'", "'2026-03-03'"], "1d", [2, 3, 4]),
        ("text", ["'a'", "'b'", "'c'"], 0, [3, 4]),
    ],
)
def test_a_cursor_may_be_of_any_type_with_an_order(
    run: Run, tmp_path: Path, kind: str, values: list[str], lookback: str | int, found: list[int]
) -> None:
    run(f"create table orders (id bigint, seq {kind})")
    run(*(f"insert into orders values ({n}, {value})" for n, value in enumerate(values, 1)))
    one = shop(tmp_path, table="orders", cursor="seq", lookback=lookback)
    one.fetch()
    run(f"insert into orders values (4, {values[-1]})")
    (_, second) = one.fetch()
    assert one.rows(f"select id from read_parquet('{second}') order by id") == [(n,) for n in found]


def test_a_row_without_a_cursor_is_read_every_time(run: Run, tmp_path: Path) -> None:
    run(ORDERS, insert(1, "2026-03-01 10:00Z"), insert(2, ""))
    one = shop(tmp_path, table="orders", cursor="updated_at")
    one.fetch()
    run(insert(3, "", amount="7"))
    (_, second) = one.fetch()
    assert one.rows(f"select id from read_parquet('{second}') order by id") == [(1,), (2,), (3,)]


def test_a_query_may_hold_what_looks_like_a_parameter(run: Run, tmp_path: Path) -> None:
    run(ORDERS, insert(1, "2026-03-01 10:00Z"), insert(2, "2026-03-02 10:00Z", amount="1234567.89"))
    query = "select id, amount, updated_at::date as day, ' :x 5%' as said from orders;"
    one = shop(tmp_path, query=query, cursor="id")
    one.fetch()
    run(insert(3, "2026-03-03 10:00Z"))
    one.fetch()
    assert one.rows("select distinct id, amount, day, said from t order by id") == [
        (1, Decimal("10.5"), date(2026, 3, 1), " :x 5%"),
        (2, Decimal("1234567.89"), date(2026, 3, 2), " :x 5%"),
        (3, Decimal("10.5"), date(2026, 3, 3), " :x 5%"),
    ]


def test_the_types_of_a_query_do_not_depend_on_its_rows(run: Run, tmp_path: Path) -> None:
    run(ORDERS, insert(1, "2026-03-01 10:00Z", amount="1"))
    one = shop(tmp_path, query="select id, amount from orders", cursor="id")
    one.fetch()
    run(insert(2, "2026-03-01 10:00Z", amount="1234567.89"))
    one.fetch()
    kinds = [one.rows(f"select typeof(amount) from read_parquet('{path}')")[0] for path in one.fetch()]
    assert len(kinds) > 1
    assert set(kinds) == {("DECIMAL(38,9)",)}


def test_more_rows_than_one_chunk_stream_in(run: Run, tmp_path: Path) -> None:
    run(
        ORDERS,
        "insert into orders select n, case when n > 60000 then n / 7.0 end, now()"
        " from generate_series(1, 120000) n",
    )
    one = shop(tmp_path, table="orders")
    one.fetch()
    assert one.rows("select count(*), count(distinct id), count(amount) from t") == [
        (120_000, 120_000, 60_000)
    ]


def test_a_whole_read_replaces_the_one_before(run: Run, tmp_path: Path) -> None:
    run(ORDERS, insert(1, "2026-03-01 10:00Z"), insert(2, "2026-03-01 10:00Z"))
    one = shop(tmp_path, table="orders")
    one.fetch()
    run("delete from orders where id = 1")
    one.fetch()
    assert one.rows("select id from t") == [(2,)]


def test_another_table_starts_anew(run: Run, tmp_path: Path) -> None:
    run(ORDERS, insert(9, "2026-03-09 10:00Z"), "create table others as select 1::bigint as id, 2 as amount")
    shop(tmp_path, table="orders", cursor="id").fetch()
    one = shop(tmp_path, table="others", cursor="id")
    one.fetch()
    assert one.rows("select id from t order by id") == [(1,), (9,)]


@pytest.mark.parametrize(
    ("database", "expected"),
    [
        ({"table": "ordres"}, r"there is no table ordres"),
        ({"table": "orders", "cursor": "updated"}, r"has no column updated.*did you mean updated_at"),
        ({"query": "select nam from orders"}, r"the query cannot be read \(SQLSTATE 42703\)"),
        ({"query": "select 'anna'::int as id"}, r"the query cannot be read \(SQLSTATE 22P02\)"),
        ({"query": "select id from orders where false"}, r"there were no rows"),
    ],
)
def test_what_cannot_be_read_is_told_without_what_the_server_said(
    run: Run, tmp_path: Path, database: dict[str, Any], expected: str
) -> None:
    run(ORDERS, insert(1, "2026-03-01 10:00Z"))
    one = shop(tmp_path, **database)
    with pytest.raises(SourceError, match=expected) as told:
        one.fetch()
    assert "anna" not in str(told.value)
    assert told.value.__cause__ is None
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_lookback_that_does_not_fit_its_cursor_is_told(run: Run, tmp_path: Path) -> None:
    run(ORDERS, insert(1, "2026-03-01 10:00Z"))
    one = shop(tmp_path, table="orders", cursor="id", lookback="2d")
    one.fetch()
    with pytest.raises(ConfigError, match=r"lookback: '2d' does not fit the cursor id"):
        one.fetch()


@pytest.mark.parametrize(
    ("url", "fault", "expected"),
    [
        (
            "postgresql+psycopg://anna:s3cr3t@127.0.0.1:1/shop",
            SourceError,
            "cannot connect to the address in",
        ),
        ("anna:s3cr3t", ConfigError, "SHOP_DATABASE_URL holds no SQLAlchemy URL"),
        ("nosuch+driver://anna:s3cr3t@host/shop", ConfigError, "SHOP_DATABASE_URL holds no SQLAlchemy URL"),
        ("mysql+pymysql://anna:s3cr3t@host/shop", SourceError, "the driver pymysql is not installed"),
        ("", ConfigError, "the environment variable SHOP_DATABASE_URL is not set"),
    ],
)
def test_an_address_that_does_not_work_is_told_without_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str, fault: type[Exception], expected: str
) -> None:
    monkeypatch.setenv("SHOP_DATABASE_URL", url)
    with pytest.raises(fault, match=expected) as told:
        shop(tmp_path, table="orders").fetch()
    assert "s3cr3t" not in str(told.value)
    assert told.value.__cause__ is None


def test_a_server_that_goes_away_leaves_what_had_landed(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(ORDERS, insert(1, "2026-03-01 10:00Z"))
    one = shop(tmp_path, table="orders")
    one.fetch()
    before = one.rows()
    monkeypatch.setenv("SHOP_DATABASE_URL", "postgresql+psycopg://127.0.0.1:1/shop")
    with pytest.raises(SourceError):
        one.fetch()
    assert one.rows() == before


def test_any_database_that_sqlalchemy_knows_can_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite:///{tmp_path / 'shop.sqlite'}"
    monkeypatch.setenv("SHOP_DATABASE_URL", url)
    engine = sa.create_engine(url)
    with engine.begin() as con:
        con.execute(sa.text("create table orders (id integer, amount numeric(10, 2))"))
        con.execute(sa.text("insert into orders values (1, 10.5)"))
    engine.dispose()
    one = shop(tmp_path, table="orders")
    one.fetch()
    assert one.rows() == [(1, Decimal("10.5"))]
