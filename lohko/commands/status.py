"""`lohko status`: readable while a run goes on, because it never opens the live warehouse."""

from __future__ import annotations

import os
from dataclasses import asdict
from datetime import datetime
from typing import Any

import typer

from lohko.commands.run.days import BATCH_SUMMARY, COVERAGE, FAILED_CHECKS, KILLED, WITHOUT_EVENTS
from lohko.commands.shared import show, views
from lohko.commands.shared.options import HELD, Json, load
from lohko.commands.shared.published import Published
from pipelines.engine import relation_exists
from pipelines.errors import SourceError
from pipelines.refresh.findings import holds
from resources.control import ControlStore
from resources.locks import is_held
from resources.project import Project
from resources.run_log import Run

# How the newest file of every source was read.
NEWEST_FILE = "from marts.file qualify file_id = max(file_id) over (partition by source) order by source"


def status(context: typer.Context, json: Json = False) -> None:
    """The last run, freshness, row counts, what is held, and open incidents."""
    project = load(context)
    facts = read_status(project)
    if json:
        show.print_json(facts)
    else:
        print_status(facts)
    if facts["held"]:
        raise typer.Exit(HELD)


def read_status(project: Project) -> dict[str, Any]:
    """The last runs, what is held, open incidents; and of what is published: freshness and row counts."""
    control = ControlStore(project.control_path)
    last, incidents = control.last_run(), control.open_incidents()
    facts: dict[str, Any] = {
        "project": project.config.project,
        "folder": str(project.root),
        "last_run": _as_it_is(project, last) if last else None,
        # Of incidents, and not of the last run: it may have looked at some assets only.
        "held": list(dict.fromkeys(incident.message for incident in incidents if holds(incident))),
        "incidents": [asdict(incident) for incident in incidents],
        "undelivered_alerts": len(control.undelivered()),
        "alert_addresses": sum(name in os.environ for name in project.config.alerts.addresses_from),
        "published": None,
        "freshness": [],
        "batches": [],
        "checks": [],
        "coverage": [],
        "without_events": [],
        "held_parts": [],
        "unpublished": [],
        "files": [],
    }
    try:
        with Published(project) as published:
            facts["published"] = published.one("from marts.run")
            facts["freshness"] = published.rows("from marts.freshness order by source")
            facts["batches"] = published.rows(BATCH_SUMMARY)
            facts["checks"] = published.rows(FAILED_CHECKS)
            if relation_exists(published.con, "marts.coverage"):  # not in what an older version published
                facts["coverage"] = published.rows(COVERAGE)
                facts["without_events"] = published.rows(WITHOUT_EVENTS)
            facts["held_parts"] = published.held_parts()
            facts["unpublished"] = published.unclassified()
            facts["files"] = published.rows(NEWEST_FILE)
    except SourceError:
        pass  # nothing is published yet, and that is what the status says
    return facts


def _as_it_is(project: Project, last: Run) -> dict[str, Any]:
    """A command that was killed could not log its end; the lock, which the system took back, tells it."""
    facts = asdict(last)
    if last.status == "running" and last.trigger == "command" and not is_held(project.state / "run.lock"):
        facts |= {"status": "killed", "message": KILLED}
    return facts


def print_status(facts: dict[str, Any]) -> None:
    """The same for a person."""
    out = show.console
    out.print(f"[bold]{show.text(facts['project'])}[/bold]  {show.text(facts['folder'])}")
    last = facts["last_run"]
    if last is None:
        out.print("No run yet: `lohko run`.")
    else:
        colour = {"success": "green", "failed": "red", "held": "yellow", "killed": "red"}.get(
            last["status"], "default"
        )
        part = f", {last['scope']}" if last["scope"] else ""
        out.print(
            f"Last run   {last['as_of_date']}  [{colour}]{last['status']}[/]{part}  started"
            f" {_minute(last['started_at'])} ({last['trigger']})  run {last['run_id']}"
        )
        if last["status"] in ("failed", "killed"):
            out.print(f"           {show.text(last['message'])}")
    published = facts["published"]
    if published is None:
        out.print("Published  nothing yet")
    else:
        out.print(
            f"Published  {published['as_of_date']} revision {published['revision']},"
            f" {published['customers']:,} customers, {_effective(published['effective_at'])}"
        )
    for message in facts["held"]:
        out.print(f"[yellow]Held[/yellow]       {show.text(message)}")
    for part in facts["held_parts"]:
        out.print(f"[yellow]Stays[/yellow]      {views.held_part(part)}")
    if facts["incidents"]:
        out.print(
            show.table(
                "Open incidents",
                ["since", "severity", "kind", "what"],
                [
                    [_minute(i["opened_at"]), i["severity"], i["kind"], show.text(i["message"])]
                    for i in facts["incidents"]
                ],
            )
        )
    if facts["unpublished"]:
        out.print(views.unpublished_line(facts["unpublished"]))
    if facts["undelivered_alerts"]:
        why = (
            "not delivered yet"
            if facts["alert_addresses"]
            else "not sent: no address is set (docs/operations.md)"
        )
        out.print(f"{facts['undelivered_alerts']} alert(s) {why}")
    if facts["freshness"]:
        out.print(views.freshness_table(facts["freshness"]))
        out.print(views.accounting_table(facts["batches"]))
    if (sniffed := views.sniffed_table(facts["files"])) is not None:
        out.print(sniffed)
    if facts["coverage"]:
        out.print(views.coverage_table(facts["coverage"]))
        for row in facts["without_events"]:
            out.print(views.without_events_line(row))
    if facts["checks"]:
        out.print(views.quality_table(facts["checks"]))


def _effective(instant: datetime | None) -> str:
    return "no source has limits on its age" if instant is None else f"data effective at {instant}"


def _minute(instant: str) -> str:
    """2026-03-31T05:00:12.345678+00:00 -> 2026-03-31 05:00 UTC."""
    return f"{datetime.fromisoformat(instant):%Y-%m-%d %H:%M} UTC"
