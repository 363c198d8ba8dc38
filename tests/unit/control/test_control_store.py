"""The file itself: the log of runs, migrations, and several processes at once."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest
from fixtures.patience import PATIENCE

import resources.control_schema as control_schema
from pipelines.errors import ConfigError, LohkoError
from resources.control import ControlStore, Finding
from resources.migrations import Migration, migrations_of

DAY = date(2025, 3, 1)
ROOT = Path(control_schema.__file__).parents[1]


def in_processes(count: int, code: str, *words: str) -> None:
    command = [sys.executable, "-c", f"import sys; from pathlib import Path\n{code}", *words]
    running = [subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) for _ in range(count)]
    faults = [process.communicate(timeout=PATIENCE)[1] for process in running]
    assert faults == [""] * count


def add_migration(patch: pytest.MonkeyPatch, sql: str) -> None:
    known = migrations_of("control")
    added = Migration(len(known) + 1, "test", sql)
    patch.setattr(control_schema, "migrations_of", lambda store: (*known, added))


def test_a_run_is_running_until_it_is_finished(store: ControlStore) -> None:
    store.start_run("r1", DAY, "command")
    run = store.last_run()
    assert run is not None and (run.status, run.finished_at, run.as_of_date) == (
        "running",
        None,
        "2025-03-01",
    )
    store.finish_run("r1", "held", "drift in 2 segments")
    run = store.last_run()
    assert run is not None and (run.status, run.message) == ("held", "drift in 2 segments")
    assert run.finished_at is not None and run.finished_at.endswith("+00:00")


def test_runs_are_told_latest_first_and_the_last_success_is_found(store: ControlStore) -> None:
    for name, status in [("r1", "success"), ("r2", "failed"), ("r3", "held")]:
        store.start_run(name, DAY, "schedule")
        store.finish_run(name, status)
    assert [run.run_id for run in store.runs(2)] == ["r3", "r2"]
    success = store.last_run("success")
    assert success is not None and success.run_id == "r1"


def test_a_resumed_run_is_one_run_that_runs_again(store: ControlStore) -> None:
    store.start_run("r1", DAY, "command")
    store.finish_run("r1", "failed", "killed")
    store.start_run("r1", DAY, "command")
    assert [(run.status, run.finished_at, run.message) for run in store.runs()] == [("running", None, "")]


def test_a_run_that_was_never_started_cannot_be_finished(store: ControlStore) -> None:
    with pytest.raises(LookupError, match="r9"):
        store.finish_run("r9", "success")


def test_a_status_that_does_not_exist_is_refused_and_nothing_is_written(store: ControlStore) -> None:
    store.start_run("r1", DAY, "command")
    with pytest.raises(sqlite3.IntegrityError):
        store.finish_run("r1", "fine")  # type: ignore[arg-type]
    assert store.runs()[0].status == "running"


def test_a_finding_evaluated_again_in_a_run_keeps_the_later_result(store: ControlStore) -> None:
    store.record_findings("r1", [Finding("drift", "loyal", False, "critical", "moved 12 %")])
    store.record_finding("r1", Finding("drift", "loyal", True, "advisory", "moved 1 %"))
    assert store.findings("r1") == [Finding("drift", "loyal", True, "advisory", "moved 1 %")]


def test_the_store_is_read_and_written_while_another_transaction_is_being_read(
    store: ControlStore, path: Path
) -> None:
    store.start_run("r1", DAY, "command")
    with closing(sqlite3.connect(path)) as reader:
        reader.execute("BEGIN")
        assert reader.execute("SELECT count(*) FROM run_log").fetchone() == (1,)
        store.start_run("r2", DAY, "command")
        assert len(store.runs()) == 2
        assert reader.execute("SELECT count(*) FROM run_log").fetchone() == (1,)


def test_nothing_holds_the_file_between_two_calls(store: ControlStore, path: Path) -> None:
    store.start_run("r1", DAY, "command")
    assert [each.name for each in path.parent.iterdir()] == ["control.sqlite"]


def test_a_migration_is_applied_once_and_keeps_what_was_there(
    store: ControlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.start_run("r1", DAY, "command")
    add_migration(monkeypatch, "CREATE TABLE a (x); INSERT INTO a VALUES (';');")
    store.start_run("r2", DAY, "command")
    assert [run.run_id for run in store.runs()] == ["r2", "r1"]


def test_a_migration_that_fails_leaves_nothing_behind(
    store: ControlStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.start_run("r1", DAY, "command")
    with monkeypatch.context() as patch:
        add_migration(patch, "CREATE TABLE a (x); INSERT INTO b VALUES (1);")
        with pytest.raises(LohkoError, match="no such table: b"):
            store.runs()
    assert len(store.runs()) == 1
    with closing(sqlite3.connect(path)) as sql:
        assert sql.execute("SELECT count(*) FROM sqlite_master WHERE name = 'a'").fetchone() == (0,)


def test_a_file_of_a_newer_lohko_is_refused(store: ControlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    store.runs()
    monkeypatch.setattr(control_schema, "migrations_of", lambda store: ())
    with pytest.raises(ConfigError, match=r"schema version \d+; this Lohko knows up to 0\. Use the newer"):
        store.runs()


def test_a_damaged_file_is_told_with_its_place(store: ControlStore, path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"not a database, but long enough to look like one" * 50)
    with pytest.raises(LohkoError, match=r"control\.sqlite: cannot be used"):
        store.runs()


def test_a_full_disk_is_no_damage(path: Path) -> None:
    script = (
        "import resource, signal, sys; from datetime import date; from pathlib import Path\n"
        "from resources.control import ControlStore; from pipelines.errors import ExternalError\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))\n"
        "try: ControlStore(Path(sys.argv[1])).start_run('a', date(2024, 1, 1), 'command')\n"
        "except ExternalError as fault: print(fault)"
    )
    made = [sys.executable, "-c", script, str(path)]
    ended = subprocess.run(made, capture_output=True, text=True, check=False)
    assert "cannot be written" in ended.stdout and "not damaged" in ended.stdout, ended.stderr


def test_processes_that_begin_a_store_at_once_all_write_into_it(path: Path, store: ControlStore) -> None:
    code = """
