"""The command `lohko`: run a project and read what it published.

Exit codes: 0 ok, 1 bug, 2 usage, 3 configuration, 4 data, an invariant or a failed test, 5 finished but
something is held, 6 busy, 7 an external service, 130 interrupted.
"""

from __future__ import annotations

import atexit
import gc
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from lohko.commands import quarantine
from lohko.commands.backup import backup, restore
from lohko.commands.check import check
from lohko.commands.diff import diff
from lohko.commands.drift import drift
from lohko.commands.explain import explain
from lohko.commands.init import init
from lohko.commands.preview import preview
from lohko.commands.query import query
from lohko.commands.replay import replay
from lohko.commands.roi import roi
from lohko.commands.run import run
from lohko.commands.schema import schema
from lohko.commands.segments import segments
from lohko.commands.shared import show
from lohko.commands.shared.options import is_interruption, print_fault
from lohko.commands.status import status
from lohko.commands.test import test
from pipelines.errors import LohkoError

INTERRUPTED = 130

app = typer.Typer(
    name="lohko",
    help="Customer segments that stay true: refreshed daily, explained, measured by their return.",
    no_args_is_help=True,
    add_completion=False,
    # Rich follows the chain of a fault without end where it has a cycle; the plain traceback does not.
    pretty_exceptions_enable=False,
    epilog="Exit codes: 0 ok, 1 bug, 2 usage, 3 configuration, 4 data, 5 held, 6 busy, 7 service.",
)

app.add_typer(quarantine.app)


@app.callback()
def _project(
    context: typer.Context,
    project: Annotated[
        Path | None,
        typer.Option(
            "--project", "-p", envvar="LOHKO_PROJECT", help="The project folder. Default: the example."
        ),
    ] = None,
) -> None:
    context.obj = project


# In the order in which `lohko --help` lists them.
READ_AND_RUN = (run, status, segments, query, roi, drift, explain, replay)
WRITE_A_PROJECT = (init, check, test, preview, diff, schema)
KEEP_THE_RECORD = (backup, restore)
for verb in (*READ_AND_RUN, *WRITE_A_PROJECT, *KEEP_THE_RECORD):
    app.command()(verb)


def main() -> None:
    """Entry of the command: a fault is a message and an exit code, never a traceback."""
    # Python's default is for small programs: it would go through a million objects of imported modules again
    # and again, a tenth of a run's time.
    gc.set_threshold(100_000, 50, 100)
    try:
        app()
    except LohkoError as fault:
        print_fault(fault)
        sys.exit(fault.exit_code)
    except BaseException as fault:
        if not is_interruption(fault):
            raise
        show.errors.print("interrupted: the previous publication stays, and the next run continues the work")
        sys.exit(INTERRUPTED)


def command() -> None:
    """`main` as a process of its own, which ends at once.

    Python would first take apart a million objects of imported modules: a second and a half of a run.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        main()
        code: int | str | None = 0
    except SystemExit as ended:
        code = ended.code
    if isinstance(code, str):
        show.errors.print(code)
    atexit._run_exitfuncs()
    with suppress(OSError):  # who read has gone
        sys.stdout.flush()
    with suppress(OSError):
        sys.stderr.flush()
    os._exit(1 if isinstance(code, str) else code or 0)


if __name__ == "__main__":
    command()
