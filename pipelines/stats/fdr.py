"""False discovery rate: how far to trust one finding among many checks made at once."""

from __future__ import annotations

import math
from collections.abc import Sequence


def q_values(p_values: Sequence[float | None]) -> list[float | None]:
    """Benjamini-Hochberg adjusted p-values.

    Calling every check with q below x a finding keeps the expected share of false findings below x.

    Parameters
    ----------
    p_values : sequence of float or None
        One a check, in [0, 1]. None and NaN stand for checks that were not made; they do not count
        towards the number of checks.

    Returns
    -------
    list of float or None
        As long as `p_values` and in its order; None where there was no p-value.

    Raises
    ------
    ValueError
        A p-value lies outside [0, 1].

    References
    ----------
    Benjamini, Y. & Hochberg, Y. (1995). Controlling the false discovery rate. Journal of the Royal
    Statistical Society B 57(1), 289-300. Holds for independent and positively dependent checks:
    Benjamini, Y. & Yekutieli, D. (2001). Annals of Statistics 29(4), 1165-1188.
    """
    made = [p for p in p_values if _is_number(p)]
    if not made:
        return [None] * len(p_values)
    from scipy.stats import false_discovery_control

    adjusted = iter(false_discovery_control(made, method="bh"))
    return [float(next(adjusted)) if _is_number(p) else None for p in p_values]


def _is_number(p: float | None) -> bool:
    return p is not None and not math.isnan(p)
