"""Killed at any moment, a project recovers: the next run makes of it what an undisturbed one is."""

from __future__ import annotations

import json
import random
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from fixtures.forked_runs import Forker
from fixtures.seeds import SEED
from fixtures.shop import Shelf, Shop

from pipelines.engine import connect

# What differs by nature between a disturbed and an undisturbed project: runs, revisions and times.
BY_NATURE = frozenset(
    {
        "run_id",
        "revision",
        "generated_at",
        "landed_at",
        "recorded_at",
        "first_seen_at",
        "code_version",
        "mtime_ns",
    }
)
# The record keeps every revision (what follows from it is segments.membership); the scope is scratch.
LEFT_OUT = {
    *("segments.membership_event", "segments.recorded_day", "segments.definition_day"),
    *("segments.recorded_batch", "features.scope", "features.day_scope"),
}
SCHEMAS = ("core", "features", "ingest", "quarantine", "quality", "segments", "roi", "drift", "marts")


@pytest.fixture(scope="module")
def runs() -> Iterator[Forker]:
    started = Forker()
    yield started
    started.close()


def first_days(shop: Shop) -> None:
    """Two days that were never run."""
    shop.edit("today: 2026-03-31", "first_day: 2026-03-29\ntoday: 2026-03-31")


def new_files(shop: Shop) -> None:
    """New orders, one of them late; a changed file that corrects one; a batch that is rejected."""
    shop.edit("today: 2026-03-31", "today: 2026-04-01")
    shop.deliver(
        "orders-2.csv",
        '9001,C001,2026-03-31 12:00:00,web,paid,"10,00","0,00"',
        '9002,C005,2025-12-24 12:00:00,web,paid,"20,00","1,00"',
        '1001,C038,2025-04-10 15:21:00,shop,cancelled,"15,66","0,00"',
    )
    with (shop.root / "data" / "customers.csv").open("a") as crm:
        crm.write("C999,2026-03-01,NO,yes\n")


Stage = Callable[[Shop], None]


def state(shop: Shop) -> dict[str, list[tuple[Any, ...]]]:
    """All that must not depend on whether something was killed."""
    tables = shop.tables(*SCHEMAS, without=BY_NATURE)
    return {name: rows for name, rows in tables.items() if name not in LEFT_OUT}


def assert_complete(shop: Shop) -> None:
    """Whatever `current` points to is one whole publication."""
    current = shop.root / "published" / "current"
    if not current.is_symlink():
        return
    manifest = json.loads((current / "manifest.json").read_text())
    assert manifest["run"]["run_id"] == current.resolve().name.split(".")[0]
    assert (current / "report.html").read_text().rstrip().endswith("</html>")
    with connect(str((current / "lohko.duckdb").resolve()), read_only=True) as con:
        for mart, rows in manifest["rows"].items():
            assert con.execute(f"select count(*) from marts.{mart}").fetchone() == (rows,)
            for kind, reader in (("parquet", "read_parquet"), ("csv", "read_csv")):
                path = Path(current) / kind / f"{mart}.{kind}"
                if kind == "parquet" or rows:
                    assert con.execute(f"select count(*) from {reader}(?)", [str(path)]).fetchone() == (rows,)


def undisturbed(
    shelf: Shelf, runs: Forker, stages: Sequence[Stage]
) -> tuple[list[dict[str, list[tuple[Any, ...]]]], list[float]]:
    """The state after each stage without a kill, and how long each took."""
    shop, states, seconds = shelf.new(), [], []
    for stage in stages:
        stage(shop)
        started = time.monotonic()
        assert runs.run(shop) == 0
        seconds.append(time.monotonic() - started)
        states.append(state(shop))
    return states, seconds


def disturb(
    shelf: Shelf,
    runs: Forker,
    stages: Sequence[Stage],
    wanted: int,
    at_once: int,
    chance: random.Random,
) -> int:
    """Kill until it was done `wanted` times; every project must end as the undisturbed one. Returns kills."""
    expected, seconds = undisturbed(shelf, runs, stages)
    kills = 0
    while kills < wanted:
        shop = shelf.new()
        for stage, then, length in zip(stages, expected, seconds, strict=True):
            stage(shop)
            for _ in range(at_once):
                ended = runs.run(shop, kill_after=chance.uniform(0, length))
                assert ended in (0, -signal.SIGKILL), f"after {kills} kills a run ended with {ended}"
                kills += ended != 0
                assert_complete(shop)
            assert runs.run(shop) == 0
            assert_complete(shop)
            found = state(shop)
            assert found.keys() == then.keys()
            for table, rows in then.items():
                assert found[table] == rows, f"{table} differs after {kills} kills"
            assert not [run for run in shop.control.runs(200) if run.status == "running"]
            assert shop.control.open_incidents() == []
        print(f"{kills} kills, every one recovered from", flush=True)
    return kills


def test_a_few_kills_leave_no_trace(shelf: Shelf, runs: Forker) -> None:
    assert disturb(shelf, runs, [new_files], wanted=1, at_once=5, chance=random.Random(7)) >= 1


@pytest.mark.slow
def test_two_hundred_kills_leave_no_trace(shelf: Shelf, runs: Forker) -> None:
    chance = random.Random(SEED)
    assert disturb(shelf, runs, [first_days, new_files], wanted=200, at_once=5, chance=chance) >= 200
