"""What every column of a table means, each said once.

Contracts say it of core, the feature catalogue of features, METRICS of figures; what is left, names of things
and days, stands here. Whoever shows a table reads it here; a test holds that no column of an asset lacks one.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from pipelines.config.segments import Entity
from pipelines.contracts.registry import CONTRACTS
from pipelines.engine import columns_of, relation_exists
from pipelines.features import catalogue
from pipelines.publish.metrics import METRICS

if TYPE_CHECKING:
    import duckdb

# A row a member with every feature: table -> the entity whose features they are.
WIDE: dict[str, Entity] = {
    "features.customer": "customer",
    "features.account": "account",
    "marts.customer": "customer",
    "marts.account": "account",
}
# Tables of figures whose SQL file is named otherwise.
_FILE_OF = {"drift.verdict": "drift/finding", "ingest.freshness": "publish/marts/freshness"}

GENERAL = {
    "_batch_seq": "The batch that brought the row",
    "_file_id": "The file the row stands in",
    "_row": "The line of the file, or the row of it",
    "_source": "The source that brought the row",
    "account_id": "The account, as the source writes it",
    "as_of_date": "The business day that the row is of, at its end",
    "attribute": "The attribute of the CRM",
    "baseline_basis": "Whether the day compared with was recorded or replayed",
    "baseline_date": "The day compared with, the same weekday four weeks before",
    "basis": "recorded, or replayed where there is no record",
    "batch_seq": "The batch, numbered as they landed",
    "business_date": "The business day of the event in the project's time zone",
    "campaign_id": "The campaign, as the source writes it",
    "campaign_name": "The campaign's name",
    "campaign_type": "The campaign's type; ROI is compared within it",
    "campaigns_that_day": "Campaigns to which the customer responded that day, which share its orders",
    "change": "changed, went, or came again",
    "change_seq": "The change, numbered as they came",
    "changed_on": "The business day that had ended last when the change came",
    "check_name": "The check",
    "code_version": "Version of Lohko, and its commit where it is a git checkout",
    "classified": "Whether the project says in `personal` what becomes of it",
    "column_name": "The column at fault",
    "complete": "Whether the month is over",
    "compression": "How the file is compressed",
    "contacted_on": "The business day of the contact",
    "cost": "What it cost, in the project's currency",
    "coupon_cost": "Value of the coupons redeemed, in the project's currency",
    "coupon_discount": "Coupon discounts of the day's purchases, in the project's currency",
    "contact_id": "The person, as the source writes it",
    "created_on": "First day the CRM knew them",
    "currency": "ISO 4217 code of every amount",
    "customer_id": "The customer, as the source writes it",
    "deal_id": "The opportunity or lead",
    "deal_kind": "opportunity or lead",
    "decimal_mark": "The mark before decimals in the file",
    "definition_version": "Fingerprint of the definition in force",
    "delimiter": "What stands between two values of the file",
    "description": "What it is, in words",
    "discount": "Discounts of the day's purchases, in the project's currency",
    "effective_at": "The oldest newest event among its sources that have freshness limits; UTC",
    "encoding": "The file's character encoding",
    "end_date": "The campaign's last day",
    "entered_date": "The first day of the stay",
    "entity_id": "The customer or account, as the source writes it",
    "entity_kind": "customer or account",
    "escape": "What stands before a quote within quotes of the file",
    "event": "enter or leave",
    "exclusive": "Whether every member is in exactly one segment of the segmentation",
    "family": "The group of features it belongs to",
    "feature": "The feature that was compared; NULL for shares of segments",
    "file_id": "The file, numbered as they landed",
    "format": "The file's format",
    "from_date": "The day moved from",
    "from_segment_id": "The segment on from_date; NULL for a new member",
    "from_segment_name": "Its name",
    "generated_at": "When the run made the marts; UTC",
    "header": "Whether the file's first row names its columns",
    "given_id": "The id as the files give it, before customers merged",
    "owner": "Whom the row names, as the source writes it: a customer, a contact or a company",
    "value_after": "What it was after the change, as text",
    "value_before": "What it was before the change, as text",
    "held": "Why it stays as it was published before; NULL when it is up to date",
    "held_since": "The day since which it stays as it was published",
    "inputs": "Fingerprint of what the day was replayed from",
    "kind": "What kind of thing the row is about",
    "label": "How the figures are to be read",
    "landed_at": "When the batch landed; UTC",
    "left_date": "The first day no longer in the segment; NULL while the stay goes on",
    "lines": "Order lines of the day's purchases",
    "looks_like": "What an attribute that is not published seems to hold; empty of every other",
    "margin": "Margin in the project's currency: from line costs, or margin_rate",
    "mart": "The mart the figure stands in",
    "meaning": "What it means, in words",
    "measure": "What was compared: share of segments, or the distribution of a feature",
    "membership_basis": "Whether membership on membership_date was recorded or replayed",
    "membership_date": "The day whose membership counts",
    "message": "What is wrong, in words",
    "metric": "The figure",
    "month": "The first day of the month",
    "name": "Its name",
    "needs": "Canonical tables it needs",
    "newline": "How the file's lines end",
    "additive": "Whether the sum over all customers or accounts is a total, each thing counted once",
    "null_share": "Share of the day's members of whom the feature says nothing",
    "opened_at": "When it was found; UTC",
    "orders": "Completed orders",
    "orders_with_lines": "Orders of the day of which lines are known",
    "part": "The segmentation or table",
    "passed": "Whether the check passed",
    "path": "Where the file lies, relative to the project where it can be",
    "period": "The span the movement is over: day, or four_weeks",
    "position": "Place in the order of display",
    "previous_campaign_id": "The campaign before, of the same type",
    "previous_date": "The recorded day before",
    "project_name": "The project's name",
    "published": "Whether it stands in marts; what looks personal does not unless the project says so",
    "quote": "What values of the file are quoted with",
    "reason": "Why, in words",
    "referenced_table": "The table whose rows the ids name",
    "revenue": "Net revenue in the project's currency",
    "revenue_without_cost": "The part of revenue whose lines have no cost",
    "revision": "How many times the day has been recorded",
    "run_id": "The run",
    "samples": "Where up to five of the rows stand",
    "segment_id": "The segment",
    "segment_name": "The segment's name",
    "segmentation_id": "The segmentation",
    "segmentation_name": "The segmentation's name",
    "severity": "critical, or advisory",
    "sniffed": "What was found out from the file itself and not stated",
    "source": "The source, or what the row was made from",
    "sources": "The sources it depends on",
    "start_date": "The campaign's first day",
    "status": "How it stands",
    "step": "The step of the calculation",
    "subject": "What it is about: a source, a segmentation, a segment, a run",
    "survivor_id": "The customer that a merged one lives on as; the customer itself otherwise",
    "table_name": "The table",
    "tables": "Canonical tables it is made from",
    "to_date": "The day moved to",
    "to_segment_id": "The segment on to_date; NULL for one who is in none any more",
    "touches": "How often the campaign addressed them",
    "to_segment_name": "Its name",
    "type": "Its type",
    "unit": "Its unit",
    "verdict": "ok, warn, alert, or not enough data",
    "watermark_at": "Instant of the newest event by the end of the day",
    "watermark_date": "Business day of the newest event by the end of the day",
}
_LANDED = "As the source writes it"
_OF_PERSONS = {
    "role": "Role or job title at that company",
    "decision_maker": "Whether the person decides on that company's purchases",
    "reachable_email": "May be sent e-mail; false where that is not known",
    "reachable_phone": "May be called; false where that is not known",
    "reachable_post": "May be sent letters; false where that is not known",
}
OF_TABLE = {
    "marts.funnel": {
        "month": "The first day of the month in which it happened; empty where its day is not known",
        "segment_id": "The segment of the account on the day of the run",
        "source": "Where the deals came from, as their source writes it",
        "stage": "The stage; empty of deals as a whole",
    },
    "marts.contact": {
        "account_id": "A company where the person stands; empty where there is none",
        **_OF_PERSONS,
        "is_primary": "Whether what is worth money counts at this one of the person's companies",
    },
    "marts.audience_contact": _OF_PERSONS,
    "segments.deal_stage": {"stage": "The stage at which it stood from the day on"},
    "features.customer_day": {"cost": "Cost of the day's lines that have one, in the project's currency"},
}


def meanings(con: duckdb.DuckDBPyConnection, table: str) -> dict[str, str]:
    """Column -> what it means, of every column of a table of which that is known.

    Parameters
    ----------
    table : `schema.table`, in this warehouse.
    """
    features = _features(con, WIDE[table]) if table in WIDE else {}
    known = {**GENERAL, **figures(table), **OF_TABLE.get(table, {}), **features, **_of_contract(table)}
    names = [name for name, _ in columns_of(con, table)]
    found = {name: known[name] for name in names if name in known}
    schema, _, canonical = table.partition(".")
    if schema == "raw":
        # Its names are the source's, whatever they mean elsewhere.
        return {name: GENERAL[name] if name.startswith("_") else _LANDED for name in names}
    shown = schema == "core" and canonical in CONTRACTS and CONTRACTS[canonical].attributes
    if shown or table == "marts.contact":
        found |= {name: "Attribute, as the source brings it along" for name in names if name not in found}
    return found


@cache
def figures(table: str) -> dict[str, str]:
    """The figures of a table: those of a mart, or of the table that a mart's figures are made in."""
    schema, _, name = table.partition(".")
    file = f"pipelines/{_FILE_OF.get(table, f'{schema}/{name}')}.sql"
    return {
        metric.name: _with_unit(metric.meaning, metric.unit)
        for metric in METRICS
        if (schema == "marts" and metric.mart == name) or metric.source == file
    }


def _of_contract(table: str) -> dict[str, str]:
    schema, _, name = table.partition(".")
    if schema != "core" or name not in CONTRACTS:
        return {}
    return {column.name: _with_unit(column.description, column.unit) for column in CONTRACTS[name].columns}


def _features(con: duckdb.DuckDBPyConnection, entity: Entity) -> dict[str, str]:
    """The features of an entity: the standard ones, and the project's as its catalogue has them."""
    known = {
        feature.name: _with_unit(feature.meaning, feature.unit) for feature in catalogue.STANDARD[entity]
    }
    if not relation_exists(con, "features.catalogue"):
        return known
    found = con.execute(
        "select name, meaning, unit from features.catalogue where entity_kind = ?", [entity]
    ).fetchall()
    return known | {name: _with_unit(meaning, unit) for name, meaning, unit in found}


def _with_unit(meaning: str, unit: str) -> str:
    return f"{meaning} ({unit})" if unit else meaning
