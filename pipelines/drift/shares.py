"""Share checks: has the customer base moved between the segments of a segmentation?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from itertools import groupby
from operator import itemgetter

from pipelines.drift.verdict import Check
from pipelines.engine import Engine, load_query

_SIZES = load_query("drift/queries/size_of_segment").sql


def share_checks(engine: Engine, *, as_of: date, baseline: date) -> list[Check]:
    """One check a segmentation, one bin a segment (of either day).

    In a segmentation whose segments overlap, a share is that of all memberships, and the p-value is an
    approximation.
    """
    sizes = engine.rows(_SIZES, {"as_of": as_of, "baseline": baseline})
    by_segmentation = groupby(sizes, itemgetter("segmentation_id"))
    return [_check(segmentation, list(of_it)) for segmentation, of_it in by_segmentation]


def _check(segmentation_id: str, sizes: Sequence[Mapping[str, int]]) -> Check:
    return Check(
        measure="share",
        segmentation_id=segmentation_id,
        segment_id=None,
        feature=None,
        baseline=tuple(size["n_baseline"] for size in sizes),
        current=tuple(size["n_current"] for size in sizes),
    )
