"""A warehouse or log of an older version migrates forward once, all or nothing, after a backup."""

from __future__ import annotations

import logging
import signal
import sqlite3
import subprocess
import sys
import textwrap
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from fixtures.patience import PATIENCE

from pipelines.engine import connect
from pipelines.errors import ConfigError, LohkoError
from pipelines.segments import history
from resources import control_schema, migrations, warehouse_schema
from resources.backup import KEEP, read_manifest
from resources.control import ControlStore
from resources.migrations import Migration, migrations_in
from resources.warehouse import Warehouse

Chain = Callable[..., None]

SPLIT = "alter table if exists segments.recorded_day add column accounts bigint;"
FILL = """
update segments.recorded_day set accounts = 0;
create table segments.note (as_of_date date not null, note varchar not null);
insert into segments.note select as_of_date, 'kept; as it was' from segments.recorded_day;
"""


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    """A warehouse at the version of today with two recorded days."""
    made = Warehouse(tmp_path / ".lohko" / "warehouse.duckdb", "UTC", lock_timeout=1)
    with made.open("test") as con:
        history.create(con)
        con.execute(
            "insert into segments.recorded_day values ('2026-03-01', 1, 'a', '2026-03-02', 40),"
            " ('2026-03-02', 1, 'b', '2026-03-03', 41)"
        )
        con.execute(
            "insert into segments.membership_event values"
            " ('tier', 'gold', 'customer', 'Ann', '2026-03-01', 'enter', 'v', 'a', 1)"
        )
    return made


@pytest.fixture
def chain(monkeypatch: pytest.MonkeyPatch) -> Chain:
    """Add migrations after those that there are."""

    def add(*scripts: str) -> None:
        known = migrations.migrations_of("warehouse")
        added = tuple(
            Migration(len(known) + i, f"{len(known) + i:04}_test", sql) for i, sql in enumerate(scripts, 1)
        )
        monkeypatch.setattr(warehouse_schema, "migrations_of", lambda store: (*known, *added))

    return add


def days(path: Path) -> tuple[list[str], list[tuple[object, ...]], int]:
    """The columns and rows of the recorded days, and the schema version, whatever that is."""
    with connect(str(path), read_only=True) as con:
        found = con.execute("from segments.recorded_day order by 1")
        names = [column[0] for column in found.description]
        rows = found.fetchall()
        (version,) = con.execute("from main.schema_version").fetchall()
    return names, rows, version[0]


def test_an_older_warehouse_is_backed_up_migrated_and_says_so(
    warehouse: Warehouse, chain: Chain, caplog: pytest.LogCaptureFixture
) -> None:
    before = days(warehouse.path)
    chain(SPLIT, FILL)
    with caplog.at_level(logging.WARNING), warehouse.open("test") as con:
        notes = con.execute("from segments.note order by 1").fetchall()
    names, rows, version = days(warehouse.path)
    assert version == before[2] + 2 and names == [*before[0], "accounts"]
    assert rows == [(*row, 0) for row in before[1]]
    assert [note for _, note in notes] == ["kept; as it was"] * 2
    (backup,) = (warehouse.path.parent / "backup").iterdir()
    manifest = read_manifest(backup)
    assert manifest["schema_version"] == before[2]
    assert {t["table"]: t["rows"] for t in manifest["tables"]}["segments.recorded_day"] == 2
    (line,) = caplog.messages
    assert f"from schema version {before[2]} to {version}" in line and str(backup) in line


def test_a_migration_runs_once(warehouse: Warehouse, chain: Chain) -> None:
    chain("create table segments.once (x int);")
    for _ in range(3):
        with warehouse.open("test"):
            pass
    assert len(list((warehouse.path.parent / "backup").iterdir())) == 1


def test_a_new_warehouse_has_the_newest_version_and_no_migration_runs_in_it(
    tmp_path: Path, chain: Chain
) -> None:
    chain("select 1 / 'no number';")
    new = Warehouse(tmp_path / "new" / "warehouse.duckdb", "UTC")
    with new.open("test") as con:
        assert warehouse_schema.version_of(con) == warehouse_schema.newest_version()
    assert not (new.path.parent / "backup").exists()


def test_a_migration_that_fails_leaves_the_warehouse_as_it_was_and_names_the_backup(
    warehouse: Warehouse, chain: Chain
) -> None:
    before = days(warehouse.path)
    chain(SPLIT, FILL + "insert into segments.nowhere values (1);")
    failed = pytest.raises(LohkoError, match=r"migration \d{4}_test failed: .*nowhere")
    with failed as fault, warehouse.open("test"):
        pass
    (backup,) = (warehouse.path.parent / "backup").iterdir()
    assert str(backup) in str(fault.value) and "as it was" in str(fault.value)
    assert days(warehouse.path) == before


KILLED = """
    import os, signal, sys
    from pathlib import Path
    import duckdb
    from resources import migrations, warehouse_schema
    from resources.migrations import Migration
    from resources.warehouse import Warehouse
    known = migrations.migrations_of("warehouse")
    chain = (*known, *(Migration(len(known) + i, f"{len(known) + i:04}_test", sql)
                       for i, sql in enumerate(sys.argv[2:], 1)))
    warehouse_schema.migrations_of = lambda store: chain
    # The last statement of the chain has run, and nothing is committed yet.
    warehouse_schema.set_version = lambda con, version: os.kill(os.getpid(), signal.SIGKILL)
    with Warehouse(Path(sys.argv[1]), "UTC").open("test"):
        pass
"""


