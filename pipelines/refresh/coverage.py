"""Whether ids meet: what was measured of every column of ids becomes checks, of the run and of the marts.

Told are counts and places, file and row; an id may be a person's, and stands in no check.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from pipelines.contracts.references import Family, families
from pipelines.core import coverage
from pipelines.core.coverage import Alike
from pipelines.engine import transaction
from pipelines.ingest import quality
from pipelines.ingest.quality import CheckResult
from pipelines.refresh.checks import Check, Outcome, facts_of
from pipelines.refresh.context import Refresh
from pipelines.refresh.ports import Project
from pipelines.segments import listed
from pipelines.segments.listed import Listed
from pipelines.segments.model import Segmentation

# Under these names results of core and of lists stand among those of sources, with no batch.
OF_CORE, OF_LISTS = "core", "lists"
NO_BATCH = 0
# Share of a list's ids that have to be known for it to pass.
ENOUGH_LISTED = 0.9


def checks_of_ids(project: Project, table: str) -> list[Check]:
    """A check for each column of ids of a mapped table: that none is written like another of its entity."""
    return [
        _written(table, at.column, family.key.table)
        for family in _families(project)
        for at in family.columns
        if at.table == table
    ]


def _families(project: Project) -> list[Family]:
    """The families of ids among the columns that the project's sources map."""
    mapped: dict[str, set[str]] = {}
    for source in project.config.sources.values():
        for table, written in source.tables.items():
            mapped.setdefault(table, set()).update(written)
    return families(mapped)


def _written(table: str, column: str, entity: str) -> Check:
    return Check(f"core.{table}", f"{column}_alike", _told(column, entity))


def _told(column: str, entity: str) -> str:
    return f"no {column} differs from another id of {entity} only in how it is written"


def measure_ids(refresh: Refresh, further: Sequence[CheckResult] = ()) -> list[Outcome]:
    """Measure every column of ids of what the project maps, and keep what was found as results of core.

    Parameters
    ----------
    further : results of core that are kept with them.
    """
    engine = refresh.engine
    coverage.measure(engine, _families(refresh.project))
    found = coverage.found_alike(engine)
    _keep(refresh, OF_CORE, [*(_result(alike) for alike in found), *further])
    return [
        _written(alike.table, alike.column, alike.entity).outcome(
            not alike.alike, critical=False, **facts_of(_result(alike)), kinds=alike.kinds or "none"
        )
        for alike in found
    ]


def _result(alike: Alike) -> CheckResult:
    found = f": {alike.kinds}" if alike.alike else ""
    return CheckResult(
        table=alike.table,
        name=f"{alike.column}_alike",
        description=_told(alike.column, alike.entity) + found,
        severity="advisory",
        passed=not alike.alike,
        unexpected=alike.alike,
        elements=alike.ids,
        samples=alike.samples,
    )


def told_of_ids(refresh: Refresh, table: str) -> dict[str, str]:
    """What was measured of a table's ids, for whoever shows it: of its columns, and of its key."""
    covered, events = coverage.of_table(refresh.engine, table)
    told = {
        f"{row['column_name']} in {row['referenced_table']}": f"{row['known']:,} of {row['named']:,} rows,"
        f" {row['newest_known']:,} of {row['newest_named']:,} of the newest batches"
        for row in covered
    }
    told |= {f"{table} without an event": f"{row['without']:,} of {row['ids']:,}" for row in events}
    return told


def measure_lists(refresh: Refresh, day: date, segmentations: Sequence[Segmentation]) -> None:
    """Measure how many ids of uploaded lists are members of the day, and keep that as results of lists."""
    _keep(
        refresh, OF_LISTS, [_of_list(found) for found in listed.measure(refresh.engine, day, segmentations)]
    )


def _of_list(found: Listed) -> CheckResult:
    written = f"; the others differ from known ids only by {found.kinds}" if found.kinds else ""
    nobody = "" if found.known else "; it matches nobody"
    whose = f"list {found.segmentation}.{found.segment}"
    return CheckResult(
        table=found.segmentation,
        name=f"{found.segment}_known",
        description=f"the ids of {whose} are {found.entity}s{nobody}{written}",
        severity="advisory",
        passed=found.known >= ENOUGH_LISTED * found.ids and not found.kinds,
        unexpected=found.ids - found.known,
        elements=found.ids,
    )


def _keep(refresh: Refresh, source: str, results: Sequence[CheckResult]) -> None:
    """Keep results that are of no batch in place of those that were kept before."""
    con = refresh.con
    with transaction(con):
        for table in ("quality.result", "quality.sample"):
            con.execute(f"delete from {table} where source = ? and batch_seq = ?", [source, NO_BATCH])
        quality.store(con, NO_BATCH, source, refresh.run_id, results)
