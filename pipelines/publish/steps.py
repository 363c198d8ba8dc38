"""The steps of the marts, with what counts as its contract says, and who is known by the day."""

from __future__ import annotations

from dataclasses import replace

from pipelines.core.facts import counted, resolved
from pipelines.engine import Statement, Step, load_step

# Marts that add up orders.
_OF_ORDERS = ("revenue_day", "revenue_bridge")
# Marts of persons at accounts that are known by the day.
_OF_KNOWN = ("contact", "audience_contact")


def mart_step(mart: str) -> Step:
    """The step that makes a mart, ready to run."""
    step = load_step(f"publish/marts/{mart}")
    if mart in _OF_KNOWN:
        return replace(step, sql=resolved(step.sql, "account"))
    return step.with_slots(counts=Statement(counted("orders", "o"))) if mart in _OF_ORDERS else step
