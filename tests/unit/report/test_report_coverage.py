"""The report says which ids meet, and how many have no event."""

from __future__ import annotations

import duckdb

from pipelines.core import coverage
from pipelines.engine import DuckDB, load_step
from pipelines.report.build import render_report
from pipelines.segments import listed
from resources.renderer import Renderer


def test_columns_of_ids_and_lists_stand_in_the_report(
    full: duckdb.DuckDBPyConnection, engine: Renderer
) -> None:
    assert "No column refers to a table of this project." in render_report(full, "Report", "EUR", engine)
    coverage.create(DuckDB(full))
    listed.create(DuckDB(full))
    full.execute(
        "insert into ingest.coverage values"
        " ('web', 'orders', 'customer_id', 'customers', 4000, 1000, 500, 100, 40, 0, 7, 0)"
    )
    full.execute("insert into ingest.coverage_of_events values ('customers', 900, 100, 9, 0)")
    full.execute("insert into segments.list_coverage values ('uploads', 'vip', 'customer', 30, 27)")
    for mart in ("coverage", "coverage_of_events"):
        full.execute(f"create table marts.{mart} as {load_step(f'publish/marts/{mart}').sql}")
    html = render_report(full, "Report", "EUR", engine)
    assert "web.orders.customer_id" in html and "25.0" in html and "0.0" in html
    assert "lists.uploads.vip" in html and "90.0" in html
    assert "Of 900 in customers, 800 have no event." in html
