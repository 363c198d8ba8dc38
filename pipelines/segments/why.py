"""Why a customer changed segment: the record's events, and what the definition says of the days around.

The features of the one customer are computed again for both days, from what is known now. Where that no
longer leads to what was recorded, it is said. Call everything within `dry.undone`: the relation of features
is replaced by the customer's own.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Any, Literal

from pipelines.config.segments import Combination, Lists, Scores
from pipelines.features.recipe import Made
from pipelines.features.scoped import scoped
from pipelines.segments import cuts, history
from pipelines.segments.definitions import Definitions
from pipelines.segments.dry import drop_relation, stand_before
from pipelines.segments.model import OWN, Segmentation
from pipelines.segments.plan import LIST_TABLE, RESULT, Asked, Inspection, Plan
from pipelines.steps import bound, relation_exists, rows, table_exists

if TYPE_CHECKING:
    import duckdb

Reason = Literal[
    "first day",
    "new customer",
    "no customer any more",
    "definition edited",
    "definition unknown",
    "conditions",
    "cut points",
    "references",
    "dwell",
    "list",
    "known then",
    "not kept",
]


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
    """Where a feature was cut on both sides, and the customer's own value."""

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


@dataclass(frozen=True)
class _Event:
    """Everything that one customer did in one segmentation on one day."""

    segmentation_id: str
    day: date
    left: list[str]
    entered: list[str]
    version: str


LoadVersion = Callable[[str, str], Definitions | None]
"""The definitions among which a segmentation has a version; None where it cannot be made again."""


def survivor(con: duckdb.DuckDBPyConnection, customer: str) -> str:
    """Whom a customer was merged into; the customer, where nobody."""
    if not table_exists(con, "core.customer_id_map"):
        return customer
    row = con.execute(
        "select survivor_id from core.customer_id_map where customer_id = ?", [customer]
    ).fetchone()
    return row[0] if row else customer


def explain_changes(
    con: duckdb.DuckDBPyConnection,
    customer: str,
    start: date,
    end: date,
    made: Made,
    load: LoadVersion,
    segments: Collection[tuple[str, str]] | None = None,
) -> list[Why]:
    """Every change of a customer in `[start, end]`, the latest first, and why.

    Parameters
    ----------
    made : the project's features, bound to the warehouse.
    segments : (segmentation, segment) of which one must be left or entered; None for all.
    """
    events = _events(con, customer, start, end)
    if segments is not None:
        events = [
            one
            for one in events
            if any((one.segmentation_id, segment) in segments for segment in [*one.left, *one.entered])
        ]
    before = {one.day: history.previous_day(con, one.day) or one.day - timedelta(days=1) for one in events}
    first = con.execute("select min(as_of_date) from segments.recorded_day").fetchone()
    started = first[0] if first else None
    asked = [one for one in events if one.day != started]
    days = sorted({one.day for one in asked} | {before[one.day] for one in asked})
    _only_features_of(con, customer, made, days)
    told = _Told(con, customer, load)
    return [told.first_day(one) if one.day == started else told.why(one, before[one.day]) for one in events]


def _events(con: duckdb.DuckDBPyConnection, customer: str, start: date, end: date) -> list[_Event]:
    """What counts of the record: the last revision of each day."""
    found = rows(
        con,
        "select e.segmentation_id, e.as_of_date, e.event, e.segment_id, e.definition_version"
        " from segments.membership_event as e join (select as_of_date, max(revision) as revision"
        " from segments.recorded_day group by as_of_date) as r"
        " on r.as_of_date = e.as_of_date and r.revision = e.revision"
        " where e.entity_kind = 'customer' and e.entity_id = ? and e.as_of_date between ? and ?"
        " order by e.as_of_date desc, e.segmentation_id, e.event, e.segment_id",
        [customer, start, end],
    )
    events = []
    for (day, name), group in groupby(found, key=lambda row: (row["as_of_date"], row["segmentation_id"])):
        listed = list(group)
        events.append(
            _Event(
                name,
                day,
                [row["segment_id"] for row in listed if row["event"] == "leave"],
                [row["segment_id"] for row in listed if row["event"] == "enter"],
                listed[0]["definition_version"],
            )
        )
    return events


