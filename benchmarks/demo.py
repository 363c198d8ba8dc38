"""What the demonstration costs: the full refresh and the next day's, each a process of its own.

    python benchmarks/demo.py [--runs N]

Prints wall seconds, CPU seconds and peak memory of each run, the part that is imports (a process that imports
every module that a run of the same day had loaded by its end, and does nothing else), and how long loading
the definitions takes.
Each run starts from an empty copy of the example, so nothing of yours is touched.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

EXAMPLE = Path(__file__).resolve().parent.parent / "examples" / "complete_journey"
# A run that writes down which modules it loaded, in their order.
WITNESS = """
import atexit, json, sys
from lohko.cli import command
names = sys.argv.pop(1)
def tell():
    with open(names, "w") as out:
        json.dump([name for name in sys.modules if name != "__main__"], out)
atexit.register(tell)
command()
"""
IMPORTS = """
import contextlib, gc, importlib, json, os, sys
gc.set_threshold(100_000, 50, 100)  # as the command does
with open(sys.argv[1]) as names:
    for name in json.load(names):
        with contextlib.suppress(ImportError):  # a module made by another, not found by its name
            importlib.import_module(name)
os._exit(0)  # as the command does
"""
TARGETS = {"full refresh": 40.0, "next day": 20.0, "next day beyond imports": 5.0, "definitions": 3.0}
TARGET_MEMORY_MB = 1500


@dataclass(frozen=True)
class Cost:
    """What one process took."""

    wall: float
    cpu: float
    peak_mb: float


def measure(command: list[str], environment: dict[str, str] | None = None) -> Cost:
    """Run a command to its end and read what the system accounted for it.

    Raises
    ------
    subprocess.CalledProcessError
        When it fails: a cost of a failed run means nothing.
    """
    started = time.perf_counter()
    process = subprocess.Popen(
        command, env=os.environ | (environment or {}), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - started
    code = os.waitstatus_to_exitcode(status)
    if code:
        message = process.stderr.read() if process.stderr else b""
        raise subprocess.CalledProcessError(code, command, stderr=message)
    return Cost(wall, usage.ru_utime + usage.ru_stime, megabytes(usage))


def megabytes(usage: resource.struct_rusage) -> float:
    """Linux counts kilobytes, macOS bytes."""
    return usage.ru_maxrss / (1024 * 1024 if sys.platform == "darwin" else 1024)


def one_round() -> dict[str, Cost]:
    """Both runs on a fresh copy, and beside them the imports alone and the definitions."""
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder) / "project"
        ignored = shutil.ignore_patterns(".lohko", "published")
        shutil.copytree(EXAMPLE, project, ignore=ignored)
        command = ["--project", str(project), "run", "--as-of"]
        python = [sys.executable, "-c"]
        names = str(Path(folder) / "modules.json")
        return {
            "full refresh": measure([*python, WITNESS, names, *command, "2017-12-29"]),
            "next day": measure([*python, WITNESS, names, *command, "2017-12-30"]),
            "imports": measure([*python, IMPORTS, names]),
            "definitions": measure([*python, "import lohko.code_location"], {"LOHKO_PROJECT": str(project)}),
        }


def main() -> None:
    """Print the medians of some rounds beside the targets."""
    parser = argparse.ArgumentParser(description="Measure the demonstration.")
    parser.add_argument("--runs", type=int, default=3, help="rounds; medians are printed (default 3)")
    rounds = []
    for number in range(parser.parse_args().runs):
        print(f"round {number + 1} ...", file=sys.stderr, flush=True)
        rounds.append(one_round())
    print(f"{'':26}{'wall s':>8}{'min':>8}{'max':>8}{'cpu s':>8}{'peak MB':>9}   target")
    for name in rounds[0]:
        costs = [timed[name] for timed in rounds]
        walls = [cost.wall for cost in costs]
        cpu = statistics.median(cost.cpu for cost in costs)
        peak = max(cost.peak_mb for cost in costs)
        target = f"< {TARGETS[name]:.0f} s" if name in TARGETS else ""
        memory = f", < {TARGET_MEMORY_MB} MB" if name == "full refresh" else ""
        print(
            f"{name:26}{statistics.median(walls):8.1f}{min(walls):8.1f}{max(walls):8.1f}{cpu:8.1f}{peak:9.0f}"
            f"   {target}{memory}"
        )
    beyond = [timed["next day"].wall - timed["imports"].wall for timed in rounds]
    limit = TARGETS["next day beyond imports"]
    print(
        f"{'next day beyond imports':26}{statistics.median(beyond):8.1f}{min(beyond):8.1f}{max(beyond):8.1f}"
        f"{'':17}   < {limit:.0f} s"
    )


if __name__ == "__main__":
    main()
