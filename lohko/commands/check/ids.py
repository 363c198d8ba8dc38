"""Whether a definition takes up the id of something removed: the one fault that only the record can tell."""

from __future__ import annotations

from collections.abc import Sequence

from pipelines.engine import DuckDB, relation_exists
from pipelines.errors import BusyError, ConfigError
from pipelines.segments.model import Segmentation
from pipelines.segments.recorded import latest_day
from pipelines.segments.versions import refused
from resources.project import Project
from resources.warehouse import Warehouse

_RECORD = ("segments.recorded_day", "segments.definition_day")


def reused_ids(project: Project, segmentations: Sequence[Segmentation]) -> tuple[list[ConfigError], str]:
    """The faults a run would hold segmentations for, and a remark where the record cannot be read now.

    A project that never ran has no record, and no id in it. A run that goes on is not waited for.
    """
    if not project.warehouse_path.exists():
        return [], ""
    warehouse = Warehouse(project.warehouse_path, project.config.timezone, lock_timeout=0)
    try:
        with warehouse.open("check") as con:
            if not all(relation_exists(con, table) for table in _RECORD):
                return [], ""
            found = refused(con, latest_day(DuckDB(con)), segmentations)
    except BusyError:
        return [], "ids were not compared with those of removed segments: the warehouse is in use"
    return [
        ConfigError(f"{project.segments}: segmentation {name}: {reason}")
        for name, reason in sorted(found.items())
    ], ""
