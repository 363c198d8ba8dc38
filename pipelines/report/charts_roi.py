"""Charts of the return on campaigns: heat maps around zero."""

from __future__ import annotations

from collections.abc import Sequence

from pipelines.report.charts import CELL, Row, Spec, names_axis
from pipelines.report.formats import finite, percent
from pipelines.report.palette import DIVERGING, INK, PAPER


def roi_months(months: Sequence[Row], names: Sequence[str]) -> Spec:
    """ROI by segment and month. An unfinished month says so under its name and is drawn paler."""
    values = [
        {
            "segment_name": row["segment_name"],
            "column": row["label"],
            "roi": finite(row["roi"]),
            "label": percent(row["roi"], 0),
            "faded": not row["complete"],
        }
        for row in months
    ]
    columns = list(dict.fromkeys(row["column"] for row in values))
    # Two-line labels grow downwards, so this axis is the lower one.
    labels = {"orient": "bottom", "labelExpr": "split(datum.value, ' ')"}
    return _roi_map(values, names, columns, {"step": 66}, labels)


def roi_campaigns(cells: Sequence[Row], names: Sequence[str]) -> Spec:
    """ROI by segment and campaign, the newest campaigns last."""
    values = [
        {
            "segment_name": row["segment_name"],
            "column": row["campaign_name"],
            "roi": finite(row["roi"]),
            "label": percent(row["roi"], 0),
            "faded": row["status"] != "complete",
        }
        for row in cells
    ]
    columns = list(dict.fromkeys(row["column"] for row in values))
    return _roi_map(values, names, columns, {"step": 62}, {"labelAngle": -40, "labelAlign": "left"})


def _roi_map(values: list[Row], names: Sequence[str], columns: list[str], width: Row, labels: Row) -> Spec:
    """A heat map around zero: blue earned more than it cost, orange less. Capped, so that one lucky
    month does not bleach all others."""
    size = sorted(abs(row["roi"]) for row in values if row["roi"] is not None)
    limit = min(max(size[int(len(size) * 0.9)] if size else 1.0, 0.5), 3.0)
    return {
        "data": {"values": values},
        "width": width,
        "height": {"step": 28},
        "encoding": {
            "x": {
                "field": "column",
                "type": "ordinal",
                "sort": None,
                "scale": {"domain": columns},
                "axis": {"title": None, "orient": "top", "labelAngle": 0, "labelLimit": 130, **labels},
            },
            "y": names_axis("segment_name", list(names), "left"),
        },
        "layer": [
            {
                "mark": CELL,
                "encoding": {
                    "color": {
                        "condition": {"test": "datum.roi === null", "value": PAPER},
                        "field": "roi",
                        "type": "quantitative",
                        "scale": {
                            "domain": [-limit, -limit / 2, 0, limit / 2, limit],
                            "range": DIVERGING,
                            "clamp": True,
                            "interpolate": "rgb",
                        },
                        "legend": None,
                    },
                    "opacity": {"condition": {"test": "datum.faded", "value": 0.5}, "value": 1},
                },
            },
            {
                "mark": {"type": "text"},
                "encoding": {
                    "text": {"field": "label"},
                    "color": {
                        "condition": {
                            "test": f"abs(datum.roi) > {limit * 0.7} && !datum.faded",
                            "value": "white",
                        },
                        "value": INK,
                    },
                },
            },
        ],
    }
