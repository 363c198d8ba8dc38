"""Put the report together: marts in, one HTML text out."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from pipelines.report import data, formats, palette, sections, svg, verdict
from pipelines.report.svg import Engine

if TYPE_CHECKING:
    import duckdb

HERE = Path(__file__).parent


def render_report(con: duckdb.DuckDBPyConnection, title: str, currency: str, engine: Engine) -> str:
    """The report on the latest run as one self-contained HTML page; see `begin_report`.

    Parameters
    ----------
    title : the title of the page.
    currency : the project's currency, an ISO 4217 code.
    engine : draws the charts.
    """
    return begin_report(con, title, currency, engine)()


def begin_report(
    con: duckdb.DuckDBPyConnection, title: str, currency: str, engine: Engine
) -> Callable[[], str]:
    """Read what the report shows and have its charts drawn; what is returned gives the page when they are.

    `currency` is used where the run does not name one; `engine` draws the charts. Reads schema
    `marts` only, writes nothing.

    Parameters
    ----------
    title : the title of the page.
    currency : the project's currency, an ISO 4217 code.
    engine : draws the charts.
    """
    run = data.run(con)
    currency = (run["currency"] if run else None) or currency
    segmentations = data.segmentations(con)
    draw = partial(svg.draw, engine)
    # What has charts comes first: they are drawn while the rest is read.
    sizes = [sections.segmentation(con, found, draw) for found in segmentations]
    of_customers = [found for found in segmentations if found["entity"] == "customer"]
    returns = sections.roi(con, of_customers, draw)
    incidents = data.incidents(con)
    drift = sections.drift(con)
    quality = sections.quality(con)
    return partial(
        _environment().get_template("template.html.j2").render,
        title=title,
        currency=currency,
        run=run,
        verdict=verdict.sum_up(
            run, currency, incidents, quality["freshness"], quality["checks"], drift["checks"]
        ),
        incidents=incidents,
        segmentations=[found for found in sizes if found["entity"] == "customer"],
        accounts=[found for found in sizes if found["entity"] == "account"],
        pipeline=sections.pipeline(con),
        roi=returns,
        drift=drift,
        quality=quality,
    )


@cache
def _environment() -> Environment:
    """Templates escape everything: names of segments, campaigns and checks come from users."""
    environment = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters = (
        formats.number,
        formats.signed,
        formats.percent,
        formats.points,
        formats.compact,
        formats.probability,
        formats.day,
        formats.minute,
        formats.epoch,
        formats.direction,
        formats.plural,
        palette.colour,
    )
    environment.filters |= {each.__name__: each for each in filters}
    environment.globals["stylesheet"] = (HERE / "style.css").read_text(encoding="utf-8")
    environment.globals["recent_campaigns"] = data.RECENT_CAMPAIGNS
    environment.globals["enough_contacts"] = data.ENOUGH_CONTACTS
    return environment
