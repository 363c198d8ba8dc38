"""What every stage of one refresh is handed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from pipelines.engine import DuckDB, Engine, relation_exists
from pipelines.refresh.ports import Control, Progress, Project
from pipelines.segments.recorded import latest_day

if TYPE_CHECKING:
    import duckdb


def silent(text: str) -> None:
    """The progress of a refresh that nobody watches."""


@dataclass(frozen=True)
class Refresh:
    """One refresh: the open warehouse, what it is configured by, and the business days it is for.

    `days` are in order; a stage that knows one day takes the last.
    """

    con: duckdb.DuckDBPyConnection
    project: Project
    control: Control
    run_id: str
    days: tuple[date, ...]
    progress: Progress = silent

    @property
    def day(self) -> date:
        """The last of the days."""
        return max(self.days)

    @property
    def begins(self) -> date:
        """Where a record begins of which nothing stands yet: `first_day`, or its first day."""
        first = self.project.config.first_day
        return min(self.days) if first is None else min(first, *self.days)

    @property
    def engine(self) -> Engine:
        """What work of the size of the history runs through."""
        return DuckDB(self.con)

    @property
    def told_on(self) -> date:
        """The business day that has ended last: of what is learned now, that day is the first to know.

        A playback is an archive played in, and learns on the day that it plays.
        """
        played = any(source.playback for source in self.project.config.sources.values())
        return self.day if played else self.project.yesterday

    @property
    def is_of_latest(self) -> bool:
        """Whether its day is the latest recorded: only that one is measured, told and published."""
        return self._recorded == self.day

    @property
    def is_of_past(self) -> bool:
        """Whether a later day stands in the record."""
        recorded = self._recorded
        return recorded is not None and self.day < recorded

    @property
    def days_due(self) -> tuple[date, ...]:
        """Its days that do not lie before the latest recorded: what was recorded is not done again."""
        recorded = self._recorded
        return tuple(day for day in self.days if recorded is None or day >= recorded)

    @property
    def _recorded(self) -> date | None:
        known = relation_exists(self.con, "segments.recorded_day")
        return latest_day(self.engine) if known else None
