"""A mapping that makes nothing of filled values is told: with its column, the counts and the places."""

from __future__ import annotations

from pathlib import Path

import pytest
from ingest_desk import Desk

from pipelines.config.project import Source
from pipelines.contracts.registry import CONTRACTS
from pipelines.ingest.quality import CheckResult
from pipelines.ingest.source import Outcome
from pipelines.ingest.unread import READ

CARRYING = [table for table, contract in CONTRACTS.items() if contract.attributes]


def outcome_of(
    folder: Path, table: str, column: str, expression: str, values: list[str], share: float = 0.01
) -> Outcome:
    """What becomes of a file whose column `text` has these values and is mapped so."""
    keys = {name: f"the_{name}" for name in CONTRACTS[table].required}
    tables = {table: keys | {column: expression}}
    desk = Desk(folder, Source.model_validate({"files": "*", "tables": tables, "max_bad_share": share}))
    lines = [f"k{n}," * len(keys) + f'"{value}"' for n, value in enumerate(values)]
    return desk.hand_in("a.csv", "\n".join([",".join([*keys.values(), "text"]), *lines]) + "\n")


def result(outcome: Outcome) -> CheckResult:
    (found,) = [found for found in outcome.results if found.name == READ]
    return found


UNREAD = {
    ("income", "try_cast(text as integer)"): "$40,000 ",
    ("born", "cast(try_strptime(text, '%d/%m/%Y') as date)"): "05/14/1990",
    ("created_on", "try_strptime(text, '%d/%m/%Y')"): "12/25/2020",
}
READABLE = {"income": "40000", "born": "03/04/1991", "created_on": "03/04/2021"}


@pytest.mark.parametrize("mapped", UNREAD)
@pytest.mark.parametrize("table", CARRYING)
def test_a_column_of_which_nothing_can_be_read_rejects_the_batch(
    tmp_path: Path, table: str, mapped: tuple[str, str]
) -> None:
    outcome = outcome_of(tmp_path, table, *mapped, [UNREAD[mapped]] * 3 + ["", "  "])
    assert outcome.status == "rejected"
    found = result(outcome)
    assert (found.severity, found.passed, found.unexpected, found.elements) == ("critical", False, 3, 3)
    assert f"({mapped[0]}: nothing was read in 3 of 3 filled rows)" in found.description
    assert found.samples == tuple(f"{mapped[0]}: {tmp_path}/a.csv:{row}" for row in (2, 3, 4))


@pytest.mark.parametrize("mapped", UNREAD)
@pytest.mark.parametrize("table", CARRYING)
@pytest.mark.parametrize(("unread", "share", "passed"), [(1, 0.1, True), (2, 0.1, False), (9, 0.1, False)])
def test_by_share_it_is_told_and_rejects_nothing(
    tmp_path: Path, table: str, mapped: tuple[str, str], unread: int, share: float, passed: bool
) -> None:
    values = [UNREAD[mapped]] * unread + [READABLE[mapped[0]]] * (10 - unread)
    outcome = outcome_of(tmp_path, table, *mapped, values, share)
    assert outcome.status == "accepted"
    assert (result(outcome).passed, result(outcome).severity) == (passed, "advisory")


@pytest.mark.parametrize("table", CARRYING)
@pytest.mark.parametrize(("rows", "passed"), [(19, True), (20, False)])
@pytest.mark.parametrize(
    "expression",
    ["case when text = 'JA' then 'yes' end", "nullif(text, 'Ja')", "if(text = 'JA', 'yes', null)"],
)
def test_a_condition_that_no_row_meets_is_told_once_there_are_many(
    tmp_path: Path, table: str, expression: str, rows: int, passed: bool
) -> None:
    outcome = outcome_of(tmp_path, table, "answer", expression, ["Ja"] * rows)
    assert outcome.status == "accepted"
    assert (result(outcome).passed, result(outcome).severity) == (passed, "advisory")


@pytest.mark.parametrize("table", CARRYING)
def test_few_rows_and_plain_columns_reject_nothing(tmp_path: Path, table: str) -> None:
    (tmp_path / "few").mkdir()
    few = outcome_of(tmp_path / "few", table, "income", "try_cast(text as integer)", ["$1"] * 2)
    assert few.status == "accepted" and not result(few).passed
    (tmp_path / "plain").mkdir()
    plain = outcome_of(tmp_path / "plain", table, "income", "text", ["$1", ""] * 10)
    assert [found.name for found in plain.results if found.name == READ] == []
