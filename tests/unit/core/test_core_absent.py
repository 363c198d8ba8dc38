"""Core tables nobody maps or reads: made empty once, and not touched on the days after."""

from __future__ import annotations

import duckdb
import pytest

from pipelines.contracts.registry import CONTRACTS
from pipelines.core.absent import create_absent, needed_tables
from pipelines.core.state import STATE
from pipelines.engine import columns_of, connect, tables_read
from pipelines.ingest import ledger


@pytest.fixture
def con() -> duckdb.DuckDBPyConnection:
    con = connect()
    ledger.create(con)
    return con


def test_a_project_needs_what_it_maps_and_what_steps_read() -> None:
    read = {table.removeprefix("core.") for table in tables_read() if table.startswith("core.")}
    # Steps read who merged into whom, too: made with the table that says it.
    read -= {"customer_id_map"}
    assert {"orders", "campaigns"} <= read <= CONTRACTS.keys()
    # Behind facts; and who is a customer is asked of the CRM's table in every project, by a fragment.
    read |= {"customers", "campaign_contacts", "campaign_responses"}
    assert set(needed_tables([])) == read
    assert set(needed_tables(["survey_answers"])) == read | {"survey_answers"}


def test_the_others_are_made_once_with_the_contracts_columns(con: duckdb.DuckDBPyConnection) -> None:
    needed = needed_tables(["orders"])
    absent = [table for table in CONTRACTS if table not in needed]
    assert create_absent(con, needed) == absent and "accounts" in absent
    for table in absent:
        names = [name for name, _ in columns_of(con, f"core.{table}")]
        assert names[:4] == ["_source", "_batch_seq", "_file_id", "_row"]
        assert names[4:] == [*CONTRACTS[table].stored], table
    assert create_absent(con, needed) == []


def test_one_whose_contract_changed_is_made_again(con: duckdb.DuckDBPyConnection) -> None:
    needed = needed_tables(["orders"])
    create_absent(con, needed)
    con.execute("alter table core.survey_answers drop column score")
    assert create_absent(con, needed) == ["survey_answers"]
    assert "score" in dict(columns_of(con, "core.survey_answers"))


def test_one_whose_source_was_taken_out_is_emptied(con: duckdb.DuckDBPyConnection) -> None:
    needed = needed_tables(["orders"])
    create_absent(con, needed)
    con.execute(STATE)
    con.execute("insert into ingest.core_state values ('survey_answers', 'crm', 'mark', 1)")
    con.execute("insert into core.survey_answers (survey_id) values ('s')")
    assert create_absent(con, needed) == ["survey_answers"]
    assert con.execute("select count(*) from core.survey_answers").fetchone() == (0,)
    assert create_absent(con, needed) == []
