"""Killed while it reads from a service, a run leaves nothing behind: the next one makes of it the same.

Orders come from a real PostgreSQL server and customers from a local HTTP server, both by cursor and both
slow enough to be caught at it. A kill comes at a random moment after the service was seen to be asked.
"""

from __future__ import annotations

import csv
import random
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest
import sqlalchemy as sa
from fixtures.forked_runs import Forker
from fixtures.patience import PATIENCE
from fixtures.postgres import postgres
from fixtures.seeds import SEED
from fixtures.shop import Shelf, Shop
from fixtures.web import Answer, Request, Service, serving

from resources.connectors.pulls import KEY

PAGE = 8  # customers
SLOW = 0.012  # seconds a page of the one service, and a row of the other
FOLLOWED = 60  # orders; the view sleeps on each
WAIT = PATIENCE  # for a service to be asked
# What differs by nature: which run it was, and when.
BY_NATURE = frozenset({"run_id", "landed_at", "recorded_at", "first_seen_at", "mtime_ns"})

Of = Literal["http", "database", "landed"]


@dataclass
class Services:
    """The two services of a shop, and what they hold."""

    web: Service
    engine: sa.Engine
    customers: list[dict[str, str]] = field(default_factory=list)

    def answer(self, asked: Request) -> Answer:
        """Pages of the customers changed since, slowly."""
        time.sleep(SLOW)
        since, page = asked.params.get("since", ""), int(asked.params["page"])
        found = [one for one in self.customers if one["changed"] >= since]
        return Answer(found[(page - 1) * PAGE : page * PAGE])

    def execute(self, *statements: str, rows: list[dict[str, str]] | None = None) -> None:
        with self.engine.begin() as con:
            for statement in statements:
                con.execute(sa.text(statement), rows or {})

    @property
    def database_is_read(self) -> bool:
        """Whether a run is reading the orders right now."""
        with self.engine.connect() as con:
            select = "select count(*) from pg_stat_activity where wait_event = 'PgSleep'"
            return bool(con.execute(sa.text(select)).scalar())

    def first_delivery(self, shop: Path) -> None:
        """What the sample files of the starter hold, less its last orders and customers."""
        self.customers = [
            {**row, "changed": f"2026-03-01T00:{n:02}:00Z"}
            for n, row in enumerate(csv.DictReader((shop / "data" / "customers.csv").open()))
        ]
        orders = list(csv.DictReader((shop / "data" / "orders.csv").open()))[:FOLLOWED]
        self.execute(
            "drop view if exists slow_orders",
            "drop table if exists orders",
            "create table orders (number text primary key, customer text, ordered text, channel text,"
            " state text, amount text, discount text, seq bigserial)",
            f"create view slow_orders as select * from orders where pg_sleep({SLOW}) is not null",
        )
        self.execute(INSERT, rows=orders)

    def second_delivery(self) -> None:
        """New orders and a corrected one, more and changed customers."""
        self.execute("update orders set amount = '1,00', seq = 1000 where number = '1001'")
        new = [{**ORDER, "number": str(9000 + n), "customer": f"C{n:03}"} for n in range(1, 30)]
        self.execute(INSERT, rows=new)
        self.customers[3] = {**self.customers[3], "country": "NO", "changed": "2026-03-02T00:00:00Z"}
        one = self.customers[0]
        self.customers += [
            {**one, "id": f"C9{n:02}", "changed": f"2026-03-03T00:{n:02}:00Z"} for n in range(1, 30)
        ]


INSERT = "insert into orders values (:number, :customer, :ordered, :channel, :state, :amount, :discount)"
ORDER = {
    "ordered": "2026-03-29 12:00:00",
    "channel": "web",
    "state": "paid",
    "amount": "10,00",
    "discount": "0,00",
}


@pytest.fixture(scope="module")
def services() -> Iterator[Services]:
    with postgres() as url, serving() as web:
        made = Services(web, sa.create_engine(url, isolation_level="AUTOCOMMIT"))
        web.respond = made.answer
        yield made
        made.engine.dispose()


@pytest.fixture(scope="module")
def runs(services: Services, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forker]:
    home = str(tmp_path_factory.mktemp("dlt"))
    started = Forker(
        "resources.connectors.database",
        "resources.connectors.http_session",
        "dlt.sources.sql_database",
        "dlt.sources.helpers.rest_client.client",
        "pyarrow.parquet",
        "psycopg",
        environment={
            "SHOP_DATABASE_URL": services.engine.url.render_as_string(hide_password=False),
            "DLT_DATA_DIR": home,
            "DLT_PROJECT_DIR": home,
            "RUNTIME__DLTHUB_TELEMETRY": "false",
            "RUNTIME__LOG_LEVEL": "CRITICAL",
        },
    )
    yield started
    started.close()


