"""A business day from first to last stage, in order; the first broken invariant ends it."""

from __future__ import annotations

from pipelines.refresh.checks import refuse_broken
from pipelines.refresh.context import Refresh
from pipelines.refresh.core import refresh_core
from pipelines.refresh.features import refresh_features, refresh_state
from pipelines.refresh.freshness import measure_freshness
from pipelines.refresh.ingest import fetch_source, ingest_source
from pipelines.refresh.marts import refresh_marts
from pipelines.refresh.measure import refresh_drift, refresh_roi
from pipelines.refresh.ports import Landing, Publisher
from pipelines.refresh.publication import Published, publish_day
from pipelines.refresh.segments import refresh_segments
from pipelines.report.svg import Engine


def refresh_day(refresh: Refresh, landing: Landing, publisher: Publisher, charts: Engine) -> Published | None:
    """Refresh a business day: everything from ingest to publication.

    Parameters
    ----------
    refresh : the day's context: connection, project, day and control store.
    landing : brings the files of each source within reach.
    publisher : writes what is published.
    charts : draws the charts of the report.

    Returns
    -------
    What was published; None when the day is not the latest recorded.

    Raises
    ------
    InvariantError
        When a check failed that blocks what follows. What was published before stays.
    """
    refresh_sources(refresh, landing)
    refuse_broken(refresh_core(refresh).checks)
    measure_freshness(refresh)
    refresh_state(refresh)
    refuse_broken(refresh_features(refresh).checks)
    refuse_broken(refresh_segments(refresh).checks)
    refresh_roi(refresh)
    refresh_drift(refresh)
    refuse_broken(refresh_marts(refresh).checks)
    return publish_day(refresh, publisher, charts)


def refresh_sources(refresh: Refresh, landing: Landing) -> None:
    """Land and validate every source; each is done, and then the first broken accounting ends the refresh."""
    checks = []
    # By name, as the job takes them: batches are numbered alike.
    for name, source in sorted(refresh.project.config.sources.items()):
        refresh.progress(f"ingest {name}")
        fault = fetch_source(landing, name, source)
        checks += ingest_source(refresh, name, landing, fault).checks
    refuse_broken(checks)
