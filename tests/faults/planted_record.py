"""Faults of the record: events, revisions, held and removed definitions, replays."""

from __future__ import annotations

from .fault import Fault

_RECORD = "tests/unit/segments/test_record_properties.py"
_REPLAY = "tests/unit/segments/test_replay.py"

FAULTS = (
    Fault(
        "a-left-segment-stays-open",
        "Whoever leaves a segment ends the stay on that day.",
        "pipelines/segments/history.py",
        "where c.event = 'leave' and m.left_date is null and m.entity_kind = $entity",
        "where c.event = 'leave' and m.left_date is not null and m.entity_kind = $entity",
        ("tests/unit/segments/test_history.py::test_a_move_is_a_leave_and_an_enter_of_that_day",),
    ),
    Fault(
        "an-undone-day-leaves-stays-ended",
        "A day recorded again first takes back what its earlier revision ended.",
        "pipelines/segments/current.py",
        '    con.execute("update segments.membership set left_date = null where left_date = ?", [day])\n',
        "",
        ("tests/unit/segments/test_history.py::test_the_same_day_again_is_a_revision_and_the_last_counts",),
    ),
    Fault(
        "every-revision-counts",
        "Of a day recorded more than once the last revision counts.",
        "pipelines/segments/membership.sql",
        "on r.as_of_date = e.as_of_date and r.revision = e.revision",
        "on r.as_of_date = e.as_of_date",
        (f"{_RECORD}::test_what_is_kept_up_day_by_day_is_what_all_events_say",),
    ),
    Fault(
        "an-earlier-day-is-recorded",
        "A day before the latest recorded one is never recorded again.",
        "pipelines/segments/history.py",
        "    if latest is not None and day < latest:\n",
        "    if latest is not None and day > latest and day < latest:\n",
        (
            "tests/unit/segments/test_history.py"
            "::test_an_earlier_day_is_refused_and_leaves_the_record_as_it_was",
        ),
    ),
    Fault(
        "moved-between-two-lists-is-not-seen",
        "Of segments that overlap a member may leave one and stay in another.",
        "pipelines/segments/current.py",
        'parts += [_only(name, "enter", now, before), _only(name, "leave", before, now)]',
        'parts += [_only(name, "enter", now, before)]',
        (f"{_RECORD}::test_what_is_kept_up_day_by_day_is_what_all_events_say",),
    ),
    Fault(
        "a-held-segmentation-is-left-by-everyone",
        "A segmentation that is held keeps its members.",
        "pipelines/segments/current.py",
        "after = {name: exclusive for name, exclusive in known.items() if name in held} | dict(refreshed)",
        "after = {name: exclusive for name, exclusive in known.items() if name in ()} | dict(refreshed)",
        (
            "tests/unit/segments/test_held_and_removed.py"
            "::test_a_definition_at_fault_keeps_its_members_and_its_labels",
        ),
    ),
    Fault(
        "a-removed-id-comes-back-unnoticed",
        "An id that was removed does not come back for something else unnoticed.",
        "pipelines/segments/versions.py",
        "    if span is None or segmentation.definition.reuse:\n",
        "    if span is not None or segmentation.definition.reuse:\n",
        (
            "tests/unit/segments/test_held_and_removed.py"
            "::test_a_removed_segmentation_does_not_come_back_unnoticed",
        ),
    ),
    Fault(
        "a-replayed-day-of-other-definitions-stands",
        "A replayed day is computed again when definitions would say something else.",
        "pipelines/segments/replay.py",
        "for day, (made_by, _, mark) in told.items() if made_by == inputs}",
        "for day, (_, _, mark) in told.items()}",
        (f"{_REPLAY}::test_a_definition_or_margin_rate_that_changes_replays_everything",),
    ),
    Fault(
        "a-recorded-day-is-replayed",
        "Where a day stands in the record, the record is used.",
        "pipelines/segments/replay.py",
        "known, marked = recorded.recorded_among(engine, needed), ",
        "known, marked = set(), ",
        (f"{_REPLAY}::test_a_recorded_day_is_taken_from_the_record_whatever_is_known_now",),
    ),
    Fault(
        "what-was-known-later-was-known-then",
        "Core as it was known when a day was recorded has the batches accepted by then.",
        "pipelines/segments/queries/batch_known_on.sql",
        "where as_of_date <= $day",
        "where as_of_date >= $day or known",
        ("tests/integration/test_replay_command.py::test_what_was_known_then_gives_what_was_recorded",),
    ),
)
