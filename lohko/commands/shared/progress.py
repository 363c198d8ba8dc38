"""Progress of a run in a terminal: one line that says what is being done, and how long it has taken."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date

from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from lohko.commands.shared.show import errors


@contextmanager
def follow(
    days: Sequence[date], *, quiet: bool, counted: bool = False
) -> Iterator[Callable[[date, str], None]]:
    """A function to tell the progress to; the line goes to standard error and each stage is left standing.

    `counted`: `days` are all there are, and each line says which of them it is about.
    """
    if quiet:
        yield lambda _day, _text: None
        return
    started = time.monotonic()
    stage = ""
    which_of = (
        {day: f" ({i} of {len(days)})" for i, day in enumerate(days, 1)} if counted and days[1:] else {}
    )
    with Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        TimeElapsedColumn(),
        console=errors,
        transient=True,
        disable=not errors.is_terminal,
    ) as progress:
        task = progress.add_task("starting", total=None)

        def tell(day: date, text: str) -> None:
            nonlocal stage
            now = text.split(" ")[0]
            shown = f"{day}{which_of.get(day, '')}"
            if now != stage:
                stage = now
                progress.console.print(
                    f"[dim]{time.monotonic() - started:6.1f} s[/dim]  {shown}  {_stage(stage)}"
                )
            progress.update(task, description=f"{shown}: {text}")

        yield tell
    which = str(days[0]) if len(days) == 1 else f"{days[0]} to {days[-1]}"
    errors.print(f"[dim]{time.monotonic() - started:6.1f} s[/dim]  {which} done")


def _stage(word: str) -> str:
    return {
        "ingest": "ingest and validate",
        "core": "canonical tables",
        "features": "features",
        "freshness": "freshness",
        "segments": "segments and their history",
        "roi": "return on investment",
        "drift": "drift",
        "marts": "marts",
        "report": "report",
        "publish": "publish",
    }.get(word, word)
