"""Share checks: has the customer base moved between the segments of a segmentation?"""

from __future__ import annotations

from datetime import date
from itertools import groupby
from typing import TYPE_CHECKING

from pipelines.drift.verdict import Check

if TYPE_CHECKING:
    import duckdb

_SIZES = """
select
  segmentation_id,
  count(*) filter (where as_of_date = $baseline) as n_baseline,
  count(*) filter (where as_of_date = $as_of) as n_current
from segments.assignment
where as_of_date in ($baseline, $as_of) and entity_kind = 'customer'
group by segmentation_id, segment_id
order by segmentation_id, segment_id
"""


def share_checks(con: duckdb.DuckDBPyConnection, *, as_of: date, baseline: date) -> list[Check]:
    """One check a segmentation, one bin a segment (of either day).

    In a segmentation whose segments overlap, a share is that of all memberships, and the p-value is an
    approximation.
    """
    sizes = con.execute(_SIZES, {"as_of": as_of, "baseline": baseline}).fetchall()
    return [_check(segmentation, list(of_it)) for segmentation, of_it in groupby(sizes, lambda row: row[0])]


def _check(segmentation_id: str, sizes: list[tuple[str, int, int]]) -> Check:
    return Check(
        measure="share",
        segmentation_id=segmentation_id,
        segment_id=None,
        feature=None,
        baseline=tuple(before for _, before, _ in sizes),
        current=tuple(now for _, _, now in sizes),
    )
