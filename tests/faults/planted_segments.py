"""Faults of segments: did(), exclusivity, cut points, dwell and exit, priorities."""

from __future__ import annotations

from .fault import Fault

_CALLS = "tests/unit/segments/test_calls.py"
_EXACT = "tests/unit/segments/test_kinds_exact.py"

_BOTH = "tests/unit/publish/test_both_entities.py"

FAULTS = (
    Fault(
        "accounts-have-no-replayed-days",
        "A replayed day has the segments of accounts as well as those of customers.",
        "pipelines/segments/assignment.py",
        "    for evaluated in found:\n        _store",
        "    for evaluated in found[:1]:\n        _store",
        (f"{_BOTH}::test_a_replayed_day_is_what_would_have_been_recorded",),
    ),
    Fault(
        "an-account-without-customers-hides-a-margin",
        "The margin of a segment of accounts is known where that of every account with a customer is.",
        "pipelines/segments/profile_day.sql",
        "members > 0 and margin_365d is null as lacks_margin",
        "margin_365d is null as lacks_margin",
        (f"{_BOTH}::test_the_figures_of_a_segment_are_those_of_its_members",),
    ),
    Fault(
        "did-counts-a-day-too-many",
        "did(..., within: 90d) counts the day and the 89 before it.",
        "pipelines/segments/select.py",
        "day - timedelta(days=int(days) - 1)",
        "day - timedelta(days=int(days))",
        (f"{_CALLS}::test_events_are_counted_up_to_the_day",),
    ),
    Fault(
        "did-knows-how-a-deal-will-end",
        "As of a day a condition on events knows nothing that became known later.",
        "pipelines/core/facts/reading.py",
        "case when {ended} and {since} > $as_of then {literal(ends.before)} else {text} end",
        "{text}",
        (f"{_CALLS}::test_events_are_counted_up_to_the_day",),
    ),
    Fault(
        "did-counts-cancelled-orders",
        "An order that was cancelled or returned is no purchase unless the condition asks for its status.",
        "pipelines/segments/events.py",
        "if counts is not None and counts.column not in columns:",
        "if counts is not None and counts.column in columns:",
        (f"{_CALLS}::test_events_are_counted_up_to_the_day",),
    ),
    Fault(
        "who-is-left-out-is-not-missed",
        "A segmentation whose segments exclude each other has everyone in exactly one, or is held.",
        "pipelines/segments/evaluate.py",
        "        if row[name] != total\n",
        "        if row[name] > total\n",
        (
            "tests/unit/segments/test_history.py"
            "::test_a_segmentation_that_leaves_a_customer_out_assigns_nothing",
        ),
    ),
    Fault(
        "a-member-who-counts-twice-is-recorded",
        "Members that count twice stop the day.",
        "pipelines/segments/evaluate.py",
        "    if row[_EVERYONE] != total:\n",
        "    if row[_EVERYONE] < total:\n",
        ("tests/unit/segments/test_history.py::test_a_customer_who_counts_twice_stops_the_day",),
    ),
    Fault(
        "why-a-segmentation-is-held-quotes-a-value",
        "Of a condition that fails over a value only the kind of error is told: values are personal.",
        "pipelines/segments/evaluate.py",
        'in a condition" if error.binds else error.reason',
        'in a condition" if not error.binds else error.reason',
        (
            "tests/unit/segments/test_held_and_removed.py"
            "::test_a_definition_that_fails_over_a_value_is_held_with_what_refers_to_it",
        ),
    ),
    Fault(
        "a-tier-takes-one-too-many",
        "A tier ends where those above bring its share of the total.",
        "pipelines/segments/cuts.py",
        "above < cast({share!r} as double) * total",
        "above <= cast({share!r} as double) * total",
        (
            "tests/unit/segments/test_definition_kinds.py"
            "::test_a_tier_ends_where_those_above_bring_exactly_its_share",
        ),
    ),
    Fault(
        "dwell-is-a-day-longer",
        "Who entered dwell_days ago may leave.",
        "pipelines/segments/kinds/cases.py",
        "{quote(standing.since_name)}, {AS_OF}) < {days}",
        "{quote(standing.since_name)}, {AS_OF}) <= {days}",
        (f"{_EXACT}::test_hysteresis_and_dwell_equal_an_oracle_over_random_days",),
    ),
    Fault(
        "exit-is-not-asked",
        "Who stands in a segment with an exit stays until it holds.",
        "pipelines/segments/kinds/cases.py",
        'f"{holds} or ({stands} and not coalesce({leave.sql}, false))"',
        'f"{holds} or ({stands} and coalesce({leave.sql}, false))"',
        (f"{_EXACT}::test_hysteresis_and_dwell_equal_an_oracle_over_random_days",),
    ),
    Fault(
        "who-left-today-still-stands",
        "Members stand where they stood at the end of the last recorded day before.",
        "pipelines/segments/queries/member_before.sql",
        'and entered_date < "$day"',
        'and entered_date <= "$day"',
        (
            "tests/unit/segments/test_history.py"
            "::test_a_day_recorded_again_does_not_know_where_its_first_recording_put_members",
        ),
    ),
    Fault(
        "the-lowest-priority-comes-first",
        "Where a member may be in few audiences, those of the highest priority hold.",
        "pipelines/segments/kinds/audiences.py",
        "key=lambda i: (-audiences[i].priority, i)",
        "key=lambda i: (audiences[i].priority, i)",
        (f"{_EXACT}::test_audiences_overlap_exclude_each_other_and_are_limited_by_priority",),
    ),
)
