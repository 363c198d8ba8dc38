import pytest
from pydantic import ValidationError

from pipelines.config.drift import DriftLimits
from pipelines.drift.verdict import Check, verdict, verdicts_on

LIMITS = DriftLimits()


@pytest.mark.parametrize(
    ("psi", "q_value", "expected"),
    [
        (0.0999, 0.001, "ok"),
        (0.1, 0.001, "warn"),
        (0.2499, 0.001, "warn"),
        (0.25, 0.001, "alert"),
        (0.25, 0.0499, "alert"),
        (0.25, 0.05, "ok"),
        (9.0, 0.9, "ok"),
        (9.0, None, "not enough data"),
    ],
)
def test_a_change_must_be_large_and_real(psi: float, q_value: float | None, expected: str) -> None:
    assert verdict(psi, q_value, LIMITS) == expected


def check(before: tuple[int, ...], now: tuple[int, ...]) -> Check:
    return Check("feature", None, None, "spend", before, now)


def test_small_groups_take_no_part_in_the_correction_for_many_checks() -> None:
    large, small = check((100, 100), (130, 70)), check((100, 99), (20, 180))
    alone, together = verdicts_on([large], LIMITS), verdicts_on([large, *[small] * 50], LIMITS)
    assert alone[0].q_value == together[0].q_value == together[0].p_value
    assert {(one.q_value, one.verdict) for one in together[1:]} == {(None, "not enough data")}
    assert together[1].psi is not None


@pytest.mark.parametrize("sizes", [(199, 200), (200, 199)])
def test_both_days_need_enough_customers(sizes: tuple[int, int]) -> None:
    (judged,) = verdicts_on([check((sizes[0], 0), (0, sizes[1]))], LIMITS)
    assert judged.verdict == "not enough data"


def test_exactly_enough_customers_are_enough() -> None:
    (judged,) = verdicts_on([check((200, 0), (0, 200))], LIMITS)
    assert judged.verdict == "alert"


def test_an_unknown_limit_is_refused() -> None:
    with pytest.raises(ValidationError, match="psi_warm"):
        DriftLimits.model_validate({"psi_warm": 0.2})


def test_an_alert_below_a_warning_is_refused() -> None:
    with pytest.raises(ValidationError, match=r"psi_alert \(0.2\) is below psi_warn \(0.3\)"):
        DriftLimits(psi_warn=0.3, psi_alert=0.2)


def test_every_limit_says_what_it_is() -> None:
    assert all(field.description for field in DriftLimits.model_fields.values())
