"""What a run prints at its end."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from lohko.commands.shared import views

SEGMENT: dict[str, Any] = {
    "entity_kind": "customer", "segmentation_id": "tier", "segmentation_name": "Tier",
    "segment_name": "Top [x]", "members": 1200, "share": 0.5, "revenue_365d": 10, "revenue_share": 0.25,
    "change": -1, "entered": 0, "departed": 1, "as_of_date": date(2024, 5, 1), "previous_date": None,
}  # fmt: skip


@pytest.mark.parametrize(("width", "columns"), [(60, 6), (85, 8), (240, 8)])
def test_in_a_narrow_terminal_shares_are_left_out(
    monkeypatch: pytest.MonkeyPatch, width: int, columns: int
) -> None:
    monkeypatch.setattr(views.console, "width", width)
    (table,) = views.segment_tables([SEGMENT], "EUR")
    assert len(table.columns) == columns
    assert ("of total" in [one.header for one in table.columns]) == (columns == 8)


def test_open_incidents_are_counted_by_severity() -> None:
    found = [{"severity": "advisory", "incidents": 4}, {"severity": "critical", "incidents": 6}]
    assert "10 incidents are open" in views.incidents_line(found) and "6 critical" in views.incidents_line(
        found
    )
    assert "1 incident is open[/yellow], 0 critical" in views.incidents_line(
        [{"severity": "advisory", "incidents": 1}]
    )
