"""The chart engine, in processes of its own.

It takes a third of a second to start, while the run does something else; it needs a hundred megabytes; and on
some input it does not raise but ends its process, which must not be the run's. Two draw a report's charts in
half the time.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

from pipelines.errors import LohkoError

SCRIPT = Path(__file__).with_name("draw_charts.py")


@dataclass(frozen=True)
class Renderer:
    """Draws charts in the order they come, beside what its caller does meanwhile."""

    _idle: SimpleQueue[subprocess.Popen[str]]
    _queue: ThreadPoolExecutor

    def submit(self, specification: str) -> Future[str]:
        """Draw a Vega-Lite specification; the future's result is SVG text.

        The result raises LohkoError when the engine refuses the specification or has died of one.
        """
        return self._queue.submit(self._draw, specification)

    def _draw(self, specification: str) -> str:
        process = self._idle.get()
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
def started_renderer(processes: int = 2) -> Iterator[Renderer]:
    """Chart engines that are starting now and end with this block."""
    idle: SimpleQueue[subprocess.Popen[str]] = SimpleQueue()
    with ExitStack() as stack:
        for _ in range(processes):
            idle.put(stack.enter_context(_engine()))
        queue = stack.enter_context(ThreadPoolExecutor(processes, "charts"))
        # On leaving, what still waits is dropped, the chart in hand is finished, and the engines end.
        stack.callback(queue.shutdown, wait=False, cancel_futures=True)
        yield Renderer(idle, queue)


@contextmanager
def _engine() -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-P", str(SCRIPT)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own script
        try:
            yield process
        finally:
            process.kill()
            with suppress(BrokenPipeError):
                process.communicate()
