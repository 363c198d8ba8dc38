"""Every expectation of the catalogue, passing and failing on a real batch; and where the bad rows stand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from ingest_desk import HEADER, Desk, order, shop

from pipelines.config.gx_catalogue import EXPECTATIONS
from pipelines.config.project import Source
from pipelines.contracts.model import Check, Severity
from pipelines.engine import connect
from pipelines.errors import ConfigError
from pipelines.ingest import ledger, quality
from pipelines.ingest.expected import PREFIX, Suite
from pipelines.ingest.source import ingest

PLACE = ("_file_id", "_row")
RANGES = {"quantiles": [0.5], "value_ranges": [[499, 501]]}
# Expectation -> arguments with which it passes, and what to change so that it fails.
CASES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "ExpectColumnMaxToBeBetween": ({"column": "n", "max_value": 1000}, {"max_value": 999}),
    "ExpectColumnMeanToBeBetween": ({"column": "n", "max_value": 501}, {"max_value": 500}),
    "ExpectColumnMedianToBeBetween": ({"column": "n", "max_value": 501}, {"max_value": 500}),
    "ExpectColumnMinToBeBetween": ({"column": "n", "min_value": 1}, {"min_value": 2}),
    "ExpectColumnStdevToBeBetween": ({"column": "n", "max_value": 289}, {"max_value": 200}),
    "ExpectColumnSumToBeBetween": ({"column": "n", "max_value": 500500}, {"max_value": 500499}),
    "ExpectColumnUniqueValueCountToBeBetween": ({"column": "k", "max_value": 3}, {"max_value": 2}),
    "ExpectColumnProportionOfNonNullValuesToBeBetween": (
        {"column": "m", "min_value": 0.9},
        {"min_value": 0.95},
    ),
    "ExpectColumnProportionOfUniqueValuesToBeBetween": ({"column": "n", "min_value": 1}, {"column": "k"}),
    "ExpectColumnDistinctValuesToBeInSet": ({"column": "k", "value_set": [0, 1, 2]}, {"value_set": [0]}),
    "ExpectColumnDistinctValuesToContainSet": ({"column": "k", "value_set": [0]}, {"value_set": [9]}),
    "ExpectColumnDistinctValuesToEqualSet": ({"column": "k", "value_set": [0, 1, 2]}, {"value_set": [0]}),
    "ExpectColumnMostCommonValueToBeInSet": ({"column": "q", "value_set": ["q"]}, {"value_set": ["z"]}),
    "ExpectColumnQuantileValuesToBeBetween": (
        {"column": "n", "quantile_ranges": RANGES},
        {"quantile_ranges": RANGES | {"value_ranges": [[1, 2]]}},
    ),
    "ExpectColumnKLDivergenceToBeLessThan": (
        {"column": "q", "partition_object": {"values": ["q"], "weights": [1.0]}, "threshold": 0.1},
        {"partition_object": {"values": ["q", "r"], "weights": [0.5, 0.5]}},
    ),
    "ExpectColumnToExist": ({"column": "n"}, {"column": "nothing"}),
    "ExpectColumnValuesToBeNull": ({"column": "e"}, {"column": "n"}),
    "ExpectColumnValuesToNotBeNull": ({"column": "n"}, {"column": "m"}),
    "ExpectColumnValuesToBeUnique": ({"column": "n"}, {"column": "k"}),
    "ExpectColumnValuesToBeBetween": ({"column": "n", "max_value": 1000}, {"max_value": 990}),
    "ExpectColumnValuesToBeInSet": ({"column": "k", "value_set": [0, 1, 2]}, {"value_set": [0]}),
    "ExpectColumnValuesToNotBeInSet": ({"column": "k", "value_set": [9]}, {"value_set": [0]}),
    "ExpectColumnValuesToBeOfType": ({"column": "s", "type_": "VARCHAR"}, {"type_": "DATE"}),
    "ExpectColumnValuesToBeInTypeList": ({"column": "s", "type_list": ["VARCHAR"]}, {"type_list": ["DATE"]}),
    "ExpectColumnValueLengthsToBeBetween": ({"column": "q", "max_value": 1}, {"column": "s"}),
    "ExpectColumnValueLengthsToEqual": ({"column": "q", "value": 1}, {"value": 2}),
    "ExpectColumnValueZScoresToBeLessThan": (
        {"column": "n", "threshold": 3, "double_sided": True},
        {"threshold": 1},
    ),
    # A pattern is searched for, not matched whole.
    "ExpectColumnValuesToMatchRegex": ({"column": "s", "regex": r"\d+$"}, {"regex": "^c1"}),
    "ExpectColumnValuesToNotMatchRegex": ({"column": "s", "regex": "x"}, {"regex": "1"}),
    "ExpectColumnValuesToMatchRegexList": ({"column": "s", "regex_list": ["^c"]}, {"regex_list": ["^d"]}),
    "ExpectColumnValuesToNotMatchRegexList": ({"column": "s", "regex_list": ["x"]}, {"regex_list": ["1"]}),
    "ExpectColumnValuesToMatchLikePattern": ({"column": "s", "like_pattern": "c%"}, {"like_pattern": "c1%"}),
    "ExpectColumnValuesToNotMatchLikePattern": (
        {"column": "s", "like_pattern": "d%"},
        {"like_pattern": "c1%"},
    ),
    "ExpectColumnValuesToMatchLikePatternList": (
        {"column": "s", "like_pattern_list": ["c%"]},
        {"like_pattern_list": ["c1%"]},
    ),
    "ExpectColumnValuesToNotMatchLikePatternList": (
        {"column": "s", "like_pattern_list": ["d%"]},
        {"like_pattern_list": ["c1%"]},
    ),
    "ExpectColumnPairValuesAToBeGreaterThanB": (
        {"column_A": "n", "column_B": "k", "or_equal": True},
        {"column_A": "k", "column_B": "n"},
    ),
    "ExpectColumnPairValuesToBeEqual": ({"column_A": "n", "column_B": "n2"}, {"column_B": "k"}),
    "ExpectColumnPairValuesToBeInSet": (
        {"column_A": "k", "column_B": "q", "value_pairs_set": [[0, "q"], [1, "q"], [2, "q"]]},
        {"value_pairs_set": [[0, "q"]]},
    ),
    "ExpectCompoundColumnsToBeUnique": ({"column_list": ["n", "q"]}, {"column_list": ["k", "q"]}),
    "ExpectMulticolumnSumToEqual": ({"column_list": ["z", "z2"], "sum_total": 3}, {"sum_total": 4}),
    "ExpectSelectColumnValuesToBeUniqueWithinRecord": (
        {"column_list": ["z", "z2"]},
        {"column_list": ["n", "n2"]},
    ),
    "ExpectTableRowCountToBeBetween": ({"max_value": 1000}, {"max_value": 999}),
    "ExpectTableRowCountToEqual": ({"value": 1000}, {"value": 999}),
    "ExpectTableColumnCountToBeBetween": ({"max_value": 20}, {"max_value": 3}),
    "ExpectTableColumnCountToEqual": ({"value": 12}, {"value": 3}),
    "ExpectTableColumnsToMatchOrderedList": (
        {"column_list": ["_file_id", "_row", "s", "n", "n2", "m", "e", "q", "k", "z", "z2", "d"]},
        {"column_list": ["s"]},
    ),
    "ExpectTableColumnsToMatchSet": ({"column_set": ["s", "n"], "exact_match": False}, {"exact_match": True}),
    "UnexpectedRowsExpectation": (
        {"unexpected_rows_query": "select * from {batch} where n > 1000"},
        {"unexpected_rows_query": "select * from {batch} where n > 990"},
    ),
}
# Of these the library counts rows; the others are figures of the whole table.
OF_ROWS = {name for name, one in EXPECTATIONS.items() if "mostly" in one.optional} - {
    "ExpectColumnValuesToBeOfType",
    "ExpectColumnValuesToBeInTypeList",
}


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    con = connect()
    ledger.create(con)
    con.execute("insert into ingest.file values (1, 'shop', 'a.csv', 9, 1, 'x', 1, 1000, true)")
    con.execute(
        "create table stage.t as select 1::bigint as _file_id, i as _row, 'c' || i as s, i::decimal(18, 4)"
        " as n, n as n2, if(i % 10 = 0, null, i)::double as m, null::varchar as e, 'q' as q, i % 3 as k,"
        " 1 as z, 2 as z2, date '2024-01-01' as d from range(1, 1001) t(i)"
    )
    yield con
    con.close()


def judge(con: duckdb.DuckDBPyConnection, name: str, arguments: dict[str, Any]) -> quality.CheckResult:
    check = Check(f"{PREFIX}one", name, arguments, "told")
    (result,) = quality.validate_table(con, "stage.t", "t", [check], PLACE)
    return result


def test_every_expectation_of_the_catalogue_has_a_case() -> None:
    assert CASES.keys() == EXPECTATIONS.keys()


@pytest.mark.parametrize("name", CASES)
def test_an_expectation_passes_and_fails(con: duckdb.DuckDBPyConnection, name: str) -> None:
    arguments, changed = CASES[name]
    good, bad = judge(con, name, arguments), judge(con, name, arguments | changed)
    assert (good.passed, good.unexpected, good.samples) == (True, 0, ())
    assert not bad.passed and bad.unexpected > 0
    if name in OF_ROWS or name == "UnexpectedRowsExpectation":
        assert 0 < len(bad.samples) <= 5 and bad.samples[0].startswith("a.csv:")
        assert bad.elements == 1000


def test_a_row_condition_narrows_what_is_judged(con: duckdb.DuckDBPyConnection) -> None:
    condition = {"row_condition": 'col("k") == 0', "condition_parser": "great_expectations"}
    result = judge(con, "ExpectColumnValuesToBeBetween", {"column": "n", "max_value": 997} | condition)
    assert (result.unexpected, result.samples) == (1, ())


def test_samples_are_the_first_places_and_never_values(con: duckdb.DuckDBPyConnection) -> None:
    result = judge(con, "ExpectColumnValuesToBeBetween", {"column": "n", "max_value": 990})
    assert result.unexpected == 10
    assert result.samples == tuple(f"a.csv:{row}" for row in range(991, 996))


def test_values_that_do_not_fit_the_column_are_a_fault_without_the_value(
    con: duckdb.DuckDBPyConnection,
) -> None:
    with pytest.raises(ConfigError, match="one of t cannot be evaluated") as fault:
        judge(con, "ExpectColumnValuesToBeBetween", {"column": "s", "min_value": 5})
    assert "c1" not in str(fault.value)
    with pytest.raises(ConfigError, match="expectations: one"):
        judge(con, "ExpectColumnValuesToBeBetween", {"column": "n", "min_value": {"a": 1}})


def test_a_column_that_the_batch_lacks_is_a_failed_expectation(con: duckdb.DuckDBPyConnection) -> None:
    check = Check(f"{PREFIX}city", "ExpectColumnValuesToNotBeNull", {"column": "city"}, "c", needs=("city",))
    (result,) = quality.validate_table(con, "stage.t", "t", [check], PLACE)
    assert not result.passed and "no column city" in result.description


def suite(name: str, severity: Severity, query: str) -> Suite:
    check = Check(
        f"{PREFIX}{name}", "UnexpectedRowsExpectation", {"unexpected_rows_query": query}, name, severity
    )
    return Suite(Path("orders.yaml"), "batch", "orders", None, (check,))


@pytest.mark.parametrize(("severity", "status"), [("critical", "rejected"), ("advisory", "accepted")])
def test_a_failed_expectation_of_the_project_rejects_or_warns(
    desk: Desk, severity: Severity, status: str
) -> None:
    path = desk.write("a.csv", HEADER + order(1) + order(2, amount="99999"))
    files = quality_files(desk)
    suites = [suite("cheap", severity, "select * from {batch} where revenue > 1000")]
    outcome = ingest(desk.con, "shop", desk.source, files, "run", [str(path)], suites=suites)
    assert outcome.status == status
    (result,) = [one for one in outcome.results if one.name == "expect_cheap"]
    assert (result.unexpected, result.samples) == (1, (f"{path}:3",))
    stored = {one.name: one for one in quality.stored(desk.con, "shop")}
    assert stored["expect_cheap"] == result


def quality_files(desk: Desk) -> Any:
    from resources.landing import new_files

    paths = sorted(path for path in desk.folder.iterdir() if path.is_file())
    return new_files(paths, ledger.known_files(desk.con, "shop"))


@pytest.mark.parametrize(
    ("limits", "bad", "status", "failed"),
    [
        ({"warn_share": 0.1, "fail_share": 0.5}, 1, "accepted", set()),
        ({"warn_share": 0.1, "fail_share": 0.5}, 2, "accepted", {"few_faults"}),
        ({"fail_share": 0.1}, 2, "rejected", {"rows_without_fault", "ordered_at_not_null"}),
        ({"fail_share": 0.5, "warn_count": 2}, 2, "accepted", set()),
        ({"fail_share": 0.5, "warn_count": 2}, 3, "accepted", {"few_faults_counted"}),
        ({"fail_share": 0.5, "fail_count": 2}, 3, "rejected", {"rows_without_fault_counted"}),
    ],
)
def test_limits_on_faults_warn_and_reject(
    tmp_path: Path, limits: dict[str, Any], bad: int, status: str, failed: set[str]
) -> None:
    source = shop()
    raw = source.model_dump(exclude={"max_bad_share"}, exclude_none=True) | {"quality": limits}
    desk = Desk(tmp_path, Source.model_validate(raw))
    lines = [order(number, day="never" if number <= bad else "2024-05-01") for number in range(1, 11)]
    outcome = desk.hand_in("a.csv", HEADER + "".join(lines))
    assert outcome.status == status
    assert {one.name for one in outcome.results if not one.passed} == failed
    (reason,) = quality.reasons(desk.con, outcome.batch_seq)
    assert (reason.reason, reason.column, reason.rows) == ("not_timestamp", "ordered_at", bad)
    assert reason.samples == tuple(f"{tmp_path / 'a.csv'}:{row}" for row in range(2, 2 + bad))
    desk.con.close()


@pytest.mark.parametrize(
    "settings",
    [
        {"quality": {"warn_share": 0.2, "fail_share": 0.1}},
        {"quality": {"warn_count": 2, "fail_count": 1}},
        {"quality": {"fail_share": 0.1}, "max_bad_share": 0.1},
        {"quality": {"warn_share": 0.1}},  # above the share that rejects by default
        {"volume": {"low": 0.1, "reject_below": 0.2}},
    ],
)
def test_limits_that_contradict_each_other_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"must not be larger|say the same"):
        Source.model_validate({"files": "*", "tables": {"orders": {"order_id": "id"}}} | settings)