def _only_features_of(
    con: duckdb.DuckDBPyConnection, customer: str, made: Made, days: Sequence[date]
) -> None:
    """Make `features.customer` hold one customer on these days, computed from what is known now."""
    con.execute("create or replace table features.scope as select $id as customer_id", {"id": customer})
    drop_relation(con, "features.customer")
    with scoped(con, made.stored_sql) as stored:
        sql = made.public_sql(
            f"(select cast($as_of as date) as as_of_date, stored.* from ({stored}) as stored)"
        )
        for i, day in enumerate(days or [date(1970, 1, 1)]):
            how = "insert into features.customer by name" if i else "create table features.customer as"
            con.execute(f"{how} {sql}", bound(sql, made.bindings(day)))
    con.execute(cuts.TABLE)
    con.execute(LIST_TABLE)


class _Told:
    """Explains events of one customer; days and definitions are looked up once."""

    def __init__(self, con: duckdb.DuckDBPyConnection, customer: str, load: LoadVersion) -> None:
        self.con, self.customer, self.load = con, customer, load

    def first_day(self, event: _Event) -> Why:
        """On the first recorded day everyone enters: there was no segment before it."""
        return self._why(event, event.day, "first day")

    def why(self, event: _Event, before: date) -> Why:
        """What one change came from."""
        definitions = self.load(event.segmentation_id, event.version)
        if definitions is None:
            return self._why(
                event,
                before,
                "definition unknown",
                f"version {event.version} of the definition cannot be made again from what is kept",
            )
        segmentation = next(one for one in definitions.segmentations if one.id == event.segmentation_id)
        plan = definitions.plan("customer", {segmentation.id})
        missing = self._days_without_cuts(plan, [before, event.day])
        if missing:
            days = " and ".join(map(str, missing))
            return self._why(event, before, "not kept", f"the cut points of {days} are not kept")
        inspection = plan.inspect(segmentation)
        was, now = (self._look(plan, inspection, day) for day in (before, event.day))
        if now is None:
            if was is not None and not event.entered:
                return self._why(
                    event, before, "known then", "today's data knows no such customer on the day"
                )
            return self._why(event, before, "no customer any more")
        return self._between(event, before, segmentation, definitions, inspection, was, now)

    def _between(
        self,
        event: _Event,
        before: date,
        segmentation: Segmentation,
        definitions: Definitions,
        inspection: Inspection,
        was: dict[str, Any] | None,
        now: dict[str, Any],
    ) -> Why:
        if not _agrees(now[RESULT], event.entered, event.left):
            return self._why(
                event, before, "known then", f"today's data puts them in {_shown(now[RESULT])} on {event.day}"
            )
        if was is None:
            return self._why(event, before, "new customer")
        if not _agrees(was[RESULT], event.left, event.entered):
            edited = self._version_before(event)
            if edited is not None and edited != event.version:
                return self._why(
                    event,
                    before,
                    "definition edited",
                    f"under the version of {event.day} they would have been in {_shown(was[RESULT])}"
                    f" on {before} already",
                )
            return self._why(
                event, before, "known then", f"today's data puts them in {_shown(was[RESULT])} on {before}"
            )
        return self._by_definition(event, before, segmentation, definitions, inspection, was, now)

    def _by_definition(
        self,
        event: _Event,
        before: date,
        segmentation: Segmentation,
        definitions: Definitions,
        inspection: Inspection,
        was: dict[str, Any],
        now: dict[str, Any],
    ) -> Why:
        """Both sides are as recorded: what in the definition tells them apart."""
        named = {*event.left, *event.entered}
        flips = _flips(inspection.asked, named, was, now)
        moved = self._cut_points(segmentation, flips, before, event.day, was, now)
        if flips:
            return self._why(event, before, "conditions", flips=flips, cut_points=moved)
        if isinstance(segmentation.definition, Combination):
            return self._why(
                event, before, "references", self._references(definitions, segmentation, before, event.day)
            )
        if moved:
            return self._why(event, before, "cut points", cut_points=moved)
        if isinstance(segmentation.definition, Lists):
            return self._why(event, before, "list", "the uploaded list changed")
        return self._why(
            event, before, "dwell", "no condition changed: the least days of a segment had passed"
        )

    def _references(
        self, definitions: Definitions, segmentation: Segmentation, before: date, day: date
    ) -> str:
        """Where the customer stood in the segmentations that are combined."""
        plan = definitions.plan("customer", segmentation.uses)
        sides = []
        for one in (before, day):
            if plan.needs_standing:
                stand_before(self.con, one, self.customer)
            sides.append(rows(self.con, plan.sql, bound(plan.sql, plan.parameters(one)))[0])
        return "; ".join(
            f"{name} {sides[0][name]} -> {sides[1][name]}"
            for name in sorted(segmentation.uses)
            if sides[0][name] != sides[1][name]
        )

    def _look(self, plan: Plan, inspection: Inspection, day: date) -> dict[str, Any] | None:
        """The customer as of a day; None where there was no such customer."""
        # What the conditions read of where members stand, whether or not the result does.
        stand_before(self.con, day, self.customer)
        found = rows(self.con, inspection.sql, bound(inspection.sql, plan.parameters(day)))
        return found[0] if found else None

    def _days_without_cuts(self, plan: Plan, days: Sequence[date]) -> list[date]:
        wanted = [(one.id, cut.name) for one in plan.needed for cut in one.compiled.cuts]
        return [
            day
            for day in days
            if any(not self._points(segmentation, name, day) for segmentation, name in wanted)
        ]

    def _points(self, segmentation: str, name: str, day: date) -> list[str | None]:
        if not relation_exists(self.con, "segments.cut_point"):
            return []
        found = self.con.execute(
            "select value from segments.cut_point where segmentation_id = ? and name = ?"
            " and as_of_date = ? order by position",
            [segmentation, name, day],
        ).fetchall()
        return [row[0] for row in found]

    def _cut_points(
        self,
        segmentation: Segmentation,
        flips: Sequence[Flip],
        before: date,
        day: date,
        was: dict[str, Any],
        now: dict[str, Any],
    ) -> list[CutPoints]:
        """Of every score that a flipped condition reads; of tiers, the only ones."""
        read = {value.name for flip in flips for value in flip.values}
        found = []
        for cut in segmentation.compiled.cuts:
            if isinstance(segmentation.definition, Scores) and cut.name not in read:
                continue
            found.append(
                CutPoints(
                    segmentation.id,
                    cut.name,
                    Value(cut.feature, was.get(cut.feature), now.get(cut.feature)),
                    self._points(segmentation.id, cut.name, before),
                    self._points(segmentation.id, cut.name, day),
                )
            )
        return found

    def _version_before(self, event: _Event) -> str | None:
        """The version that the last event before the day was recorded under, whosoever's it was."""
        row = self.con.execute(
            "select definition_version from segments.membership_event where segmentation_id = ?"
            " and as_of_date < ? order by as_of_date desc, revision desc limit 1",
            [event.segmentation_id, event.day],
        ).fetchone()
        return row[0] if row else None

    def _why(self, event: _Event, before: date, reason: Reason, detail: str = "", **more: Any) -> Why:
        return Why(
            event.segmentation_id,
            event.day,
            before,
            event.left,
            event.entered,
            event.version,
            self._version_before(event),
            reason,
            detail,
            **more,
        )


