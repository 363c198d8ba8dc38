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
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from lohko import asking, authoring, quarantine, show, views
from lohko.options import ByName, Json, is_interruption, load, print_fault
from lohko.reading import Published
from pipelines.errors import LohkoError
from resources.project import Project

HELD = 5
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


@app.command()
def run(
    context: typer.Context,
    as_of: Annotated[
        datetime | None,
        typer.Option("--as-of", formats=["%Y-%m-%d"], help="Business day. Default: yesterday."),
    ] = None,
    json: Json = False,
) -> None:
    """Refresh: ingest, validate, segment, measure and publish. Missed days are caught up one by one."""
    from lohko.progress import follow
    from lohko.running import exclusive, plan_days, run_days, summary_rows

    project = load(context)
    with exclusive(project):
        days = plan_days(project, as_of.date() if as_of else None)
        with follow(days, quiet=json, counted=True) as progress:
            ended = run_days(project, days, progress)
    facts = summary_rows(project)
    held = ended[-1].held
    if json:
        runs = [{"day": one.day, "run_id": one.run_id, "held": one.held} for one in ended]
        show.print_json({"runs": runs, **facts, "outputs": str(project.current)})
    else:
        _print_summary(project, facts, held)
        if ended[-1].alerts_failed:
            show.errors.print(
                f"[yellow]{ended[-1].alerts_failed} alert(s) not delivered; the next run tries again[/]"
            )
    if held:
        raise typer.Exit(HELD)


def _print_summary(project: Project, facts: dict[str, Any], held: list[str]) -> None:
    for one in views.segment_tables(facts["segments"], project.config.currency):
        show.console.print(one)
    show.console.print(views.accounting_table(facts["batches"]))
    if facts["quality"]:
        show.console.print(views.quality_table(facts["quality"]))
    elif not held:
        show.console.print("Every quality check passed.\n")
    quarantined = sum(row["quarantined"] or 0 for row in facts["batches"])
    if quarantined:
        show.console.print(f"{quarantined:,} rows are in quarantine: `lohko quarantine list` says why.\n")
    show.console.print(views.freshness_table(facts["freshness"]))
    for message in held:
        show.console.print(f"[yellow]held:[/yellow] {show.text(message)}")
    for part in facts["held_parts"]:
        show.console.print(f"[yellow]stays:[/yellow] {views.held_part(part)}")
    if facts["incidents"]:
        show.console.print(views.incidents_line(facts["incidents"]))
    show.console.print(views.outputs_table(project))


@app.command()
def status(context: typer.Context, json: Json = False) -> None:
    """The last run, freshness, row counts, what is held, and open incidents."""
    from lohko.status import print_status, read_status

    project = load(context)
    facts = read_status(project)
    if json:
        show.print_json(facts)
    else:
        print_status(facts)
    if facts["held"]:
        raise typer.Exit(HELD)


@app.command()
def segments(context: typer.Context, segmentation: ByName = None, json: Json = False) -> None:
    """Sizes of the segments, their revenue, and the change since the previous day."""
    project = load(context)
    with Published(project) as published:
        everything = published.segments()
    wanted = asking.wanted_segmentations([row["segmentation_id"] for row in everything], segmentation)
    found = [row for row in everything if row["segmentation_id"] in wanted]
    if json:
        show.print_json(found)
        return
    for one in views.segment_tables(found, project.config.currency):
        show.console.print(one)


app.command()(asking.query)
app.command()(asking.roi)
app.command()(asking.drift)


@app.command()
def explain(
    context: typer.Context,
    who: Annotated[
        str, typer.Argument(metavar="ID", help="The id of a customer or account, as the source writes it.")
    ],
    entity: Annotated[
        str | None, typer.Option(help="customer or account, where the id is both. Default: the customer.")
    ] = None,
    segment: Annotated[
        str | None, typer.Option(help="Only changes of this segment, or of this segmentation.")
    ] = None,
    start: Annotated[
        datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="First day of the changes.")
    ] = None,
    end: Annotated[
        datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="Last day of the changes.")
    ] = None,
    json: Json = False,
) -> None:
    """A customer's or account's features and segments; since when, and which condition put them there."""
    from lohko.explain import entity_of, explain_everything, explanation_json, print_explanation

    facts = explain_everything(
        load(context),
        who,
        entity_of(entity) if entity else None,
        segment,
        start.date() if start else None,
        end.date() if end else None,
    )
    if json:
        show.print_json(explanation_json(facts))
    else:
        print_explanation(facts)


@app.command()
def replay(
    context: typer.Context,
    segmentation: Annotated[str, typer.Option("--segmentation", "-s", help="Its id.")],
    first: Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="The first day.")],
    last: Annotated[datetime, typer.Option("--to", formats=["%Y-%m-%d"], help="The last day.")],
    every: Annotated[
        str, typer.Option(help="day, week (each seventh day) or month (its last day).")
    ] = "week",
    known: Annotated[str, typer.Option(help="now, or then: when each day was recorded.")] = "now",
    definition: Annotated[Path | None, typer.Option(help="Another definition of it, to compare.")] = None,
    output: Annotated[Path | None, typer.Option(help="Write the members: .parquet or .csv.")] = None,
    json: Json = False,
) -> None:
    """A segmentation on past days, under today's or another definition, beside what was recorded."""
    from lohko import playing
    from lohko.progress import follow

    wanted = playing.Wanted(
        segmentation,
        first.date(),
        last.date(),
        playing.every_of(every),
        playing.known_of(known),
        definition,
        output,
    )
    project = load(context)
    with follow([wanted.first, wanted.last], quiet=json) as progress:
        found = playing.replay(project, wanted, lambda day: progress(day, "replay"))
    if json:
        show.print_json(playing.as_rows(found))
    else:
        playing.print_sizes(wanted, found)


@app.command()
def init(
    directory: Annotated[Path, typer.Argument(help="A folder that does not exist or is empty.")],
) -> None:
    """Make a commented project to start from, with a little data so that it runs."""
    from lohko.starter import create

    create(directory)
    show.console.print(
        f"Made {show.text(directory)}. Next:\n"
        f"  lohko --project {show.text(directory)} check\n"
        f"  lohko --project {show.text(directory)} run\n"
        "Then put your own files into data/ and change project.yaml."
    )


app.command()(authoring.check)
app.command()(authoring.test)
app.command()(authoring.preview)
app.command()(authoring.diff)
app.command()(authoring.schema)


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
        show.errors.print("interrupted: what was published stands, and the next run takes up the rest")
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
