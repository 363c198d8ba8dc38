"""`expectations/*.yaml`: what may be written, and what a fault says."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.config.gx_catalogue import EXPECTATIONS, NOT_HERE, QUERY, snake
from pipelines.config.query import parse_query
from pipelines.errors import ConfigError
from pipelines.ingest.expected import PREFIX, Suite, Tables, checks_of_batch, load_suites
from pipelines.publish.expectations import mart_columns
from pipelines.publish.marts import MARTS

COLUMNS = ["order_id", "customer_id", "ordered_at", "revenue", "business_date"]
TABLES = Tables(
    {"shop": ("orders",), "web": ("orders", "customers")},
    MARTS,
    lambda table, source: None if table == "customers" else COLUMNS,
    mart_columns,
)
ONE = """\
batch: orders
expectations:
  - name: revenue_plausible
    type: expect_column_values_to_be_between
    kwargs: {column: revenue, min_value: 0, max_value: 10000, mostly: 0.99}
    severity: critical
    description: an order is at most 10,000
"""


def load(folder: Path, text: str) -> list[Suite]:
    (folder / "orders.yaml").write_text(text)
    return load_suites(folder, TABLES)


@pytest.mark.parametrize("name", ["expect_column_values_to_be_between", "ExpectColumnValuesToBeBetween"])
def test_an_expectation_is_written_in_either_of_the_librarys_ways(tmp_path: Path, name: str) -> None:
    (suite,) = load(tmp_path, ONE.replace("expect_column_values_to_be_between", name))
    (check,) = suite.checks
    assert (check.name, check.expectation) == (
        f"{PREFIX}revenue_plausible",
        "ExpectColumnValuesToBeBetween",
    )
    assert (check.severity, check.needs) == ("critical", ("revenue",))


def test_every_fault_of_every_file_is_told_at_once(tmp_path: Path) -> None:
    again = ONE.split("expectations:\n")[1].replace("revenue_plausible", "again")
    two = ONE.replace("revenue,", "revenu,") + again.replace("max_value", "maximum")
    (tmp_path / "late.yaml").write_text(ONE.replace("batch: orders", "batch: order"))
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, two)
    first, second, third = str(caught.value).splitlines()
    assert "late.yaml:1" in first and "orders.yaml:5" in second and "orders.yaml:10" in third


def test_a_project_without_expectations_has_none(tmp_path: Path) -> None:
    assert load_suites(tmp_path / "expectations", TABLES) == []


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("be_between", "be_betwen", "orders.yaml:4: revenue_plausible: expect_column_values_to_be_betwen is"),
        ("be_between", "be_betwen", "did you mean expect_column_values_to_be_between"),
        ("max_value", "maximum", "orders.yaml:5: revenue_plausible: .* has no argument maximum"),
        ("column: revenue, ", "", "needs column"),
        ("column: revenue", "column: revenu", "revenu is not a column here; did you mean revenue"),
        ("mostly: 0.99", "mostly: 99", "mostly is a share from 0 to 1, found 99"),
        ("severity: critical", "severity: fatal", "orders.yaml:6: expectations.0.severity"),
        ("batch: orders", "batch: order", "orders.yaml:1: batch: no source maps the table order; did you"),
        ("batch: orders", "mart: segment_curent", "is not a mart; did you mean segment_current"),
        ("batch: orders", "batch: orders\nsource: crm", "crm maps no orders"),
        ("batch: orders", "batch: orders\nmart: run", "expected either `batch: TABLE`"),
        ("description: an", "describe: an", "no such setting; did you mean description"),
        ("expect_column_values_to_be_between", "expect_column_values_to_be_increasing", "cannot be used"),
        ("mostly: 0.99", "row_condition: revenue > 5", "condition_parser: great_expectations"),
        ("mostly: 0.99", 'row_condition: col("x") > 5, condition_parser: great_expectations', "x is not a"),
    ],
)
def test_a_fault_names_file_line_and_the_nearest(tmp_path: Path, old: str, new: str, told: str) -> None:
    assert old in ONE
    with pytest.raises(ConfigError, match=told):
        load(tmp_path, ONE.replace(old, new))


def test_a_name_stands_once_for_a_table(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(ONE)
    with pytest.raises(ConfigError, match=r"orders.yaml: revenue_plausible of orders stands in a.yaml too"):
        load(tmp_path, ONE)


def test_an_expectation_of_a_column_that_a_source_does_not_map_is_left_out(tmp_path: Path) -> None:
    suites = load(tmp_path, ONE)
    assert checks_of_batch(suites, "shop", "orders", ["order_id"]) == []
    assert len(checks_of_batch(suites, "shop", "orders", ["order_id", "revenue"])) == 1
    suites = load(tmp_path, ONE.replace("batch: orders", "batch: orders\nsource: web"))
    assert checks_of_batch(suites, "shop", "orders", ["revenue"]) == []


def test_the_columns_of_a_mart_are_known_unless_it_takes_all() -> None:
    assert "members" in (mart_columns("segment_current") or [])
    assert mart_columns("customer") is None


@pytest.mark.parametrize(
    ("query", "written"),
    [
        ("select * from {batch} where revenue < 0", 'SELECT * FROM {batch} WHERE "revenue" < 0'),
        (
            r"select * from {batch} where regexp_matches(order_id, '^\d{4}$')",
            r"""SELECT * FROM {batch} WHERE REGEXP_MATCHES("order_id", '^\d{{4}}$')""",
        ),
        (
            "with n as (select count(*) as many from {batch}) select * from n where many < 5",
            'WITH "n" AS (SELECT COUNT(*) AS "many" FROM {batch}) SELECT * FROM "n" WHERE "many" < 5',
        ),
    ],
)
def test_a_query_is_written_from_its_checked_tree(query: str, written: str) -> None:
    assert parse_query(query, COLUMNS, "here") == written


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("select * from read_csv('/etc/passwd'), {batch}", "calls read_csv"),
        ("select * from '/etc/passwd', {batch}", "expected {batch} alone"),
        ("select * from core.orders, {batch}", "reads core.orders"),
        ("select * from duckdb_settings, {batch}", "expected {batch} alone"),
        ("with d as (select * from e), e as (select 1 as x from {batch}) select * from d", "reads e"),
        ("with e as (select * from e) select * from e, {batch}", "reads e"),
        ("select * from e, (with e as (select 1) select * from {batch})", "WITH is inside"),
        ("select (select 1 from 'x.parquet') from {batch}", "expected {batch} alone"),
        ("select * from query('select 1'), {batch}", "calls query"),
        ("attach 'x' as {batch}", "expected one SELECT"),
        ("copy (select * from {batch}) to 'x'", "expected one SELECT"),
        ("delete from {batch}", "expected one SELECT"),
        ("select * from {batch}; drop table x", "found 2 statements"),
        ("select * from {batch} union select 1", "found union"),
        ("select getenv('HOME') from {batch}", "calls getenv"),
        ("select * from {batch} where random() > 0.5", "calls rand"),
        (
            "select * from {batch} where revenu > 5",
            "which is not a column here; did you mean revenue",
        ),
        ("select 1", "does not read {batch}"),
        ("select * from {batch} where", "is not SQL"),
        ("select revenue -> from {batch}", "is not SQL: something is missing"),
    ],
)
def test_a_query_that_reads_anything_else_is_refused(query: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told.replace("{", r"\{")):
        parse_query(query, COLUMNS, "here")


def test_the_catalogue_is_the_librarys() -> None:
    from pipelines.ingest.quality import _great_expectations

    gx = _great_expectations().expectations
    from great_expectations.expectations.registry import list_registered_expectation_implementations

    ours = {snake(name) for name in (*EXPECTATIONS, *NOT_HERE)}
    assert set(list_registered_expectation_implementations()) <= ours
    for name, one in EXPECTATIONS.items():
        fields = getattr(gx, name).__fields__
        assert {field for field, shape in fields.items() if shape.required} <= set(one.required)
        assert set(one.arguments) <= fields.keys()
    assert QUERY in EXPECTATIONS
