"""Every check of every contract, on a real batch, passing and failing; by real Great Expectations."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace

import duckdb
import pytest

from pipelines.contracts.model import Check, Contract
from pipelines.contracts.registry import CONTRACTS
from pipelines.engine import connect, qualified, quote
from pipelines.ingest import ledger, quality
from pipelines.ingest.mapping import Mapping

# A value of every type of column, and what a batch of 10 rows needs to fail a check.
VALUES = {
    "VARCHAR": "'x' || i",
    "DATE": "date '2024-05-01'",
    "TIMESTAMPTZ": "now()",
    "DECIMAL(18,4)": "5",
    "DECIMAL(18,8)": "0.5",
    "BIGINT": "5",
    "DOUBLE": "5",
    "BOOLEAN": "true",
}
FAILING = {
    ("orders", "vat_rate_is_a_share"): {"vat_rate": "if(i = 1, 24, 0.24)"},
    ("order_lines", "vat_rate_is_a_share"): {"vat_rate": "if(i = 1, 24, 0.24)"},
    ("vat_rates", "rate_is_a_share"): {"rate": "if(i = 1, 24, 0.24)"},
    ("order_lines", "quantity_above_zero"): {"quantity": "0"},
    ("order_lines", "quantity_plausible"): {"quantity": "5000"},
    ("order_lines", "revenue_above_zero"): {"revenue": "if(i = 1, 0, 5)"},
    ("order_lines", "coupon_within_revenue"): {"coupon_discount": "6"},
    ("orders", "customer_known"): {"customer_id": "if(i < 7, null, 'c')"},
    ("products", "category_known"): {"category": "if(i = 1, null, 'c')"},
    ("campaigns", "ends_after_start"): {"end_date": "date '2024-04-30'"},
    ("campaign_offers", "offer_in_one_campaign"): {"offer_id": "'same'"},
    ("spend", "campaign_or_channel"): {"campaign_id": "''", "channel": "''"},
    ("leads", "day_known"): {"created_on": "if(i = 1, null, date '2024-05-01')"},
    ("opportunities", "account_named"): {"account_id": "if(i = 1, null, 'a')"},
    ("opportunities", "opening_day_known"): {"opened_on": "if(i = 1, null, date '2024-05-01')"},
    ("leads", "converted_after_created"): {"converted_on": "date '2024-04-30'"},
    ("opportunities", "closed_after_opened"): {"closed_on": "date '2024-04-30'"},
    ("opportunities", "closed_when_decided"): {"outcome": "'open'"},
    ("survey_answers", "score_within_scale"): {"score": "6"},
    ("feedback", "score_within_scale"): {"kind": "'nps'", "score": "11"},
    ("feedback", "closed_after_received"): {"closed_on": "date '2024-04-30'"},
}
EVERY = [
    (table, check.name)
    for table, contract in CONTRACTS.items()
    for check in quality.checks_for(contract, contract.names, 0.1)
]


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    con = connect()
    ledger.create(con)
    yield con
    con.close()


def stage(
    con: duckdb.DuckDBPyConnection, contract: Contract, changed: dict[str, str], rows: int = 10
) -> Mapping:
    mapping = Mapping("shop", contract, {}, ())
    values = (
        {column.name: VALUES[column.type] for column in contract.columns}
        | {"_fault_reason": "null"}
        | changed
    )
    types = {column.name: column.type for column in contract.columns}
    selected = ", ".join(
        f"cast({value} as {types.get(name, 'varchar')}) as {quote(name)}" for name, value in values.items()
    )
    stored = f"create or replace table {qualified(mapping.stage)} as"
    con.execute(f"{stored} select {selected} from range(1, {rows + 1}) t(i)")
    return mapping


def failing(table: str, name: str) -> tuple[dict[str, str], int]:
    """The columns to change so that the check fails, and the rows of the batch."""
    if name == "has_rows":
        return {}, 0
    if name == "rows_without_fault":
        return {"_fault_reason": "if(i <= 2, 'missing', null)"}, 10
    if name.endswith("_not_null"):
        column = name.removesuffix("_not_null")
        kind = next(one.type for one in CONTRACTS[table].columns if one.name == column)
        return {column: f"if(i <= 2, null, {VALUES[kind]})"}, 10
    assert (table, name) in FAILING, f"say in FAILING what makes {name} of {table} fail"
    return FAILING[table, name], 10


@pytest.mark.parametrize("table", CONTRACTS)
def test_a_good_batch_passes_every_check_of_its_contract(con: duckdb.DuckDBPyConnection, table: str) -> None:
    contract = CONTRACTS[table]
    checks = quality.checks_for(contract, contract.names, 0.1)
    results = quality.validate(con, stage(con, contract, {}), checks)
    assert [(result.name, result.passed) for result in results] == [(check.name, True) for check in checks]
    assert [result.severity for result in results] == [check.severity for check in checks]
    assert all(result.unexpected == 0 for result in results)


@pytest.mark.parametrize(("table", "name"), EVERY)
def test_every_check_fails_on_a_batch_that_breaks_it(
    con: duckdb.DuckDBPyConnection, table: str, name: str
) -> None:
    contract = CONTRACTS[table]
    (check,) = (one for one in quality.checks_for(contract, contract.names, 0.1) if one.name == name)
    changed, rows = failing(table, name)
    (result,) = quality.validate(con, stage(con, contract, changed, rows), [check])
    assert not result.passed
    assert result.unexpected > 0
    assert (result.table, result.severity) == (table, check.severity)


# Checks that fail where a fact has not ended, though the batch says what a fact says that has.
UNENDED = [
    (table, name, fact.ends.column)
    for (table, name), changed in FAILING.items()
    if (fact := CONTRACTS[table].fact) and fact.ends and fact.ends.column
    if changed.get(fact.ends.column) == f"'{fact.ends.blank_with_day}'"
]


@pytest.mark.parametrize(("table", "name", "column"), UNENDED)
def test_a_check_takes_a_blank_for_what_the_contract_says_it_means(
    con: duckdb.DuckDBPyConnection, table: str, name: str, column: str
) -> None:
    contract = CONTRACTS[table]
    (check,) = (one for one in quality.checks_for(contract, contract.names, 0.1) if one.name == name)
    for value in ("null", FAILING[table, name][column]):
        (result,) = quality.validate(con, stage(con, contract, {column: value}), [check])
        assert (result.passed, result.unexpected) == (False, 10), value


def test_faults_up_to_the_tolerated_share_pass(con: duckdb.DuckDBPyConnection) -> None:
    contract = CONTRACTS["orders"]
    mapping = stage(con, contract, {"_fault_reason": "if(i = 1, 'missing', null)"})
    results = {r.name: r for r in quality.validate(con, mapping, quality.checks_for(contract, [], 0.1))}
    assert results["rows_without_fault"].passed
    assert (results["rows_without_fault"].unexpected, results["rows_without_fault"].percent) == (1, 10.0)


def test_a_check_on_a_column_that_is_not_mapped_is_left_out() -> None:
    names = {check.name for check in quality.checks_for(CONTRACTS["orders"], {"order_id"}, 0.01)}
    assert "customer_known" not in names and "order_id_not_null" in names


def test_a_failed_advisory_check_does_not_reject_a_batch() -> None:
    advisory = {
        (table, check.name)
        for table, contract in CONTRACTS.items()
        for check in contract.checks
        if check.severity == "advisory"
    }
    assert ("order_lines", "quantity_plausible") in advisory and (
        "campaigns",
        "ends_after_start",
    ) not in advisory


def test_a_check_that_cannot_be_evaluated_is_a_bug_and_no_verdict(con: duckdb.DuckDBPyConnection) -> None:
    check = Check("broken", "ExpectColumnValuesToNotBeNull", {"column": "no_such_column"}, "")
    with pytest.raises(RuntimeError, match="could not evaluate broken"):
        quality.validate(con, stage(con, CONTRACTS["orders"], {}), [check])
    query = Check(
        "query", "UnexpectedRowsExpectation", {"unexpected_rows_query": "select no from {batch}"}, ""
    )
    with pytest.raises(RuntimeError, match="could not evaluate query"):
        quality.validate(con, stage(con, CONTRACTS["orders"], {}), [query])


@pytest.mark.parametrize("name", ["of_a_contract", f"{quality.PREFIX}of_the_project"])
def test_a_run_that_is_stopped_while_a_check_is_judged_is_stopped(
    con: duckdb.DuckDBPyConnection, name: str
) -> None:
    caught = {"raised_exception": True, "exception_message": "Query interrupted", "exception_traceback": "…"}
    outcome = SimpleNamespace(result={}, success=False, exception_info={"('a', ())": caught})
    check = Check(name, "ExpectColumnValuesToNotBeNull", {"column": "order_id"}, "")
    with pytest.raises(KeyboardInterrupt):
        quality._result(con, "core.orders", "orders", check, outcome, 1)


def test_results_are_kept_and_the_newest_are_read_back(con: duckdb.DuckDBPyConnection) -> None:
    contract = CONTRACTS["orders"]
    for seq, rows in ((1, 10), (2, 0)):
        checks = quality.checks_for(contract, [], 0.1)[:1]
        results = quality.validate(con, stage(con, contract, {}, rows), checks)
        quality.store(con, seq, "kept", "run", results)
    (stored,) = quality.stored(con, "kept")
    assert (stored.name, stored.passed, stored.unexpected) == ("has_rows", False, 1)
