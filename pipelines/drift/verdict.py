"""A check compares one distribution on two days; the verdict says whether the change matters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pipelines.config.drift import DriftLimits
from pipelines.stats.fdr import q_values
from pipelines.stats.psi import Stability, stability

Verdict = Literal["ok", "warn", "alert", "not enough data"]


@dataclass(frozen=True)
class Check:
    """Counts over the same bins on the baseline day and now.

    `segment_id` None means all segments together; `segmentation_id` None, all customers.
    """

    measure: Literal["share", "feature"]
    segmentation_id: str | None
    segment_id: str | None
    feature: str | None
    baseline: tuple[int, ...]
    current: tuple[int, ...]

    @property
    def n_baseline(self) -> int:
        return sum(self.baseline)

    @property
    def n_current(self) -> int:
        return sum(self.current)

    def has(self, n: int) -> bool:
        """At least n observations on both days."""
        return min(self.n_baseline, self.n_current) >= n


@dataclass(frozen=True)
class Judged:
    """A check with its statistics; None where they could not be computed."""

    check: Check
    psi: float | None
    p_value: float | None
    q_value: float | None
    verdict: Verdict


def verdicts_on(checks: Sequence[Check], limits: DriftLimits) -> list[Judged]:
    """Judge all checks of a run together: how sure one finding is depends on how many were looked for.

    A check below `limits.minimum_n` keeps its index for the reader but is no part of that number.
    """
    measured = [stability(check.baseline, check.current) if check.has(1) else None for check in checks]
    family = [
        found.p_value if found and check.has(limits.minimum_n) else None
        for check, found in zip(checks, measured, strict=True)
    ]
    return [
        _judged(check, found, q, limits)
        for check, found, q in zip(checks, measured, q_values(family), strict=True)
    ]


def _judged(check: Check, found: Stability | None, q: float | None, limits: DriftLimits) -> Judged:
    if found is None:
        return Judged(check, None, None, None, "not enough data")
    return Judged(check, found.psi, found.p_value, q, verdict(found.psi, q, limits))


def verdict(psi: float, q_value: float | None, limits: DriftLimits) -> Verdict:
    """A change must be large (psi) and real (q): large samples make trifles significant, small ones noisy."""
    if q_value is None:
        return "not enough data"
    if q_value >= limits.q_max or psi < limits.psi_warn:
        return "ok"
    return "alert" if psi >= limits.psi_alert else "warn"
