"""`lohko replay`: who would have been in a segmentation on past days, beside the record."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Literal, cast, get_args

from lohko.commands.shared import show
from lohko.commands.shared.latest import chosen
from pipelines.core import money
from pipelines.engine import DuckDB
from pipelines.errors import ConfigError, UsageError
from pipelines.features.compute import compute_customers
from pipelines.refresh.definitions import definitions_of
from pipelines.refresh.features import compute_day
from pipelines.segments import playback, scratch_database
from pipelines.segments.definitions import read_definition
from pipelines.segments.known_then import KnownThen
from resources.project import Project
from resources.warehouse import Warehouse

if TYPE_CHECKING:
    import duckdb

Known = Literal["then", "now"]


@dataclass(frozen=True)
class Wanted:
    """What is to be replayed."""

    segmentation: str
    first: date
    last: date
    every: playback.Every = "week"
    known: Known = "now"
    definition: Path | None = None
    output: Path | None = None


def every_of(text: str) -> playback.Every:
    """The step from day to day, from the command line."""
    for arg in get_args(playback.Every):
        if text == arg:
            return cast(playback.Every, arg)
    raise UsageError(f"--every {text}: expected day, week or month")


def known_of(text: str) -> Known:
    """Which knowledge, from the command line."""
    for arg in get_args(Known):
        if text == arg:
            return cast(Known, arg)
    raise UsageError(f"--known {text}: expected then or now")


def replay(project: Project, wanted: Wanted, progress: Callable[[date], None]) -> list[scratch_database.Size]:
    """Play the days and give the size of every segment on each.

    Raises
    ------
    UsageError
        For days that cannot be played.
    ConfigError
        When the definition is at fault, or there is none.
    """
    if wanted.last > project.yesterday:
        raise UsageError(f"{wanted.last} has not ended; the latest day is {project.yesterday}")
    if wanted.output is not None:
        scratch_database.check_output(wanted.output)
    if not project.warehouse_path.exists():
        raise UsageError("nothing has been run yet, so there is nothing to replay; begin with `lohko run`")
    days = playback.days_between(wanted.first, wanted.last, wanted.every)
    warehouse = Warehouse(project.warehouse_path, project.config.timezone)
    # Beside the warehouse: what is played can be as large as it.
    with TemporaryDirectory(dir=project.state, prefix="replay-") as scratch, warehouse.open("replay") as con:
        folder = _exchanged(project, wanted, Path(scratch)) if wanted.definition else None
        found = definitions_of(con, project, folder)
        (segmentation,) = chosen(found, wanted.segmentation)
        read = scratch_database.NOW if wanted.known == "now" else scratch_database.THEN
        with scratch_database.beside(con, Path(scratch), read) as name:
            read_features = playback.features_read(segmentation, found.segmentations)
            compute = _compute(con, project, wanted.known, name, read_features)
            playback.play(DuckDB(con), days, segmentation, found.segmentations, compute, progress)
            if wanted.output is not None:
                scratch_database.write_members(con, wanted.output)
            return scratch_database.sizes(con, name, segmentation, days)


def _compute(
    con: duckdb.DuckDBPyConnection,
    project: Project,
    known: Known,
    warehouse: str,
    read: frozenset[str] | None,
) -> playback.ComputeFeatures:
    """Makes the features of one day after the other stand, as far as they are read."""

    def compute_now(day: date) -> None:
        if read is None:
            compute_day(con, project.recipe, day)
        else:
            compute_customers(DuckDB(con), day, replace(project.recipe, only=read))

    if known == "now":
        return compute_now
    then = KnownThen(con, warehouse, project.config.sources, project.mapped, money.terms_of(project.config))

    def compute_then(day: date) -> None:
        then.move_to(day)
        compute_now(day)

    return compute_then


def _exchanged(project: Project, wanted: Wanted, scratch: Path) -> Path:
    """A copy of the definitions with the given file in the place of the one of the same segmentation."""
    assert wanted.definition is not None  # noqa: S101 - asked by the caller
    given = read_definition(wanted.definition).segmentation
    if given != wanted.segmentation:
        raise UsageError(f"{wanted.definition} defines {given}; expected {wanted.segmentation}")
    folder = scratch / "segments"
    folder.mkdir()
    for path in project.segments.glob("*.yaml"):
        try:
            same = read_definition(path).segmentation == given
        except ConfigError:
            same = False  # it is told as a fault of its own, if anything refers to it
        if not same:
            shutil.copy(path, folder / path.name)
    shutil.copy(wanted.definition, folder / f"given-{wanted.definition.name}")
    return folder


def as_rows(found: Sequence[scratch_database.Size]) -> list[dict[str, Any]]:
    return [asdict(row) for row in found]


def print_sizes(wanted: Wanted, found: Sequence[scratch_database.Size]) -> None:
    """A table, a row a day and segment."""
    cells = [
        [
            str(row.day),
            row.segment_id,
            f"{row.size:,}",
            "" if row.recorded is None else f"{row.recorded:,}",
            f"{row.entered:,}",
            f"{row.departed:,}",
        ]
        for row in found
    ]
    names = ["day", "segment", "size", "recorded", "entered", "left"]
    show.console.print(
        show.table(f"{wanted.segmentation}, as known {wanted.known}", names, cells, right=names[2:])
    )
    show.console.print("Replayed beside the record, which is unchanged.")
