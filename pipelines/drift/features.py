"""Feature checks: has a numeric feature moved, over all customers and inside each segment?

The counting is one DuckDB statement over the rows of both days (DuckDB only: `histogram` with the bins of
the row's own group). Two scans of the rows happen in it, one for the bins and one for the counts; nothing
of the size of the customer base reaches Python.

Bins are frozen on the baseline day and belong to the group (a segment, or all customers). Bins of all
customers would not do inside a segment: the best customers all fall in the highest one, and their spend
could triple unseen.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

from pipelines.drift.verdict import Check
from pipelines.engine import Engine, Statement, load_query, quote
from pipelines.errors import ConfigError

_INTEGERS = {
    sign + size for sign in ("", "U") for size in ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")
}
_NUMERIC = {"DOUBLE", "FLOAT", "DECIMAL", "BOOLEAN"} | _INTEGERS
_PRECISION = re.compile(r"\(\d+,\d+\)")

# NaN counts as a missing value: it compares with nothing.
VALUE = "nullif({feature}::double, 'nan'::double)"
EDGES = "quantile_disc(v{i}, [{quantiles}]) filter (where as_of_date = $baseline)"
# Upper bounds of the bins. A value that fills a whole bin or more (an edge that comes twice) gets a bin of
# its own, by a second edge just below it: else a flag that was always true could turn false unseen.
BINS = """
  list_sort(list_distinct(
    coalesce(v{i}, [])
    || coalesce(list_transform(list_filter(v{i}, lambda x, k: x = v{i}[k - 1]),
                               lambda x: nextafter(x, '-inf'::double)), [])
    || ['inf'::double]
  ))"""
COUNTS = "map_values(histogram(m.v{i}, b.v{i}))"


def feature_checks(
    engine: Engine, *, as_of: date, baseline: date, features: Sequence[str], bins: int
) -> list[Check]:
    """One check a numeric feature and group: all customers, and each segment of each segmentation.

    Features of other types are left out. Membership is that of the respective day. The counts of a check
    are those of its bins, then that of the missing values.

    Parameters
    ----------
    as_of : the business day at whose end everything is counted.
    baseline : the day to compare with.
    features : names of the features to measure.
    bins : how many equally filled bins of the baseline a feature is counted in.
    """
    numeric = numeric_features(engine, features)
    if not numeric:
        return []
    counted = engine.rows(_sql(numeric, bins), {"as_of": as_of, "baseline": baseline})
    days: dict[tuple[str | None, str | None], dict[bool, tuple[Any, ...]]] = {}
    for segmentation, segment, is_current, *counts in (row.values() for row in counted):
        days.setdefault((segmentation, segment), {})[is_current] = tuple(counts)
    return [check for group, day in days.items() for check in _checks(group, day, numeric)]


def numeric_features(engine: Engine, features: Sequence[str]) -> list[str]:
    """Those of the features that are numbers, in their order; raises ConfigError on one that is not there.

    Raises
    ------
    ConfigError
        When one of the features does not exist.
    """
    types = dict(engine.columns("features.customer"))
    unknown = [feature for feature in features if feature not in types]
    if unknown:
        raise ConfigError(
            f"drift: no such feature in features.customer: {', '.join(unknown)}."
            f" It has: {', '.join(types)}. Correct the list of features, or build the features first."
        )
    return [feature for feature in features if _PRECISION.sub("", types[feature]) in _NUMERIC]


def _sql(features: Sequence[str], bins: int) -> str:
    quantiles = ", ".join(repr(k / bins) for k in range(1, bins))

    def each(template: str) -> dict[str, Statement]:
        return {
            f"v{i}": Statement(template.format(i=i, feature=quote(feature), quantiles=quantiles))
            for i, feature in enumerate(features)
        }

    return load_query("drift/queries/counts_of_group").filled(
        values=each(VALUE), edges=each(EDGES), bins=each(BINS), counts=each(COUNTS)
    )


def _checks(
    group: tuple[str | None, str | None], day: dict[bool, tuple[Any, ...]], features: Sequence[str]
) -> Iterator[Check]:
    """A group's checks; a group that one day lacks has counts of zero there."""
    n_before, *before = day.get(False, (0, *[None] * len(features)))
    n_now, *now = day.get(True, (0, *[None] * len(features)))
    for i, feature in enumerate(features):
        width = len(before[i] or now[i] or ())
        yield Check(
            measure="feature",
            segmentation_id=group[0],
            segment_id=group[1],
            feature=feature,
            baseline=with_missing(before[i], n_before, width),
            current=with_missing(now[i], n_now, width),
        )


def with_missing(counts: list[int] | None, n: int, width: int) -> tuple[int, ...]:
    """The counts and that of the missing values; DuckDB counts no bins at all where all are missing."""
    found = counts or [0] * width
    return (*found, n - sum(found))
