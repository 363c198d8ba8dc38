"""The command `lohko`: run a project and read what it published.

Exit codes: 0 ok, 1 bug, 2 usage, 3 configuration, 4 data, an invariant or a failed test, 5 finished but
something is held, 6 busy, 7 an external service, 130 interrupted.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lohko import quarantine, show, views
from lohko.reading import Published
from pipelines.errors import ConfigError, LohkoError, SourceError, UsageError
from resources.project import Project

if TYPE_CHECKING:
    from pipelines.segments.model import Segmentation

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

Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
ByName = Annotated[str | None, typer.Option("--segmentation", "-s", help="Only this segmentation.")]


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


def _load(context: typer.Context) -> Project:
    return Project.load(context.obj)


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

    project = _load(context)
    with exclusive(project):
        days = plan_days(project, as_of.date() if as_of else None)
        with follow(days, quiet=json) as progress:
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
    show.console.print(views.freshness_table(facts["freshness"]))
    for message in held:
        show.console.print(f"[yellow]held:[/yellow] {show.text(message)}")
    for part in facts["held_parts"]:
        show.console.print(f"[yellow]stays:[/yellow] {views.held_part(part)}")
    show.console.print(views.outputs_table(project))


@app.command()
def status(context: typer.Context, json: Json = False) -> None:
    """The last run, freshness, row counts, what is held, and open incidents."""
    from lohko.status import print_status, read_status

    project = _load(context)
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
    project = _load(context)
    with Published(project) as published:
        everything = published.segments()
    wanted = _wanted([row["segmentation_id"] for row in everything], segmentation)
    found = [row for row in everything if row["segmentation_id"] in wanted]
    if json:
        show.print_json(found)
        return
    for one in views.segment_tables(found, project.config.currency):
        show.console.print(one)


def _wanted(known: Sequence[str], name: str | None) -> list[str]:
    """The segmentations asked for; an unknown name is answered with the known ones."""
    from pipelines.config.yaml import nearest

    known = list(dict.fromkeys(known))
    if name is None:
        return known
    if name not in known:
        raise UsageError(f"no segmentation {name}{nearest(name, known)} (known: {', '.join(known)})")
    return [name]


@app.command()
def query(
    context: typer.Context,
    sql: Annotated[str, typer.Argument(help="One SQL query over the published tables, schema marts.")],
    json: Json = False,
    limit: Annotated[int, typer.Option(help="Rows to show in the table; JSON has all.", min=1)] = 200,
) -> None:
    """Query the published DuckDB file, read-only."""
    with Published(_load(context)) as published:
        names, found = published.query(sql)
    if json:
        show.print_json([dict(zip(names, row, strict=True)) for row in found])
        return
    numeric = [n for i, n in enumerate(names) if found and isinstance(found[0][i], (int, float, Decimal))]
    cells = [[show.cell(value) for value in row] for row in found[:limit]]
    show.console.print(show.table("", names, cells, right=numeric))
    if len(found) > limit:
        show.console.print(f"{limit} of {len(found):,} rows shown; --limit shows more")


@app.command()
def roi(
    context: typer.Context,
    segmentation: ByName = None,
    by: Annotated[str, typer.Option(help="month or campaign.")] = "month",
    last: Annotated[int, typer.Option(help="How many of the latest months or campaigns.", min=1)] = 3,
    json: Json = False,
) -> None:
    """What was sold along with campaigns, a segment: attributed, not incremental."""
    if by not in ("month", "campaign"):
        raise UsageError(f"--by {by}: expected month or campaign")
    project = _load(context)
    started = "month" if by == "month" else "start_date"
    with Published(project) as published:
        wanted = _wanted(published.known_segmentations(), segmentation)[: None if segmentation or json else 1]
        found = published.rows(
            f"select * exclude (rank) from (select *, dense_rank() over (order by {started} desc) as rank"
            f" from marts.roi_{by} where segmentation_id in (select unnest($wanted)))"
            f" where rank <= $last order by segmentation_id, {started}, position",
            {"wanted": wanted, "last": last},
        )
        left_out = published.rows(
            "from marts.roi_left_out where reason <> 'starts later' order by start_date"
        )
    if json:
        show.print_json({"label": "attributed, not incremental", "rows": found, "left_out": left_out})
        return
    if not found:
        show.console.print("No campaign contacts in this project: nothing to attribute.")
        return
    make = views.roi_month_table if by == "month" else views.roi_campaign_table
    show.console.print(make(found, project.config.currency))
    show.console.print(
        "Without a control group these figures say what was sold along with campaigns, not what they caused."
    )
    if by == "campaign":
        for one in left_out:
            show.console.print(f"left out: {show.text(one['campaign_name'])} {one['reason']}")


@app.command()
def drift(
    context: typer.Context,
    everything: Annotated[bool, typer.Option("--all", help="Checks within the limits too.")] = False,
    json: Json = False,
) -> None:
    """Segments and features that have moved since four weeks before."""
    with Published(_load(context)) as published:
        found = published.rows("from marts.drift order by verdict = 'ok', psi desc nulls last")
    moved = [row for row in found if row["verdict"] in ("warn", "alert")]
    if json:
        show.print_json(found if everything else moved)
        return
    shown = found if everything else moved
    if shown:
        show.console.print(views.drift_table(shown))
    unknown = sum(row["verdict"] == "not enough data" for row in found)
    show.console.print(
        f"{len(found)} checks: {len(moved)} moved, {len(found) - len(moved) - unknown} within limits,"
        f" {unknown} without enough data"
        if found
        else "No day four weeks before to compare with."
    )


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
        _load(context),
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
    project = _load(context)
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


@app.command()
def check(context: typer.Context, json: Json = False) -> None:
    """Validate configuration, mappings and definitions without running anything."""
    from lohko.checking import check_configuration, check_sources, mapping_faults

    project = _load(context)
    segmentations: list[Segmentation] = []
    # Files are not read by mappings that are wrong themselves.
    faults: list[LohkoError] = [*mapping_faults(project)]
    if not faults:
        faults = check_sources(project)
        try:
            segmentations = check_configuration(project)
        except LohkoError as wrong:
            faults.append(wrong)
    if json:
        show.print_json({"ok": not faults, "faults": [str(fault) for fault in faults]})
    else:
        for fault in faults:
            _print_fault(fault)
    if faults:
        raise typer.Exit(max(faults, key=lambda f: not isinstance(f, SourceError)).exit_code)
    if not json:
        names = ", ".join(one.id for one in segmentations)
        show.console.print(
            f"{project.root}: ok. {len(project.config.sources)} sources; segmentations: {names}"
        )


@app.command()
def test(context: typer.Context, segmentation: ByName = None, json: Json = False) -> None:
    """Judge the tests that stand in segments/*.yaml, on the features of the latest day."""
    from lohko.testing import print_tested, run_tests, tested_json

    tested = run_tests(_load(context), segmentation)
    if json:
        show.print_json(tested_json(tested))
    else:
        print_tested(tested)
        for fault in tested.faults:
            _print_fault(fault)
    if tested.exit_code:
        raise typer.Exit(tested.exit_code)


@app.command()
def preview(
    context: typer.Context,
    what: Annotated[
        str | None, typer.Argument(help="A segmentation, or a definition's file. Default: every definition.")
    ] = None,
    segment: Annotated[str | None, typer.Option(help="Only this segment.")] = None,
    sample: Annotated[int, typer.Option(help="Members to name in each segment.", min=0, max=100)] = 5,
    json: Json = False,
) -> None:
    """What a definition would do today: sizes, what each condition keeps, overlaps. Nothing is recorded."""
    from lohko.preview import preview_json, print_preview, run_preview

    found = run_preview(_load(context), what, segment, sample)
    if json:
        show.print_json(preview_json(found))
    else:
        print_preview(found)


@app.command()
def diff(
    context: typer.Context,
    against: Annotated[str, typer.Option(help="A git revision.")] = "HEAD",
    format: Annotated[str, typer.Option(help="text, json or markdown.")] = "text",
    sample: Annotated[int, typer.Option(help="Members to name in each flow.", min=0, max=100)] = 0,
) -> None:
    """Who moves, and with what revenue, when the edited definitions are run: against a git revision."""
    from lohko.diff import diff_json, markdown, print_diff, run_diff

    if format not in ("text", "json", "markdown"):
        raise UsageError(f"--format {format}: expected text, json or markdown")
    found = run_diff(_load(context), against, sample)
    if format == "json":
        show.print_json(diff_json(found))
    elif format == "markdown":
        sys.stdout.write(markdown(found))
    else:
        print_diff(found)
        for fault in found.faults:
            _print_fault(ConfigError(fault))
    if found.faults:
        raise typer.Exit(ConfigError.exit_code)


@app.command()
def schema(
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write it to this file.")] = None,
) -> None:
    """The JSON schema of segments/*.yaml, for editors that complete and check while you type."""
    from pipelines.config.schema import segments_schema

    if output is None:
        sys.stdout.write(segments_schema())
        return
    try:
        output.write_text(segments_schema(), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{output} cannot be written: {error.strerror}") from None
    show.console.print(
        f"Wrote {show.text(output)}. The first line of a file in segments/ then is, with the way to it:\n"
        "  # yaml-language-server: $schema=../segments.schema.json",
        highlight=False,
    )


def _print_fault(fault: LohkoError) -> None:
    first, *others = [line for line in str(fault).splitlines() if line.strip()]
    for line in (f"[red]error:[/red] {show.text(first)}", *(f"       {show.text(line)}" for line in others)):
        show.errors.print(line, soft_wrap=True, highlight=False)


def main() -> None:
    """Entry of the command: a fault is a message and an exit code, never a traceback."""
    # Python's default is for small programs: it would go through a million objects of imported modules again
    # and again, a tenth of a run's time.
    gc.set_threshold(100_000, 50, 100)
    try:
        app()
    except LohkoError as fault:
        _print_fault(fault)
        sys.exit(fault.exit_code)
    except BaseException as fault:
        if type(fault).__name__ not in ("KeyboardInterrupt", "DagsterExecutionInterruptedError"):
            raise
        show.errors.print("interrupted: what was published stands, and the next run takes up the rest")
        sys.exit(INTERRUPTED)


if __name__ == "__main__":
    main()
