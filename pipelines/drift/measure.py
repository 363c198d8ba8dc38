"""Measure drift: compare a day's segments and features with a baseline day, and store the verdicts.

Table `drift.verdict`: one row per check and day. The rows of a day are replaced when it is measured again.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from pipelines.config.drift import DriftLimits
from pipelines.drift.features import feature_checks
from pipelines.drift.remembered import remembered, remembered_checks
from pipelines.drift.shares import share_checks
from pipelines.drift.verdict import Judged, verdicts_on
from pipelines.engine import Engine
from pipelines.features.catalogue import Feature

TABLE = "drift.verdict"
BASES = ("recorded", "replayed")

COLUMNS = {
    "as_of_date": "date",
    "baseline_date": "date",
    "baseline_basis": "varchar",
    "measure": "varchar",
    "segmentation_id": "varchar",
    "segment_id": "varchar",
    "feature": "varchar",
    "psi": "double",
    "p_value": "double",
    "q_value": "double",
    "n_baseline": "bigint",
    "n_current": "bigint",
    "verdict": "varchar",
}


def create(engine: Engine) -> None:
    """Create `drift.verdict`, empty, where it is missing: a first day has nothing to be compared with."""
    engine.ensure(TABLE, COLUMNS)


def comparable(engine: Engine, features: Sequence[Feature], baseline: date) -> list[str]:
    """The features in which a change since the baseline says something.

    Left out: what grows by itself as time passes (tenure, lifetime sums), and windows that on the baseline
    day reached back before the first order, because those are still filling.
    """
    ((first,),) = (row.values() for row in engine.rows("select min(business_date) from core.orders"))
    days = (baseline - first).days + 1 if first else 0
    return [f.name for f in features if not f.grows and (f.window_days or 0) <= days]


def measure_drift(
    engine: Engine,
    *,
    as_of: date,
    baseline: date,
    baseline_basis: str,
    features: Sequence[str],
    limits: DriftLimits,
) -> int:
    """Judge one day against its baseline, write `drift.verdict`, and say how many checks found a change.

    Parameters
    ----------
    engine : Engine
        Holds `features.customer` and `segments.assignment`, both with rows of the two days.
    as_of, baseline : date
        The day judged and the earlier day it is compared with.
    baseline_basis : {'recorded', 'replayed'}
        Whether the baseline's rows were stored on that day or computed for it afterwards.
    features : sequence of str
        Columns of `features.customer` to check; those that are not numbers are left out. An attribute whose
        counts were kept on the baseline day is compared with them (pipelines/drift/remembered.py).
    limits : DriftLimits
        What counts as a change.

    Returns
    -------
    int
        Verdicts of 'warn' and 'alert'. 'not enough data' is no finding.

    Raises
    ------
    ValueError
        The baseline is not before the day judged, or its basis is unknown.
    ConfigError
        A feature is no column of `features.customer`.
    """
    if baseline >= as_of:
        raise ValueError(f"drift: the baseline {baseline} must lie before the day judged, {as_of}")
    if baseline_basis not in BASES:
        raise ValueError(f"drift: baseline_basis {baseline_basis!r} is none of {', '.join(BASES)}")
    checks = share_checks(engine, as_of=as_of, baseline=baseline)
    then = remembered(engine, baseline, features)
    others = [feature for feature in features if feature not in then]
    checks += feature_checks(engine, as_of=as_of, baseline=baseline, features=others, bins=limits.bins)
    checks += remembered_checks(engine, as_of=as_of, baseline=baseline, attributes=then)
    judged = verdicts_on(checks, limits)
    with engine.transaction():
        create(engine)
        engine.delete(TABLE, "as_of_date = $as_of", {"as_of": as_of})
        engine.insert(TABLE, [(as_of, baseline, baseline_basis, *_row(verdict)) for verdict in judged])
    return sum(verdict.verdict in ("warn", "alert") for verdict in judged)


def _row(judged: Judged) -> tuple[Any, ...]:
    """A verdict as the columns of `drift.verdict` behind those that say which days it is of."""
    check = judged.check
    return (
        check.measure,
        check.segmentation_id,
        check.segment_id,
        check.feature,
        judged.psi,
        judged.p_value,
        judged.q_value,
        check.n_baseline,
        check.n_current,
        judged.verdict,
    )
