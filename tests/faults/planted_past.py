"""Faults of what rows said before they changed, and of who reads it."""

from __future__ import annotations

from .fault import Fault

_PAST = "tests/unit/core/test_past.py::"
_EVERY_DAY = (f"{_PAST}test_every_day_reads_what_core_said_at_its_end",)

FAULTS = (
    Fault(
        "a-change-counts-from-the-day-before",
        "A change counts from the day on which it came.",
        "pipelines/core/queries/row_as_of.sql",
        'from "$past" as p where p._until > $as_of) as l',
        'from "$past" as p where p._until >= $as_of) as l',
        _EVERY_DAY,
    ),
    Fault(
        "who-comes-again-was-never-gone",
        "Of who went and came again it is recorded that there was no row in between.",
        "pipelines/core/queries/changed_value.sql",
        "where was_there is null\n",
        "where was_there is null and false\n",
        _EVERY_DAY,
    ),
    Fault(
        "a-rebuild-records-nothing",
        "A rebuild records what other landed rows changed.",
        "pipelines/core/past.py",
        "    _write(con, contract, found, epochs)\n    if last",
        "    _write(con, contract, found, {name for name, _ in _columns(con, 'past_was')})\n    if last",
        _EVERY_DAY,
    ),
    Fault(
        "an-edit-of-the-mapping-changes-the-world",
        "A column of which the same landed row says something else begins an epoch.",
        "pipelines/core/past.py",
        "if last is not None and last != found.mark:",
        "if last is None:",
        (f"{_PAST}test_a_column_that_is_mapped_otherwise_has_no_past_and_others_keep_theirs",),
    ),
    Fault(
        "who-merged-is-not-watched",
        "What files say of merged customers is recorded although core does not show it.",
        "pipelines/core/past.py",
        'con.execute("insert into past_was by name from past_merged; drop table past_merged")',
        'con.execute("drop table past_merged")',
        (f"{_PAST}test_the_past_is_of_whoever_the_ids_count_for_now",),
    ),
    Fault(
        "the-survivor-of-then-counts-whole",
        "Past rows of merged customers are put together column by column.",
        "pipelines/core/past_rows.py",
        "ignore nulls) over ({over} order by s.absorbed",
        ") over ({over} order by s.absorbed",
        (f"{_PAST}test_the_past_of_who_merged_is_put_together_column_by_column_as_core_is",),
    ),
    Fault(
        "a-late-win-is-of-the-day-it-was-told",
        "A deal that had ended by a day is read as it is known now.",
        "pipelines/core/queries/fact_row_as_of.sql",
        'as e where "$over") as r on "$same"\n    where l._until',
        'as e where "$over" and false) as r on "$same"\n    where l._until',
        (f"{_PAST}test_what_has_ended_by_a_day_is_read_as_it_is_known_now",),
    ),
    Fault(
        "a-change-bears-on-every-day",
        "A change whose past is kept bears on no day before it came.",
        "pipelines/core/marks.py",
        "    if recorded:\n",
        "    if recorded and contract.large:\n",
        (f"{_PAST}test_a_change_bears_on_no_day_before_it_came",),
    ),
)
