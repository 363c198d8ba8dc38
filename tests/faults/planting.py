"""Plant faults in copies of the tree, one at a time in each, and see whether a test notices.

A test has caught a fault when it ran and failed. Code that cannot be imported, a test that is not found, SQL
that does not parse: that is a fault written badly, and no catch. The tests of a fault must pass without it,
or their failing says nothing; so they are run in the copy before anything is planted.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

from .fault import Fault

# How a failure begins that says nothing of behaviour: the text of the fault is not code.
_NO_CATCH = (
    "ImportError",
    "ModuleNotFoundError",
    "SyntaxError",
    "IndentationError",
    "NameError",
    "collection failure",
    "duckdb.ParserException",
    "_duckdb.ParserException",
    "duckdb.BinderException",
    "_duckdb.BinderException",
    "pipelines.engine.protocol.QueryError: Parser Error",
    "pipelines.engine.protocol.QueryError: Binder Error",
)


@dataclass(frozen=True)
class Verdict:
    """What became of a fault: CAUGHT with the test that did, NOT CAUGHT, or BROKEN with what pytest said."""

    word: str
    by: str = ""
    seconds: float = 0.0
    output: str = ""

    @property
    def caught(self) -> bool:
        return self.word == "CAUGHT"


def plant_all(root: Path, faults: Sequence[Fault], jobs: int) -> Iterator[tuple[Fault, Verdict]]:
    """Plant each fault and give its verdict, in the order of the faults."""
    with tempfile.TemporaryDirectory(prefix="lohko-faults-") as folder, ThreadPoolExecutor(jobs) as workers:
        copies: SimpleQueue[Copy] = SimpleQueue()
        for number in range(jobs):
            copies.put(Copy(root, Path(folder) / str(number)))

        def plant(fault: Fault) -> Verdict:
            copy = copies.get()
            try:
                return copy.plant(fault)
            finally:
                copies.put(copy)

        yield from zip(faults, workers.map(plant, faults), strict=True)


class Copy:
    """A copy of the files that git knows or would take; a fault stands in it only while it is tried."""

    def __init__(self, root: Path, folder: Path) -> None:
        self.folder = folder
        listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        found = subprocess.run(listed, cwd=root, check=True, capture_output=True, text=True).stdout
        for name in filter(None, found.split("\0")):
            source, target = root / name, folder / name
            if source.is_file():
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, target)
        self._sound: set[str] = set()
        self._edits = 0

    def plant(self, fault: Fault) -> Verdict:
        """Try one fault."""
        unknown = [test for test in fault.tests if test not in self._sound]
        if unknown:
            before = self._run(unknown)
            if before.word != "NOT CAUGHT":
                return Verdict("BROKEN", output=f"a test fails without the fault\n{before.output}")
            self._sound.update(unknown)
        path = self.folder / fault.file
        text = path.read_text(encoding="utf-8")
        if text.count(fault.old) != 1:
            return Verdict("BROKEN", output=f"its text stands {text.count(fault.old)} times in {fault.file}")
        self._write(path, text.replace(fault.old, fault.new))
        try:
            return self._run(fault.tests)
        finally:
            self._write(path, text)

    def _write(self, path: Path, text: str) -> None:
        """Bytecode of another text of the same length and second would be taken for this one's."""
        path.write_text(text, encoding="utf-8")
        self._edits += 1
        at = time.time() + 60 * self._edits
        os.utime(path, (at, at))

    def _run(self, tests: Sequence[str]) -> Verdict:
        """Run tests until the first fails; NOT CAUGHT when all pass."""
        report = self.folder / "faults.xml"
        report.unlink(missing_ok=True)
        environment = os.environ | {"PYTHONPATH": str(self.folder)}
        begun = time.monotonic()
        ran = subprocess.run(
            [sys.executable, "-m", "pytest", "-x", "-p", "no:cacheprovider", f"--junitxml={report}", *tests],
            cwd=self.folder,
            env=environment,
            check=False,
            capture_output=True,
            text=True,
        )
        seconds, output = time.monotonic() - begun, ran.stdout[-3000:] + ran.stderr[-1000:]
        if ran.returncode == 0:
            return Verdict("NOT CAUGHT", seconds=seconds, output=output)
        failed, why = _first_failure(report) if report.exists() else ("", "pytest did not run")
        if ran.returncode != 1 or not failed or why.startswith(_NO_CATCH):
            return Verdict("BROKEN", failed, seconds, output)
        return Verdict("CAUGHT", failed, seconds, output)


def _first_failure(report: Path) -> tuple[str, str]:
    """The test that failed and how its failure begins; both empty where none did."""
    for case in ElementTree.parse(report).iter("testcase"):  # noqa: S314 (we have just written it)
        for outcome in (*case.findall("failure"), *case.findall("error")):
            return case.get("name", ""), outcome.get("message", "").removeprefix('failed on setup with "')
    return "", ""
