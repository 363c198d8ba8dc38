"""The project's Dagster instance: quick while a command goes on, and as it was afterwards."""

from __future__ import annotations

from dagster._core.storage.event_log.sqlite import sqlite_event_log
from dagster._core.storage.runs.sqlite import sqlite_run_storage
from fixtures.shop import Shop
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from resources.instance import instance_of


def test_a_database_has_one_engine_that_stays_connected_while_a_command_goes_on(shop: Shop) -> None:
    with instance_of(shop.project) as instance:
        assert instance.get_runs_count() >= 0
        url = f"sqlite:///{shop.project.dagster_home}/history/runs.db"
        engine = sqlite_run_storage.create_engine(url, poolclass=NullPool)
        assert engine is sqlite_event_log.create_engine(url)
        engine.dispose()
        assert engine.pool.checkedin() >= 1  # type: ignore[attr-defined]
    assert sqlite_run_storage.create_engine is create_engine
    assert engine.pool.checkedin() == 0  # type: ignore[attr-defined]
