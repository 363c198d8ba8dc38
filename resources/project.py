"""A project: its folder, its checked configuration, its paths and its clock."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from pathlib import Path

from pipelines.config.project import ProjectConfig, Source
from pipelines.config.yaml import load_model, read_yaml
from pipelines.contracts.registry import CONTRACTS
from pipelines.features.recipe import Recipe
from pipelines.ingest.expected import Suite, Tables, derived, load_suites
from pipelines.ingest.freshness import event_table
from pipelines.ingest.mapping import contract_of
from pipelines.publish.expectations import mart_columns
from pipelines.publish.marts import MARTS

ENVIRONMENT = "LOHKO_PROJECT"
REPOSITORY = Path(__file__).resolve().parent.parent
EXAMPLE = REPOSITORY / "examples" / "complete_journey"
# The first day that can be run; `first_day` says where a record begins, not what can be asked for.
EARLIEST = date(2000, 1, 1)


@dataclass(frozen=True)
class Project:
    """One project folder. Everything Lohko writes lies in `.lohko/` (state) and `published/` (outputs)."""

    root: Path
    config: ProjectConfig

    @classmethod
    def load(cls, root: Path | None = None) -> Project:
        """Read and check `project.yaml` of a folder: the given one, LOHKO_PROJECT, or the example.

        Raises
        ------
        ConfigError
            With file, line and place of every fault.
        """
        folder = (root or Path(os.environ.get(ENVIRONMENT, EXAMPLE))).expanduser().resolve()
        path = folder / "project.yaml"
        config = load_model(path, ProjectConfig)
        tree = read_yaml(path)
        for name, source in config.sources.items():
            source.stands_in(path, tree)
            _check_tables(name, source)
        return cls(folder, config)

    @cached_property
    def recipe(self) -> Recipe:
        """What the project says of its features."""
        return Recipe(
            mapped=frozenset(self.mapped),
            margin_rate=self.config.margin_rate,
            categories=tuple(self.config.features.category_shares),
            rules=self.config.rules,
            settings=self.config.features,
            currency=self.config.currency,
        )

    @property
    def state(self) -> Path:
        return self.root / ".lohko"

    @property
    def warehouse_path(self) -> Path:
        return self.state / "warehouse.duckdb"

    @property
    def control_path(self) -> Path:
        return self.state / "control.sqlite"

    @property
    def landing(self) -> Path:
        return self.state / "landing"

    @property
    def dagster_home(self) -> Path:
        return self.state / "dagster"

    @property
    def published(self) -> Path:
        return self.root / "published"

    @property
    def current(self) -> Path:
        return self.published / "current"

    @property
    def segments(self) -> Path:
        return self.root / "segments"

    @cached_property
    def suites(self) -> list[Suite]:
        """What the project itself expects of batches and marts: `expectations/*.yaml`.

        Raises
        ------
        ConfigError
            With file, line and place of every fault.
        """
        sources = {name: tuple(source.tables) for name, source in self.config.sources.items()}
        return load_suites(
            self.root / "expectations", Tables(sources, MARTS, self._filled_columns, mart_columns)
        )

    def _filled_columns(self, table: str, source: str | None) -> list[str] | None:
        """The columns of a table that a source (or any) fills; None where attributes add to them."""
        contract = CONTRACTS[table]
        if contract.carries_all:
            return None
        sources = [source] if source else self.mapped[table]
        mapped = {column: None for name in sources for column in self.config.sources[name].tables[table]}
        further = [name for name in mapped if name not in contract.names]
        return [name for name in contract.names if name in mapped] + further + derived(contract)

    @property
    def today(self) -> date:
        """Today in the project's time zone, or the day the configuration fixes."""
        return self.config.today or datetime.now(self.config.zone).date()

    @property
    def yesterday(self) -> date:
        return self.today - timedelta(days=1)

    @cached_property
    def mapped(self) -> dict[str, list[str]]:
        """Canonical table -> sources that feed it, in the order in which core is built."""
        mapped = self.config.mapped_tables()
        return {table: mapped[table] for table in CONTRACTS if table in mapped}

    @cached_property
    def code_version(self) -> str:
        """The package's version, and the commit where the code is a git checkout."""
        from importlib.metadata import version

        described = subprocess.run(
            ["git", "describe", "--always", "--dirty"],  # noqa: S607
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            check=False,
        )
        commit = described.stdout.strip()
        return f"{version('lohko')}+{commit}" if commit else version("lohko")


def _check_tables(name: str, source: Source) -> None:
    """What the model of `project.yaml` cannot know: the canonical tables, and which have an event time."""
    for table in source.tables:
        contract_of(table, source.place(name, "tables", table))
    event_table(name, source)