def _agrees(result: Any, inside: Sequence[str], outside: Sequence[str]) -> bool:
    """Whether a result holds what it should, and nothing of what it should not."""
    held = result if isinstance(result, list) else [] if result is None else [result]
    return all(one in held for one in inside) and not any(one in held for one in outside)


def _shown(result: Any) -> str:
    if isinstance(result, list):
        return ", ".join(result) or "no segment"
    return "no segment" if result is None else str(result)


def _flips(
    asked: Sequence[Asked], named: Collection[str], was: dict[str, Any], now: dict[str, Any]
) -> list[Flip]:
    """The conditions of the segments that were left or entered which changed, as finely as they are told."""
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


def _finest(whole: Asked, asked: Sequence[Asked], was: dict[str, Any], now: dict[str, Any]) -> list[Asked]:
    """The terms of a condition that changed as it did; where terms have alternatives, those that did."""
    under = [one for one in asked if one is not whole and one.column.startswith(f"{whole.column}.")]
    like = [
        one for one in under if was[one.column] == was[whole.column] and now[one.column] == now[whole.column]
    ]
    deep = {one.part for one in like if one.alternative is not None}
    finest = [one for one in like if one.alternative is not None or one.part not in deep]
    return finest or [whole]


def _values(one: Asked, was: dict[str, Any], now: dict[str, Any]) -> list[Value]:
    """The features and scores that a condition names; what else it asks is told by its text."""
    found = []
    for name in one.reads:
        if name.startswith(f"{OWN}score "):
            found.append(Value(name.rpartition(".")[2], was[name], now[name]))
        elif not name.startswith(OWN):
            found.append(Value(name, was[name], now[name]))
    return found
