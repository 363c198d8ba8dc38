"""Attributes of every table that carries them, in every way in which a column can arrive."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest
from ingest_desk import Desk

from pipelines.config.project import Source
from pipelines.contracts.registry import CONTRACTS
from pipelines.ingest.attributes import SPELLED
from pipelines.ingest.source import Outcome

CARRYING = [table for table, contract in CONTRACTS.items() if contract.attributes]
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
