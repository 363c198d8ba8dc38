"""The chart engine, in a process of its own.

It takes a third of a second to start, while the run does something else; it needs a hundred megabytes; and on
some input it does not raise but ends its process, which must not be the run's. It stays for the next run of
the same process, such as the next of several missed days. One is enough: a second one has to become warm
too, and takes the processor from the run.
"""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import RLock, Timer

from pipelines.errors import LohkoError

LONGEST = 60.0  # seconds for one chart; it takes a tenth of one
SCRIPT = Path(__file__).with_name("draw_charts.py")


@dataclass(frozen=True)
class Renderer:
    """Draws charts in the order they come, beside what its caller does meanwhile."""

    _queue: ThreadPoolExecutor

    def submit(self, specification: str) -> Future[str]:
        """Draw a Vega-Lite specification; the future's result is SVG text.

        The result raises LohkoError when the engine refuses the specification or has died of one.
        """
        return self._queue.submit(_draw, specification)


def _draw(specification: str) -> str:
    with _drawing:
        process = engine()
        line = _ask(process, specification)
        if not line.endswith("\n"):
            # A system short of memory may have ended it. If the chart does, it does so again.
            process.kill()
            process.wait()
            process = engine()
            line = _ask(process, specification)
    if not line.endswith("\n"):
        code = process.wait()
        raise LohkoError(f"the chart engine ended with {code} before it had drawn a chart")
    answer = json.loads(line)
    if "svg" not in answer:
        raise LohkoError(f"the chart engine refuses a chart: {answer['error']}")
    return str(answer["svg"])


def _ask(process: subprocess.Popen[str], specification: str) -> str:
    """The engine's answer, a line; no whole one when it has ended, or was ended because it took too long."""
    limit = Timer(LONGEST, process.kill)
    limit.start()
    try:
        with suppress(BrokenPipeError):
            print(specification.replace("\n", " "), file=process.stdin, flush=True)
        return process.stdout.readline() if process.stdout else ""
    finally:
        limit.cancel()


@contextmanager
def started_renderer() -> Iterator[Renderer]:
    """The chart engine of this process, started if there is none; drawing ends with this block."""
    queue = ThreadPoolExecutor(1, "charts")
    try:
        queue.submit(engine)
        yield Renderer(queue)
    finally:
        # What still waits is dropped, the chart in hand is finished.
        queue.shutdown(wait=False, cancel_futures=True)


# By process: one that was forked must not talk through its parent's pipes.
_started: dict[int, subprocess.Popen[str]] = {}
# A run that ended may have left a chart in hand.
_drawing = RLock()


def engine() -> subprocess.Popen[str]:
    """The engine of this process; another one where it has died."""
    mine = os.getpid()
    with _drawing:
        if mine not in _started or _started[mine].poll() is not None:
            _started.clear()
            _started[mine] = _start()
        return _started[mine]


def _start() -> subprocess.Popen[str]:
    command = [sys.executable, "-P", str(SCRIPT)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own script
    atexit.register(_end, process, os.getpid())
    return process


def _end(process: subprocess.Popen[str], starter: int) -> None:
    if os.getpid() == starter:
        process.kill()
        with suppress(BrokenPipeError):
            process.communicate()
