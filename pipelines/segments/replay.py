"""Replay: the segments of past days, computed from what is known now, beside the record and never over it.

ROI needs the segments of the day before a campaign or month; drift needs a day four weeks ago; charts need a
past. Where such a day stands in the record, the record is used. A replayed day is computed again when rows
changed that bear on it, or when definitions or features would say something else of the same rows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING

from pipelines.core import changes
from pipelines.features.compute import has_features, keep_features
from pipelines.segments import assignment, history
from pipelines.segments.model import Segmentation
from pipelines.steps import load_step, run_step, table_exists, transaction

if TYPE_CHECKING:
    import duckdb

STATE = assignment.SCHEMA
# Tables that say nothing of customers, or only by way of the orders and owners that they change.
_UNREAD = ("customer_merges", "campaign_offers", "spend", "vat_rates")
# Tables that only accounts are made of.
_OF_ACCOUNTS = ("accounts", "contacts", "leads", "opportunities", "rates")

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


def needed_days(con: duckdb.DuckDBPyConnection, day: date, months: int) -> list[date]:
    """The past days that ROI, drift and charts need, oldest first; none before the first order."""
    row = con.execute("select min(business_date) from core.orders").fetchone()
    first = row[0] if row else None
    if first is None:
        return []
    starts = month_starts(day, months)
    campaigns = [
        found[0]
        for found in con.execute(
            "select distinct start_date from core.campaigns where start_date between ? and ?",
            [starts[0], day],
        ).fetchall()
    ]
    wanted = {start - timedelta(days=1) for start in [*starts, *campaigns]} | {four_weeks_before(day)}
    previous = history.previous_day(con, day)
    if previous is not None:
        wanted.add(previous)
    return sorted(one for one in wanted if first <= one < day)


def bring_up(
    con: duckdb.DuckDBPyConnection,
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
    inputs : changes when what is computed from the same data would (see `inputs_hash`).
    compute : fills the partition of a day in `features.customer`.
    held : segmentations that are not replayed; what a replayed day has of them stays.

    Returns
    -------
    The days that were replayed now.
    """
    con.execute(STATE)
    needed = needed_days(con, day, months)
    baseline = four_weeks_before(day)
    near = _nearest(con, baseline, inputs, segmentations)
    _forget_others(con, [*needed, day])
    replayed = []
    for past in needed:
        keep, recorded = past == baseline, history.is_recorded(con, past)
        if recorded and not keep:
            _remember(con, past, "recorded", "")
            continue
        mark = changes.newest(con)
        if _stands(con, past, inputs, segmentations, keep) and (not keep or has_features(con, past)):
            if recorded:
                _remember(con, past, "recorded", f"{inputs} {mark}")
            continue
        compute(past, near if near and near < past <= near + _CARRIED_FOR else None)
        if recorded:
            _remember(con, past, "recorded", f"{inputs} {mark}")
        else:
            _replay(con, past, segmentations, held or {}, f"{inputs} {mark}")
            replayed.append(past)
        near = max(past, near or past)
        keep_features(con, [day, baseline, near])
    keep_features(con, [day, baseline])
    assignment.make_views(con)
    return replayed


def basis_of(con: duckdb.DuckDBPyConnection, day: date) -> str | None:
    """`recorded` or `replayed`: where the assignment of a day comes from; None when there is none."""
    row = con.execute("select basis from segments.snapshot_day where as_of_date = ?", [day]).fetchone()
    return row[0] if row else None


def _nearest(
    con: duckdb.DuckDBPyConnection, baseline: date, inputs: str, segmentations: Sequence[Segmentation]
) -> date | None:
    """The last day before the baseline whose features are there and would come out the same today."""
    days = con.execute(
        "select as_of_date from segments.snapshot_day where as_of_date between ? and ? order by 1 desc",
        [baseline - _CARRIED_FOR, baseline - timedelta(days=1)],
    ).fetchall()
    for (day,) in days:
        if _stands(con, day, inputs, segmentations, keep=True) and has_features(con, day):
            return day  # type: ignore[no-any-return]
    return None


def _replay(
    con: duckdb.DuckDBPyConnection,
    past: date,
    segmentations: Sequence[Segmentation],
    held: Mapping[str, str],
    inputs: str,
) -> None:
    # A segmentation that fails on a past day has no rows of it; were it failing today, the run would tell.
    evaluated = history.evaluate_recorded(con, past, "customer", segmentations, held)
    with transaction(con):
        assignment.store_replayed(con, past, evaluated)
        run_step(con, "segments/profile_day", {"as_of": past, "as_of_date": past, "basis": "replayed"})
        _remember(con, past, "replayed", inputs)


def _stands(
    con: duckdb.DuckDBPyConnection,
    past: date,
    inputs: str,
    segmentations: Sequence[Segmentation],
    keep: bool,
) -> bool:
    """Whether a day would come out the same: same inputs, and no row changed that bears on it.

    Whose an event of an account is, and what an account's features are, is said by rows of customers and
    contacts whatever day these are of.
    """
    row = con.execute("select inputs from segments.snapshot_day where as_of_date = ?", [past]).fetchone()
    known, _, mark = (row[0] if row else "").rpartition(" ")
    if known != inputs:
        return False
    accounts = keep or any(one.entity == "customer" and one.tables & {*_OF_ACCOUNTS} for one in segmentations)
    without = _UNREAD if accounts else (*_UNREAD, *_OF_ACCOUNTS)
    undated = (*_OF_ACCOUNTS, "customers") if accounts else ()
    return not changes.since(con, int(mark), past, without=without, undated=undated)


def inputs_hash(versions: Mapping[str, str], features: str, money: str = "") -> str:
    """Changes when a definition does, how features are computed, or what amounts are worth.

    Parameters
    ----------
    versions : segmentation -> its version; of a held one that of its last good definition.
    features : the mark of the project's features (`features_mark`).
    money : the mark of its terms of money.
    """
    parts = [f"{name}:{version}" for name, version in sorted(versions.items())] + [features, money]
    parts.append(load_step("segments/profile_day").sql)
    return hashlib.sha256("|".join(parts).encode()).hexdigest()[:12]


def _remember(con: duckdb.DuckDBPyConnection, day: date, basis: str, inputs: str) -> None:
    con.execute("insert or replace into segments.snapshot_day values (?, ?, ?)", [day, basis, inputs])


def _forget_others(con: duckdb.DuckDBPyConnection, keep: Sequence[date]) -> None:
    """Drop replayed days that nothing needs any more; profiles of recorded days stay, they are history."""
    assignment.forget_replayed(con, keep)
    if table_exists(con, "segments.profile_day"):
        con.execute(
            "delete from segments.profile_day where basis = 'replayed'"
            " and as_of_date not in (select unnest($keep))",
            {"keep": list(keep)},
        )
