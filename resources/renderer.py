"""The chart engine, in processes of its own.

It takes a third of a second to start, while the run does something else; it needs a hundred megabytes; and on
some input it does not raise but ends its process, which must not be the run's. Two draw a report's charts in
half the time. They stay for the next run of the same process, such as the next of several missed days.
"""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue

from pipelines.errors import LohkoError

PROCESSES = 2
SCRIPT = Path(__file__).with_name("draw_charts.py")


@dataclass(frozen=True)
class Renderer:
    """Draws charts in the order they come, beside what its caller does meanwhile.

    `begun` has, by run, a page whose charts are being drawn.
    """

    _idle: SimpleQueue[subprocess.Popen[str]]
    _queue: ThreadPoolExecutor
    begun: dict[str, Callable[[], str]] = field(default_factory=dict)

    def submit(self, specification: str) -> Future[str]:
        """Draw a Vega-Lite specification; the future's result is SVG text.

        The result raises LohkoError when the engine refuses the specification or has died of one.
        """
        return self._queue.submit(self._draw, specification)

    def _draw(self, specification: str) -> str:
        process = self._idle.get()
        if process.poll() is not None:
            process = _engine()
        try:
            line = _ask(process, specification)
        finally:
            self._idle.put(process)
        if not line:
            code = process.wait()
            raise LohkoError(f"the chart engine ended with {code} before it had drawn a chart")
        answer = json.loads(line)
        if "svg" not in answer:
            raise LohkoError(f"the chart engine refuses a chart: {answer['error']}")
        return str(answer["svg"])


def _ask(process: subprocess.Popen[str], specification: str) -> str:
    """The engine's answer, a line; empty when it has ended."""
    with suppress(BrokenPipeError):
        print(specification.replace("\n", " "), file=process.stdin, flush=True)
    return process.stdout.readline() if process.stdout else ""


@contextmanager
def started_renderer() -> Iterator[Renderer]:
    """The chart engines of this process, started if there are none; drawing ends with this block."""
    queue = ThreadPoolExecutor(PROCESSES, "charts")
    try:
        yield Renderer(_engines(), queue)
    finally:
        # What still waits is dropped, the chart in hand is finished.
        queue.shutdown(wait=False, cancel_futures=True)


# By process: one that was forked must not talk through its parent's pipes.
_started: dict[int, SimpleQueue[subprocess.Popen[str]]] = {}


def _engines() -> SimpleQueue[subprocess.Popen[str]]:
    mine = os.getpid()
    if mine not in _started:
        _started.clear()
        _started[mine] = SimpleQueue()
        for _ in range(PROCESSES):
            _started[mine].put(_engine())
    return _started[mine]


def _engine() -> subprocess.Popen[str]:
    command = [sys.executable, "-P", str(SCRIPT)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own script
    atexit.register(_end, process, os.getpid())
    return process


def _end(process: subprocess.Popen[str], starter: int) -> None:
    if os.getpid() == starter:
        process.kill()
        with suppress(BrokenPipeError):
            process.communicate()
