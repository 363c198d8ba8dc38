"""`lohko explain ID`: what is known of a customer or account, and since when they are in their segments."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from itertools import groupby
from pathlib import Path
from typing import Any

from lohko.commands.explain.why import explain_why, print_why
from lohko.commands.shared import show
from lohko.commands.shared.published import Published
from pipelines.config.segments import Entity
from pipelines.engine import load_query
from pipelines.errors import BusyError, SourceError, UnwritableError, UsageError
from pipelines.segments.definitions import ENTITIES
from pipelines.segments.model import KEY
from pipelines.segments.why import Who, Why
from resources.project import Project


def entity_of(text: str) -> Entity:
    """Which kind of member, from the command line."""
    for entity in ENTITIES:
        if text == entity:
            return entity
    raise UsageError(f"--entity {text}: expected {' or '.join(ENTITIES)}")


def explain_member(published: Published, who: Who) -> dict[str, Any]:
    """Segments with their days, and every feature with its meaning; no feature of someone who is gone.

    Raises
    ------
    UsageError
        When no such customer or account is published, and none ever was in a segment.
    """
    features, stays = _features(published, who), _stays(published, who)
    if not features and not stays:
        raise UsageError(
            f"no {who.entity} {who.id} is published; ids are compared exactly as the source writes them"
        )
    run = published.one("from marts.run")
    values = features[0] if features else {name: run[name] for name in ("as_of_date", "effective_at")}
    catalogue = published.rows(
        "from marts.feature_catalogue where entity_kind = $entity", {"entity": who.entity}
    )
    return {
        "entity": who.entity,
        KEY[who.entity]: who.id,
        "as_of_date": values["as_of_date"],
        "effective_at": values["effective_at"],
        "is_gone": not features,
        "segments": stays,
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


def _features(published: Published, who: Who) -> list[dict[str, Any]]:
    """The published features of the day; none where there is no such member."""
    return published.rows(f"from marts.{who.entity} where {KEY[who.entity]} = $id", {"id": who.id})


def _stays(published: Published, who: Who) -> list[dict[str, Any]]:
    """Every stay in a segment, the latest of each segmentation first."""
    query = load_query(Path(__file__).parent / "queries" / "segment_of_member.sql")
    return published.rows(query.sql, {"entity": who.entity, "id": who.id})


def _found(project: Project, id_: str, entity: Entity | None) -> tuple[Who, bool]:
    """Who is meant, and whether an account of the id was passed over for the customer.

    Whoever is there today comes before who is gone. Of an id that nobody had, a customer is meant: one who
    was merged is published under another id.
    """
    if entity is not None:
        return Who(entity, id_), False
    with Published(project) as published:
        customer, account = (bool(_features(published, Who(kind, id_))) for kind in ENTITIES)
        if not customer and not account:
            customer, account = (bool(_stays(published, Who(kind, id_))) for kind in ENTITIES)
    return Who("account" if account and not customer else "customer", id_), account and customer


def explain_everything(
    project: Project,
    id_: str,
    entity: Entity | None,
    segment: str | None,
    start: date | None,
    end: date | None,
) -> dict[str, Any]:
    """What is published of a customer or account, and from the live warehouse why they changed segment.

    Parameters
    ----------
    entity : None for whichever has the id; the customer, where both have.

    When nobody asked for certain changes, what is published is told also while a run holds the warehouse:
    then `changes` is None and `changes_untold` says why.

    Raises
    ------
    LohkoError
        When there is no such member, segment or publication, or `--from` lies after `--to`.
    """
    if start and end and start > end:
        raise UsageError(f"--from {start} is after --to {end}")
    asked = bool(segment or start or end)
    who, also = _found(project, id_, entity)
    untold = None
    changes: list[Why] | None = None
    origins: list[dict[str, Any]] | None = None
    try:
        found = explain_why(project, who, segment, start, end, patient=asked)
        who, changes, origins = found.who, found.changes, found.origins
    except (BusyError, SourceError, UnwritableError) as fault:
        if asked:
            raise
        untold = str(fault)
    with Published(project) as published:
        facts = explain_member(published, who)
    if who.id != id_:
        facts["merged_from"] = id_
    told = {"also_account": also, "changes": changes, "changes_untold": untold, "origins": origins}
    return {**facts, **told}


def explanation_json(facts: dict[str, Any]) -> dict[str, Any]:
    """For programs."""
    changes = facts["changes"]
    return {**facts, "changes": None if changes is None else [asdict(change) for change in changes]}


def print_explanation(facts: dict[str, Any]) -> None:
    """The same for a person: where they are now, where they were, and what that rests on."""
    id_ = show.text(facts[KEY[facts["entity"]]])
    show.console.print(f"[bold]{facts['entity'].capitalize()} {id_}[/bold] as of {facts['as_of_date']}")
    if facts["is_gone"]:
        show.console.print(f"is no {facts['entity']} any more: there are no features to tell")
    if "merged_from" in facts:
        merged = f"{show.text(facts['merged_from'])} was merged into {id_}: this is {id_}"
        show.console.print(merged, highlight=False)
    if facts["also_account"]:
        told = f"{id_} is a customer and an account: this is the customer, --entity account tells the rest"
        show.console.print(told, highlight=False)
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
    if facts["origins"]:
        places = [
            [show.text(row["column_name"]), row["source"], f"{show.text(row['path'])}:{row['row_at']}"]
            for row in facts["origins"]
        ]
        show.console.print(show.table("Which source gave it", ["column", "source", "file and row"], places))
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
