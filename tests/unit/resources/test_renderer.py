"""The chart engine is a process: it draws, it refuses, and when it dies the run is told and lives."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest
from fixtures.patience import PATIENCE

from pipelines.errors import LohkoError
from resources.renderer import _ask, engine, started_renderer

POINT = {"data": {"values": [{"a": 1}]}, "mark": "point", "encoding": {"x": {"field": "a"}}}


def test_it_draws_refuses_and_goes_on() -> None:
    with started_renderer() as renderer:
        refused = renderer.submit(json.dumps({"mark": "no such mark", "data": {"values": []}}))
        drawn = renderer.submit(json.dumps(POINT, indent=1))
        with pytest.raises(LohkoError, match="refuses a chart: "):
            refused.result(PATIENCE)
        assert drawn.result(PATIENCE).startswith("<svg")


def test_its_death_is_told_and_another_takes_its_place() -> None:
    deadly = json.dumps({**POINT, "title": "\x07"})
    with started_renderer() as renderer:
        for _ in range(3):
            with pytest.raises(LohkoError, match="ended with -6 before it had drawn"):
                renderer.submit(deadly).result(PATIENCE)
        assert renderer.submit(json.dumps(POINT)).result(PATIENCE).startswith("<svg")


def test_an_engine_that_somebody_ended_is_replaced_and_the_chart_drawn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = 0

    def ask(process: subprocess.Popen[str], specification: str) -> str:
        nonlocal asked
        asked += 1
        if asked == 1:
            process.kill()
        return _ask(process, specification)

    monkeypatch.setattr("resources.renderer._ask", ask)
    with started_renderer() as renderer:
        assert renderer.submit(json.dumps(POINT)).result(PATIENCE).startswith("<svg")
    assert asked == 2


def test_it_stays_for_the_next_run_and_what_waited_does_not() -> None:
    with pytest.raises(ZeroDivisionError), started_renderer() as renderer:
        waiting = [renderer.submit(json.dumps(POINT)) for _ in range(50)]
        raise ZeroDivisionError
    assert waiting[-1].cancelled()
    before = engine()
    with started_renderer() as again:
        assert again.submit(json.dumps(POINT)).result(PATIENCE).startswith("<svg")
    assert engine() is before


def test_it_ends_with_its_process() -> None:
    script = (
        "from resources.renderer import engine, started_renderer\n"
        "with started_renderer() as renderer:\n"
        '    renderer.submit(\'{"mark": "point", "data": {"values": []}}\').result()\n'
        "print(engine().pid)"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    with pytest.raises(ProcessLookupError):
        os.kill(int(ended.stdout), 0)


def test_an_engine_that_hangs_is_ended_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with started_renderer() as renderer:
        assert renderer.submit(json.dumps(POINT)).result(PATIENCE).startswith("<svg")
        os.kill(engine().pid, signal.SIGSTOP)
        monkeypatch.setattr("resources.renderer.LONGEST", 0.2)
        with pytest.raises(LohkoError, match="ended with -9 before it had drawn"):
            renderer.submit(json.dumps(POINT)).result(PATIENCE)
        monkeypatch.setattr("resources.renderer.LONGEST", PATIENCE)
        assert renderer.submit(json.dumps(POINT)).result(PATIENCE).startswith("<svg")
