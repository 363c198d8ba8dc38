"""What is found, what is not, and how it is stored."""

import numpy as np
import pytest
from drift_base import AS_OF, BASELINE, Base

from pipelines.config.drift import DriftLimits
from pipelines.drift.measure import measure_drift
from pipelines.drift.summary import summary
from pipelines.engine import DuckDB

N = 1_000


def spend(seed: int, n: int = N, spread: float = 0.6) -> np.ndarray:
    return np.random.default_rng(seed).lognormal(3, spread, n)


def many(seed: int, factor: float = 1.0) -> dict[str, np.ndarray]:
    """200 features: as many draws of the same experiment, measured in one run."""
    return {f"draw_{i}": factor * spend(seed + i) for i in range(200)}


def test_a_base_that_does_not_change_gives_no_finding(base: Base) -> None:
    base.day(BASELINE, many(0))
    base.day(AS_OF, many(1_000))
    assert base.measure(*many(0)) == 0
    assert sum(row["p_value"] < 0.05 for row in base.verdicts()) == pytest.approx(10, abs=10)


def test_false_alarms_are_held_back_by_certainty_not_by_size_alone(base: Base) -> None:
    segments = {"rfm": ["a"] * 200 + ["b"] * (N - 200)}
    base.day(BASELINE, many(0), segments)
    base.day(AS_OF, many(1_000), segments)
    assert base.measure(*many(0)) == 0
    assert len(base.verdicts("segment_id = 'a' and psi >= .1")) > 50


def test_a_spend_risen_by_a_factor_of_2_7_is_an_alert(base: Base) -> None:
    base.day(BASELINE, {"spend": spend(1, spread=1.2)})
    base.day(AS_OF, {"spend": 2.7 * spend(2, spread=1.2)})
    assert base.measure("spend") == 1
    assert base.verdict("feature = 'spend'")["verdict"] == "alert"


def test_a_spend_fallen_by_a_fifth_is_mostly_found(base: Base) -> None:
    base.day(BASELINE, many(0))
    base.day(AS_OF, many(1_000, factor=0.8))
    assert base.measure(*many(0)) > 0.8 * 200


def test_a_rise_among_the_best_customers_alone_is_found_in_their_segment(base: Base) -> None:
    segments = {"value": ["best"] * 500 + ["other"] * 9_500}
    before, now = spend(1, 10_000), spend(2, 10_000)
    before[:500] *= 50
    now[:500] *= 50 * 2.7
    base.day(BASELINE, {"spend": before}, segments)
    base.day(AS_OF, {"spend": now}, segments)
    assert base.measure("spend") == 1
    assert base.verdict("segment_id = 'best'")["verdict"] == "alert"


@pytest.mark.parametrize(("before", "now"), [(True, False), (False, True)])
def test_a_flag_that_flips_for_everyone_is_an_alert(base: Base, before: bool, now: bool) -> None:
    base.day(BASELINE, {"consent": [before] * N})
    base.day(AS_OF, {"consent": [now] * N})
    assert base.measure("consent") == 1
    assert base.verdict("true")["verdict"] == "alert"


def test_a_feature_with_one_value_is_ok_as_long_as_it_keeps_it(base: Base) -> None:
    base.day(BASELINE, {"constant": [5.0] * N})
    base.day(AS_OF, {"constant": [5.0] * N})
    assert base.measure("constant") == 0
    found = base.verdict("feature = 'constant'")
    assert (found["psi"], found["p_value"], found["verdict"]) == (0.0, 1.0, "ok")


