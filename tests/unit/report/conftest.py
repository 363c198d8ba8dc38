"""Marts of a believable shop: filled, or empty as on the first day."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
import report_marts

from pipelines.engine import connect
from pipelines.report.build import render_report
from resources.renderer import Renderer, started_renderer


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The full marts in a file, of which each test gets a copy."""
    warehouse = tmp_path_factory.mktemp("marts") / "full.duckdb"
    report_marts.full_marts(warehouse=warehouse).close()
    return warehouse


@pytest.fixture
def full(filled: Path, tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    con = connect(str(shutil.copy(filled, tmp_path)), config={"threads": 1})
    yield con
    con.close()


@pytest.fixture
def empty() -> Iterator[duckdb.DuckDBPyConnection]:
    con = report_marts.empty_marts()
    yield con
    con.close()


@pytest.fixture(scope="session")
def engine() -> Iterator[Renderer]:
    with started_renderer() as renderer:
        yield renderer


@pytest.fixture(scope="session")
def page(tmp_path_factory: pytest.TempPathFactory, engine: Renderer) -> str:
    """The full report, rendered once; kept in the test's directory for a look at it."""
    html = render_report(report_marts.full_marts(), "Kauppa Oy segments", "EUR", engine)
    Path(tmp_path_factory.mktemp("report") / "report.html").write_text(html, encoding="utf-8")
    return html
