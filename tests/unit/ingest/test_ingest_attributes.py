"""Attributes of every table that carries them, in every way in which a column can arrive."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest
from ingest_desk import Desk

from pipelines.config.project import Source
from pipelines.contracts.registry import CONTRACTS
from pipelines.core.merge import refresh
from pipelines.engine import DuckDB
from pipelines.features.recipe import further_columns
from pipelines.ingest.attributes import SPELLED
from pipelines.ingest.filled import REQUIRED, losses
from pipelines.ingest.source import Outcome, ingest, mappings_of
from resources.landing import files_to_land

CARRYING = [table for table, contract in CONTRACTS.items() if contract.carries_all]
FORMS = ("csv", "jsonl", "parquet")


def key_of(table: str) -> dict[str, str]:
    """The mapping of a table's required columns, each from a column of its name."""
    return {name: f"the_{name}" for name in CONTRACTS[table].required}


def desk_of(table: str, folder: Path, **settings: object) -> Desk:
    return Desk(folder, Source.model_validate({"files": "*", "tables": {table: key_of(table)}, **settings}))


def hand_in(desk: Desk, table: str, name: str, rows: int, **columns: str | None) -> Outcome:
    """A file of rows with these further columns; its ending says how it is written."""
    filled = [{f"the_{key}": f"k{n}" for key in key_of(table)} | columns for n in range(rows)]
    if name.endswith("parquet"):
        parts = [
            "select "
            + ", ".join(
                f"""cast({f"'{value}'" if value is not None else "null"} as varchar) as "{column}\""""
                for column, value in row.items()
            )
            for row in filled
        ]
        desk.write_parquet(name, " union all ".join(parts))
    elif name.endswith("jsonl"):
        desk.write(name, "".join(json.dumps(row) + "\n" for row in filled))
    else:
        lines = [",".join(filled[0]), *(",".join(v or "" for v in row.values()) for row in filled)]
        desk.write(name, "\n".join(lines) + "\n")
    return desk.run()


def told(outcome: Outcome, check: str) -> tuple[bool, str, tuple[str, ...]]:
    (found,) = [result for result in outcome.results if result.name == check]
    return found.passed, found.description, found.samples


@pytest.mark.parametrize(("first", "second"), list(itertools.product(FORMS, repeat=2)))
@pytest.mark.parametrize("table", CARRYING)
def test_another_letter_case_is_the_same_attribute_and_is_told(
    tmp_path: Path, table: str, first: str, second: str
) -> None:
    desk = desk_of(table, tmp_path)
    before = hand_in(desk, table, f"a.{first}", 2, newsletter="yes")
    assert before.status == "accepted" and told(before, SPELLED)[0]
    after = hand_in(desk, table, f"b.{second}", 2, Newsletter="no")
    assert after.status == "accepted", after.message
    passed, description, places = told(after, SPELLED)
    assert not passed and "(Newsletter is read as newsletter)" in description
    assert places == (f"{tmp_path}/b.{second}: Newsletter is read as newsletter",)
    assert desk.rows(f"select newsletter from stage.shop__{table} order by 1") == [{"newsletter": "no"}] * 2


def lost(desk: Desk, table: str) -> list[tuple[str, str, bool, int]]:
    """What core has lost once it is brought up: column, file, whether the column is there, and the rows."""
    refresh(desk.con, CONTRACTS[table], mappings_of(desk.con, "shop", desk.source))
    found = losses(desk.con, [table])
    return [(loss.column, Path(loss.path).name, loss.present, loss.standing) for loss in found]


EMPTY = [{}, {"rating": None}, {"rating": " "}, {"rating": "\t \u00a0"}]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("columns", EMPTY)
@pytest.mark.parametrize("name", ["a", "b"])
@pytest.mark.parametrize("table", CARRYING)
def test_a_column_that_is_gone_or_empty_is_lost_until_it_comes_back(
    tmp_path: Path, table: str, name: str, columns: dict[str, str | None], form: str
) -> None:
    desk = desk_of(table, tmp_path)
    assert hand_in(desk, table, f"a.{form}", 10, rating="good", other="x").status == "accepted"
    assert lost(desk, table) == []
    assert hand_in(desk, table, f"{name}.{form}", 10, **columns, other="x").status == "accepted"
    assert lost(desk, table) == [("rating", f"{name}.{form}", bool(columns), 10)]
    hand_in(desk, table, f"c.{form}", 10, rating="fair", other="x")
    assert lost(desk, table) == []


@pytest.mark.parametrize("table", CARRYING)
def test_few_rows_may_be_empty_by_chance_and_a_missing_column_never_is(tmp_path: Path, table: str) -> None:
    desk = desk_of(table, tmp_path)
    hand_in(desk, table, "a.csv", 10, rating="good")
    hand_in(desk, table, "b.csv", 2, rating=None)
    assert lost(desk, table) == []
    hand_in(desk, table, "c.csv", 2)
    assert lost(desk, table) == [("rating", "c.csv", False, 2)]


