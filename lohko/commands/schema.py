"""`lohko schema`: the JSON schema of segment definitions."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from lohko.commands.shared import show
from pipelines.config.schema import segments_schema
from pipelines.errors import UsageError


def schema(
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write it to this file.")] = None,
) -> None:
    """The JSON schema of segments/*.yaml, for editors that complete and check while you type."""
    if output is None:
        sys.stdout.write(segments_schema())
        return
    try:
        output.write_text(segments_schema(), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{output} cannot be written: {error.strerror}") from None
    show.console.print(
        f"Wrote {show.text(output)}. Make this the first line of each file in segments/, with the path to the"
        " schema:\n"
        "  # yaml-language-server: $schema=../segments.schema.json",
        highlight=False,
    )