import os; from datetime import date; from resources.control import ControlStore
for n in range(20): ControlStore(Path(sys.argv[1])).start_run(f"{os.getpid()}-{n}", date.today(), "command")
"""
    in_processes(4, code, str(path))
    assert len(store.runs(1000)) == 80


def test_a_store_may_be_begun_by_several_at_the_same_moment(tmp_path: Path) -> None:
    faults: list[Exception] = []

    def begin(path: Path, gate: threading.Barrier) -> None:
        gate.wait()
        try:
            ControlStore(path).runs()
        except LohkoError as fault:
            faults.append(fault)

    for number in range(20):
        gate = threading.Barrier(6)
        path = tmp_path / str(number) / "control.sqlite"
        threads = [threading.Thread(target=begin, args=(path, gate)) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert faults == []


def test_processes_that_reconcile_at_once_open_one_incident(path: Path, store: ControlStore) -> None:
    code = """
import os; from resources.control import ControlStore, Finding
from resources.migrations import Migration, migrations_of
store = ControlStore(Path(sys.argv[1]))
for n in range(10):
    store.record_finding(f"{os.getpid()}-{n}", Finding("drift", "loyal", False, "critical", "moved"))
    store.reconcile(f"{os.getpid()}-{n}")
"""
    in_processes(3, code, str(path))
    assert [(each.incident_id, each.subject) for each in store.open_incidents()] == [(1, "loyal")]


def test_what_was_decided_over_a_batch_is_kept_with_who_when_and_why(store: ControlStore) -> None:
    store.record_decision(3, "shop", "accept", "ann", "checked with the shop")
    store.record_decision(3, "shop", "reject", "bob", "and yet")
    latest, first = store.decisions()
    assert (first.batch_seq, first.source, first.decision, first.decided_by) == (3, "shop", "accept", "ann")
    assert (latest.decision, latest.why) == ("reject", "and yet")
    assert first.decided_at <= latest.decided_at
