"""Play past days: who would have been in a segmentation, under today's definition or another one.

Features are computed day by day and the segmentation is evaluated, in a database of its own that is thrown
away (see scratch_database.py). The record is read for comparison and never touched.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import Literal

from pipelines.engine import Engine
from pipelines.errors import ConfigError, UsageError
from pipelines.segments import assignment, standing
from pipelines.segments.definitions import ENTITIES
from pipelines.segments.evaluate import evaluate
from pipelines.segments.model import Segmentation
from pipelines.segments.plan import Plan

Every = Literal["day", "week", "month"]
PLAYED = "segments.played"
COLUMNS = {
    "as_of_date": "date",
    "segmentation_id": "varchar",
    "segment_id": "varchar",
    "entity_id": "varchar",
}
ComputeFeatures = Callable[[date], object]


def days_between(first: date, last: date, every: Every) -> list[date]:
    """Each day, each seventh from the first on, or the last day of each month.

    Raises
    ------
    UsageError
        When there is no such day.
    """
    every_day = [first + timedelta(days=i) for i in range((last - first).days + 1)]
    if every == "week":
        found = every_day[::7]
    elif every == "month":
        found = [day for day in every_day if (day + timedelta(days=1)).day == 1]
    else:
        found = every_day
    if not found:
        raise UsageError(f"no {every} between {first} and {last}; expected --from before --to")
    return found


def features_read(segmentation: Segmentation, everything: Sequence[Segmentation]) -> frozenset[str] | None:
    """The features that playing a segmentation reads; None for all, where accounts are looked at."""
    needed = Plan(segmentation.entity, (segmentation,), tuple(everything)).needed
    if any(found.entity != "customer" or found.asks_company for found in needed):
        return None
    return frozenset().union(*(segmentation.features for segmentation in needed))


def play(
    engine: Engine,
    days: Sequence[date],
    segmentation: Segmentation,
    everything: Sequence[Segmentation],
    compute: ComputeFeatures,
    progress: Callable[[date], object] = str,
) -> None:
    """Fill `segments.played` with the members of a segmentation on these days.

    To be called within `scratch_database.beside`. Where a definition asks where members stood (`exit`,
    `dwell_days`), every day between is played too, and nobody stands anywhere before the first.

    Parameters
    ----------
    days : the days, in order.
    everything : all segmentations of the project, for what the ones in question refer to.
    compute : computes the features of a day.
    progress : told of each day before it is computed.

    Raises
    ------
    ConfigError
        When the segmentation cannot be evaluated on one of the days.
    """
    plan = Plan(segmentation.entity, (segmentation,), tuple(everything))
    # Customers are judged for themselves only where an account depends on where they stood.
    of = ENTITIES if plan.needs_standing else (segmentation.entity,)
    needed = {
        entity: [segmentation for segmentation in plan.needed if segmentation.entity == entity]
        for entity in of
    }
    played = days_between(days[0], days[-1], "day") if plan.needs_standing else days
    wanted = set(days)
    for day in played:
        progress(day)
        compute(day)
        tables, held = {}, dict[str, str]()
        for entity in of:
            evaluated = evaluate(engine, day, entity, plan.needed, held)
            tables[entity], held = evaluated.table, held | dict(evaluated.held)
        if segmentation.id in held:
            raise ConfigError(f"{segmentation.id}: {held[segmentation.id]}")
        if plan.needs_standing:
            places = [assignment.places(tables[entity], found) for entity in of for found in needed[entity]]
            standing.stand_on(engine, day, " union all ".join(places))
        if day in wanted:
            members = assignment.places(tables[segmentation.entity], segmentation)
            dated = f"select cast($day as date) as as_of_date, * from ({members})"
            engine.store(PLAYED, dated, "append", {"day": day}, fits=True)
