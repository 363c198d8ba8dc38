"""Faults of runs as Dagster and the log have them: what they claim, who settles them, what stays of them."""

from __future__ import annotations

from .fault import Fault

_TRUTH = "tests/dagster/test_truth.py"
_SETTLED = "tests/dagster/test_settled.py"
_WHOLE = "tests/integration/test_record_whole.py"

FAULTS = (
    Fault(
        "only-the-daily-job-is-settled",
        "Every run is settled, whatever its job.",
        "lohko/sensors.py",
        "            monitor_all_code_locations=True,\n",
        '            monitored_jobs=[dg.define_asset_job("daily")],\n',
        (f"{_SETTLED}::test_materialize_all_with_a_bad_file_is_told_like_the_daily_run",),
    ),
    Fault(
        "a-person-is-taken-for-the-schedule",
        "The log says what started a run.",
        "lohko/dagster_runs.py",
        'if tag in tags), "manual")',
        'if tag in tags), "schedule")',
        (f"{_SETTLED}::test_the_log_has_what_started_a_run_and_its_own_times",),
    ),
    Fault(
        "an-old-day-claims-returns",
        "What was not made is not materialized.",
        "assets/measure.py",
        "            for table in ROI_TABLES if refresh_roi(refresh) else ():\n",
        "            refresh_roi(refresh)\n            for table in ROI_TABLES:\n",
        (f"{_TRUTH}::test_a_step_by_hand_for_an_old_day_claims_nothing[roi]",),
    ),
    Fault(
        "what-was-not-judged-passes",
        "A check that was not judged has no result.",
        "pipelines/refresh/measure.py",
        "segments_moved=len(moved))] if subjects else []",
        "segments_moved=len(moved))]",
        (f"{_TRUTH}::test_without_enough_data_drift_is_not_judged",),
    ),
    Fault(
        "a-check-of-a-day-has-no-day",
        "A result says of which partition it is.",
        "assets/publish.py",
        "check_specs(checks_of(project), partitions)",
        "check_specs(checks_of(project))",
        (f"{_TRUTH}::test_a_day_says_of_which_partition_its_results_are",),
    ),
    Fault(
        "checked-after-the-commit",
        "A day is recorded with its invariants, or not at all.",
        "pipelines/refresh/segments.py",
        "        assert_recordable(con, day, [found.id for found in known if found.exclusive])\n",
        "    assert_recordable(con, day, [found.id for found in known if found.exclusive])\n",
        (
            f"{_WHOLE}::test_a_day_that_breaks_an_invariant_leaves_nothing"
            "_and_the_next_good_run_is_as_if_it_had_not_been",
        ),
    ),
    Fault(
        "a-killed-day-leaves-its-cut-points",
        "Cut points of a day that was not recorded are taken back, also after a kill.",
        "pipelines/segments/history.py",
        "    unrecorded_cuts.take_back(DuckDB(con))\n",
        "",
        (
            f"{_WHOLE}::test_a_day_that_is_killed_before_it_is_recorded_leaves_nothing"
            "_when_the_record_is_opened_again",
        ),
    ),
    Fault(
        "a-past-day-at-fault-is-published",
        "Nothing is published when a past day in use could not be replayed.",
        "pipelines/refresh/segments.py",
        "REPLAYED.outcome(fault_of_past is None,",
        "REPLAYED.outcome(True,",
        (
            f"{_WHOLE}::test_a_past_day_that_cannot_be_replayed_stops_publication"
            "_and_leaves_nothing_of_that_day",
        ),
    ),
    Fault(
        "published-by-hand-unasked",
        "Publication asks again whether core is sound.",
        "pipelines/refresh/invariants.py",
        "    broken = [*_accounting(con), *_keys(con), *_exclusivity(con, day, exclusive)]\n",
        "    broken = [*_accounting(con), *_exclusivity(con, day, exclusive)]\n",
        (f"{_TRUTH}::test_marts_made_and_published_by_hand_are_of_sound_data",),
    ),
    Fault(
        "a-table-changes-without-migration",
        "A table that is kept from run to run has another form only by a migration.",
        "pipelines/segments/history.py",
        "batch_seq bigint not null, known boolean not null\n",
        "batch_seq bigint not null, known boolean\n",
        ("tests/integration/test_migrated_warehouse.py::test_a_table_of_another_form_has_a_migration",),
    ),
)
