"""Colours and the look of all charts, in one place.

Growth is not good or bad in itself (a growing "Lost" segment is no success), so changes are blue and
orange, which also stay apart for readers who confuse red and green.
"""

from __future__ import annotations

from typing import Any

# CARTO "Safe": twelve colours that stay apart under the common forms of colour blindness.
SEGMENTS = (
    "#332288",
    "#44AA99",
    "#CC6677",
    "#6699CC",
    "#DDAA33",
    "#117733",
    "#AA4499",
    "#88CCEE",
    "#999933",
    "#882255",
    "#661100",
    "#888888",
)
INK = "#1f2933"
MUTED = "#66727f"
RULE = "#e3e7eb"
PAPER = "#eef1f4"
BLUE = "#2b6ca3"
ORANGE = "#c4601a"
BLUES = ["#eef4fa", "#a9cbe6", "#5b9bcb", "#2b6ca3"]
DIVERGING = ["#b9540f", "#eaa36a", "#f7f7f5", "#8dbbdc", "#1f5f96"]

CONFIG: dict[str, Any] = {
    "aria": False,
    "background": None,
    "padding": {"left": 8, "right": 8, "top": 4, "bottom": 4},
    "font": "Arial, Helvetica, Liberation Sans, sans-serif",
    "view": {"stroke": None},
    "axis": {
        "labelColor": MUTED,
        "titleColor": MUTED,
        "titleFontWeight": "normal",
        "labelFontSize": 11,
        "titleFontSize": 11,
        "gridColor": RULE,
        "domain": False,
        "ticks": False,
        "labelPadding": 6,
    },
    "header": {"labelColor": INK, "labelFontSize": 12, "labelFontWeight": 600, "title": None},
    "text": {"fontSize": 11, "color": INK},
}


def colour(position: int | None) -> str:
    """The colour of a segment, the same in every chart and table of its segmentation."""
    return SEGMENTS[(position or 0) % len(SEGMENTS)]
