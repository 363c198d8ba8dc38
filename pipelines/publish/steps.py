"""The steps of the marts, with what counts as its contract says."""

from __future__ import annotations

from pipelines.core.facts import counted
from pipelines.engine import Statement, Step, load_step

# Marts that add up orders.
_OF_ORDERS = ("revenue_day", "revenue_bridge")


def mart_step(mart: str) -> Step:
    """The step that makes a mart, ready to run."""
    step = load_step(f"publish/marts/{mart}")
    return step.with_slots(counts=Statement(counted("orders", "o"))) if mart in _OF_ORDERS else step
