"""What commands share: options of the same name, the project they are run on, and how a fault is shown."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

import typer

from lohko.commands.shared import show
from pipelines.config.yaml import nearest
from pipelines.errors import LohkoError, UsageError, chain_of
from resources.project import Project

HELD = 5  # the exit code of what finished while something is held

Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
ByName = Annotated[str | None, typer.Option("--segmentation", "-s", help="Only this segmentation.")]


def load(context: typer.Context) -> Project:
    """The project that `--project` names."""
    return Project.load(context.obj)


def wanted_segmentations(known: Iterable[str], name: str | None) -> list[str]:
    """The segmentations asked for; an unknown name is answered with the known ones."""
    known = list(dict.fromkeys(known))
    if name is None:
        return known
    if name not in known:
        raise UsageError(f"no segmentation {name}{nearest(name, known)} (known: {', '.join(known)})")
    return [name]


def print_fault(fault: LohkoError) -> None:
    """One message on stderr, its further lines below it."""
    first, *others = [line for line in str(fault).splitlines() if line.strip()]
    for line in (f"[red]error:[/red] {show.text(first)}", *(f"       {show.text(line)}" for line in others)):
        show.errors.print(line, soft_wrap=True, highlight=False)


def is_interruption(fault: BaseException) -> bool:
    """Whether someone stopped the command: Ctrl-C or SIGTERM, or either as Dagster or DuckDB tells it.

    A signal that comes while DuckDB works becomes a RuntimeError, which others may have wrapped.
    """
    for cause in chain_of(fault):
        name = type(cause).__name__
        if name in ("KeyboardInterrupt", "DagsterExecutionInterruptedError", "InterruptException"):
            return True
        if isinstance(cause, RuntimeError) and str(cause).startswith("Query interrupted"):
            return True
    return False
