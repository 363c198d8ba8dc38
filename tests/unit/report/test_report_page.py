"""The page as a whole: complete, self-contained, safe against the names users give."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import duckdb
import report_marts

from pipelines.report.build import render_report
from resources.renderer import Renderer

EVIL = "<script>alert(1)</script>"


class Tags(HTMLParser):
    """The tags of a page and their attributes; fails on nothing, so the tests ask."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def named(self, name: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.tags if tag == name]


def test_the_page_loads_nothing_and_runs_no_script(page: str) -> None:
    tags = Tags(page)
    assert not any(tags.named(name) for name in ("script", "link", "img", "iframe", "object", "image", "use"))
    links = [value for _, attributes in tags.tags for name, value in attributes.items() if "href" in name]
    assert all(link and link.startswith("#") for link in links)
    assert "url(" not in page and "@import" not in page
    assert not any(name.startswith("on") for _, attributes in tags.tags for name in attributes)


def test_every_inner_link_has_its_target(page: str) -> None:
    tags = Tags(page)
    targets = {attributes.get("id") for _, attributes in tags.tags}
    assert {str(link["href"])[1:] for link in tags.named("a")} <= targets


def test_no_id_occurs_twice(page: str) -> None:
    ids = [attributes["id"] for _, attributes in Tags(page).tags if "id" in attributes]
    assert len(ids) == len(set(ids))


def test_the_page_stays_small(page: str) -> None:
    assert len(page.encode()) < 600_000


def test_every_chart_is_named_for_a_screen_reader(page: str) -> None:
    charts = Tags(page).named("svg")
    # Three of each segmentation, and of those of customers two of their campaigns.
    assert len(charts) == 3 * (3 + 2) + 2 * 3
    assert all(chart["role"] == "img" and chart["aria-label"] for chart in charts)


def test_the_head_names_the_day_and_when_the_data_is_effective(page: str) -> None:
    head = page[page.index("<header") : page.index("</header>")]
    assert "2026-07-31" in head and "data effective at 2026-07-31 03:05 UTC" in head


def test_the_footer_names_run_revision_and_code(page: str) -> None:
    footer = page[page.index("<footer") :]
    assert "Run 8f2b61d0 · revision 3 · code 0.1.0+4c1d9ae" in footer


def test_roi_is_labelled_attributed_not_incremental(page: str) -> None:
    section = page[page.index('id="return"') :]
    assert "Attributed, not incremental." in section[: section.index("<svg")]


def test_the_running_month_is_marked(page: str) -> None:
    assert re.search(r"2026-07</tspan><tspan[^>]*>running", page)


def test_a_segment_name_is_escaped_in_text_and_charts(
    full: duckdb.DuckDBPyConnection, engine: Renderer
) -> None:
    rename_everywhere(full, EVIL)
    html = render_report(full, EVIL, "EUR", engine)
    assert not Tags(html).named("script")
    assert "<script" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    drawings = re.findall(r"<svg.*?</svg>", html, re.DOTALL)
    assert any("&lt;script&gt;alert(1)" in drawing for drawing in drawings)


def test_accounts_have_a_section_of_their_own_where_there_are_any(
    page: str, empty: duckdb.DuckDBPyConnection, engine: Renderer
) -> None:
    (section,) = re.findall(r'<section id="accounts">.*?</section>', page, re.DOTALL)
    fairs, plan = section.split("<article")[1:]
    assert re.findall(r'<span class="name">(.*?)<small>', plan) == [f"Account plan {i}" for i in (1, 2, 3)]
    figures = re.findall(r'<td class="n">([^<]*)</td>', plan.split("<tfoot>")[0])
    assert figures[:6] == ["140", "140,000", "70.0%", "1,000.00", "420", "12"], figures
    assert "1 moved" not in plan and "200 stayed, 17 moved, 0 new." in plan
    assert "Accounts over time" in plan and "Customers over time" not in section
    assert "<tfoot>" in plan and "200" in plan.split("<tfoot>")[1]
    assert "<tfoot>" not in fairs, "segments that overlap have no total"
    assert "ccount" not in render_report(empty, "Report", "EUR", engine)


def rename_everywhere(con: duckdb.DuckDBPyConnection, name: str) -> None:
    """The names a user or a file can choose, all at once."""
    for table, column in (
        ("segment_current", "segment_name"),
        ("segment_day", "segment_name"),
        ("segment_movement", "from_segment_name"),
        ("segment_movement", "to_segment_name"),
        ("roi_month", "segment_name"),
        ("roi_campaign", "segment_name"),
        ("drift", "segment_name"),
    ):
        con.execute(
            f"update marts.{table} set {column} = ? where {column} in ('Champions', 'Top 5%')", [name]
        )
    con.execute("update marts.segment_current set segmentation_name = ?, description = ?", [name, name])
    con.execute("update marts.roi_campaign set campaign_name = ?, campaign_type = ?", [name, name])
    con.execute("update marts.quarantine_reason set reason = ?, column_name = ?", [name, name])
    con.execute("update marts.incident set message = ?, subject = ?", [name, name])
    con.execute("update marts.run set project_name = ?", [name])


