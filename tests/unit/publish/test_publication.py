"""A run is published whole or not at all."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from published_base import YESTERDAY, D, build, company

from pipelines.engine import connect
from pipelines.errors import ExternalError
from pipelines.publish.manifest import manifest
from pipelines.publish.marts import MARTS
from resources.publication import STORAGE_VERSION, publish, without_formulas

OUTPUTS = (*MARTS, "incident")


@pytest.fixture(scope="module")
def con(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    with company(tmp_path_factory.mktemp("segments")) as made:
        build(made)
        yield made


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Publish two marts only, for tests that publish often."""
    monkeypatch.setattr("resources.publication.MARTS", ("run", "membership"))


def put(
    con: duckdb.DuckDBPyConnection, folder: Path, run_id: str, keep: int = 3, report: str = "<p>"
) -> Path:
    return publish(con, folder, run_id, lambda: report, {"run": run_id}, keep)


def current(folder: Path) -> str:
    return (folder / "current").resolve().name


def runs(folder: Path) -> set[str]:
    return {path.name for path in (folder / "runs").iterdir()}


def test_a_run_has_every_mart_in_every_form(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    folder = publish(con, tmp_path / "it's", "run-1", lambda: "<p>", manifest(con), 3)
    assert folder == tmp_path / "it's" / "runs" / "run-1"
    assert {path.stem for path in (folder / "csv").iterdir()} == set(OUTPUTS)
    assert {path.stem for path in (folder / "parquet").iterdir()} == set(OUTPUTS)
    assert (folder / "report.html").read_text(encoding="utf-8") == "<p>"
    written = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    assert written["run"]["run_id"] == "run-1"
    with connect(str(folder / "lohko.duckdb"), read_only=True) as analyst:
        for mart in OUTPUTS:
            rows = con.execute(f"from marts.{mart} order by all").fetchall()
            assert analyst.execute(f"from marts.{mart} order by all").fetchall() == rows
            assert analyst.execute(
                "select count(*) from read_parquet(?)", [str(folder / "parquet" / f"{mart}.parquet")]
            ).fetchone() == (len(rows),)


def test_a_formula_in_a_text_is_harmless_in_csv_and_kept_elsewhere(tmp_path: Path) -> None:
    texts = ["=1+1", "+358 40", "-2", "@sum", "\tx", "\rx", "a=b", "", None, "'=x"]
    with connect() as con:
        con.execute("create table t as select unnest($texts) as name, -1.5 as amount", {"texts": texts})
        con.execute("create schema marts")
        con.execute("create table marts.run as from t")
        written = con.execute(without_formulas(con, "marts.run")).fetchall()
    assert [name for name, _ in written] == [
        *("'=1+1", "'+358 40", "'-2", "'@sum", "'\tx", "'\rx", "a=b", "", None, "'=x")
    ]
    assert {str(amount) for _, amount in written} == {"-1.5"}


def test_the_file_for_analysts_has_macros_and_opens_in_older_duckdb(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    folder = put(con, tmp_path, "run-1")
    with connect(str(folder / "lohko.duckdb"), read_only=True) as analyst:
        sizes = analyst.execute("from marts.segment_size_on('cycle', ?) order by all", [YESTERDAY]).fetchall()
        assert sizes == [("away", 1), ("new", 1)]
        ann = analyst.execute(
            "select segment_id from marts.membership_as_of('cycle', ?) where entity_id = 'ann'", [D]
        ).fetchall()
        assert ann == [("away",)]
        ann = analyst.execute(
            "select segment_id, entity_kind from marts.membership_as_of('plan', ?) where entity_id = 'ann'",
            [YESTERDAY],
        ).fetchall()
        assert ann == [("nurture", "account")]
        sizes = analyst.execute("from marts.segment_size_on('plan', ?) order by all", [D]).fetchall()
        assert sizes == [("nurture", 1), ("wait", 2)]
        (tags,) = analyst.execute(
            "select tags['storage_version'] from duckdb_databases() where database_name = 'lohko'"
        ).fetchall()
        # What DuckDB calls the storage version of a file names the first release that reads it.
        assert tags[0].startswith(STORAGE_VERSION.rsplit(".", 1)[0])
        with pytest.raises(duckdb.Error, match="read-only"):
            analyst.execute("delete from marts.membership")


def test_the_same_content_makes_the_same_files(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    first = put(con, tmp_path, "run-1")
    build(con)
    second = put(con, tmp_path, "run-2")
    for mart in OUTPUTS:
        name = f"csv/{mart}.csv"
        assert (first / name).read_bytes() == (second / name).read_bytes()


@pytest.mark.usefixtures("small")
def test_a_reader_always_stands_in_a_whole_run(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    put(con, tmp_path, "run", keep=9)
    seen: set[str] = set()
    broken: list[str] = []
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            try:
                folder = (tmp_path / "current").resolve(strict=True)
                written = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
                whole = (folder / "csv" / "incident.csv").exists() and (folder / "lohko.duckdb").exists()
            except OSError as error:
                broken.append(str(error))
            else:
                seen.add(folder.name)
                if not whole or not folder.name.startswith(written["run"]):
                    broken.append(folder.name)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for number in range(50):
            # A run that publishes again does so under the reader's feet.
            put(con, tmp_path, f"run{number // 2}", keep=9)
    finally:
        stop.set()
        reader.join()
    assert broken == []
    assert len(seen) > 5


@pytest.mark.usefixtures("small")
def test_the_link_is_replaced_and_never_taken_away(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(con, tmp_path, "first")
    removed: list[Path] = []
    unlink = Path.unlink

    def watched(path: Path, missing_ok: bool = False) -> None:
        removed.append(path)
        unlink(path, missing_ok)

    monkeypatch.setattr(Path, "unlink", watched)
    put(con, tmp_path, "second")
    assert (tmp_path / "current").resolve().name == "second"
    assert tmp_path / "current" not in removed


@pytest.mark.usefixtures("small")
def test_a_run_that_publishes_again_lands_beside_its_first_folder(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    put(con, tmp_path, "a", report="first")
    put(con, tmp_path, "a", report="second")
    assert runs(tmp_path) == {"a", "a.2"}
    assert (tmp_path / "current" / "report.html").read_text(encoding="utf-8") == "second"


@pytest.mark.usefixtures("small")
def test_the_newest_runs_stay_and_the_current_one_always(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    for name in "abcd":
        put(con, tmp_path, name, keep=2)
    assert runs(tmp_path) == {"c", "d"}
    put(con, tmp_path, "e", keep=1)
    assert runs(tmp_path) == {"e"}
    assert current(tmp_path) == "e"


@pytest.mark.usefixtures("small")
def test_an_old_run_that_cannot_be_removed_is_told_and_stops_nothing(
    con: duckdb.DuckDBPyConnection,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def refuse(path: Path) -> None:
        raise PermissionError(13, "Permission denied")

    put(con, tmp_path, "a")
    (tmp_path / "runs" / "elsewhere").symlink_to(tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr("resources.publication.shutil.rmtree", refuse)
        put(con, tmp_path, "b", keep=1)
    assert current(tmp_path) == "b" and runs(tmp_path) == {"a", "b", "elsewhere"}
    (told,) = caplog.messages
    assert told.startswith(f"{tmp_path / 'runs' / 'a'}: ") and "Permission denied" in told
    put(con, tmp_path, "c", keep=1)
    assert runs(tmp_path) == {"c", "elsewhere"}


@pytest.mark.usefixtures("small")
def test_a_folder_in_the_place_of_the_link_becomes_a_run(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    (tmp_path / "current").mkdir()
    (tmp_path / "current" / "report.html").write_text("from a backup")
    put(con, tmp_path, "a")
    assert current(tmp_path) == "a" and runs(tmp_path) == {"a", "restored"}
    assert (tmp_path / "runs" / "restored" / "report.html").read_text() == "from a backup"


@pytest.mark.usefixtures("small")
def test_what_an_interrupted_publication_left_is_cleared(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    half = tmp_path / "runs" / ".writing-dead"
    half.mkdir(parents=True)
    (half / "lohko.duckdb").write_bytes(b"half")
    (tmp_path / ".current.new").symlink_to("nowhere")
    put(con, tmp_path, "a")
    assert runs(tmp_path) == {"a"}
    assert not (tmp_path / ".current.new").is_symlink()


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("step", ["_write_duckdb", "_write_csv", "_flush", "_point"])
def test_a_fault_halfway_leaves_the_current_run_where_it_was(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    put(con, tmp_path, "good", report="good")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    told = r"runs: cannot be written \(No space left on device\); what was published before stays"
    with monkeypatch.context() as patched, pytest.raises(ExternalError, match=told):
        patched.setattr(f"resources.publication.{step}", fail)
        put(con, tmp_path, "bad")
    assert current(tmp_path) == "good"
    assert (tmp_path / "current" / "report.html").read_text(encoding="utf-8") == "good"
    put(con, tmp_path, "bad", report="now good")
    assert (tmp_path / "current" / "report.html").read_text(encoding="utf-8") == "now good"


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("form", ["duckdb", "parquet", "csv"])
def test_every_form_names_a_table_that_is_not_there(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    con.execute("alter table marts.incident rename to hidden")
    try:
        with monkeypatch.context() as patched, pytest.raises(duckdb.CatalogException, match="incident"):
            # The forms are written at once, and whichever fails first is told: here only one of them can.
            for other in {"duckdb", "parquet", "csv"} - {form}:
                patched.setattr(f"resources.publication._write_{other}", lambda *_: None)
            put(con, tmp_path, "bad")
    finally:
        con.execute("alter table marts.hidden rename to incident")
    put(con, tmp_path, "good")
    assert runs(tmp_path) == {"good"}


def test_the_link_is_relative_so_that_the_folder_may_move(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, small: None
) -> None:
    put(con, tmp_path / "here", "a", report="x")
    (tmp_path / "here").rename(tmp_path / "there")
    assert (tmp_path / "there" / "current" / "report.html").read_text(encoding="utf-8") == "x"


@pytest.mark.usefixtures("small")
def test_a_fault_in_one_form_stops_the_others(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: list[type[BaseException]] = []

    def slow(further: duckdb.DuckDBPyConnection, _: Path) -> None:
        try:
            # Hours, if nobody stops it.
            endless = "select count(*) from range(1000000) a, range(1000000) b where a.range * b.range < 0"
            further.execute(endless)
        except BaseException as fault:
            ended.append(type(fault))
            raise

    def fail(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("resources.publication._write_parquet", slow)
    monkeypatch.setattr("resources.publication._write_csv", fail)
    with pytest.raises(KeyboardInterrupt):
        put(con, tmp_path, "bad")
    assert ended == [duckdb.InterruptException]
    monkeypatch.undo()
    put(con, tmp_path, "good")
    assert current(tmp_path) == "good" and not list((tmp_path / "runs").glob(".writing-*"))
