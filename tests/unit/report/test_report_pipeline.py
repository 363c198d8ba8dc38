"""The report says how leads and deals fare, where a project has any."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import duckdb

from pipelines.report.build import render_report
from resources.renderer import Renderer

FUNNEL = """
create table marts.funnel (deal_kind varchar, stage varchar, source varchar, segmentation_id varchar,
    segment_id varchar, month date, entered bigint, departed bigint, converted bigint, days_in_stage double,
    won bigint, lost bigint, win_rate double)
"""


def add(
    con: duckdb.DuckDBPyConnection, kind: str, stage: str | None, month: date | None, *counts: Any
) -> None:
    """Of two sources half each, and once more for a segment."""
    for source, segmentation in (("web", None), (None, None), ("web", "plan")):
        con.execute(
            "insert into marts.funnel values (?, ?, ?, ?, ?, ?, ?, ?, ?, null, ?, ?, null)",
            [kind, stage, source, segmentation, segmentation, month, *counts],
        )


def cells(html: str) -> list[list[str]]:
    """The rows of the tables of the section."""
    (section,) = re.findall(r'<section id="pipeline">.*?</section>', html, re.DOTALL)
    found = re.findall(r'<tr><th scope="row">(.*?)</tr>', section)
    return [re.sub(r"<[^>]*>+", "|", row).replace("||", "|").strip("|").split("|") for row in found]


def test_deals_stand_in_the_report_by_month_and_stage(
    full: duckdb.DuckDBPyConnection, engine: Renderer
) -> None:
    full.execute(FUNNEL)
    # Entered, left, went on, won, lost; of each of two sources.
    add(full, "opportunity", None, date(2026, 6, 1), 10, 3, 2, 2, 1)
    add(full, "opportunity", None, date(2026, 7, 1), 1, 2, 1, 1, 1)
    add(full, "opportunity", None, None, 4, 0, 0, 0, 0)
    add(full, "opportunity", "Offer <b>", date(2026, 7, 1), 5, 2, 1, 1, 1)
    html = render_report(full, "Report", "EUR", engine)
    assert cells(html) == [
        ["2026-07", "2", "4", "2", "2", "50.0%"],
        ["2026-06", "20", "6", "4", "2", "66.7%"],
        ["Day not known", "8", "0", "0", "0", "–"],
        ["Offer &lt;b&gt;", "6", "10", "4", "2", "50.0%"],
    ]
    said = "30 in all: 20 open, 6 won, 4 lost. Of those decided, 60.0% were won."
    assert said in html and '<a href="#pipeline">' in html
    assert "disqualified" not in html and "Earlier months" not in html


def test_old_months_are_in_the_sum_alone(full: duckdb.DuckDBPyConnection, engine: Renderer) -> None:
    full.execute(FUNNEL)
    for number in range(20):
        add(full, "lead", None, date(2025 + number // 12, number % 12 + 1, 1), 1, 1, 1, 1, 0)
    html = render_report(full, "Report", "EUR", engine)
    assert [row[0] for row in cells(html)][::13] == ["2026-08", "2025-07"] and len(cells(html)) == 14
    assert "40 in all: 0 open, 40 converted, 0 disqualified" in html and "Earlier months" in html


def test_a_project_without_deals_has_no_such_section(
    full: duckdb.DuckDBPyConnection, engine: Renderer
) -> None:
    assert "#pipeline" not in render_report(full, "Report", "EUR", engine)
    full.execute(FUNNEL)
    assert "Leads and deals" not in render_report(full, "Report", "EUR", engine)
