"""Every run is settled, whatever started it: the log, incidents, alerts and `lohko status` tell of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import dagster as dg
import pytest
from dagster import DagsterEvent, DagsterEventType
from fixtures.daily import Daemon, execute, materialize
from fixtures.ear import Ear
from fixtures.shop import Shop

from lohko.after_run import COMMAND
from lohko.definitions import build_defs
from lohko.jobs import DAILY
from resources.instance import instance_of
from resources.run_log import Run

BAD = ["9001,C001,no day,web,paid,ten,none"] * 5
GOOD = '9001,C001,2026-03-30 12:00:00,web,paid,"10,00","0,00"'


@pytest.fixture
def instance(shop: Shop) -> Iterator[dg.DagsterInstance]:
    with instance_of(shop.project) as instance:
        yield instance


def logged(shop: Shop, result: dg.ExecuteInProcessResult) -> Run:
    run = shop.control.run(result.run_id)
    assert run is not None
    return run


def open_incidents(shop: Shop) -> list[tuple[str, str]]:
    return [(incident.kind, incident.subject) for incident in shop.control.open_incidents()]


def status(shop: Shop) -> dict[str, Any]:
    told: dict[str, Any] = shop.lohko("status", "--json").json
    return told


def test_materialize_all_with_a_bad_file_is_told_like_the_daily_run(
    shop: Shop, instance: dg.DagsterInstance, ear: Ear
) -> None:
    daemon = Daemon(shop, instance)
    shop.deliver("orders-2.csv", *BAD)
    result = materialize(shop, instance)
    assert result.success
    daemon.tick()
    run = logged(shop, result)
    assert (run.as_of_date, run.status, run.trigger, run.scope) == ("2026-03-30", "held", "manual", "")
    assert open_incidents(shop) == [("rejected_batch", "shop_orders")]
    assert ear.news() == ["[My shop] Problem: Rejected batch: shop_orders"]
    told = status(shop)
    assert told["last_run"]["run_id"] == result.run_id
    assert told["published"]["as_of_date"] == "2026-03-30" and "rejected" in told["held"][0]
    daemon.tick()
    assert ear.news() == []


def test_a_part_with_a_bad_file_is_told_and_its_log_says_how_much_it_was(
    shop: Shop, instance: dg.DagsterInstance, ear: Ear
) -> None:
    daemon = Daemon(shop, instance)
    published = shop.published()
    shop.deliver("orders-2.csv", *BAD)
    result = materialize(shop, instance, "raw/shop_orders", day=None)
    daemon.tick()
    run = logged(shop, result)
    assert (run.as_of_date, run.status, run.trigger) == ("2026-03-30", "held", "manual")
    assert run.scope.startswith("1 of ") and run.scope.endswith(" assets")
    assert ear.news() == ["[My shop] Problem: Rejected batch: shop_orders"]
    assert shop.published() == published
    told = status(shop)
    assert told["last_run"]["scope"] == run.scope and "rejected" in told["held"][0]
    assert run.scope in shop.lohko("status").out


def test_a_part_that_looks_at_no_source_leaves_what_is_held_held(
    shop: Shop, instance: dg.DagsterInstance
) -> None:
    daemon = Daemon(shop, instance)
    shop.deliver("orders-2.csv", *BAD)
    materialize(shop, instance, "raw/shop_orders", day=None)
    daemon.tick()
    materialize(shop, instance, "raw/crm", day=None)
    daemon.tick()
    assert open_incidents(shop) == [("rejected_batch", "shop_orders")]
    assert "rejected" in status(shop)["held"][0]


def broken_core(shop: Shop) -> None:
    with shop.warehouse() as con:
        con.execute("create table was as from core.orders")
        con.execute("delete from core.orders")


def mended_core(shop: Shop) -> None:
    with shop.warehouse() as con:
        con.execute("insert into core.orders from was")
        con.execute("drop table was")


def test_only_a_run_of_everything_mends_a_failure(shop: Shop, instance: dg.DagsterInstance, ear: Ear) -> None:
    daemon = Daemon(shop, instance)
    broken_core(shop)
    failed = materialize(shop, instance)
    daemon.tick()
    assert logged(shop, failed).status == "failed"
    assert "no orders have been accepted yet" in logged(shop, failed).message
    assert ear.news() == ["[My shop] Problem: Failed run: daily"]
    mended_core(shop)
    assert materialize(shop, instance, "raw/crm", day=None).success
    daemon.tick()
    assert open_incidents(shop) == [("failed_run", "daily")], "a part did not do it all again"
    assert materialize(shop, instance, day="2026-03-10").success
    daemon.tick()
    assert open_incidents(shop) == [("failed_run", "daily")], "an earlier day mends nothing"
    assert materialize(shop, instance).success
    daemon.tick()
    assert open_incidents(shop) == []
    assert ear.news() == ["[My shop] Recovered: Failed run: daily"]


def test_a_failed_part_is_told_and_mended_by_a_run_of_everything(
    shop: Shop, instance: dg.DagsterInstance, ear: Ear
) -> None:
    daemon = Daemon(shop, instance)
    broken_core(shop)
    failed = materialize(shop, instance, *[f"core/{table}" for table in core_tables(shop)], day=None)
    assert not failed.success
    daemon.tick()
    assert ear.news() == ["[My shop] Problem: Failed run: partial run"]
    mended_core(shop)
    assert materialize(shop, instance).success
    daemon.tick()
    assert ear.news() == ["[My shop] Recovered: Failed run: partial run"]


@pytest.mark.parametrize("resumed", [True, False])
def test_a_failed_run_is_mended_by_a_retry_of_its_failed_part(
    shop: Shop, instance: dg.DagsterInstance, ear: Ear, resumed: bool
) -> None:
    daemon = Daemon(shop, instance)
    broken_core(shop)
    failed = materialize(shop, instance)
    daemon.tick()
    mended_core(shop)
    # What "Re-execute from failure" starts, or the same run again of a part that somebody picked.
    retry = {"dagster/parent_run_id": failed.run_id} | (
        {"dagster/is_resume_retry": "true"} if resumed else {}
    )
    assert materialize(shop, instance, "raw/crm", day=None, tags=retry).success
    daemon.tick()
    assert (open_incidents(shop) == []) is resumed


def core_tables(shop: Shop) -> list[str]:
    graph = build_defs(shop.project).resolve_asset_graph()
    return [key.path[1] for key in graph.get_all_asset_keys() if key.path[0] == "core"]


@pytest.mark.parametrize(
    ("tags", "trigger"),
    [
        ({"dagster/schedule_name": "daily_at_0500"}, "schedule"),
        ({"dagster/backfill": "abcdefgh"}, "backfill"),
        ({"dagster/sensor_name": "new_files"}, "sensor"),
        ({"dagster/sensor_name": "s", "dagster/from_automation_condition": "true"}, "automation"),
        ({}, "manual"),
    ],
)
def test_the_log_has_what_started_a_run_and_its_own_times(
    shop: Shop, instance: dg.DagsterInstance, tags: dict[str, str], trigger: str
) -> None:
    daemon = Daemon(shop, instance)
    result = materialize(shop, instance, "raw/crm", day=None, tags=tags)
    ended = datetime.now(UTC)
    record = instance.get_run_record_by_id(result.run_id)
    assert record is not None and record.start_time and record.end_time
    daemon.tick()
    run = logged(shop, result)
    assert run.trigger == trigger and run.finished_at is not None
    assert datetime.fromisoformat(run.started_at).timestamp() == pytest.approx(record.start_time)
    assert datetime.fromisoformat(run.finished_at).timestamp() == pytest.approx(record.end_time)
    assert datetime.fromisoformat(run.finished_at) <= ended


def test_a_run_of_the_command_has_its_own_times(shop: Shop, instance: dg.DagsterInstance) -> None:
    assert shop.lohko("run", "--json").code == 0
    last = shop.control.last_run()
    assert last is not None and last.trigger == "command" and last.finished_at
    record = instance.get_run_record_by_id(last.run_id)
    assert record is not None and record.start_time and record.end_time
    assert datetime.fromisoformat(last.started_at).timestamp() == pytest.approx(record.start_time)
    assert datetime.fromisoformat(last.finished_at).timestamp() == pytest.approx(record.end_time)


def test_a_run_is_in_the_log_while_it_goes_on(
    shop: Shop, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[dict[str, Any]] = []
    monkeypatch.setattr("lohko.definitions._silent", lambda _: seen.append(status(shop)["last_run"]))
    result = materialize(shop, instance, "raw/crm", day=None)
    assert seen and {(run["run_id"], run["status"]) for run in seen} == {(result.run_id, "running")}


@pytest.mark.parametrize("following", ["command", "daemon"])
def test_a_run_that_no_sensor_saw_is_settled_by_the_next(
    shop: Shop, instance: dg.DagsterInstance, ear: Ear, following: str
) -> None:
    shop.deliver("orders-2.csv", *BAD)
    unseen = execute(shop, "2026-03-30", instance)
    # A sensor looks at what ends after its first tick.
    daemon = Daemon(shop, instance)
    daemon.tick()
    assert logged(shop, unseen).status == "running" and ear.news() == []
    (shop.root / "data" / "orders-2.csv").unlink()
    shop.deliver("orders-3.csv", GOOD)
    if following == "command":
        assert shop.lohko("run", "--json").code == 0
    else:
        assert execute(shop, "2026-03-30", instance).success
        daemon.tick()
    run = logged(shop, unseen)
    assert run.status == "held" and run.finished_at is not None
    assert open_incidents(shop) == []


def test_a_cancelled_run_is_a_failed_one(shop: Shop, instance: dg.DagsterInstance, ear: Ear) -> None:
    daemon = Daemon(shop, instance)
    job = build_defs(shop.project).resolve_job_def(DAILY)
    run = instance.create_run_for_job(job, tags={"dagster/partition": "2026-03-30"})
    for kind in (DagsterEventType.RUN_START, DagsterEventType.RUN_CANCELED):
        instance.report_dagster_event(DagsterEvent(kind.value, job_name=DAILY), run.run_id)
    daemon.tick()
    known = shop.control.run(run.run_id)
    assert known is not None and (known.status, known.message) == ("failed", "the run was cancelled")
    assert ear.news() == ["[My shop] Problem: Failed run: daily"]


def test_a_run_of_the_command_is_left_to_the_command(shop: Shop, instance: dg.DagsterInstance) -> None:
    daemon = Daemon(shop, instance)
    result = execute(shop, "2026-03-30", instance, tags=COMMAND)
    assert result.success
    daemon.tick()
    assert logged(shop, result).status == "running"
