"""Days of tests marked `alone` run without Dagster, which takes most of the time of a small shop's run.

What surrounds a run is the command's own: its plan of days, the log, incidents, alerts, exit codes. That both
ways do the same is held in tests/dagster/test_refresh_alone.py.
"""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def without_dagster(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command refreshes a day by the functions that the job's assets call."""
    if request.node.get_closest_marker("alone"):
        from fixtures.alone import runs_alone

        monkeypatch.setattr("lohko.commands.run.days.job_runs", runs_alone)
