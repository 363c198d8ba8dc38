"""`lohko explain CUSTOMER`: what is known of one customer, and since when they are in their segments."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from itertools import groupby
from typing import Any

from lohko import show
from lohko.reading import Published
from lohko.why import explain_why, print_why
from pipelines.errors import BusyError, SourceError, UsageError
from pipelines.segments.why import Why
from resources.project import Project


def explain_customer(published: Published, customer: str) -> dict[str, Any]:
    """Segments with their days, and every feature with its meaning.

    Raises
    ------
    UsageError
        When no such customer is published.
    """
    features = published.rows("from marts.customer where customer_id = $customer", {"customer": customer})
    if not features:
        raise UsageError(
            f"no customer {customer} is published; ids are compared exactly as the source writes them"
        )
    values = features[0]
    catalogue = published.rows("from marts.feature_catalogue where entity = 'customer'")
    return {
        "customer_id": customer,
        "as_of_date": values["as_of_date"],
        "effective_at": values["effective_at"],
        "segments": published.rows(
            "select m.segmentation_id, m.segment_id, coalesce(c.segment_name, m.segment_id) as segment_name,"
            " m.entered_date, m.left_date, m.definition_version, c.description"
            " from marts.membership as m left join marts.segment_current as c"
            " using (segmentation_id, segment_id) where m.customer_id = $customer"
            " order by m.segmentation_id, m.entered_date desc",
            {"customer": customer},
        ),
        "features": [
            {
                "name": f["name"],
                "family": f["family"],
                "value": values[f["name"]],
                "unit": f["unit"],
                "meaning": f["meaning"],
            }
            for f in sorted(catalogue, key=lambda f: f["family"])
            if f["name"] in values
        ],
    }


def explain_everything(
    project: Project, customer: str, segment: str | None, start: date | None, end: date | None
) -> dict[str, Any]:
    """What is published of a customer, and from the live warehouse why they changed segment.

    When nobody asked for certain changes, what is published is told also while a run holds the warehouse:
    then `changes` is None and `changes_untold` says why.

    Raises
    ------
    LohkoError
        When there is no such customer, segment or publication, or `--from` lies after `--to`.
    """
    if start and end and start > end:
        raise UsageError(f"--from {start} lies after --to {end}")
    asked = bool(segment or start or end)
    whom, untold = customer, None
    changes: list[Why] | None = None
    try:
        found = explain_why(project, customer, segment, start, end, patient=asked)
        whom, changes = found.customer, found.changes
    except (BusyError, SourceError) as fault:
        if asked:
            raise
        untold = str(fault)
    with Published(project) as published:
        facts = explain_customer(published, whom)
    merged = {"merged_from": customer} if whom != customer else {}
    return {**facts, **merged, "changes": changes, "changes_untold": untold}


def explanation_json(facts: dict[str, Any]) -> dict[str, Any]:
    """For programs."""
    changes = facts["changes"]
    return {**facts, "changes": None if changes is None else [asdict(one) for one in changes]}


def print_explanation(facts: dict[str, Any]) -> None:
    """The same for a person: where they are now, where they were, and what that rests on."""
    show.console.print(f"[bold]Customer {show.text(facts['customer_id'])}[/bold] as of {facts['as_of_date']}")
    if "merged_from" in facts:
        merged = (
            f"{facts['merged_from']} was merged into {facts['customer_id']}: this is {facts['customer_id']}"
        )
        show.console.print(show.text(merged), highlight=False)
    show.console.print(
        show.table(
            "Segments",
            ["segmentation", "segment", "entered", "left", "meaning"],
            [
                [
                    row["segmentation_id"],
                    show.text(row["segment_name"]),
                    row["entered_date"],
                    row["left_date"] or "[green]in it now[/green]",
                    show.text(row["description"]),
                ]
                for row in facts["segments"]
            ],
        )
    )
    if facts["changes"] is None:
        show.console.print(f"[yellow]why not told:[/] {show.text(facts['changes_untold'])}\n")
    else:
        print_why(facts["changes"])
    for family, group in groupby(facts["features"], key=lambda f: f["family"]):
        rows = [[show.text(f["name"]), _shown(f["value"]), f["unit"], show.text(f["meaning"])] for f in group]
        show.console.print(
            show.table(family.capitalize(), ["feature", "value", "unit", "meaning"], rows, ["value"])
        )


def _shown(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:,.3f}".rstrip("0").rstrip(".")
    return show.text(f"{value:,.2f}" if hasattr(value, "quantize") else value)
