"""Files as they come: formats, row numbers, and files that cannot be used."""

from __future__ import annotations

from pathlib import Path

import pytest
from ingest_desk import HEADER, Desk, order

from pipelines.errors import SourceError
from pipelines.ingest.files import columns_in_file, load
from pipelines.ingest.reading import FORMATS, Reading, format_of, prepare


def look(desk: Desk, path: Path) -> Reading:
    return prepare(desk.con, path, None, path.parent)


def raw(desk: Desk, path: Path) -> list[tuple[object, ...]]:
    desk.con.execute("create schema if not exists raw")
    count = load(desk.con, "shop", look(desk, path), 5)
    found = desk.con.execute("select * exclude (_file_id) from raw.shop order by _row").fetchall()
    assert count == len(found)
    return found


def test_a_csv_file_keeps_text_and_its_header_is_line_1(desk: Desk) -> None:
    path = desk.write("a.csv", "id,born\n007,2024-05-01\n17850.0,\n")
    assert raw(desk, path) == [(2, "007", "2024-05-01"), (3, "17850.0", None)]


def test_a_csv_file_loses_no_line(desk: Desk) -> None:
    path = desk.write("a.csv", 'id,note\n#1,"a, b"\n2,"said ""no"""\n3,x\n')
    assert raw(desk, path) == [(2, "#1", "a, b"), (3, "2", 'said "no"'), (4, "3", "x")]


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_a_csv_file_may_be_delimited_otherwise(desk: Desk, delimiter: str) -> None:
    assert raw(desk, desk.write("a.csv", f"id{delimiter}x\n1{delimiter}2\n")) == [(2, "1", "2")]


def test_json_lines_keep_text_as_it_is_written(desk: Desk) -> None:
    lines = '{"id": 17850.0, "day": "2024-05-01", "code": "007"}\n{"id": 5, "tags": ["a"], "ok": true}\n'
    path = desk.write("a.jsonl", lines)
    assert columns_in_file(desk.con, look(desk, path)) == ["id", "day", "code", "tags", "ok"]
    assert raw(desk, path) == [
        (1, "17850.0", "2024-05-01", "007", None, None),
        (2, "5", None, None, '["a"]', "true"),
    ]


def test_parquet_keeps_its_types_and_counts_from_1(desk: Desk) -> None:
    path = desk.write_parquet(
        "a.parquet", "select * from (values (1, date '2024-05-01'), (2, null)) t(id, day)"
    )
    assert [row[:2] for row in raw(desk, path)] == [(1, 1), (2, 2)]


@pytest.mark.parametrize("ending", FORMATS)
def test_the_ending_says_the_format(ending: str) -> None:
    assert format_of(Path(f"Orders{ending.upper()}"), None) == FORMATS[ending]


def test_the_source_may_say_the_format_of_any_ending() -> None:
    assert format_of(Path("orders.txt"), "csv") == "csv"


def _truncated(desk: Desk) -> None:
    path = desk.write_parquet(
        "new.parquet", "select i as id, i as customer, now() as at, i as amount from range(9) t(i)"
    )
    path.write_bytes(path.read_bytes()[:-40])


def _broken_inside(desk: Desk) -> None:
    path = desk.write_parquet(
        "new.parquet",
        "select md5(i::varchar) as id, i as customer, now() as at, i as amount from range(50000) t(i)",
    )
    data = bytearray(path.read_bytes())
    data[2000:60000] = b"\xff" * 58000
    path.write_bytes(data)


def _ragged(desk: Desk) -> None:
    desk.write("new.csv", HEADER + order(1) + 'o2,"c1",2024-05-01,1,Smith\n')


UNUSABLE = {
    "truncated": (_truncated, "cannot be read as parquet"),
    "broken inside": (_broken_inside, "cannot be read as parquet"),
    "no parquet": (lambda desk: desk.write("new.parquet", "hello"), "cannot be read as parquet"),
    "empty": (lambda desk: desk.write("new.csv", ""), "is empty"),
    "empty json": (lambda desk: desk.write("new.jsonl", ""), "is empty"),
    "ragged": (_ragged, "line 3: Expected Number of Columns: 4 Found: 5"),
    "missing column": (
        lambda desk: desk.write("new.csv", "id,customer,when,amount\n1,2,3,4\n"),
        "'at' names",
    ),
    "wrong ending": (lambda desk: desk.write("new.xlsx", "x"), "the ending says no format"),
    "broken json": (
        lambda desk: desk.write("new.jsonl", '{"id": 1}\n{"id": Smith}\n'),
        "cannot be read as jsonl",
    ),
}


@pytest.mark.parametrize("fault", UNUSABLE)
def test_a_file_that_cannot_be_used_is_named_and_leaves_nothing_behind(desk: Desk, fault: str) -> None:
    make, expected = UNUSABLE[fault]
    make(desk)
    outcome = desk.run()
    assert outcome.status == "failed" and outcome.held
    assert f"{desk.folder}/new." in outcome.message and expected in outcome.message
    assert len(outcome.message.splitlines()) == 1 and "Smith" not in outcome.message
    assert desk.left_behind() == 0


def test_a_ragged_line_is_quarantined_with_its_file_line_and_text(desk: Desk) -> None:
    assert desk.hand_in("new.csv", HEADER + "".join(map(order, range(9))) + "o9,Smith\n").status == "accepted"
    (row,) = desk.rows("select file, row_number, reason, content->>'_ragged' as line from quarantine.row")
    assert row == {"file": f"{desk.folder}/new.csv", "row_number": 11, "reason": "ragged", "line": "o9,Smith"}
    assert desk.hand_in("later.csv", HEADER + order(20)).status == "accepted"
    assert desk.values("select count(*) from quarantine.row") == [1]


def test_too_many_ragged_lines_reject_the_batch(desk: Desk) -> None:
    text = HEADER + "".join(map(order, range(5))) + "o9,Smith\n" * 4
    outcome = desk.hand_in("new.csv", text)
    assert outcome.status == "rejected" and "Smith" not in outcome.message
    assert outcome.accounts[0].quarantined == 4


def test_an_unusable_file_holds_back_itself_and_not_the_good_one_beside_it(desk: Desk) -> None:
    desk.write("a.csv", HEADER + order(1))
    _broken_inside(desk)
    outcome = desk.run()
    assert outcome.status == "failed" and outcome.held
    assert "new.parquet" in outcome.message and "the other new files are in batch 1" in outcome.message
    assert (outcome.batch_seq, outcome.accounts[0].accepted) == (1, 1)
    assert desk.values("select path from ingest.file") == [str(desk.folder / "a.csv")]
    assert desk.values("select files from ingest.batch") == [1]
    assert desk.run().status == "failed"  # the file is tried again, and the batch is not
    (desk.folder / "new.parquet").unlink()
    assert desk.run().status == "unchanged"
    assert desk.values("select count(*) from raw.shop") == [1]


def test_a_file_with_a_header_only_is_an_empty_batch_and_rejected(desk: Desk) -> None:
    outcome = desk.hand_in("a.csv", HEADER)
    assert outcome.status == "rejected" and "orders.has_rows" in outcome.message


def test_a_missing_file_is_named(desk: Desk) -> None:
    with pytest.raises(SourceError, match=r"gone\.csv: no such file"):
        look(desk, desk.folder / "gone.csv")
