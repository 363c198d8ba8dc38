"""Which conditions changed between two days, as finely as they are told: pure functions over inspections."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from pipelines.segments.model import OWN
from pipelines.segments.plan import Asked
from pipelines.segments.why.model import Flip, Value

Row = dict[str, Any]


def flips(asked: Sequence[Asked], named: Collection[str], was: Row, now: Row) -> list[Flip]:
    """The conditions of the segments that were left or entered which changed, as finely as they are told.

    Parameters
    ----------
    asked : the conditions of the segmentation.
    named : the segments that were left or entered.
    was : the values of the day before.
    now : the values of the day.
    """
    wholes = [
        one
        for one in asked
        if one.part is None
        and (one.segment_id is None or one.segment_id in named)
        and was[one.column] != now[one.column]
    ]
    return [
        Flip(one.segment_id, one.role, one.text, bool(now[one.column]), _values(one, was, now))
        for whole in wholes
        for one in _finest(whole, asked, was, now)
    ]


def _finest(whole: Asked, asked: Sequence[Asked], was: Row, now: Row) -> list[Asked]:
    """The terms of a condition that changed as it did; where terms have alternatives, those that did."""
    under = [one for one in asked if one is not whole and one.column.startswith(f"{whole.column}.")]
    like = [
        one for one in under if was[one.column] == was[whole.column] and now[one.column] == now[whole.column]
    ]
    deep = {one.part for one in like if one.alternative is not None}
    finest = [one for one in like if one.alternative is not None or one.part not in deep]
    return finest or [whole]


def _values(one: Asked, was: Row, now: Row) -> list[Value]:
    """The features and scores that a condition names; what else it asks is told by its text."""
    found = []
    for name in one.reads:
        if name.startswith(f"{OWN}score "):
            found.append(Value(name.rpartition(".")[2], was[name], now[name]))
        elif not name.startswith(OWN):
            found.append(Value(name, was[name], now[name]))
    return found
