"""`lohko explain CUSTOMER`: what is known of one customer, and since when they are in their segments."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from lohko import show
from lohko.reading import Published
from pipelines.errors import LohkoError, UsageError
from pipelines.steps import table_exists
from resources.project import Project
from resources.warehouse import Warehouse

LOCK_TIMEOUT = 1.0  # seconds; who was merged is an aside, and a run may hold the warehouse for long


def explain_customer(project: Project, published: Published, customer: str) -> dict[str, Any]:
    """Segments with their days, and every feature with its meaning.

    Raises
    ------
    UsageError
        When no such customer is published; one who was merged away is told by whom they count for.
    """
    features = published.rows("from marts.customer where customer_id = $customer", {"customer": customer})
    if not features:
        survivor = _survivor(project, customer)
        if survivor is not None:
            raise UsageError(
                f"customer {customer} was merged into {survivor}, for whom everything counts:"
                f" `lohko explain {survivor}`"
            )
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


def _survivor(project: Project, customer: str) -> str | None:
    """Whom an id counts for; None where it is merged into nobody, or a run holds the warehouse that knows."""
    if not project.warehouse_path.exists():
        return None
    try:
        with Warehouse(project.warehouse_path, project.config.timezone, LOCK_TIMEOUT).open("explain") as con:
            if not table_exists(con, "core.customer_id_map"):
                return None
            found = con.execute(
                "select survivor_id from core.customer_id_map where customer_id = ?", [customer]
            ).fetchone()
    except LohkoError:
        return None
    return None if found is None else str(found[0])


def print_explanation(facts: dict[str, Any]) -> None:
    """The same for a person: where they are now, where they were, and what that rests on."""
    show.console.print(f"[bold]Customer {show.text(facts['customer_id'])}[/bold] as of {facts['as_of_date']}")
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
