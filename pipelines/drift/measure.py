"""Measure drift: compare a day's segments and features with a baseline day, and store the verdicts.

Table `drift.verdict`: one row per check and day. The rows of a day are replaced when it is measured again.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from pipelines.config.drift import DriftLimits
from pipelines.drift.features import feature_checks
from pipelines.drift.shares import share_checks
from pipelines.drift.verdict import Judged, judge
from pipelines.engine import parameters_in, store_select
from pipelines.features.catalogue import Feature

if TYPE_CHECKING:
    import duckdb

TABLE = "drift.verdict"
BASES = ("recorded", "replayed")

_ROWS = """
select
  $as_of_date::date as as_of_date,
  $baseline_date::date as baseline_date,
  $baseline_basis::varchar as baseline_basis,
  unnest($measure::varchar[]) as measure,
  unnest($segmentation_id::varchar[]) as segmentation_id,
  unnest($segment_id::varchar[]) as segment_id,
  unnest($feature::varchar[]) as feature,
  unnest($psi::double[]) as psi,
  unnest($p_value::double[]) as p_value,
  unnest($q_value::double[]) as q_value,
  unnest($n_baseline::bigint[]) as n_baseline,
  unnest($n_current::bigint[]) as n_current,
  unnest($verdict::varchar[]) as verdict
"""


def create(con: duckdb.DuckDBPyConnection) -> None:
    """Create `drift.verdict`, empty, where it is missing: a first day has nothing to be compared with."""
    con.execute("create schema if not exists drift")
    nothing = {"as_of_date": None, "baseline_date": None, "baseline_basis": None}
    empty: dict[str, Any] = {name: [] for name in parameters_in(_ROWS)}
    con.execute(f"create table if not exists {TABLE} as {_ROWS}", empty | nothing)


def comparable(con: duckdb.DuckDBPyConnection, features: Sequence[Feature], baseline: date) -> list[str]:
    """The features in which a change since the baseline says something.

    Left out: what grows by itself as time passes (tenure, lifetime sums), and windows that on the baseline
    day reached back before the first order, because those are still filling.
    """
    row = con.execute("select min(business_date) from core.orders").fetchone()
    first = row[0] if row else None
    days = (baseline - first).days + 1 if first else 0
    return [f.name for f in features if not f.grows and (f.window_days or 0) <= days]


def measure_drift(
    con: duckdb.DuckDBPyConnection,
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
    con : DuckDBPyConnection
        Holds `features.customer` and `segments.assignment`, both with rows of the two days.
    as_of, baseline : date
        The day judged and the earlier day it is compared with.
    baseline_basis : {'recorded', 'replayed'}
        Whether the baseline's rows were stored on that day or computed for it afterwards.
    features : sequence of str
        Columns of `features.customer` to check; those that are not numbers are left out.
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
    checks = share_checks(con, as_of=as_of, baseline=baseline)
    checks += feature_checks(con, as_of=as_of, baseline=baseline, features=features, bins=limits.bins)
    judged = judge(checks, limits)
    about = {"as_of_date": as_of, "baseline_date": baseline, "baseline_basis": baseline_basis}
    store_select(con, TABLE, _ROWS, "partition as_of_date", about | _columns(judged))
    return sum(one.verdict in ("warn", "alert") for one in judged)


def _columns(judged: Sequence[Judged]) -> dict[str, list[Any]]:
    """The verdicts as one list a column: bound at once, not row by row."""
    of_check = ("measure", "segmentation_id", "segment_id", "feature", "n_baseline", "n_current")
    of_verdict = ("psi", "p_value", "q_value", "verdict")
    return {name: [getattr(one.check, name) for one in judged] for name in of_check} | {
        name: [getattr(one, name) for one in judged] for name in of_verdict
    }
