"""From a Vega-Lite specification to SVG that stands inside an HTML page."""

from __future__ import annotations

import json
import re
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Protocol
from xml.etree import ElementTree

from pipelines.report.palette import CONFIG

_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_LONG_NUMBER = re.compile(r"-?\d+\.\d{2,}")
# What a browser does without: the renderer's own classes, defaults, and the font (it comes from the page).
_DROPPED = {"class", "aria-hidden", "pointer-events", "font-family", "stroke-miterlimit", "version"}
_COORDINATES = {"d", "transform", "x", "y", "x1", "x2", "y1", "y2", "width", "height"}
_DEFAULTS = {("opacity", "1"), ("stroke-width", "1"), ("transform", "translate(0,0)")}


class Engine(Protocol):
    """Turns Vega-Lite into SVG, in its own time."""

    def submit(self, specification: str) -> Future[str]:
        """Start drawing; the future's result is stand-alone SVG."""
        ...


@dataclass(frozen=True)
class Drawing:
    """A chart on its way; whoever puts it into a page waits for it."""

    svg: Future[str]
    title: str

    def __html__(self) -> str:
        """The chart as markup: every text in it was escaped by the engine and once more parsed."""
        return inline(self.svg.result(), self.title)


def draw(engine: Engine, spec: dict[str, Any], title: str) -> Drawing:
    """Have a specification drawn; `title` is what a screen reader says instead of the picture."""
    text = json.dumps(_printable({"config": CONFIG, **spec}), default=_plain)
    return Drawing(engine.submit(text), title)


def inline(text: str, title: str) -> str:
    """Make a stand-alone SVG fit to stand inside HTML: named, small, and free of ids that could clash."""
    # The text is the output of our own renderer, not a stranger's document.
    root = ElementTree.fromstring(text)  # noqa: S314
    _prune(root)
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
        element.attrib = {
            name: _short(name, value)
            for name, value in element.attrib.items()
            if name not in _DROPPED and (name, value) not in _DEFAULTS
        }
    root.attrib |= {"role": "img", "aria-label": _CONTROL.sub("", title)}
    return ElementTree.tostring(root, encoding="unicode")


def _prune(element: ElementTree.Element) -> None:
    """Drop what draws nothing: hidden backgrounds and the groups left empty."""
    for child in list(element):
        _prune(child)
        if _is_invisible(child):
            element.remove(child)


def _is_invisible(element: ElementTree.Element) -> bool:
    tag = element.tag.rpartition("}")[2]
    if tag == "path":
        empty = element.get("d") in ("", "M0,0h0v0h0Z") or element.get("display") == "none"
        return empty or _unpainted(element)
    return tag == "g" and len(element) == 0


def _unpainted(element: ElementTree.Element) -> bool:
    """A frame's background that was given neither fill nor stroke."""
    return element.get("class") == "background" and not {"fill", "stroke"} & element.attrib.keys()


def _short(name: str, value: str) -> str:
    """Round coordinates to a tenth of a pixel; a third of the size is digits nobody sees."""
    if name not in _COORDINATES:
        return value
    return _LONG_NUMBER.sub(lambda found: f"{float(found[0]):.1f}".removesuffix(".0"), value)


def _printable(value: Any) -> Any:
    """The same without characters XML cannot hold: one in a name makes the renderer abort the process."""
    if isinstance(value, str):
        return _CONTROL.sub("", value)
    if isinstance(value, dict):
        return {key: _printable(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_printable(inner) for inner in value]
    return value


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"a chart cannot hold {type(value).__name__}")
