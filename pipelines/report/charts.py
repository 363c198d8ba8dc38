"""Charts: rows in, Vega-Lite specification out. Nothing here draws, queries or reads a clock.

Names of segments stand in data and domains only. A list under `sort` would become an expression, which
a name can break.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pipelines.report.formats import compact, finite, number, percent
from pipelines.report.palette import BLUES, INK, MUTED, PAPER, colour

Row = dict[str, Any]
Spec = dict[str, Any]

NEW = {"customer": "Not a customer yet", "account": "Not an account yet"}
CAME = "Not in it before"
UNASSIGNED = "No segment"


def history(days: Sequence[Row]) -> Spec:
    """Members over time, one small panel a segment; replayed stretches dashed, recorded ones solid."""
    panel = {
        "width": 222,
        "height": 76,
        "layer": [
            _history_line("replayed", {"strokeDash": [3, 3], "strokeWidth": 1.5}),
            _history_line("recorded", {"strokeWidth": 2.5}),
            {
                "transform": [{"filter": "datum.line == 'replayed' && datum.basis == 'replayed'"}],
                "mark": {"type": "point", "filled": False, "fill": "white", "size": 18, "strokeWidth": 1.3},
            },
            {
                "transform": [{"filter": "datum.last"}],
                "mark": {"type": "point", "filled": True, "size": 42, "opacity": 1},
            },
        ],
        "encoding": {
            "x": {
                "field": "as_of_date",
                "type": "temporal",
                "scale": {"type": "utc"},
                "axis": _HISTORY_DATES,
            },
            "y": {
                "field": "members",
                "type": "quantitative",
                "scale": {"nice": 3},
                "axis": _HISTORY_COUNTS,
            },
            "color": {"field": "colour", "type": "nominal", "scale": None},
        },
    }
    return {
        "data": {"values": _history_points(days)},
        "facet": {
            "field": "segment_name",
            "type": "nominal",
            "sort": {"field": "place", "op": "min"},
            "header": {"labelAnchor": "start", "labelLimit": 222, "labelPadding": 4},
        },
        "columns": 4,
        "spacing": {"row": 56, "column": 52},
        "bounds": "flush",
        "spec": panel,
        "resolve": {"scale": {"y": "independent"}, "axis": {"x": "independent", "y": "independent"}},
    }


_HISTORY_DATES = {
    "title": None,
    "format": "%b %y",
    "tickCount": 4,
    "grid": False,
    "labelFontSize": 10,
    "labelFlush": True,
}
_HISTORY_COUNTS = {"title": None, "format": ",d", "tickCount": 3, "labelFontSize": 10}


def _history_line(line: str, look: Row) -> Spec:
    return {
        "transform": [{"filter": {"field": "line", "equal": line}}],
        "mark": {"type": "line", "interpolate": "linear", **look},
    }


def _history_points(days: Sequence[Row]) -> list[Row]:
    """The points of both lines; the first recorded day also ends the replayed line, so that they meet."""
    recorded = [row["as_of_date"] for row in days if row["basis"] == "recorded"]
    first_recorded = min(recorded, default=None)
    last = max((row["as_of_date"] for row in days), default=None)
    points = []
    for row in days:
        lines = [row["basis"]]
        if row["basis"] == "recorded" and row["as_of_date"] == first_recorded:
            lines.append("replayed")
        points += [
            {
                "as_of_date": row["as_of_date"],
                "segment_name": row["segment_name"],
                "place": row["position"],
                "members": row["members"],
                "basis": row["basis"],
                "line": line,
                "last": row["as_of_date"] == last and line == row["basis"],
                "colour": colour(row["position"]),
            }
            for line in lines
        ]
    return points


def revenue(segments: Sequence[Row]) -> Spec:
    """A bar for each segment's share of revenue; a tick for its share of members, to compare them."""
    values = [
        {
            "segment_name": row["segment_name"],
            "revenue_share": finite(row["revenue_share"]) or 0.0,
            "share": finite(row["share"]) or 0.0,
            "label": f"{percent(row['revenue_share'], 0)} · {compact(row['revenue_365d'])}",
            "colour": colour(row["position"]),
        }
        for row in segments
    ]
    top = max(max(row["revenue_share"], row["share"]) for row in values) or 1.0
    domain = [0, top * 1.32]  # room for the label after the longest bar
    share = {"type": "quantitative", "scale": {"domain": domain, "nice": False}}
    return {
        "data": {"values": values},
        "width": 250,
        "height": {"step": 30},
        "encoding": {"y": names_axis("segment_name", [row["segment_name"] for row in values], "left")},
        "layer": [
            {
                "mark": {"type": "bar", "height": 16},
                "encoding": {
                    "x": {"field": "revenue_share", **share, "axis": None},
                    "color": {"field": "colour", "type": "nominal", "scale": None},
                },
            },
            {
                "mark": {"type": "tick", "color": INK, "thickness": 2, "size": 24, "opacity": 1},
                "encoding": {"x": {"field": "share", **share, "axis": None}},
            },
            {
                "transform": [{"calculate": "max(datum.revenue_share, datum.share)", "as": "end"}],
                "mark": {"type": "text", "align": "left", "dx": 7},
                "encoding": {"x": {"field": "end", **share, "axis": None}, "text": {"field": "label"}},
            },
        ],
    }


