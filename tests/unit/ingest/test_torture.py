"""The torture set through the real ingest: each file gives what its table says, and nobody's data is told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fixtures.torture.cases import CASES, Case
from ingest_desk import HEADER, ORDERS, Desk, order

from pipelines.config.project import Source

CUSTOMERS = {"customer_id": "customer", "country": "country"}


@pytest.fixture
def desk(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Desk]:
    case: Case = request.node.callspec.params["case"]
    tables = {"orders": ORDERS} if case.table == "orders" else {"customers": CUSTOMERS}
    source = {"files": "*", "tables": tables, "max_bad_share": 0.9, "csv": case.csv or None}
    made = Desk(tmp_path, Source.model_validate(source))
    yield made
    made.con.close()


def test_there_are_enough_and_each_has_a_name_of_its_own() -> None:
    assert len({case.name for case in CASES}) == len(CASES) >= 60


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_a_broken_file_gives_what_is_written_of_it(desk: Desk, case: Case) -> None:
    made = case.made()
    (desk.folder / case.file).write_bytes(made.encode() if isinstance(made, str) else made)
    outcome = desk.run()
    assert "Smith" not in outcome.message and len(outcome.message.splitlines()) <= 1
    assert [path.name for path in desk.folder.iterdir()] == [case.file]
    if case.fails:
        assert outcome.status == "failed", outcome
        assert case.fails in outcome.message and f"{desk.folder}/{case.file}" in outcome.message
        assert desk.left_behind() == 0
        return
    assert outcome.status == ("rejected" if case.rejected else "accepted"), outcome.message
    assert case.rejected in outcome.message
    (account,) = outcome.accounts
    assert account.adds_up
    left_out = (account.repeated, account.conflicting, account.superseded)
    assert (account.accepted, *left_out) == (case.accepted, case.repeated, case.conflicting, 0)
    found = desk.rows(
        "select reason || '|' || column_name as why, count(*) as n from quarantine.row group by 1"
    )
    assert {row["why"]: row["n"] for row in found} == case.quarantined
    if case.values:
        query, expected = case.values
        assert desk.values(query.format(stage=f"stage.shop__{case.table}")) == expected
    (read,) = desk.rows("from ingest.file_dialect")
    assert {name: read[name] for name in case.read} == case.read


FAILING = [case for case in CASES if case.fails and len(case.name) % 3 == 0]


@pytest.mark.parametrize("case", FAILING, ids=[case.name for case in FAILING])
def test_a_broken_file_leaves_what_came_before_as_it_was(desk: Desk, case: Case) -> None:
    assert case.csv or desk.hand_in("a.csv", HEADER + order(1)).status == "accepted"
    before = desk.left_behind()
    made = case.made()
    (desk.folder / case.file).write_bytes(made.encode() if isinstance(made, str) else made)
    assert desk.run().status == "failed"
    assert desk.left_behind() == before
