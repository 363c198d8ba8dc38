"""What benchmarks/refresh.py measures, each job a process of its own: `refresh_jobs.py JOB DATA WORK`.

A job prints one line of JSON: the wall and CPU seconds of each of its phases, the bytes that it gave to the
system to write, and some counts. The shop's Parquet is made by benchmarks/purchases.py.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from purchases import Shop

from pipelines.engine import DuckDB, connect

if TYPE_CHECKING:
    import duckdb

    from pipelines.features.recipe import Recipe
    from pipelines.segments.model import Segmentation

SEGMENTS = Path(__file__).parent / "segments"
MAPPED = frozenset({"orders", "order_lines", "products", "customers"})
WEEKS = 52


@dataclass
class Clock:
    """Wall and CPU seconds by phase, in order."""

    phases: dict[str, list[float]] = field(default_factory=dict)
    facts: dict[str, int] = field(default_factory=dict)

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        wall, cpu = time.perf_counter(), time.process_time()
        yield
        known = self.phases.setdefault(name, [0.0, 0.0])
        known[0] += time.perf_counter() - wall
        known[1] += time.process_time() - cpu


@dataclass(frozen=True)
class Job:
    """Where a job finds the shop's Parquet and its warehouse, and what it counts."""

    data: Path
    work: Path
    shop: Shop
    clock: Clock = field(default_factory=Clock)

    @property
    def warehouse(self) -> Path:
        return self.work / "warehouse.duckdb"


def floor(job: Job) -> None:
    """Bare DuckDB: the lines into a table, that to customer and day, that to one row a customer."""

    path = job.work / "floor.duckdb"
    path.unlink(missing_ok=True)
    with connect(str(path)) as con:
        con.execute("set enable_progress_bar = false")
        with job.clock.phase("load"):
            con.execute(f"create table line as from '{job.data}/lines/*.parquet'")
        with job.clock.phase("customer day"):
            con.execute(
                "create table customer_day as select customer_id, cast(ordered_at as date) as day,"
                " count(*) as lines, sum(revenue) as revenue, sum(discount) as discount"
                " from line group by all"
            )
        with job.clock.phase("customer"):
            con.execute(
                "create table customer as select customer_id, min(day), max(day), count(*), sum(lines),"
                " sum(revenue), sum(discount) from customer_day group by all"
            )
        with job.clock.phase("close"):
            con.close()
    path.unlink()


def rebuild(job: Job) -> None:
    """Everything from nothing, in a new warehouse: core, state, features, segments."""
    path = job.warehouse
    path.unlink(missing_ok=True)
    with opened(path) as con:
        with job.clock.phase("load"):
            create_core(con)
            load_lines(con, f"{job.data}/lines/*.parquet", batch=1)
            load_references(con, job.data)
            con.execute("insert into ingest.dirty_day values (null, null)")
        follow(job.clock, con, job.shop.last_day)
        with job.clock.phase("close"):
            con.close()


def day(job: Job) -> None:
    """The day after, in the warehouse that `rebuild` left."""
    with opened(job.warehouse) as con:
        with job.clock.phase("load"):
            load_lines(con, f"{job.data}/day.parquet", batch=2)
            con.execute(
                "insert into ingest.dirty_day select distinct customer_id, business_date from core.orders"
                " where _batch_seq = 2"
            )
        follow(job.clock, con, job.shop.next_day)
        with job.clock.phase("close"):
            con.close()


def replay(job: Job) -> None:
    """What `lohko replay` does for the last 52 weeks of the scores, beside the warehouse `rebuild` left."""
    from pipelines.features.compute import compute_customers
    from pipelines.segments import playback, scratch_database

    days = [job.shop.last_day - timedelta(weeks=week) for week in range(WEEKS, 0, -1)]
    scratch = job.work / "playback"
    scratch.mkdir()

    def compute(day: date) -> None:
        with job.clock.phase("features"):
            compute_customers(DuckDB(con), day, asked)

    with opened(job.warehouse) as con:
        known = definitions(con)
        scores = next(segmentation for segmentation in known if segmentation.id == "rfm")
        asked = replace(recipe(), only=playback.features_read(scores, known))
        with job.clock.phase("whole"), scratch_database.beside(con, scratch) as name:
            playback.play(DuckDB(con), days, scores, known, compute)
            job.clock.facts["rows"] = len(scratch_database.sizes(con, name, scores, days))
    shutil.rmtree(scratch)
    # The phases are added up.
    wall, cpu = job.clock.phases.pop("whole")
    features = job.clock.phases["features"]
    job.clock.phases["segments"] = [wall - features[0], cpu - features[1]]


def pandas(job: Job) -> None:
    """The same features in pandas, from the same files."""
    import frames

    with job.clock.phase("features"):
        job.clock.facts["customers"] = len(frames.with_pandas(job.data, job.shop.last_day))


def polars(job: Job) -> None:
    """The same features in polars, from the same files."""
    import frames

    with job.clock.phase("features"):
        job.clock.facts["customers"] = frames.with_polars(job.data, job.shop.last_day).height


