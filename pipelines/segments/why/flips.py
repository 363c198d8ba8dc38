"""Which conditions changed between two days, as finely as they are told: pure functions over inspections."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from pipelines.segments.company import WORD
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
        row
        for row in asked
        if row.part is None
        and (row.segment_id is None or row.segment_id in named)
        and was[row.column] != now[row.column]
    ]
    return [
        Flip(row.segment_id, row.role, row.text, bool(now[row.column]), _values(row, was, now))
        for whole in wholes
        for row in _finest(whole, asked, was, now)
    ]


def _finest(whole: Asked, asked: Sequence[Asked], was: Row, now: Row) -> list[Asked]:
    """The terms of a condition that changed as it did; where terms have alternatives, those that did."""
    under = [
        condition
        for condition in asked
        if condition is not whole and condition.column.startswith(f"{whole.column}.")
    ]
    like = [
        condition
        for condition in under
        if was[condition.column] == was[whole.column] and now[condition.column] == now[whole.column]
    ]
    deep = {condition.part for condition in like if condition.alternative is not None}
    finest = [
        condition for condition in like if condition.alternative is not None or condition.part not in deep
    ]
    return finest or [whole]


def _values(asked: Asked, was: Row, now: Row) -> list[Value]:
    """The features and scores that a condition names; what else it asks is told by its text."""
    found = []
    for name in asked.reads:
        if name.startswith(f"{OWN}score "):
            found.append(Value(name.rpartition(".")[2], was[name], now[name]))
        elif name.startswith(f"{OWN}{WORD} ") and OWN not in name[1:]:
            found.append(Value(name[1:].replace(" ", ".", 1), was[name], now[name]))
        elif not name.startswith(OWN):
            found.append(Value(name, was[name], now[name]))
    return found
