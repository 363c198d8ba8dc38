"""`lohko init`: a commented project to start from, copied from `template/`."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated

import typer

from lohko.commands.shared import show
from pipelines.errors import UsageError

TEMPLATE = Path(__file__).parent / "template"


def init(
    directory: Annotated[Path, typer.Argument(help="A folder that does not exist or is empty.")],
) -> None:
    """Create a commented project with a little data, ready to run."""
    create(directory)
    show.console.print(
        f"Made {show.text(directory)}. Next:\n"
        f"  lohko --project {show.text(directory)} check\n"
        f"  lohko --project {show.text(directory)} run\n"
        "Then put your own files into data/ and change project.yaml."
    )


def create(directory: Path) -> None:
    """Copy the template into a folder that does not exist or is empty.

    Raises
    ------
    UsageError
        When there is something in the folder already: nothing of a person's is overwritten.
    """
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise UsageError(f"{directory} exists and is not an empty folder; name another")
    shutil.copytree(TEMPLATE, directory, dirs_exist_ok=True)