def follow(clock: Clock, con: duckdb.DuckDBPyConnection, as_of: date) -> None:
    """What a run does once core is there."""
    from pipelines.features.compute import compute_customers, refresh_state

    with clock.phase("state"):
        touched = refresh_state(DuckDB(con))
    if touched is not None:
        clock.facts["touched"] = touched
    with clock.phase("features"):
        clock.facts["computed"] = compute_customers(DuckDB(con), as_of, recipe())
    with clock.phase("segments"):
        clock.facts["customers"] = assign(con, as_of)


def recipe() -> Recipe:
    """A shop with lines, stores, products and a CRM."""
    from pipelines.features.recipe import Recipe

    return Recipe(mapped=MAPPED, margin_rate=0.25, categories=())


def assign(con: duckdb.DuckDBPyConnection, as_of: date) -> int:
    """Three segmentations of everyone: rules, scores and tiers; returns the customers of the day."""
    from pipelines.segments import history

    history.create(con)
    history.record(con, as_of, definitions(con), "benchmark")
    row = con.execute("select count(*) from features.customer where as_of_date = ?", [as_of]).fetchone()
    return int(row[0]) if row else 0


def definitions(con: duckdb.DuckDBPyConnection) -> Sequence[Segmentation]:
    from pipelines.features.vocabulary import features_absent, features_now
    from pipelines.segments.definitions import load_definitions

    found = load_definitions(
        SEGMENTS, features_now(DuckDB(con), recipe()), features_absent(MAPPED), MAPPED, SEGMENTS.parent
    )
    return found.checked()


@contextmanager
def opened(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A warehouse as a run opens it: threads and memory come from LOHKO_THREADS and LOHKO_MEMORY."""
    from resources.warehouse import Warehouse

    with Warehouse(path, "UTC").open("benchmark") as con:
        yield con


def create_core(con: duckdb.DuckDBPyConnection) -> None:
    """Every core table by its contract, empty."""
    from pipelines.contracts.registry import CONTRACTS
    from pipelines.core import delivered, past_rows
    from pipelines.core.state import create_state
    from pipelines.engine import qualified, quote
    from pipelines.ingest import ledger

    ledger.create(con)
    create_state(con)
    for contract in CONTRACTS.values():
        written = ", ".join(f"{quote(name)} {kind}" for name, kind in contract.stored.items())
        con.execute(
            f"create table {qualified('core.' + contract.table)}"
            f" (_source varchar, _batch_seq bigint, _file_id bigint, _row bigint, {written})"
        )
        delivered.create(con, contract)
        past_rows.create(con, contract)


def load_lines(con: duckdb.DuckDBPyConnection, files: str, batch: int) -> None:
    """Typed inserts of lines and of orders, which stand on the first line of each; nothing is checked."""
    read = f"read_parquet('{files}', file_row_number = true)"
    place = f"'shop' as _source, {batch} as _batch_seq, {batch} as _file_id, file_row_number as _row"
    con.execute(
        f"insert into core.order_lines by name select {place}, order_id, line_id, product_id, quantity,"
        f" revenue, discount from {read}"
    )
    con.execute(
        f"insert into core.orders by name select {place}, order_id, customer_id, ordered_at, store_id,"
        f" channel, 'completed' as status, cast(ordered_at as date) as business_date from {read}"
        " where line_id = '1'"
    )


def load_references(con: duckdb.DuckDBPyConnection, data: Path) -> None:
    for table in ("customers", "products"):
        con.execute(
            f"insert into core.{table} by name select 'shop' as _source, 1 as _batch_seq, 1 as _file_id, *"
            f" from '{data}/{table}.parquet'"
        )


JOBS: dict[str, Callable[[Job], None]] = {
    job.__name__: job for job in (floor, rebuild, day, replay, pandas, polars)
}


def bytes_written() -> int | None:
    """What this process gave to the system to write to disk; Linux alone counts it."""
    try:
        text = Path("/proc/self/io").read_text(encoding="ascii")
    except OSError:
        return None
    return int(text.split("write_bytes:")[1].split()[0])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("job", choices=JOBS)
    parser.add_argument("data", type=Path, help="folder that benchmarks/purchases.py filled")
    parser.add_argument("work", type=Path, help="folder for the warehouse")
    parser.add_argument("--address-space", type=float, help="limit in GB")
    parser.add_argument("--time-limit", type=float, help="in seconds")
    given = parser.parse_args()
    if given.address_space:
        limit = int(given.address_space * 1024**3)
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    if given.time_limit:
        signal.alarm(int(given.time_limit))
    clock = Clock()
    shop = Shop(**json.loads((given.data / "made.json").read_text(encoding="utf-8"))["shop"])
    given.work.mkdir(parents=True, exist_ok=True)
    JOBS[given.job](Job(given.data, given.work, shop, clock))
    print(json.dumps({"phases": clock.phases, "facts": clock.facts, "written": bytes_written()}))


if __name__ == "__main__":
    main()
