"""A control store in a directory of its own, and a clock that the test moves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from resources.control import ControlStore, Finding, Incident


class Clock:
    """Moves on by a second with each look, so that no two moments are the same."""

    def __init__(self) -> None:
        self.now = datetime(2025, 3, 1, 3, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


class Operator:
    """What a run does with the store: evaluate a source, then reconcile."""

    def __init__(self, store: ControlStore) -> None:
        self.store = store

    def found(self, run_id: str, ok: bool, subject: str = "orders", message: str = "3 days late") -> None:
        self.store.record_finding(run_id, Finding("stale_source", subject, ok, "critical", message))
        self.store.reconcile(run_id)

    def opened(self) -> Incident:
        (incident,) = self.store.open_incidents()
        return incident


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / ".lohko" / "control.sqlite"


@pytest.fixture
def store(path: Path, clock: Clock) -> ControlStore:
    return ControlStore(path, clock)


@pytest.fixture
def operator(store: ControlStore) -> Operator:
    return Operator(store)
