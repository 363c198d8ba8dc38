import math
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.stats.psi import population_stability, psi_p_value, stability

counts = st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 10_000)), min_size=2, max_size=12).filter(
    lambda pairs: any(p for p, _ in pairs) and any(q for _, q in pairs)
)


def test_the_index_equals_the_sum_worked_by_hand() -> None:
    # shares .25/.75 and .75/.25: two bins, each .5 * ln 3
    assert population_stability([25, 75], [75, 25], pseudo_count=0) == pytest.approx(math.log(3))


def test_half_an_observation_is_added_to_each_bin() -> None:
    # shares 10.5/11 and .5/11 against 5.5/11 and 5.5/11
    by_hand = -(5 / 11) * math.log(5.5 / 10.5) + (5 / 11) * math.log(5.5 / 0.5)
    assert population_stability([10, 0], [5, 5]) == pytest.approx(by_hand)


def test_a_bin_empty_on_both_sides_changes_neither_index_nor_p_value() -> None:
    assert stability([40, 0, 60], [60, 0, 40]) == stability([40, 60], [60, 40])


def test_the_p_value_equals_the_chi_square_table() -> None:
    # 3.841 is the 95 % point of chi-square with 1 degree of freedom, 16.919 that with 9
    assert psi_p_value(3.841 * (1 / 100 + 1 / 400), n_baseline=100, n_current=400, bins=2) == pytest.approx(
        0.05, abs=1e-4
    )
    assert psi_p_value(16.919 * 2 / 500, n_baseline=500, n_current=500, bins=10) == pytest.approx(
        0.05, abs=1e-4
    )


def test_one_bin_cannot_change() -> None:
    assert stability([500], [700]) == (0.0, 1.0)


@given(counts)
def test_the_index_is_never_negative_and_does_not_depend_on_the_direction(
    pairs: list[tuple[int, int]],
) -> None:
    before, now = [p for p, _ in pairs], [q for _, q in pairs]
    index = population_stability(before, now)
    assert index >= -1e-15
    assert index == pytest.approx(population_stability(now, before))


@given(st.lists(st.integers(0, 10_000), min_size=1, max_size=12).filter(any))
def test_equal_counts_have_index_zero_and_p_value_one(vector: list[int]) -> None:
    assert stability(vector, vector) == (0.0, 1.0)


@given(counts, st.randoms())
def test_the_order_of_the_bins_does_not_matter(pairs: list[tuple[int, int]], random: Random) -> None:
    shuffled = list(pairs)
    random.shuffle(shuffled)
    assert stability(*zip(*shuffled, strict=True)).psi == pytest.approx(
        stability(*zip(*pairs, strict=True)).psi
    )


@pytest.mark.parametrize("bins", [2, 10])
@pytest.mark.parametrize(("n", "m"), [(500, 500), (2_000, 400)])
def test_without_change_p_values_are_uniform(bins: int, n: int, m: int) -> None:
    random = np.random.default_rng(7)
    draws = zip(
        random.multinomial(n, [1 / bins] * bins, size=2_000).tolist(),
        random.multinomial(m, [1 / bins] * bins, size=2_000).tolist(),
        strict=True,
    )
    p_values = np.array([stability(before, now).p_value for before, now in draws])
    for level in (0.05, 0.25, 0.5):
        assert np.mean(p_values < level) == pytest.approx(
            level, abs=4 * math.sqrt(level * (1 - level) / 2_000)
        )


@pytest.mark.parametrize(
    ("before", "now", "message"),
    [
        ([1, 2], [1, 2, 3], "counts of 2 and 3 bins"),
        ([1, -2], [1, 2], "negative"),
        ([0, 0], [1, 2], "at least one observation"),
        ([], [], "at least one observation"),
    ],
)
def test_counts_that_cannot_be_compared_are_refused(before: list[int], now: list[int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        stability(before, now)
