"""One writer: the kernel lock names its holder and dies with it; the warehouse is always closed."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest
from fixtures.patience import PATIENCE

from pipelines.engine import connect
from pipelines.errors import BusyError, ConfigError, LohkoError
from resources.locks import hold
from resources.warehouse import Warehouse
from resources.warehouse_schema import newest_version


@contextmanager
def other_process(code: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A process that has said `ready` and waits to be ended."""
    command = [sys.executable, "-c", textwrap.dedent(code), *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None and process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.kill()


HOLDER = """
    import sys
    from pathlib import Path
    from resources.locks import hold
    with hold(Path(sys.argv[1]), "lohko run", timeout=0):
        print("ready", flush=True)
        sys.stdin.read()
"""
READER = """
    import sys, duckdb
    con = duckdb.connect(sys.argv[1])
    print("ready", flush=True)
    sys.stdin.read()
"""


def test_a_second_process_is_told_who_holds_the_lock_until_that_one_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "new" / "warehouse.lock"
    with other_process(HOLDER, str(path)) as process:
        told = rf"process {process.pid} \(lohko run, since 20.*\) holds .*waited 0 s"
        for _ in range(2):  # whoever waited in vain leaves the name of the holder for the next
            with pytest.raises(BusyError, match=told), hold(path, "test", timeout=0.1):
                pass
        process.send_signal(signal.SIGKILL)
        process.wait()
        with hold(path, "test", timeout=PATIENCE):
            assert '"purpose": "test"' in path.read_text()


def test_a_lock_is_free_after_the_block_even_when_it_raised(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with pytest.raises(ZeroDivisionError), hold(path, "test", timeout=0):
        raise ZeroDivisionError
    with hold(path, "test", timeout=0):
        pass


def test_a_lock_with_an_unreadable_holder_still_says_that_it_is_held(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with hold(path, "test", timeout=0):
        path.write_text("{")
        with pytest.raises(BusyError, match="another process holds"), hold(path, "test", timeout=0):
            pass


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    return Warehouse(tmp_path / "state" / "warehouse.duckdb", "America/New_York", lock_timeout=0)


def test_a_session_has_the_projects_time_zone(warehouse: Warehouse) -> None:
    with warehouse.open("test") as con:
        found = con.execute("select cast(timestamptz '2024-05-02 03:59:59+00' as date)::varchar").fetchone()
    assert found == ("2024-05-01",)


def test_the_connection_is_closed_and_the_lock_free_when_the_body_raises(warehouse: Warehouse) -> None:
    with pytest.raises(ZeroDivisionError), warehouse.open("test") as con:
        con.execute("create table t as select 1 as a")
        raise ZeroDivisionError
    with pytest.raises(duckdb.ConnectionException):
        con.execute("select 1")
    with warehouse.open("again") as con:
        assert con.execute("select a from t").fetchall() == [(1,)]


def test_a_second_opener_is_busy(warehouse: Warehouse) -> None:
    with warehouse.open("test"), pytest.raises(BusyError, match=r"\(test, since"), warehouse.open("again"):
        pass


def test_a_held_warehouse_is_open_to_its_holder_only(warehouse: Warehouse) -> None:
    with warehouse.held("a run") as held:
        with held.open("one step") as con:
            con.execute("create table t as select 1 as a")
        with held.open("the next") as con:
            assert con.execute("select a from t").fetchall() == [(1,)]
        with pytest.raises(BusyError, match=r"\(a run, since"), warehouse.open("another"):
            pass
    with warehouse.open("later") as con:
        assert con.execute("select a from t").fetchall() == [(1,)]


def test_what_a_failed_step_left_open_is_undone_while_the_warehouse_stays_held(warehouse: Warehouse) -> None:
    with warehouse.held("a run") as held:
        with pytest.raises(ZeroDivisionError), held.open("one step") as con:
            con.execute("begin transaction")
            con.execute("create table t as select 1 as a")
            raise ZeroDivisionError
        with held.open("the next") as con:
            assert con.execute("select count(*) from duckdb_tables() where table_name = 't'").fetchone() == (
                0,
            )


def test_a_program_without_our_lock_that_has_it_open_is_busy_and_not_damage(warehouse: Warehouse) -> None:
    with warehouse.open("test"):
        pass
    with other_process(READER, str(warehouse.path)) as process:
        open_there = rf"another program has it open.*{process.pid}"
        with pytest.raises(BusyError, match=open_there), warehouse.open("again"):
            pass


def test_a_warehouse_of_a_newer_lohko_is_refused_and_left_alone(warehouse: Warehouse) -> None:
    with warehouse.open("test") as con:
        con.execute("update schema_version set version = version + 1")
    newest = newest_version()
    newer = rf"schema version {newest + 1}; this Lohko knows up to {newest}"
    with pytest.raises(ConfigError, match=newer), warehouse.open("again"):
        pass
    with connect(str(warehouse.path), read_only=True) as con:
        assert con.execute("from schema_version").fetchall() == [(newest + 1,)]


def test_a_damaged_file_says_to_restore_it(warehouse: Warehouse) -> None:
    warehouse.path.parent.mkdir()
    warehouse.path.write_bytes(b"not a database" * 1000)
    with (
        pytest.raises(LohkoError, match=r"cannot be opened.*lohko restore"),
        warehouse.open("test"),
    ):
        pass


def test_a_wrong_setting_is_a_fault_of_the_setting(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOHKO_MEMORY", "lots")
    with pytest.raises(ConfigError, match="Check LOHKO_THREADS and LOHKO_MEMORY"), warehouse.open("test"):
        pass


def test_what_is_divided_by_zero_has_no_value(warehouse: Warehouse) -> None:
    with warehouse.open("test") as con:
        sql = "select 1 / 0, 1.5 / 0, cast(2 as decimal(18, 4)) / 0, 1e0 / 0e0, 5 % 0"
        assert con.execute(sql).fetchone() == (None,) * 5