def fetched_shop(shelf: Shelf, services: Services) -> Shop:
    """A new shop whose sources are the services, and their first delivery."""
    shop = shelf.new()
    services.first_delivery(shop.root)
    cursor = "cursor: {column: changed, param: since}"
    web = f"base_url: '{services.web.address}', endpoint: customers, requests_per_second: 1000"
    shop.edit(
        "    files: data/customers.csv\n",
        f"    http: {{{web}, pagination: {{kind: page}}, {cursor}}}\n",
    )
    shop.edit(
        "    files: data/orders*.csv\n",
        "    database: {url_from: SHOP_DATABASE_URL, table: slow_orders, cursor: seq}\n",
    )
    # Of text in a database nobody knows the decimal mark.
    shop.edit("revenue: amount ", "revenue: replace(amount, ',', '.') ")
    shop.edit("discount: discount\n", "discount: replace(discount, ',', '.')\n")
    shop.edit("fail_after_days: 3", "fail_after_days: 3000")
    return shop


def state(shop: Shop) -> dict[str, Any]:
    """Core tables, ledger and quarantine, and the cursor of every pull that landed."""
    found: dict[str, Any] = dict(shop.tables("core", "ingest", "quarantine", without=BY_NATURE))
    with shop.warehouse() as con:
        for pull in pulls(shop):
            found[f"{pull.parent.name}/{pull.name}"] = con.execute(
                "select decode(value) from parquet_kv_metadata(?) where decode(key) = ?", [str(pull), KEY]
            ).fetchall()
    return found


def pulls(shop: Shop) -> list[Path]:
    """Every pull that has landed."""
    return sorted((shop.root / ".lohko" / "landing").glob("*/pull-*.parquet"))


def left_behind(shop: Shop) -> list[Path]:
    """What stands in the landing and is no pull."""
    files = [path for path in shop.project.landing.rglob("*") if path.is_file()]
    return [path for path in files if not path.match("pull-??????.parquet")]


Stage = Callable[[Services], None]
FIRST: list[Stage] = [lambda _: None]
BOTH: list[Stage] = [*FIRST, Services.second_delivery]


def undisturbed(shelf: Shelf, services: Services, runs: Forker, stages: list[Stage]) -> list[dict[str, Any]]:
    """The state after each stage."""
    shop, states = fetched_shop(shelf, services), []
    for stage in stages:
        stage(services)
        assert runs.run(shop) == 0
        states.append(state(shop))
    return states


def in_a_pull(shop: Shop, services: Services, of: Of, chance: random.Random) -> Callable[[], None]:
    """Returns at a random moment while a run reads from the service, or soon after.

    `landed`: as soon as another pull has landed.
    """
    landed = len(pulls(shop))
    asked = len(services.web.requests) + 1

    def wait() -> None:
        until = time.monotonic() + WAIT
        while time.monotonic() < until:
            if of == "http" and len(services.web.requests) >= asked:
                break
            if of == "database" and services.database_is_read:
                break
            if of == "landed" and len(pulls(shop)) > landed:
                return
            time.sleep(0.003)
        else:
            raise AssertionError(f"no run has asked the {of} service for {WAIT} seconds")
        time.sleep(chance.uniform(0, 0.6 if chance.random() < 0.5 else 0.05))

    return wait


def disturb(
    shelf: Shelf,
    services: Services,
    runs: Forker,
    stages: list[Stage],
    wanted: int,
    moments: list[Of],
    chance: random.Random,
) -> None:
    """Kill until it was done `wanted` times; each stage must end as the undisturbed one did."""
    expected, kills = undisturbed(shelf, services, runs, stages), 0
    assert f"crm/pull-{len(stages):06d}.parquet" in expected[-1]
    assert f"shop_orders/pull-{len(stages):06d}.parquet" in expected[-1]
    while kills < wanted:
        shop = fetched_shop(shelf, services)
        for stage, then in zip(stages, expected, strict=True):
            stage(services)
            for of in moments:
                ended = runs.run(shop, kill_when=in_a_pull(shop, services, of, chance))
                assert ended in (0, -signal.SIGKILL), f"after {kills} kills a run ended with {ended}"
                kills += ended != 0
            assert runs.run(shop) == 0
            found = state(shop)
            assert found.keys() == then.keys()
            for name, rows in then.items():
                assert found[name] == rows, f"{name} differs after {kills} kills"
            assert left_behind(shop) == []
        print(f"{kills} kills, every one recovered from", flush=True)


def test_a_few_kills_in_a_pull_leave_no_trace(shelf: Shelf, services: Services, runs: Forker) -> None:
    disturb(shelf, services, runs, FIRST, 3, ["database", "http", "landed"], random.Random(11))


@pytest.mark.slow
def test_many_kills_in_a_pull_leave_no_trace(shelf: Shelf, services: Services, runs: Forker) -> None:
    moments: list[Of] = ["http", "database", "http", "landed"]
    disturb(shelf, services, runs, BOTH, 100, moments, random.Random(SEED))
