"""`lohko explain ID`: what is known of one customer or account."""

from __future__ import annotations

import unicodedata
from datetime import datetime
from typing import Annotated

import typer

from lohko.commands.explain.facts import entity_of, explain_everything, explanation_json, print_explanation
from lohko.commands.shared import show
from lohko.commands.shared.options import Json, load


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
    """The features and segments of a customer or account: since when, and by which condition."""
    facts = explain_everything(
        load(context),
        unicodedata.normalize("NFC", who),
        entity_of(entity) if entity else None,
        segment,
        start.date() if start else None,
        end.date() if end else None,
    )
    if json:
        show.print_json(explanation_json(facts))
    else:
        print_explanation(facts)
