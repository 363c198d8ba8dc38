"""What a refresh costs: everything from nothing, and the next day, at 1, 10 and 100 million lines.

    python benchmarks/refresh.py [--lines 1000000 10000000 100000000] [--folder /tmp/lohko-bench] [--keep]

Makes the shops' Parquet (benchmarks/purchases.py), then runs each job of benchmarks/refresh_jobs.py as a
process of its own and prints what it took: wall and CPU seconds, peak memory, bytes written, and phases.

    floor    bare DuckDB: the same lines into a table, that to customer and day, that to one row a customer
    rebuild  core, state, features and three segmentations in a new warehouse
    day      the next day in that warehouse
    replay   `lohko replay` of 52 past weeks (at 10 million lines)
    pandas, polars   the same features from the same files, within --address-space; polars is in the extra
             `bench`

Core is filled by plain typed inserts, as the floor loads: what ingest's checks cost is measured by
benchmarks/quality.py and benchmarks/demo.py. The engine is held to --memory; the floor to nothing. Before the
10 million lines of half a million customers, the day is measured with as many customers as at the top: what
history costs is seen between two shops that differ in nothing else. Exits with 1 when a target is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from demo import megabytes
from purchases import Shop, add_arguments

HERE = Path(__file__).resolve().parent
MILLION = 1_000_000
SIZES = (MILLION, 10 * MILLION, 100 * MILLION)
TOP_CUSTOMERS = 5 * MILLION
REPLAYED = 10 * MILLION
PEAK_GB = 6.0


@dataclass(frozen=True)
class Cost:
    """What one job took; `fault` says why it did not come to its end."""

    wall: float
    cpu: float
    peak_mb: float
    written: int | None = None
    phases: dict[str, list[float]] | None = None
    facts: dict[str, int] | None = None
    fault: str | None = None

    @property
    def work(self) -> float:
        """Wall seconds of the phases: without the start of Python and its imports."""
        return sum(wall for wall, _ in (self.phases or {}).values())

    @property
    def features(self) -> float:
        """Wall seconds from files to features, without what comes after."""
        return sum(wall for name, (wall, _) in (self.phases or {}).items() if name != "segments")


@dataclass(frozen=True)
class Bench:
    """Where and how jobs run."""

    folder: Path
    memory: str
    address_space: float
    time_limit: float

    def data(self, shop: Shop) -> Path:
        return self.folder / f"lines{shop.lines}-customers{shop.customers}"

    def make(self, shop: Shop) -> Cost:
        """The shop's Parquet."""
        given = [
            f"--{name.replace('_', '-')}={getattr(shop, name)}" for name in ("lines", "customers", "days")
        ]
        given += [f"--day-lines={shop.day_lines}", f"--seed={shop.seed}"]
        return self._run([str(HERE / "purchases.py"), str(self.data(shop)), *given], {})

    def run(self, job: str, shop: Shop) -> Cost:
        """One job; pandas and polars within the limits, the engine within its memory."""
        command = [str(HERE / "refresh_jobs.py"), job, str(self.data(shop)), str(self.work(shop))]
        if job in ("pandas", "polars"):
            limits = [f"--address-space={self.address_space}", f"--time-limit={self.time_limit}"]
            return self._run([*command, *limits], {})
        return self._run(command, {} if job == "floor" else {"LOHKO_MEMORY": self.memory})

    def work(self, shop: Shop) -> Path:
        return self.folder / "work" / self.data(shop).name

    def _run(self, command: list[str], environment: dict[str, str]) -> Cost:
        """Run a Python script to its end and read what the system accounted for it."""
        path = os.pathsep.join(filter(None, (str(HERE.parent), os.environ.get("PYTHONPATH"))))
        began = time.perf_counter()
        with tempfile.TemporaryFile(dir=self.folder) as errors:
            process = subprocess.Popen(
                [sys.executable, *command],
                env=os.environ | {"PYTHONPATH": path} | environment,
                stdout=subprocess.PIPE,
                stderr=errors,
            )
            out = process.stdout.read() if process.stdout else b""
            _, status, usage = os.wait4(process.pid, 0)
            wall = time.perf_counter() - began
            errors.seek(0)
            fault = _fault(os.waitstatus_to_exitcode(status), errors.read().decode(errors="replace"))
        told: dict[str, Any] = _told(out) if fault is None else {}
        return Cost(wall, usage.ru_utime + usage.ru_stime, megabytes(usage), **told, fault=fault)


def _told(out: bytes) -> dict[str, Any]:
    """What a job said of itself: the last line of what it printed."""
    lines = out.decode().strip().splitlines()
    return json.loads(lines[-1]) if lines and lines[-1].startswith("{") else {}


def _fault(code: int, said: str) -> str | None:
    """Why a process did not come to its end; None when it did."""
    if code == -signal.SIGALRM:
        return "took too long"
    if code < 0:
        return f"killed by {signal.Signals(-code).name}: {_last(said)}"
    return f"exit code {code}: {_last(said)}" if code else None


def _last(said: str) -> str:
    return (said.strip().splitlines() or [""])[-1][:120]


