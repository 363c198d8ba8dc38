"""The chart engine is a process: it draws, it refuses, and when it dies the run is told and lives."""

from __future__ import annotations

import json
import os
import signal

import pytest

from pipelines.errors import LohkoError
from resources.renderer import started_renderer

POINT = {"data": {"values": [{"a": 1}]}, "mark": "point", "encoding": {"x": {"field": "a"}}}


def test_it_draws_refuses_and_goes_on() -> None:
    with started_renderer() as renderer:
        refused = renderer.submit(json.dumps({"mark": "no such mark", "data": {"values": []}}))
        drawn = renderer.submit(json.dumps(POINT, indent=1))
        with pytest.raises(LohkoError, match="refuses a chart: "):
            refused.result(60)
        assert drawn.result(60).startswith("<svg")


def test_its_death_is_told_and_its_process_never_stays() -> None:
    with started_renderer(processes=1) as renderer:
        assert renderer.submit(json.dumps(POINT)).result(60)
        process = renderer._idle.get()
        renderer._idle.put(process)
        os.kill(process.pid, signal.SIGKILL)
        for _ in range(2):
            with pytest.raises(LohkoError, match="ended with -9 before it had drawn"):
                renderer.submit(json.dumps(POINT)).result(60)
    assert process.poll() is not None


def test_it_ends_with_its_block_whatever_waits() -> None:
    with pytest.raises(ZeroDivisionError), started_renderer() as renderer:
        for _ in range(50):
            renderer.submit(json.dumps(POINT))
        raise ZeroDivisionError
    assert all(renderer._idle.get().poll() is not None for _ in range(2))
