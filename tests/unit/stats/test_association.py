"""The measures against values computed by hand."""

from __future__ import annotations

import random
from collections import Counter
from statistics import mean

import pytest

from pipelines.stats.association import Group, correlation_ratio, cramers_v

# 30 of 40 women and 20 of 60 men are in. chi^2 = 100 (30*40 - 10*20)^2 / (40*60*50*50) = 16.6667.
CELLS = [("in", "f", 30), ("out", "f", 10), ("in", "m", 20), ("out", "m", 40)]


def test_v_is_the_root_of_chi_square_over_n_in_a_square_of_two() -> None:
    assert cramers_v(CELLS, corrected=False) == pytest.approx((16.666666666666668 / 100) ** 0.5)


def test_the_correction_takes_off_what_chance_gives() -> None:
    # phi^2 = 1/6 - 1/99; r = k = 2 - 1/99, so the room is 98/99.
    by_hand = ((1 / 6 - 1 / 99) / (98 / 99)) ** 0.5
    assert cramers_v(CELLS) == pytest.approx(by_hand)
    assert by_hand == pytest.approx(0.39770, abs=1e-5)


def test_v_of_three_by_two() -> None:
    # Expected 10 everywhere; chi^2 = (25 + 25 + 0 + 0 + 25 + 25) / 10 = 10 of 60, min(r, k) - 1 = 1.
    cells = [("a", 1, 15), ("a", 2, 5), ("b", 1, 10), ("b", 2, 10), ("c", 1, 5), ("c", 2, 15)]
    assert cramers_v(cells, corrected=False) == pytest.approx((10 / 60) ** 0.5)


def test_v_is_one_where_one_tells_the_other_and_nought_where_nothing_does() -> None:
    assert cramers_v([("a", "x", 7), ("b", "y", 9)]) == pytest.approx(1.0)
    assert cramers_v([("a", "x", 5), ("a", "y", 5), ("b", "x", 5), ("b", "y", 5)]) == 0.0


def test_many_categories_are_no_association_by_themselves() -> None:
    plain, corrected = [], []
    for seed in range(20):
        chance = random.Random(seed)
        pairs = Counter((chance.randrange(2), chance.randrange(40)) for _ in range(400))
        cells = [(*pair, count) for pair, count in pairs.items()]
        plain.append(cramers_v(cells, corrected=False) or 0.0)
        corrected.append(cramers_v(cells) or 0.0)
    assert min(plain) > 0.2 and mean(plain) > 0.3
    assert mean(corrected) < 0.1


def test_what_does_not_vary_has_no_association() -> None:
    assert cramers_v([("a", "x", 5), ("b", "x", 5)]) is None
    assert cramers_v([("a", "x", 5), ("a", "y", 0)]) is None
    assert cramers_v([]) is None
    assert correlation_ratio([Group(3, 5.0, 0.0), Group(4, 5.0, 0.0)]) is None
    assert correlation_ratio([Group(3, 5.0, 1.0), Group(0, 0.0, 0.0)]) is None


# 1, 2, 3 and 4, 6: the means are 2 and 5 about 3.2, so 3*1.44 + 2*3.24 = 10.8 lie between, 2 + 2 within.
GROUPS = [Group(3, 2.0, 2 / 3), Group(2, 5.0, 1.0)]


def test_eta_is_the_root_of_the_share_between_the_groups() -> None:
    assert correlation_ratio(GROUPS, corrected=False) == pytest.approx((10.8 / 14.8) ** 0.5)


def test_epsilon_is_eta_less_what_chance_gives() -> None:
    assert correlation_ratio(GROUPS) == pytest.approx((1 - (4 / 14.8) * (4 / 3)) ** 0.5)
    assert correlation_ratio([Group(50, 1.0, 4.0), Group(50, 1.1, 4.0)]) == 0.0


def test_numbers_that_name_their_group_are_complete_association() -> None:
    assert correlation_ratio([Group(3, 1.0, 0.0), Group(3, 2.0, 0.0)]) == pytest.approx(1.0)


@pytest.mark.parametrize(
    "call", [lambda: cramers_v([("a", "x", -1)]), lambda: correlation_ratio([Group(1, 0.0, -1.0)])]
)
def test_what_cannot_be_counted_is_refused(call: object) -> None:
    assert callable(call)
    with pytest.raises(ValueError, match="negative"):
        call()
