"""What it costs to keep what rows said before: the next day of 5 million customers, 1 % of whom changed.

    python benchmarks/past.py [--customers 5000000] [--attributes 10] [--changed 0.01] [--folder FOLDER]

Customers with attributes are landed as Parquet, and make core and features; then a file of those who changed
comes. That day, from landing to features, is computed over copies of the same warehouse: as it is, and with a
core that forgets, which records nothing and reads today's rows for every day. Prints the CPU seconds of each
phase of both, and exits with 1 when keeping the past adds a tenth or more. Seeded.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.config.project import Source
from pipelines.core import past
from pipelines.core.absent import create_absent
from pipelines.core.facts import resolved
from pipelines.core.together import refresh_all
from pipelines.engine import DuckDB, connect, literal
from pipelines.features.compute import compute_customers, refresh_state
from pipelines.features.recipe import Recipe
from pipelines.ingest import batch, ledger
from pipelines.ingest.reading import prepare
from pipelines.ingest.source import mappings_of
from resources.landing import new_files

if TYPE_CHECKING:
    from collections.abc import Iterator

    import duckdb

SOURCE = Source.model_validate({"files": "*", "tables": {"customers": {"customer_id": "id"}}})
FIRST, SECOND = date(2026, 3, 1), date(2026, 3, 2)
MOST = 0.10
RECIPE = Recipe(mapped=frozenset({"orders", "customers"}))
READERS = ("pipelines.core.facts", "pipelines.core.facts.known", "pipelines.core.facts.reading")
Phases = dict[str, float]


def write_file(path: Path, customers: int, attributes: int, version: int, share: float) -> None:
    """Customers with texts and numbers, each made from its number: all of them, or those that changed.

    Parameters
    ----------
    customers : how many there are.
    attributes : how many columns each has beside the id.
    version : which values; another version differs in one column of two.
    share : how many of them are in the file.
    """
    step = max(round(1 / share), 1)
    columns = ", ".join(
        f"hash(i, {k}, {version if k % 2 else 0}) % {1000 * (k + 1)} as n{k}"
        if k % 3
        else f"'v' || (hash(i, {k}, {version}) % 50) as t{k}"
        for k in range(attributes)
    )
    with connect() as con:
        con.execute(
            f"copy (select 'c' || i as id, {columns} from range(0, {customers}, {step}) as r(i))"
            f" to {literal(str(path))} (format parquet)"
        )


@contextmanager
def timed(phases: Phases, name: str) -> Iterator[None]:
    began = time.process_time()
    yield
    phases[name] = phases.get(name, 0.0) + time.process_time() - began


def run(con: duckdb.DuckDBPyConnection, path: Path, day: date) -> Phases:
    """A day from landing to features; returns the CPU seconds of each phase."""
    phases: Phases = {}
    con.execute("set TimeZone = 'UTC'")
    with timed(phases, "ingest"):
        ledger.create(con)
        landed = new_files([path], ledger.known_files(con, "crm"))
        seq, _ = batch.stage_batch(
            con,
            "crm",
            landed,
            [prepare(con, file.path, None, path.parent) for file in landed],
            lambda: mappings_of(con, "crm", SOURCE),
            "benchmark",
            delivered=day,
        )
        batch.settle(con, seq, None)
    with timed(phases, "core"):
        create_absent(con, ["customers"])
        refresh_all(con, {"customers": mappings_of(con, "crm", SOURCE)}, day=day)
    with timed(phases, "features"):
        con.execute("create schema if not exists money")
        for table in ("orders", "order_lines"):
            con.execute(f"create or replace view money.{table} as from core.{table}")
        refresh_state(DuckDB(con))
        compute_customers(DuckDB(con), day, RECIPE)
    return phases


def forget() -> None:
    """Let core record nothing, and every day read the rows of today."""

    def record(con: duckdb.DuckDBPyConnection, *_: Any, **__: Any) -> None:
        empty = f"select customer_id, date {literal(str(FIRST))} as changed_on from changed limit 0"
        con.execute(f"create or replace temp table recorded as {empty}")

    past.record = record
    for module in READERS:
        vars(sys.modules[module])["past"] = lambda table: f"select r.* from core.{table} as r"
    resolved.cache_clear()


def measure(folder: Path, customers: int, attributes: int, share: float) -> tuple[Phases, Phases]:
    """The phases of the next day with the past forgotten, and with it kept."""
    whole, changed = folder / "whole.parquet", folder / "changed.parquet"
    write_file(whole, customers, attributes, 0, 1.0)
    write_file(changed, customers, attributes, 1, share)
    made = folder / "made.duckdb"
    with connect(str(made)) as con:
        print("first day", run(con, whole, FIRST), flush=True)
    found = []
    for name in ("kept", "forgotten"):
        copy = folder / f"{name}.duckdb"
        shutil.copy(made, copy)
        if name == "forgotten":
            forget()
        with connect(str(copy)) as con:
            # Other readers are another recipe, by which everyone would be computed.
            compute_customers(DuckDB(con), FIRST, RECIPE)
            found.append(run(con, changed, SECOND))
            rows = con.execute("select count(*) from history.attribute_change").fetchone()
        print(
            name,
            {phase: round(cpu, 2) for phase, cpu in found[-1].items()},
            "changes recorded:",
            rows,
            flush=True,
        )
        copy.unlink()
    return found[1], found[0]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=5_000_000)
    parser.add_argument("--attributes", type=int, default=10)
    parser.add_argument("--changed", type=float, default=0.01)
    parser.add_argument("--folder", type=Path)
    asked = parser.parse_args()
    folder = asked.folder or Path(tempfile.mkdtemp(prefix="lohko-past-"))
    folder.mkdir(parents=True, exist_ok=True)
    try:
        without, with_past = measure(folder, asked.customers, asked.attributes, asked.changed)
    finally:
        shutil.rmtree(folder)
    before, after = sum(without.values()), sum(with_past.values())
    added = after / before - 1
    print(f"next day: {before:.2f} s CPU forgotten, {after:.2f} s kept: {added:+.1%} (at most {MOST:+.0%})")
    return int(added >= MOST)


if __name__ == "__main__":
    sys.exit(main())
