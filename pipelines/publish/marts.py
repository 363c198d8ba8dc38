"""Marts: the tables analysts query and downstream tools receive, built in one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING

from pipelines.config.attributes import AttributeRule
from pipelines.config.personal import PersonalColumn
from pipelines.contracts.registry import CONTRACTS
from pipelines.core import coverage
from pipelines.engine import DuckDB, insert_rows, relation_exists, store_select, transaction
from pipelines.errors import InvariantError
from pipelines.features.attributes import measure_attributes
from pipelines.features.kinds import KINDS
from pipelines.features.personal import unpublished
from pipelines.features.recipe import attributes_of
from pipelines.publish import parts as publication
from pipelines.publish.bridge import bridge_faults
from pipelines.publish.metrics import store_metrics
from pipelines.publish.parts import Part
from pipelines.publish.steps import mart_step
from pipelines.segments import listed, recorded
from pipelines.segments.replay import four_weeks_before

if TYPE_CHECKING:
    import duckdb

# `restatements` after `revenue_day`, which it reads.
MARTS = (
    "run",
    "publication",
    "segment_current",
    "segment_day",
    "segment_movement",
    "membership",
    "audience",
    "audience_contact",
    "customer",
    "account",
    "contact",
    "attribute_change",
    "funnel",
    "revenue_day",
    "revenue_bridge",
    "restatements",
    "roi_month",
    "roi_campaign",
    "roi_left_out",
    "drift",
    "quality",
    "coverage",
    "coverage_of_events",
    "batch",
    "file",
    "quarantine_reason",
    "freshness",
    "feature_catalogue",
    "entry_product",
    "attribute_quality",
    "metric_definitions",
)
# Marts whose rows are persons, or companies, some of which are persons: never shown in previews, reports or
# messages.
PERSONAL = frozenset(
    {"membership", "audience", "audience_contact", "customer", "account", "contact", "attribute_change"}
)

_THERE = (
    " from marts.membership where segmentation_id = wanted_segmentation"
    " and entered_date <= wanted_day and (left_date is null or left_date > wanted_day)"
)
_HEAD = "(wanted_segmentation, wanted_day) as table select"
# Who was where at the end of a day, and how many.
MACROS = {
    "membership_as_of": (
        f"{_HEAD} segmentation_id, segment_id, entity_kind, entity_id, entered_date, left_date{_THERE}"
    ),
    "segment_size_on": f"{_HEAD} segment_id, count(*) as members{_THERE} group by segment_id",
}


def table_of(mart: str) -> str:
    """`segment_day` -> `marts.segment_day`."""
    return f"marts.{mart}"


def build_marts(
    con: duckdb.DuckDBPyConnection,
    as_of: date,
    *,
    project: str,
    currency: str,
    run_id: str,
    code_version: str,
    generated_at: datetime,
    incidents: list[tuple[str, str, str, str, datetime]],
    rules: Mapping[str, AttributeRule] | None = None,
    parts: Sequence[Part] = (),
    trouble: Mapping[str, str] | None = None,
    held: Mapping[str, str] | None = None,
    ready: Mapping[str, str] | None = None,
    personal: Mapping[str, PersonalColumn] | None = None,
) -> None:
    """Rebuild every mart for a day, all or none; a key that repeats undoes them all.

    Parameters
    ----------
    as_of : the business day at whose end everything is counted.
    currency : the project's currency.
    code_version : the version of the code that computes.
    generated_at : the instant of the run.
    incidents : what is open now: kind, subject, severity, message, opened at (UTC).
    rules : what the project says of attributes.
    parts : what is published, by the sources it is made from.
    trouble : source -> what is wrong with it; the parts that depend on it stay as they are.
    held : segmentation -> why it was not refreshed, or which of its tests failed; its rows stay.
    ready : mart -> a table that has its rows already, computed for this day.
    personal : what the project says of attributes that are personal, or look so.
    """
    parameters = {
        "as_of": as_of,
        "previous_date": recorded.previous_day(DuckDB(con), as_of),
        "baseline": four_weeks_before(as_of),
        "project": project,
        "currency": currency,
        "run_id": run_id,
        "code_version": code_version,
        "generated_at": generated_at,
    }
    with transaction(con):
        con.execute("create schema if not exists marts")
        measure_attributes(
            DuckDB(con),
            as_of,
            rules or {},
            {entity: [name for name, _ in attributes_of(DuckDB(con), entity)] for entity in KINDS},
        )
        store_metrics(con)
        coverage.create(DuckDB(con))
        listed.create(DuckDB(con))
        publication.store_parts(con, parts, trouble or {}, as_of, generated_at, held or {})
        publication.expect_restatements(con)
        hidden = _hide(con, personal or {})
        segmentations, whole = publication.held_segmentations(con), publication.held_marts(con)
        for mart in MARTS:
            step = mart_step(mart)
            made = f"from {ready[mart]}" if ready and mart in ready else step.sql
            sql, bindings = publication.with_what_is_held(con, mart, made, segmentations, whole)
            if mart in hidden:
                # What was published before, and is held, may have such a column yet.
                sql = f"select columns(lambda c: not list_contains($hidden, c)) from ({sql})"
                bindings |= {"hidden": hidden[mart]}
            # Ordered by key, so that the same rows make the same file.
            ordered = f"select * from ({sql}) order by {', '.join(step.key)}" if step.key else sql
            store_select(con, step.table, ordered, step.store, parameters | bindings)
        con.execute(
            "create or replace table marts.incident (kind varchar, subject varchar, severity varchar,"
            " message varchar, opened_at timestamp)"
        )
        insert_rows(con, "marts.incident", incidents)
        for mart in MARTS:
            check_key(con, mart)
        check_bridge(con)


def _hide(con: duckdb.DuckDBPyConnection, said: Mapping[str, PersonalColumn]) -> dict[str, list[str]]:
    """Fill `publish.unpublished`: the attributes that look personal; mart -> those it must not have.

    The marts that show attributes are named for what their rows are of: `customer`, `account`, `contact`.
    """
    con.execute(
        "create or replace table publish.unpublished"
        " (entity_kind varchar, name varchar, looks_like varchar, classified boolean)"
    )
    found = {
        contract.thing: unpublished(DuckDB(con), table, said)
        for table, contract in CONTRACTS.items()
        if contract.attributes and relation_exists(con, f"core.{table}")
    }
    insert_rows(
        con,
        "publish.unpublished",
        [
            (thing, column.name, column.looks_like, column.classified)
            for thing, columns in found.items()
            for column in columns
        ],
    )
    return {thing: [column.name for column in columns] for thing, columns in found.items() if columns}


def refresh_quality(con: duckdb.DuckDBPyConnection, run_id: str) -> None:
    """Bring `marts.quality` up once more, when the marts themselves have been judged."""
    step = mart_step("quality")
    ordered = f"select * from ({step.sql}) order by {', '.join(step.key)}"
    store_select(con, step.table, ordered, step.store, {"run_id": run_id})
    check_key(con, "quality")


def check_key(con: duckdb.DuckDBPyConnection, mart: str) -> None:
    """A mart whose key repeats would be read wrongly: stop before it is published.

    Raises
    ------
    InvariantError
        When a key is in more than one row.
    """
    step = mart_step(mart)
    key = ", ".join(step.key)
    row = con.execute(f"select count(*) - count(distinct ({key})) from {step.table}").fetchone()
    if row and row[0]:
        raise InvariantError(f"{step.table}: {row[0]} rows repeat the key ({key}); nothing was published")


def check_bridge(con: duckdb.DuckDBPyConnection) -> None:
    """The bridge ends, to the cent, at what the other marts publish: stop before two truths are published.

    A bridge that is held was compared on the day it is of. Where only `marts.customer` is held, the bridge
    is of a later day than that mart, and must end at the features that would have been published.

    Raises
    ------
    InvariantError
        When a figure of the bridge differs from what the other marts publish.
    """
    held = publication.held_marts(con)
    if "revenue_bridge" in held:
        return
    customers = (
        "features.customer where as_of_date = (select as_of_date from marts.run)"
        if "customer" in held
        else "marts.customer"
    )
    faults = bridge_faults(con, "marts.revenue_bridge", "marts.revenue_day", customers)
    if faults:
        raise InvariantError(f"{'; '.join(faults)}. Nothing was published")
