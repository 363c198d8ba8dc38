"""What is counted: bins, missing values, segments."""

import numpy as np
import pytest
from drift_base import AS_OF, BASELINE, Base

from pipelines.drift.features import feature_checks, numeric_features
from pipelines.drift.shares import share_checks
from pipelines.engine import DuckDB
from pipelines.errors import ConfigError


def counts(base: Base, *features: str, bins: int = 10) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    checks = feature_checks(DuckDB(base.con), as_of=AS_OF, baseline=BASELINE, features=features, bins=bins)
    return [(check.baseline, check.current) for check in checks]


def test_bins_are_the_deciles_of_the_baseline_and_stay_frozen(base: Base) -> None:
    base.day(BASELINE, {"spend": np.arange(1.0, 101.0)})
    base.day(AS_OF, {"spend": np.arange(1.0, 101.0) + 50})
    assert counts(base, "spend") == [((10,) * 10 + (0,), (0,) * 5 + (10,) * 4 + (60, 0))]


def test_a_value_that_fills_whole_bins_gets_one_of_its_own(base: Base) -> None:
    base.day(BASELINE, {"orders": [0] * 5 + [1, 2, 3, 4, 5]})
    base.day(AS_OF, {"orders": [-1] * 2 + [0] * 3 + [1, 2, 3, 4, 9]})
    # below 0, 0, 1, 2, 3, 4, above, missing
    assert counts(base, "orders") == [((0, 5, 1, 1, 1, 1, 1, 0), (2, 3, 1, 1, 1, 1, 1, 0))]


def test_missing_values_and_nan_have_a_bin(base: Base) -> None:
    base.day(BASELINE, {"spend": [1.0, 2.0, 3.0, 4.0]})
    base.day(AS_OF, {"spend": [1.0, None, float("nan"), float("inf")]})
    assert counts(base, "spend", bins=2) == [((2, 2, 0), (1, 1, 2))]


def test_a_feature_missing_altogether_on_one_day_is_counted_as_missing(base: Base) -> None:
    nothing = np.full(4, np.nan)
    base.day(BASELINE, {"new": nothing, "gone": np.ones(4), "never": nothing})
    base.day(AS_OF, {"new": np.ones(4), "gone": nothing, "never": nothing})
    assert counts(base, "new", "gone", "never") == [
        ((0, 4), (4, 0)),
        ((0, 4, 0, 0), (0, 0, 0, 4)),
        ((4,), (4,)),
    ]


def test_bins_inside_a_segment_are_those_of_the_segment(base: Base) -> None:
    segments = {"value": ["low"] * 100 + ["high"] * 100}
    base.day(BASELINE, {"spend": np.arange(200.0)}, segments)
    base.day(AS_OF, {"spend": np.arange(200.0)}, segments)
    everyone, high, low = counts(base, "spend")
    assert everyone[0] == (20,) * 10 + (0,)
    assert high[0] == low[0] == (10,) * 10 + (0,)


def test_membership_is_that_of_the_day(base: Base) -> None:
    base.day(BASELINE, {"spend": [1.0, 1.0, 1.0]}, {"value": ["a", "a", "b"]})
    base.day(AS_OF, {"spend": [1.0, 1.0, 1.0]}, {"value": ["a", "b", "b"]})
    totals = [(sum(before), sum(now)) for before, now in counts(base, "spend")]
    assert totals == [(3, 3), (2, 1), (1, 2)]


def test_shares_are_counted_per_segmentation_over_the_segments_of_either_day(base: Base) -> None:
    base.day(BASELINE, {"spend": [1.0] * 4}, {"rfm": ["a", "a", "b", "c"], "life": ["new"] * 4})
    base.day(AS_OF, {"spend": [1.0] * 4}, {"rfm": ["a", "b", "b", "d"], "life": ["new"] * 4})
    checks = share_checks(DuckDB(base.con), as_of=AS_OF, baseline=BASELINE)
    assert [(check.segmentation_id, check.baseline, check.current) for check in checks] == [
        ("life", (4,), (4,)),
        ("rfm", (2, 1, 1, 0), (1, 2, 0, 1)),
    ]


def test_other_days_are_not_counted(base: Base) -> None:
    for month in (3, 4, 5, 6, 7):
        base.day(AS_OF.replace(month=month), {"spend": [1.0, 2.0]}, {"rfm": ["a", "b"]})
    base.con.execute(
        "insert into segments.assignment values ('2024-03-01', 'retired', 'a', 'customer', 'C1')"
    )
    assert [(sum(before), sum(now)) for before, now in counts(base, "spend")] == [(2, 2), (1, 1), (1, 1)]
    (share,) = share_checks(DuckDB(base.con), as_of=AS_OF, baseline=BASELINE)
    assert (share.baseline, share.current) == ((1, 1), (1, 1))


def test_any_name_of_a_feature_is_only_a_name(base: Base) -> None:
    name = 'sp"end {i} $as_of; --'
    base.day(BASELINE, {name: [1.0, 2.0]})
    base.day(AS_OF, {name: [1.0, 2.0]})
    assert counts(base, name, bins=2) == [((1, 1, 0), (1, 1, 0))]


def test_numbers_of_every_type_are_checked_and_texts_and_dates_are_not(base: Base) -> None:
    base.con.execute(
        "create table features.customer as select date '2024-05-01' as as_of_date, 'C1' as customer_id,"
        " 1::decimal(18, 2) as money, 1::bigint as orders, true as consent, 1::real as share,"
        " 1::uhugeint as huge, 'gold' as tier, date '2024-01-01' as first_date, [1.5] as list"
    )
    features = ["tier", "money", "orders", "consent", "share", "huge", "first_date", "list"]
    assert numeric_features(DuckDB(base.con), features) == ["money", "orders", "consent", "share", "huge"]


def test_a_feature_that_is_not_there_is_named(base: Base) -> None:
    base.day(BASELINE, {"spend": [1.0]})
    with pytest.raises(ConfigError, match=r"no such feature in features.customer: spent\. It has: .*spend"):
        counts(base, "spent")
