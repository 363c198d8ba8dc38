"""The chart engine, in a process of its own.

It takes a third of a second to start, while the run does something else; it needs a hundred megabytes; and on
some input it does not raise but ends its process, which must not be the run's.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from pipelines.errors import LohkoError

SCRIPT = Path(__file__).with_name("draw_charts.py")


@dataclass(frozen=True)
class Renderer:
    """Draws one chart after the other, beside what its caller does meanwhile."""

    _process: subprocess.Popen[str]
    _queue: ThreadPoolExecutor

    def submit(self, specification: str) -> Future[str]:
        """Draw a Vega-Lite specification; the future's result is SVG text.

        The result raises LohkoError when the engine refuses the specification or has died of one.
        """
        return self._queue.submit(self._draw, specification)

    def _draw(self, specification: str) -> str:
        with suppress(BrokenPipeError):  # it has ended, and will say nothing
            print(specification.replace("\n", " "), file=self._process.stdin, flush=True)
        line = self._process.stdout.readline() if self._process.stdout else ""
        if not line:
            code = self._process.wait()
            raise LohkoError(f"the chart engine ended with {code} before it had drawn a chart")
        answer = json.loads(line)
        if "svg" not in answer:
            raise LohkoError(f"the chart engine refuses a chart: {answer['error']}")
        return str(answer["svg"])


@contextmanager
def started_renderer() -> Iterator[Renderer]:
    """A chart engine that is starting now and ends with this block."""
    command = [sys.executable, "-P", str(SCRIPT)]
    with (
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process,  # noqa: S603 - our own script
        ThreadPoolExecutor(1, "charts") as queue,
    ):
        try:
            yield Renderer(process, queue)
        finally:
            queue.shutdown(wait=False, cancel_futures=True)
            process.kill()
            with suppress(BrokenPipeError):
                process.communicate()
