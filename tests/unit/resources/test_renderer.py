"""The chart engine is a process: it draws, it refuses, and when it dies the run is told and lives."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from pipelines.errors import LohkoError
from resources.renderer import Renderer, started_renderer

POINT = {"data": {"values": [{"a": 1}]}, "mark": "point", "encoding": {"x": {"field": "a"}}}


def test_it_draws_refuses_and_goes_on() -> None:
    with started_renderer() as renderer:
        refused = renderer.submit(json.dumps({"mark": "no such mark", "data": {"values": []}}))
        drawn = renderer.submit(json.dumps(POINT, indent=1))
        with pytest.raises(LohkoError, match="refuses a chart: "):
            refused.result(60)
        assert drawn.result(60).startswith("<svg")


def test_its_death_is_told_and_another_takes_its_place() -> None:
    deadly = json.dumps({**POINT, "title": "\x07"})
    with started_renderer() as renderer:
        for _ in range(3):
            with pytest.raises(LohkoError, match="ended with -6 before it had drawn"):
                renderer.submit(deadly).result(60)
        assert renderer.submit(json.dumps(POINT)).result(60).startswith("<svg")


def test_they_stay_for_the_next_run_and_what_waited_does_not() -> None:
    with pytest.raises(ZeroDivisionError), started_renderer() as renderer:
        waiting = [renderer.submit(json.dumps(POINT)) for _ in range(50)]
        raise ZeroDivisionError
    assert waiting[-1].cancelled()
    pids = engines(renderer)
    with started_renderer() as again:
        assert again.submit(json.dumps(POINT)).result(60).startswith("<svg")
    assert engines(again) == pids


def test_they_end_with_their_process() -> None:
    script = (
        "from resources.renderer import Renderer, started_renderer\n"
        "with started_renderer() as renderer:\n"
        '    renderer.submit(\'{"mark": "point", "data": {"values": []}}\').result(60)\n'
        "print(*(renderer._idle.get().pid for _ in range(2)))"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    for pid in ended.stdout.split():
        with pytest.raises(ProcessLookupError):
            os.kill(int(pid), 0)


def engines(renderer: Renderer) -> set[int]:
    found = [renderer._idle.get(timeout=60) for _ in range(2)]
    for one in found:
        renderer._idle.put(one)
    return {one.pid for one in found}
