"""Charts: what they show, and that they come out as clean SVG."""

from __future__ import annotations

from datetime import date
from typing import Any
from xml.etree import ElementTree

import pytest

from pipelines.report import charts, charts_roi, palette
from pipelines.report.svg import draw
from resources.renderer import Renderer

Row = dict[str, Any]


def day(when: str, basis: str, segment: str = "Loyal", position: int = 1) -> Row:
    return {"as_of_date": date.fromisoformat(when), "segment_id": segment, "segment_name": segment,
            "position": position, "members": 10, "basis": basis}  # fmt: skip


def move(source: str | None, target: str | None, members: int) -> Row:
    return {"from_segment_id": source, "from_segment_name": source, "to_segment_id": target,
            "to_segment_name": target, "members": members}  # fmt: skip


def cell(roi: float | None, complete: bool = True) -> Row:
    return {"segment_name": "Loyal", "label": "2026-07", "roi": roi, "complete": complete}


def test_the_replayed_line_meets_the_recorded_one() -> None:
    spec = charts.history([day("2026-06-30", "replayed"), day("2026-07-31", "recorded")])
    replayed = [p["as_of_date"].isoformat() for p in spec["data"]["values"] if p["line"] == "replayed"]
    assert replayed == ["2026-06-30", "2026-07-31"]


def test_only_the_newest_day_has_the_big_dot() -> None:
    spec = charts.history([day("2026-07-30", "recorded"), day("2026-07-31", "recorded")])
    assert [p["as_of_date"].isoformat() for p in spec["data"]["values"] if p["last"]] == ["2026-07-31"]


def test_those_who_stayed_are_not_counted_as_a_move() -> None:
    spec = charts.movement([move("a", "a", 900), move("a", "b", 5), move(None, "b", 3)], ["a", "b"])
    stayed = {(p["source"], p["target"]): p["stayed"] for p in spec["data"]["values"]}
    assert stayed == {("a", "a"): True, ("a", "b"): False, (charts.NEW["customer"], "b"): False}
    assert spec["layer"][0]["encoding"]["color"]["scale"]["domain"] == [0, 5]


def test_the_row_for_new_customers_appears_only_when_there_are_any() -> None:
    spec = charts.movement([move("a", "b", 5)], ["a", "b"])
    assert spec["encoding"]["y"]["scale"]["domain"] == ["a", "b"]


def test_roi_without_cost_is_a_dash_not_a_zero() -> None:
    spec = charts_roi.roi_months([cell(None), cell(float("inf"))], ["Loyal"])
    assert [(p["roi"], p["label"]) for p in spec["data"]["values"]] == [(None, "–"), (None, "–")]


def test_one_lucky_month_does_not_bleach_the_others() -> None:
    spec = charts_roi.roi_months([cell(0.2), cell(0.3), cell(40.0)], ["Loyal"])
    assert spec["layer"][0]["encoding"]["color"]["scale"]["domain"][-1] == 3.0


def test_an_unfinished_month_is_faded() -> None:
    spec = charts_roi.roi_months([cell(0.2), cell(0.2, complete=False)], ["Loyal"])
    assert [p["faded"] for p in spec["data"]["values"]] == [False, True]


def test_a_segment_keeps_its_colour() -> None:
    line = charts.history([day("2026-07-31", "recorded", position=4)])
    assert line["data"]["values"][0]["colour"] == palette.colour(4)


def test_neighbouring_positions_differ_in_colour_from_zero_or_one() -> None:
    assert len({palette.colour(position) for position in range(1, 13)}) == 12
    assert palette.colour(0) != palette.colour(1)


ODD_NAMES = [
    "<script>alert(1)</script>",
    "a & b",
    '" onload="x',
    "datum.x ' \\",
    "{{7*7}}",
    "a\u2028b",
    "",
    "\x07",
]


@pytest.mark.parametrize("name", ODD_NAMES)
def test_a_segment_name_is_drawn_as_it_is(name: str, engine: Renderer) -> None:
    month = {**cell(0.2), "segment_name": name}
    days = [day("2026-06-30", "replayed", name), day("2026-07-31", "recorded", name)]
    segment = {"segment_name": name, "revenue_share": 0.1, "share": 0.2, "revenue_365d": 5, "position": 1}
    for spec in (
        charts.movement([move(name, name, 5), move(name, "b", 2)], [name, "b"]),
        charts.history(days),
        charts.revenue([segment]),
        charts_roi.roi_months([month], [name]),
    ):
        root = ElementTree.fromstring(draw(engine, spec, name).__html__())  # noqa: S314
        shown = name.replace("\x07", "")
        assert root.get("aria-label") == shown
        assert shown[:12] in "".join(root.itertext())
        assert {element.tag for element in root.iter()} <= {
            "svg",
            "g",
            "path",
            "rect",
            "text",
            "line",
            "tspan",
        }


def test_a_chart_carries_no_ids_that_could_clash(engine: Renderer) -> None:
    days = [day("2026-06-30", "replayed"), day("2026-07-31", "recorded")]
    root = ElementTree.fromstring(draw(engine, charts.history(days), "History").__html__())  # noqa: S314
    assert not [element for element in root.iter() if "id" in element.attrib]
