"""What a refresh is handed from outside, as protocols: configuration, control store, landing, publication.

`resources/` has the real ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from pipelines.config.project import ProjectConfig, Source
from pipelines.features.recipe import Recipe
from pipelines.ingest.expected import Suite
from pipelines.ingest.files import LandedFile
from pipelines.refresh.findings import Finding

if TYPE_CHECKING:
    import duckdb

# Told what a stage is doing; the command shows it, the daemon's runs need none.
Progress = Callable[[str], None]


class Project(Protocol):
    """The checked configuration of a project, and where its definitions lie."""

    @property
    def root(self) -> Path: ...

    @property
    def segments(self) -> Path:
        """The folder of the definitions."""
        ...

    @property
    def config(self) -> ProjectConfig: ...

    @property
    def yesterday(self) -> date:
        """The business day that has ended last."""
        ...

    @property
    def mapped(self) -> dict[str, list[str]]:
        """Canonical table -> sources that feed it, in the order in which core is built."""
        ...

    @property
    def recipe(self) -> Recipe: ...

    @property
    def suites(self) -> list[Suite]: ...

    @property
    def code_version(self) -> str: ...


class Incident(Protocol):
    """Something that is wrong and not over."""

    @property
    def kind(self) -> str: ...

    @property
    def subject(self) -> str: ...

    @property
    def severity(self) -> str: ...

    @property
    def message(self) -> str: ...

    @property
    def opened_at(self) -> str:
        """ISO 8601, UTC."""
        ...


class Control(Protocol):
    """Findings of runs, and the incidents that follow from them."""

    def record_findings(self, run_id: str, findings: Iterable[Finding]) -> None: ...

    def findings(self, run_id: str) -> list[Finding]: ...

    def learn_day(self, day: date) -> None:
        """Note a business day that accepted rows are of; the earliest is kept."""
        ...

    def open_incidents(self) -> Sequence[Incident]: ...

    def reconcile(self, run_id: str) -> object:
        """Open and close incidents by what the run has found so far."""
        ...


class Landing(Protocol):
    """Brings the files of a source within reach."""

    def fetch(self, name: str, source: Source) -> None:
        """Bring what a source on the network has now; SourceError when it cannot be read."""
        ...

    def land(
        self, con: duckdb.DuckDBPyConnection, name: str, source: Source, day: date
    ) -> tuple[list[LandedFile], list[str]]:
        """The new files of a source as of a day, and the names of all it has; SourceError if it has none.

        Parameters
        ----------
        name : the source's name in `project.yaml`.
        """
        ...

    def scratch(self, name: str) -> Path:
        """A folder of this source's own for copies in UTF-8."""
        ...


class Publisher(Protocol):
    """Writes the marts beside those that are current, and swaps them in whole."""

    def __call__(
        self,
        con: duckdb.DuckDBPyConnection,
        run_id: str,
        report: Callable[[], str],
        manifest: Mapping[str, Any],
    ) -> Path: ...
