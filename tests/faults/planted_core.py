"""Faults of core: merging, deletions, merged customers, what changed, money."""

from __future__ import annotations

from .fault import Fault

FAULTS = (
    Fault(
        "two-shops-share-their-order-numbers",
        "A key that two sources give out, each for itself, holds the table.",
        "pipelines/core/queries/shared_key.sql",
        "having count(distinct _source) > 1",
        "having count(distinct _source) > 9",
        (
            "tests/unit/core/test_own_keys.py::test_a_key_of_two_sources_holds_the_table_and_names_both_places",
        ),
    ),
    Fault(
        "a-blank-row-takes-the-customer-away",
        "Of the rows of a key in one file the one that says most counts.",
        "pipelines/core/following.py",
        '_file_id desc, _row_filled desc, _row desc"',
        '_file_id desc, _row desc"',
        ("tests/unit/core/test_rows_of_a_key.py::test_the_row_that_says_more_counts_wherever_it_stands",),
    ),
    Fault(
        "equal-lines-are-one",
        "Lines of an order that are alike all count.",
        "pipelines/ingest/keys.py",
        "row_number() over (partition by {alike} order by _row)",
        "first_value(1) over (partition by {alike} order by _row)",
        ("tests/unit/core/test_numbered_lines.py::test_two_lines_that_are_alike_both_count",),
    ),
    Fault(
        "the-first-row-of-a-key-wins",
        "Of the rows of a key the latest batch, file and row wins.",
        "pipelines/core/following.py",
        'LATEST_OF_STAGE = "_batch_seq desc, _file_id desc, _row_filled desc, _row desc"',
        'LATEST_OF_STAGE = "_batch_seq desc, _file_id desc, _row"',
        ("tests/unit/core/test_core_merge.py::test_the_last_row_of_a_key_in_the_latest_batch_wins",),
    ),
    Fault(
        "who-lost-an-order-is-not-told",
        "An order that moves touches the customer it leaves as well as the one it comes to.",
        "pipelines/core/following.py",
        "changed as ({was} except {now}) union all ({now} except {was})",
        "changed as ({now} except {was})",
        (
            "tests/unit/core/test_core_merge.py"
            "::test_an_order_that_moves_touches_the_old_owner_and_the_new_one_and_no_other",
        ),
    ),
    Fault(
        "a-late-line-tells-nobody",
        "A line that comes after its order touches the order's customer.",
        "pipelines/core/marks.py",
        "({timeline(contract.table, 'changed')}) where customer_id is not null",
        "({timeline(contract.table, 'changed')}) where false",
        ("tests/unit/core/test_core_merge.py::test_a_late_line_touches_the_customer_of_its_order",),
    ),
    Fault(
        "a-withdrawn-batch-stays",
        "A batch taken out by a person leaves core.",
        "pipelines/core/merge.py",
        "kept = known == wanted.marks and not withdrawn and",
        "kept = known == wanted.marks and",
        (
            "tests/unit/core/test_core_deliveries.py"
            "::test_a_snapshot_that_lacks_most_keys_is_rejected_until_a_person_accepts_it",
        ),
    ),
    Fault(
        "a-deleted-key-stays",
        "A key that its source deletes is gone.",
        "pipelines/core/following.py",
        'where not _row_deleted"',
        'where true"',
        (
            "tests/unit/core/test_core_deliveries.py"
            "::test_a_change_feed_deletes_by_key_alone_and_its_account_adds_up",
        ),
    ),
    Fault(
        "the-merged-row-hides-the-survivors",
        "Where two merged customers meet in one key of a fact, the row of the one who survives stays.",
        "pipelines/core/following.py",
        'own_first = "(_given_id = customer_id) desc, " if',
        'own_first = "(_given_id = customer_id), " if',
        ("tests/unit/core/test_by_column.py::test_of_facts_the_survivors_own_row_stays_whole",),
    ),
    Fault(
        "a-chain-of-merges-is-followed-once",
        "A merged customer counts for the end of the chain.",
        "pipelines/core/identity.py",
        "while unfinished and merges and reach <= merges[0]:",
        "while unfinished and merges and reach < 1:",
        ("tests/unit/core/test_core_deliveries.py::test_a_long_chain_ends_at_its_last_customer",),
    ),
    Fault(
        "a-merge-taken-back-moves-nobody",
        "A merge taken back gives both customers what was theirs.",
        "pipelines/core/queries/moved_customer.sql",
        "full join chain as now using (customer_id)",
        "right join chain as now using (customer_id)",
        (
            "tests/unit/core/test_core_deliveries.py"
            "::test_a_merge_taken_back_gives_both_customers_what_was_theirs",
        ),
    ),
    Fault(
        "a-change-bears-on-no-day-of-its-own",
        "A row that changed bears on the days from its own on.",
        "pipelines/core/changes.py",
        "first is None or first <= day",
        "first is None or first < day",
        (
            "tests/unit/segments/test_replay_changes.py"
            "::test_days_before_a_change_stand_and_those_after_it_do_not",
            "tests/unit/features/test_changes.py"
            "::test_marks_are_asked_by_day_and_table_and_only_those_that_came_since",
        ),
    ),
    Fault(
        "a-row-without-a-day-bears-on-none",
        "A row without a day bears on every day.",
        "pipelines/core/changes.py",
        "case when count(*) = count(day) then min(day) end",
        "coalesce(min(day), date '9999-12-31')",
        ("tests/unit/features/test_changes.py::test_a_change_bears_on_the_days_from_its_rows_on",),
    ),
    Fault(
        "a-contact-of-an-undated-campaign",
        "A contact without a day counts from the first day of its campaign.",
        "pipelines/core/facts/reading.py",
        'return f"coalesce({own}, {self._linked(fact.else_day)})"',
        "return f\"coalesce({own}, date '9999-12-31')\"",
        (
            "tests/unit/features/test_changes.py::test_a_change_bears_on_the_days_from_its_rows_on",
            "tests/unit/segments/test_facts_agree.py::test_a_contact_counts_by_its_day_unless_it_is_held_back",
        ),
    ),
    Fault(
        "a-blank-arm-is-held-back",
        "A contact that does not say its arm was addressed.",
        "pipelines/contracts/tables/campaign_contacts.py",
        'Counted("arm", ("treatment",), blank="treatment")',
        'Counted("arm", ("treatment",), blank="control")',
        ("tests/unit/segments/test_facts_agree.py::test_a_contact_counts_by_its_day_unless_it_is_held_back",),
    ),
    Fault(
        "an-expected-day-closes-a-deal",
        "How a deal ended is said by its outcome, never by a closing day alone.",
        "pipelines/core/facts/ending.py",
        "return text, among(text, ends.ends)",
        "return text, f'{row}.{quote(ends.day)} is not null'",
        ("tests/unit/segments/test_deals.py::test_the_outcome_decides_and_never_the_day_alone",),
    ),
    Fault(
        "tomorrows-rate",
        "An amount is converted by the latest rate at or before its day.",
        "pipelines/core/money/term.sql",
        "and d.business_date >= r.from_date\n",
        "and d.business_date >= r.from_date - 1\n",
        (
            "tests/unit/core/test_money.py"
            "::test_an_amount_is_converted_with_the_latest_rate_at_or_before_its_day",
        ),
    ),
    Fault(
        "a-corrected-rate-tells-nobody",
        "When a rate changes, the customers of the orders it prices are computed again.",
        "pipelines/core/money/queries/revalued_day.sql",
        "where b.currency_rate is distinct from t.currency_rate or b.vat_rate is distinct",
        "where b.vat_rate is distinct",
        ("tests/unit/core/test_money.py::test_a_changed_rate_touches_the_customers_it_prices_and_no_other",),
    ),
    Fault(
        "coverage-stays-after-a-change",
        "A table that changed is measured again.",
        "pipelines/core/state.py",
        "    coverage.forget(con, contract.table)\n",
        "",
        (
            "tests/unit/core/test_coverage.py::test_measuring_what_changed_equals_counting_anew_after_every_batch",
        ),
    ),
    Fault(
        "zeros-in-front-are-not-suspected",
        "Ids that differ only by leading zeros are named.",
        "pipelines/core/forms.py",
        "return f\"ltrim({text}, '0')\"",
        "return text",
        ("tests/unit/core/test_coverage.py::test_what_ids_differ_by_has_a_name",),
    ),
    Fault(
        "letters-stay-decomposed",
        "The same letters, composed or decomposed, are one id.",
        "pipelines/ingest/text.py",
        "nfc_normalize(trim(",
        "(trim(",
        ("tests/unit/ingest/test_one_text_an_id.py::test_composed_and_decomposed_letters_are_one_text",),
    ),
    Fault(
        "a-list-that-matches-nobody-passes",
        "A list of which too few are members is told.",
        "pipelines/refresh/coverage.py",
        "ENOUGH_LISTED = 0.9",
        "ENOUGH_LISTED = 0.0",
        ("tests/unit/segments/test_listed.py::test_a_list_is_told_unless_nearly_all_of_it_are_members",),
    ),
    Fault(
        "a-touch-without-id-forgets-its-day",
        "Three mails of one campaign on three days are three touches.",
        "pipelines/contracts/tables/campaign_contacts.py",
        "'on ' || cast(contacted_on as varchar)",
        "'on ' || left(cast(contacted_on as varchar), 7)",
        ("tests/unit/core/test_touches.py::test_what_is_one_touch_and_what_are_two",),
    ),
    Fault(
        "a-touch-of-nobody-enters",
        "A touch, a response or a consent that names nobody goes to quarantine.",
        "pipelines/ingest/mapping.py",
        "    branches += _owner_fault(contract)\n",
        "",
        ("tests/unit/core/test_touches.py::test_a_touch_of_nobody_is_quarantined_and_says_why",),
    ),
    Fault(
        "arms-are-not-compared",
        "Whoever is in both arms of a campaign is told.",
        "pipelines/core/queries/owner_in_both_arms.sql",
        "coalesce(arm, $blank)) > 1",
        "coalesce(arm, $blank)) > 2",
        ("tests/unit/core/test_touches.py::test_whoever_is_in_both_arms_of_one_campaign_is_counted",),
    ),
)