def movement(
    moves: Sequence[Row], names: Sequence[str], overlap: bool = False, entity: str = "customer"
) -> Spec:
    """From (rows) to (columns) with the number of members; who stayed is grey, so that moves stand out.

    Where segments overlap nobody moves between them: each has those who stayed and those who came.

    Parameters
    ----------
    moves : rows of `from_segment`, `to_segment` and `members`.
    names : the segments' names, in the order in which they are drawn.
    overlap : whether a member can be in several segments.
    entity : what the members are, for the legend.
    """
    came = CAME if overlap else NEW[entity]
    values = [_move(row, came) for row in moves if row["members"]]
    sources = [*names, *(name for name in (UNASSIGNED, came) if _used(values, "source", name))]
    targets = [*names, *(name for name in (UNASSIGNED,) if _used(values, "target", name))]
    most = max((row["members"] for row in values if not row["stayed"]), default=1)
    return {
        "data": {"values": values},
        "width": {"step": 47},
        "height": {"step": 26},
        "encoding": {
            "x": names_axis("target", targets, "top"),
            "y": names_axis("source", sources, "left"),
        },
        "layer": [
            {
                "mark": CELL,
                "encoding": {
                    "color": {
                        "condition": {"test": "datum.stayed", "value": PAPER},
                        "field": "members",
                        "type": "quantitative",
                        "scale": {"type": "sqrt", "domain": [0, most], "range": BLUES, "interpolate": "rgb"},
                        "legend": None,
                    }
                },
            },
            {
                "mark": {"type": "text"},
                "encoding": {
                    "text": {"field": "label"},
                    "color": {
                        "condition": [
                            {"test": "datum.stayed", "value": MUTED},
                            {"test": f"datum.members > {most * 0.45}", "value": "white"},
                        ],
                        "value": INK,
                    },
                },
            },
        ],
    }


def _move(row: Row, came: str) -> Row:
    is_new = row["from_segment_id"] is None
    return {
        "source": came if is_new else row["from_segment_name"],
        "target": row["to_segment_name"] or UNASSIGNED,
        "members": row["members"],
        "label": number(row["members"]),
        "stayed": not is_new and row["from_segment_id"] == row["to_segment_id"],
    }


def _used(values: Sequence[Row], field: str, name: str) -> bool:
    return any(row[field] == name for row in values)


CELL: Spec = {"type": "rect", "stroke": "white", "strokeWidth": 2, "cornerRadius": 3, "invalid": None}


def names_axis(field: str, names: list[str], orient: str) -> Row:
    """The axis of segment names, in display order, in ink: they are what the reader looks for."""
    axis: Row = {"title": None, "orient": orient, "labelColor": INK, "labelLimit": 150, "labelOverlap": False}
    if orient == "top":
        axis |= {"labelAngle": -40, "labelAlign": "left", "labelLimit": 110}
    return {"field": field, "type": "nominal", "sort": None, "scale": {"domain": names}, "axis": axis}
