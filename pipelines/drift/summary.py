"""The drift of a day in a few lines, for findings and alerts: one a segment, however many features moved."""

from __future__ import annotations

from datetime import date
from typing import Any

from pipelines.drift.measure import TABLE
from pipelines.engine import Engine, load_step


def summary(engine: Engine, as_of: date) -> list[dict[str, Any]]:
    """The day's findings (`drift/finding.sql`), one dictionary each; empty when there are none.

    Keys: as_of_date, baseline_date, baseline_basis, segmentation_id, segment_id, verdict ('warn' or
    'alert'), features (largest change first; empty for a change of shares), max_psi.
    """
    if not engine.columns(TABLE):
        return []
    return engine.rows(load_step("drift/finding").sql, {"as_of_date": as_of})
