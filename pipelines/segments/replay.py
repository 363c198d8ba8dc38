"""Replay: the segments of past days, computed from what is known now, beside the record and never over it.

ROI needs the segments of the day before a campaign or month; drift needs a day four weeks ago; charts need a
past. Where such a day stands in the record, the record is used. A replayed day is computed again when rows
changed that bear on it, or when definitions or features would say something else of the same rows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date, timedelta

from pipelines.contracts.bearing import made_of
from pipelines.contracts.registry import CONTRACTS
from pipelines.core import changes
from pipelines.engine import Engine, load_step, value
from pipelines.errors import InvariantError
from pipelines.features.compute import has_features, keep_features
from pipelines.segments import assignment, recorded
from pipelines.segments.evaluate import evaluate_all
from pipelines.segments.model import Segmentation

PROFILES = "segments/profile_day"
# Fills the features of a day; those of an earlier day that stand, if one is given, are carried on.
ComputeFeatures = Callable[[date, date | None], object]
# Over more than a weekend so many buy, or buy no more, that computing everyone is as fast.
_CARRIED_FOR = timedelta(days=3)


def four_weeks_before(day: date) -> date:
    """The day that drift is measured against: a month back, and the same weekday.

    Customers shop by the week, so the same date of another month would find a shift between, say, a Thursday
    and a Saturday every time it looked.
    """
    return day - timedelta(weeks=4)


def month_starts(day: date, months: int) -> list[date]:
    """First days of the last `months` months, the running one included, oldest first."""
    found = [day.replace(day=1)]
    while len(found) < months:
        found.append((found[-1] - timedelta(days=1)).replace(day=1))
    return found[::-1]


def needed_days(engine: Engine, day: date, months: int) -> list[date]:
    """The past days that ROI, drift and charts need, oldest first; none before the first order."""
    first = value(engine, "select min(business_date) from core.orders")
    if first is None:
        return []
    starts = month_starts(day, months)
    campaigns = [
        row["start_date"]
        for row in engine.rows(
            "select distinct start_date from core.campaigns where start_date between $first and $last",
            {"first": starts[0], "last": day},
        )
    ]
    wanted = {start - timedelta(days=1) for start in [*starts, *campaigns]} | {four_weeks_before(day)}
    previous = recorded.previous_day(engine, day)
    if previous is not None:
        wanted.add(previous)
    return sorted(past_day for past_day in wanted if first <= past_day < day)


def bring_up(
    engine: Engine,
    day: date,
    segmentations: Sequence[Segmentation],
    months: int,
    inputs: str,
    compute: ComputeFeatures,
    held: Mapping[str, str] | None = None,
) -> list[date]:
    """Make the assignment and profile of every needed past day stand, and only those.

    Of a recorded day nothing is computed: its assignment is a view over the record. The features of a day
    near an earlier one that stands are carried on from it, so that the baseline, which moves on by a day each
    day, costs what happened on one.

    Parameters
    ----------
    months : how many months of history are needed.
    inputs : changes when what is computed from the same data would (see `inputs_hash`).
    compute : fills the partition of a day in `features.customer`.
    held : segmentations that are not replayed; what a replayed day has of them stays.

    Returns
    -------
    The days that were replayed now.

    Raises
    ------
    InvariantError
        When a past day gives other members than its features have; nothing of that day remains.
    """
    assignment.ensure(engine)
    needed = needed_days(engine, day, months)
    baseline = four_weeks_before(day)
    near = _nearest(engine, baseline, inputs, segmentations)
    _forget_others(engine, [*needed, day])
    known, marked = recorded.recorded_among(engine, needed), f"{inputs} {changes.newest(engine)}"
    standing = _standing(engine, set(needed) - {baseline}, inputs, segmentations)
    standing |= _with_features(engine, {baseline}.intersection(needed), inputs, segmentations)
    replayed = []
    for past in needed:
        kept = past == baseline or past not in known
        if kept and past not in standing:
            compute(past, near if near and near < past <= near + _CARRIED_FOR else None)
            if past not in known:
                _replay(engine, past, segmentations, held or {}, marked)
                replayed.append(past)
            near = max(past, near or past)
            keep_features(engine, [day, baseline, near])
        if past in known:
            assignment.remember(engine, past, "recorded", marked if kept else "")
    keep_features(engine, [day, baseline])
    assignment.make_view(engine)
    return replayed


def missing_days(engine: Engine, day: date, months: int) -> list[date]:
    """The past days that a day needs and that do not stand; none after `bring_up`."""
    return [past for past in needed_days(engine, day, months) if basis_of(engine, past) is None]


def basis_of(engine: Engine, day: date) -> str | None:
    """`recorded` or `replayed`: where the assignment of a day comes from; None when there is none."""
    found: str | None = value(
        engine, f"select basis from {assignment.SNAPSHOT_DAY} where as_of_date = $day", {"day": day}
    )
    return found


def _nearest(
    engine: Engine, baseline: date, inputs: str, segmentations: Sequence[Segmentation]
) -> date | None:
    """The last day before the baseline whose features are there and would come out the same today."""
    before = {baseline - timedelta(days=days) for days in range(1, _CARRIED_FOR.days + 1)}
    return max(_with_features(engine, before, inputs, segmentations), default=None)


def _replay(
    engine: Engine,
    past: date,
    segmentations: Sequence[Segmentation],
    held: Mapping[str, str],
    inputs: str,
) -> None:
    # A segmentation that fails on a past day has no rows of it; were it failing today, the run would tell.
    try:
        found = evaluate_all(engine, past, segmentations, held)
    except InvariantError:
        _forget(engine, past)
        raise
    step = load_step(PROFILES)
    with engine.transaction():
        assignment.store_replayed(engine, past, found)
        of_day = {"as_of": past, "as_of_date": past, "basis": "replayed"}
        engine.store(step.table, step.sql, step.store, of_day)
        assignment.remember(engine, past, "replayed", inputs)


def _with_features(
    engine: Engine, days: Collection[date], inputs: str, segmentations: Sequence[Segmentation]
) -> set[date]:
    """Those of some days that would come out the same and whose features are there too."""
    standing = _standing(engine, days, inputs, segmentations, with_accounts=True)
    return {day for day in standing if has_features(engine, day)}


def _standing(
    engine: Engine,
    days: Collection[date],
    inputs: str,
    segmentations: Sequence[Segmentation],
    with_accounts: bool = False,
) -> set[date]:
    """Those of some days that would come out the same: same inputs, and no row changed that bears on them."""
    found = engine.rows(
        f"select as_of_date, inputs from {assignment.SNAPSHOT_DAY}"
        " where as_of_date in (select unnest($days::date[]))",
        {"days": list(days)},
    )
    told = {row["as_of_date"]: row["inputs"].rpartition(" ") for row in found}
    marks = {day: int(mark) for day, (made_by, _, mark) in told.items() if made_by == inputs}
    of_accounts = {*made_of("account")} - {*made_of("customer")}
    accounts = with_accounts or any(
        segmentation.entity == "account" or segmentation.tables & of_accounts
        for segmentation in segmentations
    )
    without = CONTRACTS.keys() - {*made_of("account" if accounts else "customer")}
    return marks.keys() - changes.since(engine, marks, without=without)


def inputs_hash(versions: Mapping[str, str], features: str, money: str = "") -> str:
    """Changes when a definition does, how features are computed, or what amounts are worth.

    Parameters
    ----------
    versions : segmentation -> its version; of a held one that of its last good definition.
    features : the mark of the project's features (`features_mark`).
    money : the mark of its terms of money.
    """
    parts = [f"{name}:{version}" for name, version in sorted(versions.items())] + [features, money]
    parts.append(load_step(PROFILES).sql)
    return hashlib.sha256("|".join(parts).encode()).hexdigest()[:12]


def _forget(engine: Engine, past: date) -> None:
    """Drop a replayed day that cannot be computed again: what stands of it was computed from other rows."""
    with engine.transaction():
        for table in assignment.SCHEMA:
            engine.delete(table, "as_of_date = $day", {"day": past})
        if engine.columns("segments.profile_day"):
            engine.delete("segments.profile_day", "basis = 'replayed' and as_of_date = $day", {"day": past})
        assignment.make_view(engine)


def _forget_others(engine: Engine, keep: Sequence[date]) -> None:
    """Drop replayed days that nothing needs any more; profiles of recorded days stay, they are history."""
    assignment.forget_replayed(engine, keep)
    if engine.columns("segments.profile_day"):
        engine.delete(
            "segments.profile_day",
            "basis = 'replayed' and as_of_date not in (select unnest($keep))",
            {"keep": list(keep)},
        )
