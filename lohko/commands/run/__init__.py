"""`lohko run`: refresh through a business day, and say what came of it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import typer

from lohko.commands.run.days import exclusive, plan_days, run_days, summary_rows
from lohko.commands.shared import show, views
from lohko.commands.shared.options import HELD, Json, load
from lohko.commands.shared.progress import follow
from resources.project import Project


def run(
    context: typer.Context,
    as_of: Annotated[
        datetime | None,
        typer.Option("--as-of", formats=["%Y-%m-%d"], help="Business day. Default: yesterday."),
    ] = None,
    json: Json = False,
) -> None:
    """Refresh: ingest, validate, segment, measure and publish. Missed days are caught up one by one."""
    project = load(context)
    with exclusive(project):
        days = plan_days(project, as_of.date() if as_of else None)
        with follow(days, quiet=json, counted=True) as progress:
            ended = run_days(project, days, progress)
    facts = summary_rows(project)
    held = ended[-1].held
    if json:
        runs = [{"day": day_run.day, "run_id": day_run.run_id, "held": day_run.held} for day_run in ended]
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
    for table in views.segment_tables(facts["segments"], project.config.currency):
        show.console.print(table)
    show.console.print(views.accounting_table(facts["batches"]))
    if facts["quality"]:
        show.console.print(views.quality_table(facts["quality"]))
    elif not held:
        show.console.print("Every quality check passed.\n")
    quarantined = sum(row["quarantined"] or 0 for row in facts["batches"])
    if quarantined:
        show.console.print(f"{quarantined:,} rows are in quarantine: `lohko quarantine list` says why.\n")
    if facts["coverage"]:
        show.console.print(views.coverage_table(facts["coverage"]))
    show.console.print(views.freshness_table(facts["freshness"]))
    for message in held:
        show.console.print(f"[yellow]held:[/yellow] {show.text(message)}")
    for part in facts["held_parts"]:
        show.console.print(f"[yellow]stays:[/yellow] {views.held_part(part)}")
    if facts["unpublished"]:
        show.console.print(views.unpublished_line(facts["unpublished"]))
    if facts["incidents"]:
        show.console.print(views.incidents_line(facts["incidents"]))
    show.console.print(views.outputs_table(project))
