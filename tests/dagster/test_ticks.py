"""The schedule, evaluated as the daemon evaluates it, and runs that were killed."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import dagster as dg
import pytest
from dagster._core.events import DagsterEvent, DagsterEventType
from fixtures.shop import Shop

from lohko.after_run import COMMAND
from lohko.definitions import build_defs
from lohko.jobs import DAILY
from resources.instance import instance_of


@pytest.mark.parametrize(
    ("tick", "day"),
    [
        ("2026-01-15 00:30", "2026-01-14"),
        # The clocks go forward in the night to March the 29th, and back in the night to October the 26th.
        ("2026-03-29 00:30", "2026-03-28"),
        ("2026-03-30 00:30", "2026-03-29"),
        ("2025-10-26 00:30", "2025-10-25"),
        ("2025-10-27 00:30", "2025-10-26"),
    ],
)
def test_a_tick_runs_the_business_day_that_has_just_ended(new_shop: Shop, tick: str, day: str) -> None:
    # In UTC it is the day before.
    new_shop.edit("margin_rate: 0.30", 'margin_rate: 0.30\nschedule: {at: "00:30"}')
    (schedule,) = build_defs(new_shop.project).get_repository_def().schedule_defs
    at = datetime.fromisoformat(tick).replace(tzinfo=ZoneInfo("Europe/Helsinki"))
    with dg.build_schedule_context(scheduled_execution_time=at) as context:
        (request,) = schedule.evaluate_tick(context).run_requests or []
    assert (request.partition_key, request.job_name or schedule.job_name) == (day, DAILY)


@pytest.mark.parametrize("reported", [False, True])
def test_a_run_that_was_killed_gives_its_place_back(shop: Shop, reported: bool) -> None:
    """It would keep its slot of the pool, and every later run would wait for it for ever.

    `reported`: the command that came after it was killed too, when it had just reported it.
    """
    with instance_of(shop.project) as instance:
        job = build_defs(shop.project).resolve_job_def(DAILY)
        run = instance.create_run_for_job(job, tags=COMMAND | {"dagster/partition": "2026-03-30"})
        instance.report_dagster_event(
            DagsterEvent(DagsterEventType.RUN_START.value, job_name=DAILY), run.run_id
        )
        instance.event_log_storage.initialize_concurrency_limit_to_default("warehouse")
        claim = instance.event_log_storage.claim_concurrency_slot("warehouse", run.run_id, "core")
        assert claim.is_claimed
        if reported:
            instance.report_run_failed(run)
    shop.control.start_run(run.run_id, shop.project.yesterday, "command")
    ended = shop.process("run", "--json", seconds=200)
    assert ended.code == 0, ended.err
    assert {one.run_id: one.status for one in shop.control.runs()}[run.run_id] == "failed"
    with instance_of(shop.project) as instance:
        known = instance.get_run_by_id(run.run_id)
        assert known is not None and known.status == dg.DagsterRunStatus.FAILURE
        assert instance.event_log_storage.get_concurrency_info("warehouse").active_slot_count == 0
