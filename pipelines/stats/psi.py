"""Population stability index: how far a distribution over bins has moved, and whether chance explains it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple


class Stability(NamedTuple):
    """How far two count vectors lie apart (`psi`) and how often chance alone does as much (`p_value`)."""

    psi: float
    p_value: float


def stability(baseline: Sequence[int], current: Sequence[int], *, pseudo_count: float = 0.5) -> Stability:
    """PSI of two count vectors and its p-value under no change.

    Parameters
    ----------
    baseline, current : sequence of int, length B
        Observations in each bin, bins in the same order.
    pseudo_count : float, default 0.5
        Added to each bin, see `psi`.

    Returns
    -------
    Stability
        See `psi` and `psi_p_value`; B is the number of bins that hold something on either side.

    Raises
    ------
    ValueError
        The vectors differ in length, hold a negative count, or one of them holds nothing.
    """
    return Stability(
        psi := population_stability(baseline, current, pseudo_count=pseudo_count),
        psi_p_value(
            psi, n_baseline=sum(baseline), n_current=sum(current), bins=len(_occupied(baseline, current))
        ),
    )


def population_stability(
    baseline: Sequence[int], current: Sequence[int], *, pseudo_count: float = 0.5
) -> float:
    """PSI = sum over the bins of (q - p) ln(q / p), p and q the shares of each bin.

    Parameters
    ----------
    baseline, current : sequence of int, length B
        Observations in each bin, bins in the same order. A bin that is empty on both sides is left out.
    pseudo_count : float, default 0.5
        Added to each bin on both sides, so that a bin empty on one side gives a finite index
        (Jeffreys' prior for multinomial shares).

    Returns
    -------
    float
        0 for equal shares, without upper bound. The same whichever vector is called the baseline.

    Raises
    ------
    ValueError
        The vectors differ in length, hold a negative count, or one of them holds nothing.

    References
    ----------
    Siddiqi, N. (2006). Credit Risk Scorecards. Wiley. (The index and its customary marks .10 and .25.)
    It is the symmetric divergence of Jeffreys (1946), Proc. R. Soc. A 186, 453-461.
    """
    pairs = _occupied(baseline, current)
    total_p = sum(p for p, _ in pairs) + pseudo_count * len(pairs)
    total_q = sum(q for _, q in pairs) + pseudo_count * len(pairs)
    shares = [((p + pseudo_count) / total_p, (q + pseudo_count) / total_q) for p, q in pairs]
    return math.fsum((q - p) * math.log(q / p) for p, q in shares)


def psi_p_value(psi: float, *, n_baseline: int, n_current: int, bins: int) -> float:
    """Probability of an index at least this large when nothing has changed.

    Under no change PSI / (1/N + 1/M) is distributed as chi-square with B - 1 degrees of freedom when the
    two samples are independent. Two days of one customer base share most customers, so the true
    probability is smaller still: the test errs towards silence.

    Parameters
    ----------
    psi : float
        The index.
    n_baseline, n_current : int
        Observations on either side (N, M), each at least 1.
    bins : int
        Bins that can hold something (B). With one bin nothing can change and the probability is 1.

    Returns
    -------
    float
        In [0, 1].

    References
    ----------
    Yurdakul, B. & Naranjo, J. (2020). Statistical properties of the population stability index.
    Journal of Risk Model Validation 14(4), 89-100.
    """
    if bins < 2:
        return 1.0
    from scipy.special import chdtrc  # the chi-square tail; scipy.stats costs .7 s to import

    return float(chdtrc(bins - 1, psi / (1 / n_baseline + 1 / n_current)))


def _occupied(baseline: Sequence[int], current: Sequence[int]) -> list[tuple[int, int]]:
    """The bins with something in them: one empty on both sides would only add a degree of freedom."""
    if len(baseline) != len(current):
        raise ValueError(f"counts of {len(baseline)} and {len(current)} bins cannot be compared")
    if min(baseline, default=0) < 0 or min(current, default=0) < 0:
        raise ValueError("a count is negative")
    if not sum(baseline) or not sum(current):
        raise ValueError("the index needs at least one observation on either side")
    return [(p, q) for p, q in zip(baseline, current, strict=True) if p or q]