@pytest.mark.parametrize("table", CARRYING)
def test_a_snapshot_says_everything_however_few_rows_it_has(tmp_path: Path, table: str) -> None:
    desk = desk_of(table, tmp_path, delivery="snapshot")
    hand_in(desk, table, "a.csv", 2, rating="good")
    hand_in(desk, table, "b.csv", 2, rating=None)
    assert lost(desk, table) == [("rating", "b.csv", True, 2)]


@pytest.mark.parametrize("table", CARRYING)
def test_files_that_never_had_a_column_lose_nothing_when_they_are_sent_again(
    tmp_path: Path, table: str
) -> None:
    desk = desk_of(table, tmp_path)
    desk.write(
        "a.csv", ",".join(key_of(table).values()) + ",rating\n" + "k1," * len(key_of(table)) + "good\n"
    )
    hand_in(desk, table, "b.csv", 1, other="x")
    assert lost(desk, table) == []
    hand_in(desk, table, "b.csv", 2, other="y")
    assert lost(desk, table) == []


@pytest.mark.parametrize("table", CARRYING)
@pytest.mark.parametrize(("rows", "verdict"), [(0, "accepted"), (1, "accepted"), (4, "rejected")])
def test_a_required_attribute_that_too_many_lack_rejects_the_batch(
    tmp_path: Path, table: str, rows: int, verdict: str
) -> None:
    desk = desk_of(table, tmp_path, max_bad_share=0.1)
    desk.source.must_fill(table, ["Rating"])
    keys = key_of(table)
    lines = [f"k{n}," * len(keys) + ("  " if n < rows else "good") for n in range(10)]
    outcome = desk.hand_in("a.csv", "\n".join([",".join([*keys.values(), "rating"]), *lines]) + "\n")
    assert outcome.status == verdict
    passed, description, _ = told(outcome, REQUIRED)
    assert passed is (verdict == "accepted")
    assert (f"Rating: {rows}" in description) is (rows > 0)


@pytest.mark.parametrize("table", CARRYING)
def test_attributes_are_trimmed_and_blanks_are_no_value(tmp_path: Path, table: str) -> None:
    for name, mapped in (("passed", {}), ("mapped", {"note": "lower(text)"})):
        (tmp_path / name).mkdir()
        source = {"files": "*", "tables": {table: key_of(table) | mapped}}
        desk = Desk(tmp_path / name, Source.model_validate(source))
        column = "text" if mapped else "note"
        for value, taken in ((" \u00a0yes, please\t", "yes, please"), ("\u3000 \n", None)):
            hand_in(desk, table, "a.jsonl", 1, **{column: value})
            refresh(desk.con, CONTRACTS[table], mappings_of(desk.con, "shop", desk.source))
            assert desk.values(f"select note from core.{table}") == [taken]


@pytest.mark.parametrize("table", CARRYING)
def test_what_a_source_lost_is_told_though_another_source_has_the_keys_first(
    tmp_path: Path, table: str
) -> None:
    folders = tmp_path / "crm", tmp_path / "shop"
    for folder in folders:
        folder.mkdir()
    desk = desk_of(table, folders[1])
    keys = key_of(table)
    path = folders[0] / "c.csv"
    lines = [",".join(keys.values()), *(",".join([f"k{n}"] * len(keys)) for n in range(10))]
    path.write_text("\n".join(lines) + "\n")
    ingest(desk.con, "crm", desk.source, files_to_land(desk.con, "crm", [path]), "run-1", [str(path)])
    hand_in(desk, table, "a.csv", 10, rating="good", other="x")
    hand_in(desk, table, "b.csv", 10, other="x")
    mappings = [m for name in ("crm", "shop") for m in mappings_of(desk.con, name, desk.source)]
    refresh(desk.con, CONTRACTS[table], mappings)
    assert desk.values(f"select distinct _source from core.{table}") == ["crm"]
    assert [(loss.column, loss.standing) for loss in losses(desk.con, [table])] == [("rating", 10)]


NAMED = [table for table, contract in CONTRACTS.items() if contract.attributes == "named"]


@pytest.mark.parametrize("table", NAMED)
def test_a_named_column_that_empties_is_lost_of_persons_and_waited_for_of_facts(
    tmp_path: Path, table: str
) -> None:
    tables = {table: key_of(table) | {"rating": "rating"}}
    desk = Desk(tmp_path, Source.model_validate({"files": "*", "tables": tables}))
    hand_in(desk, table, "a.csv", 10, rating="good", other="x")
    hand_in(desk, table, "b.csv", 10, rating=None, other="x")
    gone = [("rating", "b.csv", True, 10)] if CONTRACTS[table].fact is None else []
    assert lost(desk, table) == gone
    assert "other" not in [name for name, _ in further_columns(DuckDB(desk.con), table)]
    # A file without the column is held: the mapping reads it.
    assert hand_in(desk, table, "c.csv", 10, other="x").status == "failed"