def test_values_that_go_missing_are_an_alert(base: Base) -> None:
    gaps = spend(2)
    gaps[: N // 2] = np.nan
    base.day(BASELINE, {"spend": spend(1)})
    base.day(AS_OF, {"spend": gaps})
    assert base.measure("spend") == 1
    assert base.verdict("feature = 'spend'")["n_current"] == N


def test_customers_moving_between_segments_are_found_as_a_change_of_shares(base: Base) -> None:
    base.day(BASELINE, {"spend": spend(1)}, {"rfm": ["a"] * 500 + ["b"] * 500})
    base.day(AS_OF, {"spend": spend(1)}, {"rfm": ["a"] * 800 + ["b"] * 200})
    base.measure()
    found = base.verdict("measure = 'share'")
    assert (found["segmentation_id"], found["segment_id"], found["feature"]) == ("rfm", None, None)
    assert found["psi"] == pytest.approx(0.3 * np.log(0.8 / 0.5) + 0.3 * np.log(0.5 / 0.2), rel=0.01)
    assert found["verdict"] == "alert"


def test_fewer_than_200_customers_are_not_enough_data(base: Base) -> None:
    segments = {"rfm": ["small"] * 199 + ["large"] * 801}
    base.day(BASELINE, {"spend": spend(1)}, segments)
    base.day(AS_OF, {"spend": 9 * spend(2)}, segments)
    base.measure("spend")
    small = base.verdict("segment_id = 'small'")
    assert (small["n_baseline"], small["q_value"], small["verdict"]) == (199, None, "not enough data")
    assert base.verdict("segment_id = 'large'")["verdict"] == "alert"


def test_a_segment_that_one_day_lacks_has_no_index_for_its_features(base: Base) -> None:
    base.day(BASELINE, {"spend": spend(1)}, {"rfm": ["old"] * N})
    base.day(AS_OF, {"spend": spend(2)}, {"rfm": ["new"] * N})
    assert base.measure("spend") == 1
    assert [
        (row["segment_id"], row["psi"], row["n_baseline"], row["n_current"], row["verdict"])
        for row in base.verdicts("segment_id is not null")
    ] == [("new", None, 0, N, "not enough data"), ("old", None, N, 0, "not enough data")]
    assert base.verdict("measure = 'share'")["verdict"] == "alert"


def test_a_baseline_without_rows_is_not_enough_data(base: Base) -> None:
    base.day(AS_OF, {"spend": spend(1)}, {"rfm": ["a"] * N})
    assert base.measure("spend") == 0
    assert {row["verdict"] for row in base.verdicts()} == {"not enough data"}


def test_q_values_are_taken_over_all_checks_of_the_run(base: Base) -> None:
    segments = {"rfm": ["a"] * 500 + ["b"] * 500}
    base.day(BASELINE, {"spend": spend(1), "visits": spend(2)}, segments)
    base.day(AS_OF, {"spend": spend(3), "visits": 0.9 * spend(4)}, segments)
    base.measure("spend", "visits")
    found = sorted((row["p_value"], row["q_value"]) for row in base.verdicts())
    assert len(found) == 7  # one of shares, two features in three groups
    by_hand = [
        min(p * 7 / rank for rank, (p, _) in enumerate(found, 1) if rank >= own) for own in range(1, 8)
    ]
    assert [q for _, q in found] == pytest.approx(by_hand)


def test_measuring_a_day_again_leaves_the_same_rows(base: Base) -> None:
    base.day(BASELINE, {"spend": spend(1)}, {"rfm": ["a", "b"] * (N // 2)})
    base.day(AS_OF, {"spend": 2 * spend(2)}, {"rfm": ["a", "b"] * (N // 2)})
    first = base.measure("spend"), base.verdicts()
    assert (base.measure("spend"), base.verdicts()) == first


def test_a_day_measured_again_replaces_its_own_rows_only(base: Base) -> None:
    base.day(BASELINE, {"spend": spend(1)})
    base.day(AS_OF, {"spend": 3 * spend(2)})
    base.measure("spend")
    base.con.execute(
        "insert into drift.verdict by name"
        " select * replace (date '2024-05-31' as as_of_date) from drift.verdict"
    )
    base.measure()
    assert [str(row["as_of_date"]) for row in base.verdicts()] == ["2024-05-31"]


def test_the_table_is_typed_even_when_nothing_was_checked(base: Base) -> None:
    base.day(AS_OF, {"spend": [1.0]})
    base.measure()
    types = dict(base.con.execute("select column_name, column_type from (describe drift.verdict)").fetchall())
    assert (types["psi"], types["n_current"], types["segment_id"]) == ("DOUBLE", "BIGINT", "VARCHAR")


def test_the_summary_has_one_row_a_segment_with_its_worst_verdict(base: Base) -> None:
    segments = {"rfm": ["a"] * 500 + ["b"] * 500}
    base.day(BASELINE, {"spend": spend(1), "visits": spend(2), "basket": spend(3)}, segments)
    moved = {"spend": spend(4), "visits": spend(5), "basket": spend(6)}
    moved["spend"][:500] *= 3
    moved["visits"][:500] *= 0.75
    base.day(AS_OF, moved, segments)
    base.measure("spend", "visits", "basket")
    of_a = next(row for row in summary(DuckDB(base.con), AS_OF) if row["segment_id"] == "a")
    assert (of_a["segmentation_id"], of_a["verdict"], of_a["features"]) == (
        "rfm",
        "alert",
        ["spend", "visits"],
    )
    assert of_a["max_psi"] == base.verdict("segment_id = 'a' and feature = 'spend'")["psi"]
    assert [row["segment_id"] for row in summary(DuckDB(base.con), AS_OF)] == [None, "a"]


def test_a_change_of_shares_is_summed_up_without_features(base: Base) -> None:
    base.day(BASELINE, {"spend": spend(1)}, {"rfm": ["a"] * N})
    base.day(AS_OF, {"spend": spend(1)}, {"rfm": ["b"] * N})
    base.measure("spend")
    (row,) = summary(DuckDB(base.con), AS_OF)
    assert (row["segmentation_id"], row["segment_id"], row["features"]) == ("rfm", None, [])
    assert row["baseline_basis"] == "recorded"


def test_the_summary_of_a_day_without_findings_or_measurement_is_empty(base: Base) -> None:
    assert summary(DuckDB(base.con), AS_OF) == []
    base.day(BASELINE, {"spend": spend(1)})
    base.day(AS_OF, {"spend": spend(2)})
    base.measure("spend")
    assert summary(DuckDB(base.con), AS_OF) == []


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"baseline": AS_OF}, "must lie before the day judged"),
        ({"baseline_basis": "guessed"}, "'guessed' is none of recorded, replayed"),
    ],
)
def test_a_baseline_that_cannot_be_one_is_refused(
    base: Base, changed: dict[str, object], message: str
) -> None:
    call = {"as_of": AS_OF, "baseline": BASELINE, "baseline_basis": "recorded", "features": []} | changed
    with pytest.raises(ValueError, match=message):
        measure_drift(DuckDB(base.con), limits=DriftLimits(), **call)
