"""Attributes as they were known: the CRM tells how customers are today, so each day keeps its counts.

Table `drift.remembered`: of every day measured, group and numeric attribute the bins with the customers in
them. Four weeks later the day is compared with what was known on it, and not with what is known of it now.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from pipelines.drift.features import BINS, COUNTS, VALUE, numeric_features, with_missing
from pipelines.drift.verdict import Check
from pipelines.engine import Engine, Statement, load_query, quote

TABLE = "drift.remembered"
COLUMNS = {
    "as_of_date": "date",
    "segmentation_id": "varchar",
    "segment_id": "varchar",
    "feature": "varchar",
    "upper_bound": "double",
    "customers": "bigint",
}


def create(engine: Engine) -> None:
    """Create `drift.remembered`, empty, where it is missing."""
    engine.ensure(TABLE, COLUMNS)


def remember(engine: Engine, day: date, attributes: Sequence[str], *, bins: int, since: date) -> None:
    """Keep the counts of a day; those of it before, and of days before `since`, go.

    Parameters
    ----------
    day : the day that `features.customer` and `segments.assignment` have rows of.
    attributes : features that are columns of the CRM; those that are no numbers are left out.
    bins : how many equally filled bins an attribute is counted in.
    since : the earliest day that is compared with yet.
    """
    query = load_query("drift/queries/bin_to_remember")
    quantiles = ", ".join(repr(k / bins) for k in range(1, bins))
    with engine.transaction():
        create(engine)
        engine.delete(TABLE, "as_of_date >= $day or as_of_date < $since", {"day": day, "since": since})
        for name in numeric_features(engine, attributes):
            sql = query.filled(
                value=Statement(VALUE.format(feature=quote(name))),
                edges={"v0": Statement(f"quantile_disc(v0, [{quantiles}])")},
                bins={"v0": Statement(BINS.format(i=0))},
                counts={"v0": Statement(COUNTS.format(i=0))},
            )
            engine.store(TABLE, sql, "append", {"as_of": day, "feature": name}, fits=True)


def remembered(engine: Engine, day: date, features: Sequence[str]) -> list[str]:
    """Those of the features of which the day's counts are kept."""
    create(engine)
    found = engine.rows(f"select distinct feature from {TABLE} where as_of_date = $day", {"day": day})
    known = {row["feature"] for row in found}
    return [feature for feature in features if feature in known]


def remembered_checks(
    engine: Engine, *, as_of: date, baseline: date, attributes: Sequence[str]
) -> list[Check]:
    """One check an attribute and group of the baseline day; the last count is that of the missing values.

    Parameters
    ----------
    as_of : the business day at whose end everything is counted.
    baseline : the day whose counts are kept.
    attributes : the attributes that are kept of it.
    """
    query = load_query("drift/queries/counts_by_remembered")
    checks = []
    for name in numeric_features(engine, attributes):
        sql = query.filled(
            value=Statement(VALUE.format(feature=quote(name))), counts={"v0": Statement(COUNTS.format(i=0))}
        )
        found = engine.rows(sql, {"as_of": as_of, "baseline": baseline, "feature": name})
        for segmentation, segment, before, n_before, now, n_now in (row.values() for row in found):
            width = len(before or ())
            checks.append(
                Check(
                    measure="feature",
                    segmentation_id=segmentation,
                    segment_id=segment,
                    feature=name,
                    baseline=with_missing(before, n_before, width),
                    current=with_missing(now, n_now, width),
                )
            )
    return checks
