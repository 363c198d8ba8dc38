"""What every change of a member came from, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from pipelines.config.segments import Combination, Lists, Scores
from pipelines.engine import DuckDB
from pipelines.features.recipe import Recipe
from pipelines.segments import cuts, recorded
from pipelines.segments.definitions import Definitions
from pipelines.segments.model import Segmentation
from pipelines.segments.plan import RESULT, Inspection, Plan
from pipelines.segments.standing import stand_before
from pipelines.segments.unrecorded_cuts import take_back
from pipelines.segments.versions import InForce, in_force
from pipelines.segments.why.alone import companies_of, compute_alone, customers_of
from pipelines.segments.why.flips import flips
from pipelines.segments.why.model import GONE, NEW, CutPoints, Flip, Reason, Value, Who, Why
from pipelines.segments.why.record import Event, events_of

if TYPE_CHECKING:
    import duckdb

LoadVersion = Callable[[str, str, date], Definitions | None]
"""The definitions of a day, among which a segmentation has a version; None where it cannot be made again."""


def explain_changes(
    con: duckdb.DuckDBPyConnection,
    who: Who,
    start: date,
    end: date,
    recipe: Recipe,
    load: LoadVersion,
    segments: Collection[tuple[str, str]] | None = None,
) -> list[Why]:
    """Every change of a customer or account in `[start, end]`, the latest first, and why.

    Parameters
    ----------
    who : the customer or account.
    start : the first day.
    end : the last day.
    load : loads a version of a definition, against the features of then.
    recipe : what the project's features are made by.
    segments : (segmentation, segment) of which one must be left or entered; None for all.
    """
    take_back(DuckDB(con))
    events = events_of(con, who, start, end)
    if segments is not None:
        events = [
            event
            for event in events
            if any((event.segmentation_id, segment) in segments for segment in [*event.left, *event.entered])
        ]
    before = {
        event.day: recorded.previous_day(DuckDB(con), event.day) or event.day - timedelta(days=1)
        for event in events
    }
    first = con.execute("select min(as_of_date) from segments.recorded_day").fetchone()
    started = first[0] if first else None
    asked = [event for event in events if event.day != started]
    days = sorted({change.day for change in asked} | {before[change.day] for change in asked})
    compute_alone(con, who, recipe, days)
    told = _Told(con, who, load)
    return [
        told.first_day(event) if event.day == started else told.why(event, before[event.day])
        for event in events
    ]


class _Told:
    """Explains events of one member; days and definitions are looked up once."""

    def __init__(self, con: duckdb.DuckDBPyConnection, who: Who, load: LoadVersion) -> None:
        self.con, self.who, self.load = con, who, load
        self.engine = DuckDB(con)
        # Where an account's customers stood counts for it as well, and for a customer where the company did.
        self.ids = {who.id, *customers_of(con, who), *companies_of(con, who)}
        self.in_force: dict[date, dict[str, InForce]] = {}

    def first_day(self, event: Event) -> Why:
        """On the first recorded day everyone enters: there was no segment before it."""
        return self._why(event, event.day, "first day")

    def why(self, event: Event, before: date) -> Why:
        """What one change came from."""
        if self._removed(event):
            return self._why(event, before, "definition removed", "the segmentation was taken out")
        definitions = self.load(event.segmentation_id, event.version, event.day)
        if definitions is None:
            return self._why(
                event,
                before,
                "definition unknown",
                f"version {event.version} of the definition cannot be made again from what is kept",
            )
        segmentation = next(
            segmentation
            for segmentation in definitions.segmentations
            if segmentation.id == event.segmentation_id
        )
        plan = definitions.plan(self.who.entity, {segmentation.id})
        missing = self._days_without_cuts(plan, [before, event.day])
        if missing:
            days = " and ".join(map(str, missing))
            return self._why(event, before, "not kept", f"the cut points of {days} are not kept")
        inspection = plan.inspect(segmentation)
        was, now = (self._look(inspection, day) for day in (before, event.day))
        if now is None:
            return self._why(event, before, GONE[self.who.entity])
        return self._between(event, before, segmentation, definitions, inspection, was, now)

    def _between(
        self,
        event: Event,
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
            return self._why(event, before, NEW[self.who.entity])
        if not _agrees(was[RESULT], event.left, event.entered):
            edited = self._version_on(event.segmentation_id, before)
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
        event: Event,
        before: date,
        segmentation: Segmentation,
        definitions: Definitions,
        inspection: Inspection,
        was: dict[str, Any],
        now: dict[str, Any],
    ) -> Why:
        """Both sides are as recorded: what in the definition tells them apart."""
        named = {*event.left, *event.entered}
        flipped = flips(inspection.asked, named, was, now)
        moved = self._cut_points(segmentation, flipped, before, event.day, was, now)
        if flipped:
            return self._why(event, before, "conditions", flips=flipped, cut_points=moved)
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
        """Where the member stood in the segmentations that are combined."""
        plan = definitions.plan(self.who.entity, segmentation.uses)
        sides = []
        for at_day in (before, day):
            if plan.needs_standing:
                stand_before(self.engine, at_day, self.ids)
            sides.append(self.engine.rows(plan.sql, plan.parameters(at_day))[0])
        return "; ".join(
            f"{name} {sides[0][name]} -> {sides[1][name]}"
            for name in sorted(segmentation.uses)
            if sides[0][name] != sides[1][name]
        )

    def _look(self, inspection: Inspection, day: date) -> dict[str, Any] | None:
        """The member as of a day; None where there was no such member."""
        # What the conditions read of where members stand, whether or not the result does.
        stand_before(self.engine, day, self.ids)
        found = self.engine.rows(inspection.sql, inspection.parameters(day))
        return found[0] if found else None

    def _days_without_cuts(self, plan: Plan, days: Sequence[date]) -> list[date]:
        wanted = [
            (segmentation.id, cut.name) for segmentation in plan.needed for cut in segmentation.compiled.cuts
        ]
        return [
            day
            for day in days
            if any(not self._points(segmentation, name, day) for segmentation, name in wanted)
        ]

    def _points(self, segmentation: str, name: str, day: date) -> list[str | None]:
        return cuts.computed(self.engine, day, segmentation).get(name, [])

    def _cut_points(
        self,
        segmentation: Segmentation,
        flipped: Sequence[Flip],
        before: date,
        day: date,
        was: dict[str, Any],
        now: dict[str, Any],
    ) -> list[CutPoints]:
        """Of every score that a flipped condition reads; of tiers, the only ones."""
        read = {value.name for flip in flipped for value in flip.values}
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

    def _in_force(self, day: date) -> dict[str, InForce]:
        if day not in self.in_force:
            self.in_force[day] = in_force(self.con, day)
        return self.in_force[day]

    def _removed(self, event: Event) -> bool:
        """Whether the segmentation was taken out by the day; of days before this was kept, it was not."""
        here = self._in_force(event.day)
        return bool(here) and event.segmentation_id not in here

    def _version_on(self, segmentation: str, day: date) -> str | None:
        """The version in force at the end of a recorded day."""
        found = self._in_force(day).get(segmentation)
        return found.version if found else None

    def _why(self, event: Event, before: date, reason: Reason, detail: str = "", **more: Any) -> Why:
        return Why(
            event.segmentation_id,
            event.day,
            before,
            event.left,
            event.entered,
            event.version,
            self._version_on(event.segmentation_id, before) if before < event.day else None,
            reason,
            detail,
            **more,
        )


def _agrees(result: Any, inside: Sequence[str], outside: Sequence[str]) -> bool:
    """Whether a result holds what it should, and nothing of what it should not."""
    held = result if isinstance(result, list) else [] if result is None else [result]
    return all(segment in held for segment in inside) and not any(segment in held for segment in outside)


def _shown(result: Any) -> str:
    if isinstance(result, list):
        return ", ".join(result) or "no segment"
    return "no segment" if result is None else str(result)
