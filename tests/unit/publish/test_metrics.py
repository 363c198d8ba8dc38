"""Every figure that is published has one definition, and every definition its figure."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from published_base import build, company

from pipelines.engine import columns_of
from pipelines.errors import InvariantError
from pipelines.publish.marts import MARTS, check_bridge, table_of
from pipelines.publish.metrics import METRICS, is_figure

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def con(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    with company(tmp_path_factory.mktemp("segments")) as made:
        build(made)
        yield made


def test_every_figure_of_the_marts_is_defined_and_no_other(con: duckdb.DuckDBPyConnection) -> None:
    figures = {
        (mart, name)
        for mart in MARTS
        for name, kind in columns_of(con, table_of(mart))
        if is_figure(name, kind)
    }
    defined = con.execute("select mart, metric from marts.metric_definitions").fetchall()
    assert set(defined) == figures
    assert len(defined) == len(set(defined))


def test_a_definition_says_unit_meaning_and_a_file_that_exists(con: duckdb.DuckDBPyConnection) -> None:
    for name, unit, meaning, source in con.execute(
        "select metric, unit, meaning, source from marts.metric_definitions"
    ).fetchall():
        assert meaning and (ROOT / source).is_file(), name
        assert unit, name


def test_the_list_has_a_figure_once() -> None:
    names = [(one.mart, one.name) for one in METRICS]
    assert len(names) == len(set(names))


def test_a_bridge_that_does_not_lead_to_the_other_marts_is_not_published(
    con: duckdb.DuckDBPyConnection,
) -> None:
    check_bridge(con)
    for table, column in (("revenue_day", "revenue"), ("customer", "revenue_lifetime")):
        con.execute("begin")
        con.execute(f"update marts.{table} set {column} = {column} + 0.0001")
        with pytest.raises(InvariantError, match="expected equal figures"):
            check_bridge(con)
        con.execute("rollback")
