"""How strongly groups go with an attribute: 0 not at all, 1 completely.

Both measures are corrected for chance: among few members or many categories the plain ones lie well above 0
although nothing goes with anything.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from typing import NamedTuple


class Group(NamedTuple):
    """Numbers of one group: how many, their mean, and their variance with the divisor `size`."""

    size: int
    mean: float
    variance: float


def cramers_v(cells: Iterable[tuple[Hashable, Hashable, int]], *, corrected: bool = True) -> float | None:
    """Cramér's V of two groupings.

    With n members in r rows and k columns, phi^2 = chi^2 / n, which is the sum over the cells of
    n_ij^2 / (n_i n_j), less 1; V = sqrt(phi^2 / min(r - 1, k - 1)) (Cramér 1946, Mathematical Methods of
    Statistics, §21.9). Corrected (Bergsma 2013, Journal of the Korean Statistical Society 42, 323-328):
    phi^2 becomes max(0, phi^2 - (r - 1)(k - 1) / (n - 1)), r becomes r - (r - 1)^2 / (n - 1), k likewise.

    Parameters
    ----------
    cells : row, column, and the members in both, at most one a pair; pairs without members may be left out.
    corrected : whether what chance alone gives is taken off.

    Returns
    -------
    float in [0, 1], or None where there is one row, one column, or (corrected) too few members to tell.

    Raises
    ------
    ValueError
        A count is negative.
    """
    counts = {(row, column): count for row, column, count in cells}
    if any(count < 0 for count in counts.values()):
        raise ValueError("a cell holds a negative count")
    by_row: dict[Hashable, int] = defaultdict(int)
    by_column: dict[Hashable, int] = defaultdict(int)
    for (row, column), count in counts.items():
        by_row[row] += count
        by_column[column] += count
    n = sum(by_row.values())
    r, k = (sum(count > 0 for count in table.values()) for table in (by_row, by_column))
    if min(r, k) < 2:
        return None
    phi2 = -1.0 + sum(
        count * count / (by_row[row] * by_column[column]) for (row, column), count in counts.items() if count
    )
    rows, columns = float(r), float(k)
    if corrected:
        phi2 -= (r - 1) * (k - 1) / (n - 1)
        rows -= (r - 1) ** 2 / (n - 1)
        columns -= (k - 1) ** 2 / (n - 1)
    room = min(rows, columns) - 1
    return min(1.0, math.sqrt(max(0.0, phi2) / room)) if room > 0 else None


def correlation_ratio(groups: Sequence[Group], *, corrected: bool = True) -> float | None:
    """The correlation ratio eta of numbers in groups.

    eta^2 is the share of the sum of squares that lies between the groups' means (Pearson 1905; Fisher 1925,
    Statistical Methods for Research Workers, §45). Corrected it is epsilon^2 = 1 - (1 - eta^2)(n - 1)/(n - k)
    with n numbers in k groups, not below 0 (Kelley 1935, PNAS 21, 554-559).

    Parameters
    ----------
    groups : sequence of Group, length K
        Groups without numbers are left out.
    corrected : whether what chance alone gives is taken off.

    Returns
    -------
    float in [0, 1], or None where there is one group, no variation, or (corrected) too few numbers to tell.

    Raises
    ------
    ValueError
        A count or a variance is negative.
    """
    if any(group.size < 0 or group.variance < 0 for group in groups):
        raise ValueError("a group has a negative count or variance")
    held = [group for group in groups if group.size]
    n, k = sum(group.size for group in held), len(held)
    if k < 2:
        return None
    mean = math.fsum(group.size * group.mean for group in held) / n
    between = math.fsum(group.size * (group.mean - mean) ** 2 for group in held)
    within = math.fsum(group.size * group.variance for group in held)
    if between + within <= 0:
        return None
    unexplained = within / (between + within)
    if corrected:
        if n == k:
            return None
        unexplained *= (n - 1) / (n - k)
    return math.sqrt(max(0.0, 1.0 - unexplained))
