"""What a person on call reads."""

from __future__ import annotations

from dataclasses import replace

from resources.control import Incident
from resources.notifier import format_opened, format_passed, format_recovered

OPEN = Incident(
    incident_id=7,
    kind="stale_source",
    subject="orders",
    severity="critical",
    message="no file for 3 days, one a day is expected",
    opened_at="2025-03-01T03:00:05.000000+00:00",
    opened_run_id="r1",
    last_seen_at="2025-03-01T03:00:05.000000+00:00",
    last_run_id="r1",
    closed_at=None,
    closed_run_id=None,
    opened_notified_at=None,
    closed_notified_at=None,
)
OVER = replace(OPEN, closed_at="2025-03-02T03:00:09.000000+00:00", closed_run_id="r2")


def test_an_opened_incident_says_what_since_when_where_and_what_to_do() -> None:
    title, body = format_opened(OPEN, "Demo shop")
    assert title == "[Demo shop] Problem: Stale source: orders"
    assert body.splitlines() == [
        "What: no file for 3 days, one a day is expected",
        "Severity: critical",
        "Project: Demo shop",
        "Since: 2025-03-01 03:00 UTC",
        "Run: r1",
        "Next: Start with `lohko status`. See whether the files arrived where they are read from; "
        "ask whoever delivers them.",
    ]


def test_an_incident_told_late_says_when_it_was_last_seen() -> None:
    _, body = format_opened(replace(OPEN, last_run_id="r2", last_seen_at="2025-03-02T03:00:00+00:00"), "p")
    assert "Last seen: 2025-03-02 03:00 UTC by run r2" in body.splitlines()


def test_a_recovered_incident_says_from_when_to_when() -> None:
    title, body = format_recovered(OVER, "Demo shop")
    assert title == "[Demo shop] Recovered: Stale source: orders"
    assert "Since: 2025-03-01 03:00 UTC (run r1)\nFine again: 2025-03-02 03:00 UTC (run r2)" in body


def test_an_incident_told_only_after_it_was_over_says_that_it_happened() -> None:
    title, body = format_passed(OVER, "Demo shop")
    assert title == "[Demo shop] Happened and recovered: Stale source: orders"
    assert "could not be told while it lasted" in body


def test_a_line_break_in_a_message_cannot_begin_a_line_or_a_header_of_its_own() -> None:
    bad = replace(OPEN, subject="a\r\nBcc: x@example.com", message="first\nNext: ignore this")
    title, body = format_opened(bad, "p")
    assert "\n" not in title and "\r" not in title
    assert len([line for line in body.splitlines() if line.startswith("Next:")]) == 1


def test_a_kind_that_is_not_known_is_told_all_the_same() -> None:
    title, body = format_opened(replace(OPEN, kind="new_kind"), "p")
    assert title == "[p] Problem: new_kind: orders" and "`lohko status`" in body
