import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.stats.fdr import q_values

probabilities = st.lists(st.one_of(st.none(), st.floats(0, 1)), max_size=40)


def test_q_values_equal_those_worked_by_hand() -> None:
    # p * n / rank from below: .01*4/1, .04*4/3 (below .03*4/2 = .06), .04*4/3, .8*4/4
    assert q_values([0.8, 0.01, 0.04, 0.03]) == pytest.approx([0.8, 0.04, 0.16 / 3, 0.16 / 3])


def test_q_values_equal_the_published_example() -> None:
    # Benjamini & Hochberg 1995, section 3: 15 p-values, 4 findings at a rate of .05
    published = [
        0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344,
        0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0000,
    ]  # fmt: skip
    assert [q <= 0.05 for q in q_values(published) if q is not None] == [True] * 4 + [False] * 11


def test_a_check_that_was_not_made_keeps_its_place_and_does_not_count() -> None:
    assert q_values([None, 0.01, float("nan"), 0.02]) == [
        None,
        pytest.approx(0.02),
        None,
        pytest.approx(0.02),
    ]


def test_no_check_at_all_is_no_fault() -> None:
    assert q_values([]) == []
    assert q_values([None, float("nan")]) == [None, None]


def test_a_p_value_above_one_is_refused() -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        q_values([0.5, 1.5])


@given(probabilities)
def test_a_q_value_is_never_below_its_p_value_and_keeps_the_order(p_values: list[float | None]) -> None:
    made = sorted((p, q) for p, q in zip(p_values, q_values(p_values), strict=True) if p is not None)
    assert all(p <= q * (1 + 1e-12) <= 1 + 1e-9 for p, q in made)
    assert [q for _, q in made] == sorted(q for _, q in made)