def test_a_quote_in_a_segmentation_name_stays_inside_the_label(
    full: duckdb.DuckDBPyConnection, engine: Renderer
) -> None:
    full.execute("""update marts.segment_current set segmentation_name = 'a" onload="alert(1)'""")
    tags = Tags(render_report(full, "Report", "EUR", engine))
    assert all("onload" not in attributes for _, attributes in tags.tags)


def test_a_control_character_in_a_name_does_not_break_the_chart(
    full: duckdb.DuckDBPyConnection, engine: Renderer
) -> None:
    full.execute(
        "update marts.segment_current set segment_name = 'Loyal' || chr(7) where segment_id = 'loyal'"
    )
    assert "Loyal" in render_report(full, "Report", "EUR", engine)


def test_an_empty_project_says_so_and_draws_nothing(
    empty: duckdb.DuckDBPyConnection, engine: Renderer
) -> None:
    html = render_report(empty, "Report", "EUR", engine)
    for sentence in (
        "No run is recorded in this project.",
        "Nothing has been checked yet.",
        "No segments in this project yet.",
        "No campaigns in this project.",
        "Drift is not measured in this project yet.",
        "No quality checks ran in this project.",
        "No data has landed in this project.",
    ):
        assert sentence in html
    assert "<svg" not in html


def test_optional_tables_may_be_missing(full: duckdb.DuckDBPyConnection, engine: Renderer) -> None:
    for table in ("roi_month", "roi_campaign", "drift"):
        full.execute(f"drop table marts.{table}")
    html = render_report(full, "Report", "EUR", engine)
    assert "No campaigns in this project." in html and "Drift is not measured" in html


def test_the_first_run_has_nothing_to_compare_with(full: duckdb.DuckDBPyConnection, engine: Renderer) -> None:
    full.execute("update marts.run set previous_date = null, effective_at = null")
    full.execute(
        "update marts.segment_current set previous_date = null, change = null, members_before = null,"
        " entered = null, departed = null, average_order_value = null, recency_days = null"
    )
    full.execute("delete from marts.segment_day where as_of_date < '2026-07-31'")
    full.execute("delete from marts.segment_movement")
    html = render_report(full, "Report", "EUR", engine)
    assert "first run, nothing to compare with" in html
    assert "One day is known so far; a line needs two." in html
    assert "No movement is known yet" in html


def test_empty_segments_and_no_revenue_still_make_a_page(
    full: duckdb.DuckDBPyConnection, engine: Renderer
) -> None:
    full.execute("update marts.segment_current set members = 0, share = null, revenue_365d = 0,"
                 " revenue_share = null")  # fmt: skip
    full.execute("update marts.roi_month set roi = null, cost = 0, roi_change = 'nan'::double")
    html = render_report(full, "Report", "EUR", engine)
    assert "No revenue in the last 365 days." in html and "there is no ROI to show" in html
    assert "nan" not in html.lower().replace("finance", "")


def test_the_currency_of_the_run_is_used(full: duckdb.DuckDBPyConnection, engine: Renderer) -> None:
    full.execute("update marts.run set currency = 'SEK'")
    assert "Revenue, SEK" in render_report(full, "Report", "EUR", engine)


def test_the_same_marts_give_the_same_page(page: str, engine: Renderer) -> None:
    again = render_report(report_marts.full_marts(), "Kauppa Oy segments", "EUR", engine)
    assert again == page


def test_guests_and_the_way_from_gross_to_net_stand_in_the_quality_section(page: str) -> None:
    section = page.split('<section id="quality">')[1].split("</section>")[0]
    assert "<strong>211</strong> of 4,020 orders name no customer" in section
    assert "60.00 of 1,240.00 EUR" in section
    assert "15.00 of it is of guests whom a key tells apart" in section
    assert "net revenue" in section and "-260.00" in section.replace("\u2212", "-")
    assert "Shipping that amounts include" not in section and "999.00" not in section


def test_segments_that_overlap_have_no_totals_and_nobody_moves_between_them(
    full: duckdb.DuckDBPyConnection, page: str, engine: Renderer
) -> None:
    full.execute("update marts.segment_current set exclusive = false where segmentation_id = 'rfm'")
    html = render_report(full, "Report", "EUR", engine)
    assert page.count('<th scope="row">All</th>') == html.count('<th scope="row">All</th>') + 2
    assert "A customer may be in several" in html and "A customer may be in several" not in page
    # Of the two segmentations of accounts, one overlaps.
    assert page.count("An account may be in several of these segments") == 1
    assert "Not in it before" in html and "Not in it before" not in page
    # Campaigns are summed over segments that add up.
    assert html.index("Campaigns</h4>") < html.index("return by segment</summary>")
