"""Publication: the invariants are checked again, and the marts of the latest recorded day go out in whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.errors import InvariantError
from pipelines.publish.expectations import assert_expected
from pipelines.publish.manifest import manifest
from pipelines.publish.parts import held_segmentations, remember_published
from pipelines.refresh.context import Refresh
from pipelines.refresh.definitions import definitions_of
from pipelines.refresh.invariants import assert_publishable
from pipelines.refresh.ports import Publisher
from pipelines.report.build import begin_report
from pipelines.report.svg import Engine

if TYPE_CHECKING:
    import duckdb


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
        When an invariant of core, of the record or of the past days does not hold, the marts are not as the
        project expects, or the day has been recorded again since they were built.
    """
    con, project = refresh.con, refresh.project
    if not refresh.is_of_latest:
        return None
    exclusive = [known.id for known in definitions_of(con, project).segmentations if known.exclusive]
    assert_publishable(con, refresh.day, exclusive, project.config.roi.months)
    _assert_built(con)
    assert_expected(con)
    facts = manifest(con)
    refresh.progress("report")
    report = begin_report(con, project.config.project, project.config.currency, charts)
    refresh.progress("publish")
    folder = publisher(con, refresh.run_id, report, facts)
    remember_published(con)
    return Published(folder, facts["rows"], held_segmentations(con))


def _assert_built(con: duckdb.DuckDBPyConnection) -> None:
    """The marts are of the latest recorded revision, and not of one before it."""
    recorded = con.execute(
        "select as_of_date, max(revision) from segments.recorded_day group by all order by 1 desc limit 1"
    ).fetchone()
    built = con.execute("select as_of_date, revision from marts.run").fetchone()
    if recorded is not None and built != recorded:
        told = " revision ".join(map(str, built or ("no day", "0")))
        raise InvariantError(
            f"the marts are of {told}, and {recorded[0]} revision {recorded[1]} is recorded. Nothing was"
            " published; make the marts again in the same run, or run everything"
        )
