"""Old runs are taken out of Dagster's history; how assets and checks stand now stays visible."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest
from fixtures.daily import execute
from fixtures.shop import Shop

from resources.history import prune_runs
from resources.instance import instance_of

MEMBERSHIP = dg.AssetKey(["segments", "membership"])
INVARIANTS = dg.AssetCheckKey(dg.AssetKey(["segments", "membership_event"]), "invariants")


@pytest.fixture
def instance(shop: Shop) -> Iterator[dg.DagsterInstance]:
    with instance_of(shop.project) as instance:
        yield instance


def databases(shop: Shop) -> set[str]:
    return {path.stem for path in (shop.project.dagster_home / "history" / "runs").glob("*.db")} - {"index"}


def events(shop: Shop, run_id: str) -> int:
    """How many events of a run the index of assets has."""
    path = shop.project.dagster_home / "history" / "runs" / "index.db"
    with closing(sqlite3.connect(path)) as sql:
        return int(sql.execute("select count(*) from event_logs where run_id = ?", [run_id]).fetchone()[0])


def test_a_pruned_run_leaves_the_last_results_and_no_file(shop: Shop, instance: dg.DagsterInstance) -> None:
    (first,) = [run.run_id for run in instance.get_runs()]
    twice = execute(shop, "2026-03-30", instance)
    moment = datetime.now(UTC)
    last = execute(shop, "2026-03-30", instance)
    assert prune_runs(instance, shop.project.dagster_home, moment) == 2
    assert [run.run_id for run in instance.get_runs()] == [last.run_id]
    assert databases(shop) == {last.run_id}
    assert events(shop, twice.run_id) == 0 and events(shop, last.run_id) > 100
    storage = instance.event_log_storage
    made = instance.fetch_materializations(MEMBERSHIP, limit=10).records
    assert {(record.partition_key, record.run_id) for record in made} == {
        ("2026-03-29", first),
        ("2026-03-30", last.run_id),
    }
    results = storage.get_asset_check_execution_history(INVARIANTS, limit=10)
    assert {(found.partition, found.run_id) for found in results} == {
        ("2026-03-29", first),
        ("2026-03-30", last.run_id),
    }
    assert all(found.event is not None for found in results)
    latest = instance.get_latest_materialization_event(dg.AssetKey(["raw", "crm"]))
    assert latest is not None and latest.run_id == last.run_id


@pytest.mark.parametrize(("days", "kept"), [(29, False), (31, True)])
def test_the_command_prunes_what_is_older_than_the_setting(shop: Shop, days: int, kept: bool) -> None:
    shop.edit("margin_rate: 0.30", f"margin_rate: 0.30\nretention: {{runs_days: {days}}}")
    with instance_of(shop.project) as instance:
        (old,) = [run.run_id for run in instance.get_runs()]
    past = (datetime.now(UTC) - timedelta(days=30)).replace(tzinfo=None).isoformat(sep=" ")
    with closing(sqlite3.connect(shop.project.dagster_home / "history" / "runs.db")) as sql, sql:
        sql.execute("update runs set create_timestamp = ?, update_timestamp = ?", [past, past])
    assert shop.lohko("run", "--json").code == 0
    with instance_of(shop.project) as instance:
        assert (old in {run.run_id for run in instance.get_runs()}) is kept
    assert (old in databases(shop)) is kept
    assert shop.control.run(old) is not None, "the log of runs keeps it"
