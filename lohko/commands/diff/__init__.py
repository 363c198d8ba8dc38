"""`lohko diff`: who moves under edited definitions."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from lohko.commands.diff.difference import diff_json, markdown, print_diff, run_diff
from lohko.commands.shared import show
from lohko.commands.shared.options import load, print_fault
from pipelines.errors import ConfigError, UsageError


def diff(
    context: typer.Context,
    against: Annotated[str, typer.Option(help="A git revision.")] = "HEAD",
    format: Annotated[str, typer.Option(help="text, json or markdown.")] = "text",
    sample: Annotated[int, typer.Option(help="Members to name in each flow.", min=0, max=100)] = 0,
) -> None:
    """Who would move, and with how much revenue, under edited definitions compared with a git revision."""
    if format not in ("text", "json", "markdown"):
        raise UsageError(f"--format {format}: expected text, json or markdown")
    found = run_diff(load(context), against, sample)
    if format == "json":
        show.print_json(diff_json(found))
    elif format == "markdown":
        sys.stdout.write(markdown(found))
    else:
        print_diff(found)
        for fault in found.faults:
            print_fault(ConfigError(fault))
    if found.faults:
        raise typer.Exit(ConfigError.exit_code)
