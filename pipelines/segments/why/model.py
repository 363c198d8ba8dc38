"""What is told of a change: whose it is, what it came from, and the values on both sides."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

from pipelines.config.segments import Entity

Reason = Literal[
    "first day",
    "new customer",
    "new account",
    "no customer any more",
    "no account any more",
    "definition edited",
    "definition removed",
    "definition unknown",
    "conditions",
    "cut points",
    "references",
    "dwell",
    "list",
    "known then",
    "not kept",
]
NEW: dict[Entity, Reason] = {"customer": "new customer", "account": "new account"}
GONE: dict[Entity, Reason] = {"customer": "no customer any more", "account": "no account any more"}


@dataclass(frozen=True)
class Who:
    """The customer or account whose changes they are."""

    entity: Entity
    id: str


@dataclass(frozen=True)
class Value:
    """A feature or score on both sides of a change."""

    name: str
    before: Any
    after: Any


@dataclass(frozen=True)
class Flip:
    """A condition, or a term of one, that became true or false."""

    segment_id: str | None
    role: str
    text: str
    became: bool
    values: list[Value]


@dataclass(frozen=True)
class CutPoints:
    """Where a feature was cut on both sides, and the member's own value."""

    segmentation_id: str
    name: str
    value: Value
    before: list[str | None]
    after: list[str | None]


@dataclass(frozen=True)
class Why:
    """One change of one segmentation on one day, and what it came from.

    `version_before` is the definition's version on the recorded day before, `version` that of the change.
    """

    segmentation_id: str
    day: date
    day_before: date
    left: list[str]
    entered: list[str]
    version: str
    version_before: str | None
    reason: Reason
    detail: str = ""
    flips: list[Flip] = field(default_factory=list)
    cut_points: list[CutPoints] = field(default_factory=list)
