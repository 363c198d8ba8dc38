"""What a definition becomes: columns of one nested SELECT, and what they read.

Names of our own columns begin with `~`, which no feature may: `~segment lifecycle`, `~did 1f0c…`. A column is
an expression over columns of the level below it, so references between segmentations become levels.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from pipelines.config.segments import AnyDefinition, Entity

AS_OF = "as_of_date"
OWN = "~"
# `$from_90` is the first of the 90 days that end with the day, as in the fragments of features.
FROM = "from_"
KEY: dict[str, str] = {"customer": "customer_id", "account": "account_id"}
# Canonical table -> names and types of the columns that it has beyond its contract.
Further = Mapping[str, Sequence[tuple[str, str]]]


@dataclass(frozen=True)
class CutColumn:
    """One cut point of a day as a column; `type` is that of the feature that is cut."""

    segmentation: str
    score: str
    position: int
    type: str

    @property
    def name(self) -> str:
        return f"{OWN}cut {self.segmentation}.{self.score}.{self.position}"


@dataclass(frozen=True)
class Standing:
    """Where a member stands before the day, in an exclusive segmentation or in one of several audiences."""

    segmentation: str
    segment: str | None = None

    @property
    def segment_name(self) -> str:
        return f"{OWN}stands {self.segmentation}"

    @property
    def since_name(self) -> str:
        part = f".{self.segment}" if self.segment else ""
        return f"{OWN}since {self.segmentation}{part}"


@dataclass(frozen=True)
class EventCall:
    """`did(...)`: the events of a table that meet a condition within some days, counted a member."""

    name: str
    table: str
    condition: str
    columns: frozenset[str]
    days: int | None
    at_least: int
    at_most: int | None


@dataclass(frozen=True)
class MemberCall:
    """`any_member(...)` and its like: the members of an account that meet a condition, counted."""

    name: str
    quantifier: Literal["any", "all", "no", "count"]
    source: Literal["customers", "contacts"]
    condition: Condition
    at_least: int = 1
    at_most: int | None = None


@dataclass(frozen=True)
class AccountColumn:
    """What a company says, as a column of its customers: `sql` over what `needs` and `columns` give."""

    name: str
    sql: str
    needs: Needs
    columns: tuple[Column, ...] = ()


@dataclass(frozen=True)
class ListColumn:
    """Whether a member stands on an uploaded list."""

    segmentation: str
    segment: str

    @property
    def name(self) -> str:
        return f"{OWN}listed {self.segmentation}.{self.segment}"


@dataclass(frozen=True)
class Needs:
    """What the lowest level must hold: features, and columns joined to them."""

    features: frozenset[str] = frozenset()
    events: frozenset[EventCall] = frozenset()
    members: frozenset[MemberCall] = frozenset()
    standings: frozenset[Standing] = frozenset()
    cuts: frozenset[CutColumn] = frozenset()
    lists: frozenset[ListColumn] = frozenset()
    account: frozenset[AccountColumn] = frozenset()

    def __or__(self, other: Needs) -> Needs:
        return Needs(
            self.features | other.features,
            self.events | other.events,
            self.members | other.members,
            self.standings | other.standings,
            self.cuts | other.cuts,
            self.lists | other.lists,
            self.account | other.account,
        )


@dataclass(frozen=True)
class Part:
    """One of the terms that a condition joins with AND: its text, its SQL, and the columns it names.

    `alternatives` are the terms that it joins with OR itself; empty where it joins none.
    """

    text: str
    sql: str
    names: tuple[str, ...] = ()
    alternatives: tuple[Part, ...] = ()


@dataclass(frozen=True)
class Condition:
    """A checked condition.

    `text` is what was written, `sql` a boolean expression over features and our own columns. Those are named
    by their content, so equal SQL means equal conditions. `columns` are the own ones that are expressions
    over others themselves; `uses` names the segmentations referred to; `parts` are the terms of its ANDs.
    """

    text: str
    sql: str
    needs: Needs = field(default_factory=Needs)
    columns: tuple[Column, ...] = ()
    uses: frozenset[str] = frozenset()
    parts: tuple[Part, ...] = ()


@dataclass(frozen=True)
class Column:
    """One column of the nested SELECT and the columns, derived as it is, that its expression reads."""

    name: str
    sql: str
    needs: Needs = field(default_factory=Needs)
    reads: tuple[Column, ...] = ()


@dataclass(frozen=True)
class Cut:
    """Cut points to be computed for a day, from the values and their counts.

    `how` is `score` (position k: the worst value whose score is k + 1 or more) or `tier` (position k: the
    smallest value in the first k tiers).
    """

    name: str
    feature: str
    type: str
    how: Literal["score", "tier"]
    population: Condition
    better: Literal["high", "low"] = "high"
    bins: int = 0
    until: tuple[float, ...] = ()

    @property
    def positions(self) -> int:
        return self.bins - 1 if self.how == "score" else len(self.until)


@dataclass(frozen=True)
class Clause:
    """One condition of a segmentation: whose it is, and what it decides there."""

    segment_id: str | None
    role: Literal["when", "exit", "exclude", "population"]
    condition: Condition


@dataclass(frozen=True)
class IdList:
    """The ids of one uploaded list."""

    segment: str
    ids: tuple[str, ...]
    content: str


@dataclass(frozen=True)
class Compiled:
    """A kind's part of a segmentation: its result column, and what computes it.

    `labels` are segments in display order; `identity` is everything in it that can move a member.
    """

    result: Column
    labels: tuple[tuple[str, str, str], ...]
    identity: Any
    exclusive: bool = True
    clauses: tuple[Clause, ...] = ()
    cuts: tuple[Cut, ...] = ()
    lists: tuple[IdList, ...] = ()
    scores: tuple[tuple[str, Column], ...] = ()
    uses: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Segmentation:
    """One checked segmentation; `version` changes with anything that can move a member.

    `features` are those of its own entity; `member_features` those of customers, where an account is judged
    by its members; `uses` the segmentations it refers to; `tables` the event tables (and contacts) it reads;
    `contact_columns` what it asks of contacts, `account_features` what of the company of customers.
    """

    definition: AnyDefinition
    version: str
    compiled: Compiled
    features: frozenset[str]
    member_features: frozenset[str]
    uses: frozenset[str]
    tables: frozenset[str]
    contact_columns: frozenset[str] = frozenset()
    account_features: frozenset[str] = frozenset()

    @property
    def id(self) -> str:
        return self.definition.segmentation

    @property
    def name(self) -> str:
        return self.definition.name

    @property
    def asks_company(self) -> bool:
        """Whether customers are judged by their company: everything of it is of tables of accounts."""
        return self.entity == "customer" and "accounts" in self.tables

    @property
    def entity(self) -> Entity:
        return self.definition.entity

    @property
    def exclusive(self) -> bool:
        """Whether a member is in exactly one segment."""
        return self.compiled.exclusive

    @property
    def clauses(self) -> tuple[Clause, ...]:
        return self.compiled.clauses

    def labels(self) -> list[dict[str, Any]]:
        """Segments in display order."""
        return [
            {
                "segmentation_id": self.id,
                "segmentation_name": self.name,
                "segment_id": segment,
                "segment_name": name,
                "description": description,
                "position": position,
            }
            for position, (segment, name, description) in enumerate(self.compiled.labels, start=1)
        ]


def merged(needs: Iterable[Needs]) -> Needs:
    """All of them together."""
    total = Needs()
    for need in needs:
        total |= need
    return total


def closure(columns: Iterable[Column]) -> list[Column]:
    """The columns and all they read, each after what it reads, each once."""
    found: dict[str, Column] = {}

    def visit(column: Column) -> None:
        if column.name not in found:
            for read in column.reads:
                visit(read)
            found[column.name] = column

    for column in columns:
        visit(column)
    return list(found.values())


def levels_of(columns: Iterable[Column]) -> list[list[Column]]:
    """The columns by level: each as low as what it reads allows, the lowest level first."""
    depth: dict[str, int] = {}
    levels: list[list[Column]] = []
    for column in closure(columns):
        depth[column.name] = max((depth[read.name] + 1 for read in column.reads), default=0)
        while len(levels) <= depth[column.name]:
            levels.append([])
        levels[depth[column.name]].append(column)
    return levels
