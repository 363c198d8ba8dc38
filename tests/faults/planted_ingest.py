"""Faults of ingest: accounting, versions of files, verdicts, quarantine, freshness."""

from __future__ import annotations

from .fault import Fault

FAULTS = (
    Fault(
        "account-forgets-deletions",
        "Rows landed are accepted, quarantined, repeated, conflicting, superseded or deleted, each once.",
        "pipelines/ingest/queries/rows_of_batch.sql",
        "coalesce(good.rows - good.kept - good.gone - good.further, 0)",
        "coalesce(good.rows - good.kept - good.further, 0)",
        (
            "tests/unit/core/test_core_deliveries.py"
            "::test_a_change_feed_deletes_by_key_alone_and_its_account_adds_up",
        ),
    ),
    Fault(
        "a-conflict-passes-for-a-repeat",
        "Rows of one key in a file that differ are a conflict, and no repeat.",
        "pipelines/ingest/queries/rows_of_batch.sql",
        "coalesce(good.further, 0) - coalesce(at_odds.rows, 0) as rows_repeated,\n"
        "    coalesce(at_odds.conflicting, 0) as rows_conflicting",
        "coalesce(good.further, 0) - coalesce(at_odds.rows - at_odds.conflicting, 0) as rows_repeated,\n"
        "    0 as rows_conflicting",
        (
            "tests/unit/core/test_rows_of_a_key.py"
            "::test_rows_that_differ_are_a_conflict_that_names_the_column_and_the_place",
        ),
    ),
    Fault(
        "a-later-file-empties-an-order",
        "Whose an order is, when it was and how much, no later file leaves blank untold.",
        "pipelines/ingest/queries/row_emptying.sql",
        "where _source = $source and _batch_seq < $seq",
        "where _source = $source and _batch_seq > $seq",
        ("tests/unit/core/test_rows_of_a_key.py::test_a_later_file_that_leaves_blank_what_decides_is_told",),
    ),
    Fault(
        "a-mention-keeps-no-prefix",
        "A prefix stands before the key and before every mention of it.",
        "pipelines/contracts/keys.py",
        "if reference.column == column.name and CONTRACTS",
        "if reference.column == contract.number and CONTRACTS",
        (
            "tests/unit/core/test_own_keys.py"
            "::test_a_prefix_stands_before_the_key_and_every_mention_of_it_and_nothing_else",
        ),
    ),
    Fault(
        "refused-version-counts",
        "Of every path the newest accepted version counts, not the newest that came.",
        "pipelines/ingest/queries/version_that_counts.sql",
        "    b.status = 'accepted'\n    and (f.source, f.path) in",
        "    (f.source, f.path) in",
        ("tests/unit/ingest/test_ingest_batch.py::test_a_changed_file_that_is_rejected_replaces_nothing",),
    ),
    Fault(
        "refused-snapshot-is-the-state",
        "The state of a snapshot source is its last accepted file.",
        "pipelines/ingest/ledger.py",
        "and status = 'accepted' order by batch_seq desc, file_id desc limit 1",
        "order by batch_seq desc, file_id desc limit 1",
        ("tests/unit/core/test_core_verdicts.py::test_files_that_count_are_as_if_no_other_had_come",),
    ),
    Fault(
        "a-file-sent-again-adds",
        "A file sent again takes back what it brought and no longer says.",
        "pipelines/ingest/batch.py",
        "replaces = bool({file.name for file in files} & {path for (path,) in accepted})",
        "replaces = False and bool(accepted)",
        (
            "tests/unit/core/test_core_merge.py"
            "::test_a_file_handed_in_again_takes_back_what_it_no_longer_says",
        ),
    ),
    Fault(
        "quarantine-keeps-what-was-mended",
        "A row stands in quarantine as long as its mapping leaves it there, and once.",
        "pipelines/ingest/batch.py",
        '    con.execute(f"delete from quarantine.row where {_OF_FILES}", here)\n',
        "",
        ("tests/unit/core/test_core_verdicts.py::test_files_that_count_are_as_if_no_other_had_come",),
    ),
    Fault(
        "an-interrupted-file-is-taken-as-read",
        "A batch without a verdict is forgotten whole, so that its files are landed again.",
        "pipelines/ingest/batch.py",
        'for table in (\n                "ingest.file",\n',
        "for table in (\n",
        ("tests/unit/ingest/test_ingest_batch.py::test_an_interrupted_batch_is_discarded_and_loaded_again",),
    ),
    Fault(
        "an-older-batch-accepted-later-is-missed",
        "Core has the set of accepted batches, not all up to the newest number.",
        "pipelines/ingest/ledger.py",
        "and status = 'accepted' and batch_seq not in\"\n        \" (select batch_seq from ingest.core_batch",
        "and status = 'accepted' and batch_seq >\"\n"
        '        " (select coalesce(max(batch_seq), 0) from ingest.core_batch',
        (
            "tests/unit/core/test_core_deliveries.py"
            "::test_an_older_batch_accepted_by_hand_enters_core_and_does_not_undo_a_newer_file",
            "tests/unit/core/test_core_verdicts.py::test_files_that_count_are_as_if_no_other_had_come",
        ),
    ),
    Fault(
        "a-mapping-may-lose-accepted-rows",
        "An edited mapping under which accepted rows would go to quarantine changes nothing.",
        "pipelines/ingest/batch.py",
        "    if now <= before or now <= mapping.max_bad_share * rows:\n",
        "    if rows:\n",
        (
            "tests/integration/test_bad_input.py"
            "::test_a_mapping_under_which_accepted_rows_would_go_to_quarantine_changes_nothing",
        ),
    ),
    Fault(
        "an-absurd-snapshot-is-accepted",
        "A snapshot that lacks most keys of the one before is refused until a person accepts it.",
        "pipelines/ingest/deliveries.py",
        "passed=vanished <= source.max_deleted_share * before,",
        "passed=vanished <= before,",
        (
            "tests/unit/core/test_core_deliveries.py"
            "::test_a_snapshot_that_lacks_most_keys_is_rejected_until_a_person_accepts_it",
        ),
    ),
    Fault(
        "an-event-of-tomorrow-is-fresh",
        "Freshness is measured on the newest event by the end of the day.",
        "pipelines/ingest/freshness.py",
        'f" where _source = ? and {event} <= ?",\n            [name, as_of],',
        'f" where _source = ?",\n            [name],',
        (
            "tests/unit/ingest/test_ingest_freshness.py"
            "::test_a_watermark_ignores_other_sources_and_events_after_the_day",
        ),
    ),
    Fault(
        "what-a-person-took-out-comes-back",
        "A batch that a person rejected is left alone when its source is replayed.",
        "pipelines/core/requeue.py",
        'if batch["reason"] != BY_HAND',
        'if batch["reason"]',
        (
            "tests/unit/ingest/test_ingest_requeue.py"
            "::test_what_a_person_took_out_stays_out_when_the_source_is_replayed",
        ),
    ),
)
