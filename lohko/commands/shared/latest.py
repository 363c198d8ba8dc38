"""The latest day in the warehouse, for commands that look at definitions before they are run.

Belongs here: opening the warehouse and reading definitions against it. Does not: anything computed from them
(see pipelines/segments/). Whatever a command writes on the way is undone when it ends.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.config.yaml import nearest
from pipelines.engine import DuckDB, columns_of, relation_exists
from pipelines.errors import SourceError, UsageError
from pipelines.features.compute import state_day
from pipelines.features.feature import Feature
from pipelines.features.vocabulary import features_absent, features_now, further_of_others
from pipelines.segments.definitions import ENTITIES, Definitions, files_in, load_files
from pipelines.segments.dry import assigned, undone
from pipelines.segments.model import Segmentation
from resources.project import Project
from resources.warehouse import Warehouse

if TYPE_CHECKING:
    import duckdb

# A person waits: whoever holds the warehouse for longer is at work on a run.
LOCK_TIMEOUT = 10.0


@dataclass(frozen=True)
class Latest:
    """An open warehouse, the day its features are of, and what the project's definitions may name."""

    con: duckdb.DuckDBPyConnection
    project: Project
    day: date
    catalogues: dict[str, list[Feature]]

    def load(self, paths: Sequence[Path] | None = None, root: Path | None = None) -> Definitions:
        """Definitions against this warehouse: the project's, or those of other files.

        Raises
        ------
        ConfigError
            When the project has no definition.
        """
        return load_files(
            files_in(self.project.segments) if paths is None else paths,
            self.catalogues,
            features_absent(self.project.mapped),
            self.project.mapped,
            root or self.project.root,
            further_of_others(DuckDB(self.con)),
        )

    def assign(
        self, definitions: Definitions, wanted: Sequence[Segmentation], table: str = "dry_assigned"
    ) -> list[str]:
        """Judge everyone by these segmentations: a temporary table `<table>_<entity>` for each entity.

        Returns
        -------
        Remarks to tell.

        Raises
        ------
        UsageError
            When one reads a feature that the last run did not compute yet.
        """
        self._refuse_unknown(wanted)
        remarks: list[str] = []
        for entity in ENTITIES:
            plan = definitions.plan(entity, {segmentation.id for segmentation in wanted})
            if plan.segmentations:
                self._refuse_unknown(plan.needed)
                remarks += assigned(self.con, plan, self.day, f"{table}_{entity}")
        return remarks

    def _refuse_unknown(self, segmentations: Sequence[Segmentation]) -> None:
        for segmentation in segmentations:
            have = {name for name, _ in columns_of(self.con, f"features.{segmentation.entity}")}
            of_company = {name for name, _ in columns_of(self.con, "features.account")}
            lacking = sorted((segmentation.features - have) | (segmentation.account_features - of_company))
            if lacking:
                raise UsageError(
                    f"{segmentation.id} reads {', '.join(lacking)}, which the last run, of {self.day},"
                    " did not compute; run `lohko run` first"
                )


@contextmanager
def latest(project: Project, purpose: str, lock_timeout: float = LOCK_TIMEOUT) -> Iterator[Latest]:
    """The warehouse with the features of the latest day; what is written in the block is undone.

    Parameters
    ----------
    purpose : what others are told who find the warehouse held.
    lock_timeout : seconds to wait for whoever holds it.

    Raises
    ------
    SourceError
        When nothing has run yet.
    BusyError
        When a run holds the warehouse.
    """
    nothing = SourceError(
        f"{project.root}: nothing has run yet, so there is nothing to evaluate; run `lohko run` first"
    )
    if not project.warehouse_path.exists():
        raise nothing
    warehouse = Warehouse(project.warehouse_path, project.config.timezone, lock_timeout)
    with warehouse.open(f"lohko {purpose}") as con, undone(con):
        day = state_day(DuckDB(con))
        if day is None or not relation_exists(con, "features.customer"):
            raise nothing
        yield Latest(con, project, day, features_now(DuckDB(con), project.recipe))


def chosen(definitions: Definitions, name: str | None) -> list[Segmentation]:
    """The segmentations asked for, all by default.

    Raises
    ------
    ConfigError
        When the one asked for is at fault itself.
    UsageError
        When there is none of the name.
    """
    if name is None:
        return list(definitions.segmentations)
    if name in definitions.faults:
        raise definitions.faults[name]
    found = [segmentation for segmentation in definitions.segmentations if segmentation.id == name]
    if not found:
        known = [segmentation.id for segmentation in definitions.segmentations]
        raise UsageError(f"no segmentation {name}{nearest(name, known)} (known: {', '.join(known)})")
    return found