def test_a_migration_that_is_killed_is_made_again_as_a_whole(warehouse: Warehouse, chain: Chain) -> None:
    before = days(warehouse.path)
    command = [sys.executable, "-c", textwrap.dedent(KILLED), str(warehouse.path), SPLIT, FILL]
    assert subprocess.run(command, check=False, timeout=PATIENCE).returncode == -signal.SIGKILL
    assert days(warehouse.path) == before
    chain(SPLIT, FILL)
    with warehouse.open("test"):
        pass
    assert days(warehouse.path)[2] == before[2] + 2


def test_the_last_few_backups_are_kept(warehouse: Warehouse) -> None:
    made = [warehouse.back_up() for _ in range(KEEP + 2)]
    assert sorted((warehouse.path.parent / "backup").iterdir()) == made[2:]


def test_without_room_for_the_backup_nothing_is_migrated(warehouse: Warehouse, chain: Chain) -> None:
    before = days(warehouse.path)
    (warehouse.path.parent / "backup").write_text("a file in the way")
    chain(SPLIT)
    with pytest.raises(LohkoError, match="cannot be backed up"), warehouse.open("test"):
        pass
    assert days(warehouse.path) == before


def test_a_backup_is_restored_into_a_new_warehouse_and_migrated(warehouse: Warehouse, chain: Chain) -> None:
    backup = warehouse.back_up()
    before = days(warehouse.path)
    warehouse.path.write_bytes(b"damaged" * 1000)
    chain(SPLIT, FILL)
    restored = warehouse.restore(backup)
    assert restored.rows["segments.membership_event"] == 1
    assert days(warehouse.path)[1] == [(*row, 0) for row in before[1]]
    assert warehouse.path.with_name("warehouse.before-restore.duckdb").read_bytes()[:7] == b"damaged"
    with warehouse.open("test") as con:
        keys = con.execute("select constraint_text from duckdb_constraints() where table_name = 'definition'")
        assert any("PRIMARY KEY" in text for (text,) in keys.fetchall())


def test_a_damaged_or_newer_backup_is_refused_and_the_warehouse_stays(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    backup = warehouse.back_up()
    before = days(warehouse.path)
    with pytest.raises(ConfigError, match=r"no backup; expected a folder with manifest\.json"):
        warehouse.restore(tmp_path)
    parquet = backup / "segments.recorded_day.parquet"
    with connect() as con:
        con.execute(f"copy (from '{parquet}' limit 1) to '{tmp_path}/less.parquet' (format parquet)")
    (tmp_path / "less.parquet").replace(parquet)
    with pytest.raises(ConfigError, match=r"segments\.recorded_day has other rows"):
        warehouse.restore(backup)
    monkeypatch.setattr("resources.warehouse.newest_version", lambda: 0)
    with pytest.raises(ConfigError, match=r"knows up to 0\. Use the newer Lohko"):
        warehouse.restore(backup)
    assert days(warehouse.path) == before


def test_a_log_of_an_older_version_is_copied_before_it_is_migrated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "control.sqlite"
    assert ControlStore(path).runs() == []
    known = migrations.migrations_of("control")
    added = Migration(len(known) + 1, "0009_test", "CREATE TABLE a (x);")
    monkeypatch.setattr(control_schema, "migrations_of", lambda store: (*known, added))
    for _ in range(2):
        assert ControlStore(path).runs() == []
    (copy,) = (tmp_path / "backup").iterdir()
    for file, version in ((path, len(known) + 1), (copy, len(known))):
        with closing(sqlite3.connect(file)) as sql:
            assert sql.execute("PRAGMA user_version").fetchone() == (version,)
            assert sql.execute("SELECT count(*) FROM run_log").fetchone() == (0,)
    (line,) = caplog.messages
    assert str(copy) in line


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["0001_start.sql", "0003_later.sql"], r"expected the numbers 1 to 2, once each, found \[1, 3\]"),
        (["0001_start.sql", "0001_again.sql"], r"once each, found \[1, 1\]"),
        (["1_start.sql"], "expected a name like"),
    ],
)
def test_a_number_that_is_missing_or_used_twice_is_found(tmp_path: Path, names: list[str], said: str) -> None:
    for name in names:
        (tmp_path / name).write_text("select 1;")
    with pytest.raises(ValueError, match=said):
        migrations_in(tmp_path)


def test_the_migrations_of_every_store_are_numbered_in_order() -> None:
    for store in ("warehouse", "control"):
        assert migrations.migrations_of(store)[0].name == "0001_start"


def test_a_migration_of_the_log_holds_statements_and_nothing_else() -> None:
    for migration in migrations.migrations_of("control"):
        assert list(control_schema._statements(migration.sql)), migration.name
    with pytest.raises(ValueError, match=r"ends without a semicolon: time\.sleep"):
        list(control_schema._statements("CREATE TABLE a (x);\n  time.sleep(0.02)\n"))