def measure(
    bench: Bench, sizes: list[int], day: Shop, jobs: set[str], keep: bool
) -> dict[tuple[str, Shop], Cost]:
    """Every job at every size, printed as it comes; what a library did not survive is not tried larger."""
    found: dict[tuple[str, Shop], Cost] = {}
    lost: set[str] = set()
    for shop, wanted in _plan(sizes, day):
        if not jobs & set(wanted):
            continue
        print(f"\n{shop.lines:,} lines, {shop.customers:,} customers", flush=True)
        made = bench.make(shop)
        _print("generate", made)
        if made.fault:
            raise SystemExit(f"the shop could not be made: {made.fault}")
        for job in wanted:
            if job not in jobs or job in lost:
                continue
            found[job, shop] = bench.run(job, shop)
            _print(job, found[job, shop])
            if found[job, shop].fault:
                lost.add(job)
        shutil.rmtree(bench.work(shop), ignore_errors=True)
        if not keep:
            shutil.rmtree(bench.data(shop))
    return found


def _plan(sizes: list[int], day: Shop) -> Iterator[tuple[Shop, tuple[str, ...]]]:
    """The shops in order of size, and the jobs of each."""
    for lines in sizes:
        shop = _shop(lines, lines // 20, day)
        jobs = ("floor", "rebuild", "day", "pandas", "polars")
        yield shop, (*jobs[:3], "replay", *jobs[3:]) if lines == REPLAYED else jobs
        if lines == REPLAYED and max(sizes) > lines:
            yield _shop(lines, TOP_CUSTOMERS, day), ("rebuild", "day")


def _shop(lines: int, customers: int, day: Shop) -> Shop:
    return Shop(lines, customers, day.days, day.day_lines, seed=day.seed)


def _print(job: str, cost: Cost) -> None:
    written = f"{cost.written / 1e6:9,.0f}" if cost.written is not None else f"{'':9}"
    phases = ", ".join(f"{name} {wall:.1f}" for name, (wall, _) in (cost.phases or {}).items())
    facts = ", ".join(f"{number:,} {name}" for name, number in (cost.facts or {}).items())
    said = cost.fault or "; ".join(filter(None, (phases, facts)))
    print(
        f"  {job:9} wall {cost.wall:7.1f} s  cpu {cost.cpu:7.1f} s  peak {cost.peak_mb:7,.0f} MB"
        f"  written {written} MB  {said}",
        flush=True,
    )


def compare(found: dict[tuple[str, Shop], Cost]) -> list[tuple[str, float, float | None]]:
    """Each figure that was measured: what it says, the figure, and the most it may be, if there is a target.

    Ten times faster than pandas must the daily refresh be: pandas has no state, and computes every day anew.
    """
    by = {(job, shop.lines, shop.customers): cost for (job, shop), cost in found.items() if not cost.fault}
    verdicts: list[tuple[str, float, float | None]] = []

    def ratio(what: str, any: Any, other: Any, limit: float | None, part: str = "work") -> None:
        if any in by and other in by:
            verdicts.append((what, getattr(by[any], part) / getattr(by[other], part), limit))

    for lines in sorted({shop.lines for _, shop in found}):
        own = (lines, lines // 20)
        size = f"at {lines / MILLION:g} million lines"
        ratio(f"rebuild / floor {size}", ("rebuild", *own), ("floor", *own), 2.5)
        if ("rebuild", *own) in by:
            verdicts.append((f"rebuild peak, GB, {size}", by["rebuild", *own].peak_mb / 1024, PEAK_GB))
        ratio(f"rebuild's features / pandas {size}", ("rebuild", *own), ("pandas", *own), None, "features")
        ratio(f"next day's features / pandas {size}", ("day", *own), ("pandas", *own), 0.1, "features")
    top = (SIZES[-1], TOP_CUSTOMERS)
    ratio(
        "next day at 100 million / at 10 million lines", ("day", *top), ("day", REPLAYED, TOP_CUSTOMERS), 1.5
    )
    ratio("next day / rebuild at 100 million lines", ("day", *top), ("rebuild", *top), 1 / 15)
    small = (REPLAYED, REPLAYED // 20)
    ratio("52 weeks / rebuild at 10 million lines", ("replay", *small), ("rebuild", *small), 5)
    return verdicts


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--lines", type=int, nargs="+", default=list(SIZES))
    parser.add_argument("--folder", type=Path, default=Path("/tmp/lohko-bench"))  # noqa: S108
    parser.add_argument("--keep", action="store_true", help="keep the Parquet for another measurement")
    parser.add_argument("--memory", default="5GB", help="LOHKO_MEMORY of the engine (default 5GB)")
    parser.add_argument("--address-space", type=float, default=20, help="GB that pandas and polars may have")
    parser.add_argument(
        "--time-limit", type=float, default=300, help="seconds that pandas and polars may take"
    )
    parser.add_argument(
        "--jobs", nargs="+", default=["floor", "rebuild", "day", "replay", "pandas", "polars"]
    )
    add_arguments(parser)
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    bench = Bench(given.folder, given.memory, given.address_space, given.time_limit)
    day = Shop(0, 0, given.days, given.day_lines, seed=given.seed)
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, engine's memory {given.memory}")
    found = measure(bench, sorted(given.lines), day, set(given.jobs), given.keep)
    verdicts = compare(found)
    print("\ntarget: seconds are those of the phases, without the start of Python")
    for what, figure, limit in verdicts:
        said = "" if limit is None else f"at most {limit:6.3f}: {'met' if figure <= limit else 'MISSED'}"
        print(f"  {what:50} {figure:8.3f}  {said}")
    if any(limit is not None and figure > limit for _, figure, limit in verdicts):
        sys.exit(1)


if __name__ == "__main__":
    main()
