"""Publication: the invariants are checked again, and the marts of the latest recorded day go out in whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pipelines.publish.expectations import assert_expected
from pipelines.publish.manifest import manifest
from pipelines.publish.parts import held_segmentations, remember_published
from pipelines.refresh.context import Refresh
from pipelines.refresh.definitions import definitions_of
from pipelines.refresh.ports import Publisher
from pipelines.report.build import begin_report
from pipelines.report.svg import Engine
from pipelines.segments.history import assert_exclusive


@dataclass(frozen=True)
class Published:
    """Where a run was published, the rows of each mart, and the segmentations that stay as they were."""

    folder: Path
    rows: Mapping[str, int]
    held: list[str]


def publish_day(refresh: Refresh, publisher: Publisher, charts: Engine) -> Published | None:
    """Publish the marts; a day that is not the latest recorded is not published.

    Raises
    ------
    InvariantError
        When a segmentation leaves members out, or the marts are not as the project expects.
    """
    con, project = refresh.con, refresh.project
    if not refresh.is_of_latest:
        return None
    exclusive = [known.id for known in definitions_of(con, project).segmentations if known.exclusive]
    assert_exclusive(con, refresh.day, exclusive)
    assert_expected(con, refresh.run_id)
    facts = manifest(con)
    refresh.progress("report")
    report = begin_report(con, project.config.project, project.config.currency, charts)
    refresh.progress("publish")
    folder = publisher(con, refresh.run_id, report, facts)
    remember_published(con)
    return Published(folder, facts["rows"], held_segmentations(con))
