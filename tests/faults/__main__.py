"""The command: plant the faults of the catalogue, or those that are named, and say which were caught."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from .catalogue import FAULTS
from .planting import Verdict, plant_all

ROOT = Path(__file__).parents[2]


def main() -> int:
    """Exit code 0 when every fault was caught, 1 when one was not, 2 for a name that is not known."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="faults to plant; all when none is named")
    parser.add_argument("--jobs", type=int, default=1, help="how many are planted at a time")
    parser.add_argument("--list", action="store_true", help="show the catalogue and plant nothing")
    asked = parser.parse_args()
    known = {fault.name: fault for fault in FAULTS}
    if unknown := [name for name in asked.names if name not in known]:
        print(f"no planted fault is called {', '.join(unknown)}; `--list` shows them", file=sys.stderr)
        return 2
    chosen = [known[name] for name in dict.fromkeys(asked.names)] or list(FAULTS)
    if asked.list:
        for fault in chosen:
            print(f"{fault.name}: {fault.rule} ({fault.file})")
        return 0
    missed = 0
    for fault, verdict in plant_all(ROOT, chosen, asked.jobs):
        missed += not verdict.caught
        print(f"{verdict.word:10} {fault.name}{_beside(verdict)}", flush=True)
        if not verdict.caught:
            print(f"  {fault.file} breaks this rule unnoticed: {fault.rule}\n{verdict.output}", flush=True)
    print(f"{len(chosen) - missed} of {len(chosen)} planted faults were caught")
    return 1 if missed else 0


def _beside(verdict: Verdict) -> str:
    return f" by {verdict.by}, {verdict.seconds:.0f} s" if verdict.caught else ""


if __name__ == "__main__":
    sys.exit(main())
