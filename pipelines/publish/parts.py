"""The parts of what is published, what each is made from, and which are held at their last good state.

A part is a segmentation, or a table that is published as a whole. Segmentations depend on the features they
read, features on canonical tables, tables on sources: a source that failed holds the parts that depend on
it, and no other.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Literal

from pipelines.config.segments import Entity
from pipelines.contracts.bearing import purchases, worth
from pipelines.contracts.registry import FACTS
from pipelines.core.facts import canonical_tables, tables_read
from pipelines.engine import load_step, relation_exists, rows, transaction
from pipelines.features.catalogue import Feature
from pipelines.roi.compute import STEPS
from pipelines.segments.model import Segmentation

if TYPE_CHECKING:
    import duckdb

Kind = Literal["segmentation", "table"]

# Marts that go out or stay as a whole, by part.
WHOLE: dict[str, tuple[str, ...]] = {
    "customer": ("customer",),
    "account": ("account", "contact", "funnel"),
    "revenue": ("revenue_day", "revenue_bridge"),
    "roi": ("roi_month", "roi_campaign", "roi_left_out"),
}
# Marts whose rows each belong to a segmentation, and go out or stay with it.
_OF_MEMBERS = frozenset({"segment_current", "segment_day", "segment_movement", "membership", "audience"})
BY_ENTITY: dict[Entity, frozenset[str]] = {
    "customer": _OF_MEMBERS | {"roi_month", "roi_campaign"},
    "account": _OF_MEMBERS | {"audience_contact"},
}
BY_SEGMENTATION = frozenset(mart for marts in BY_ENTITY.values() for mart in marts)

SCHEMA = """
create schema if not exists publish;
create or replace table publish.part (
    kind varchar not null, part varchar not null, sources varchar not null, effective_at timestamptz,
    as_of_date date, held boolean not null, held_since timestamp, reason varchar
);
create table if not exists publish.effective_day (
    as_of_date date not null, segmentation_id varchar not null, effective_at timestamptz
);
"""


@dataclass(frozen=True)
class Part:
    """Something published, and the sources it is made from."""

    kind: Kind
    name: str
    sources: tuple[str, ...]


def tables_behind(feature: Feature) -> set[str]:
    """The canonical tables a feature is computed from, whether or not the project maps them."""
    return _with_worth({*feature.needs, *feature.also})


def _with_worth(tables: Collection[str]) -> set[str]:
    """The same, and the tables that say what their facts are worth."""
    return {*tables}.union(*(worth(table) for table in tables))


def parts_of(
    segmentations: Iterable[Segmentation],
    features: Mapping[str, Sequence[Feature]],
    mapped: Mapping[str, Sequence[str]],
) -> list[Part]:
    """Every part of a project; that of accounts only where a source maps them.

    Parameters
    ----------
    segmentations : each after those it refers to.
    features : the project's catalogues.
    mapped : canonical table -> the sources that feed it.
    """
    found = []
    behind_each: dict[str, set[str]] = {}
    for segmentation in segmentations:
        used = _behind(features[segmentation.entity], segmentation.features) | set(segmentation.tables)
        used |= _behind(features["customer"], segmentation.member_features)
        used |= _behind(features.get("account", ()), segmentation.account_features)
        used = _with_worth(used)
        of_accounts = segmentation.entity == "account" or segmentation.asks_company
        used |= _of_accounts(used) if of_accounts else set()
        # Each comes after those it refers to.
        behind_each[segmentation.id] = used.union(
            *(behind_each.get(name, set()) for name in segmentation.uses)
        )
        # Who is a customer at all follows from orders, where no feature says more.
        found.append(
            Part(
                "segmentation", segmentation.id, _sources(behind_each[segmentation.id] or {"orders"}, mapped)
            )
        )
    behind = {
        "customer": _behind(features["customer"]),
        "account": _of_accounts(_behind(features.get("account", ()))),
        "revenue": {*purchases()},
        "roi": {*purchases(), *_behind_roi()},
    }
    whole = [name for name in WHOLE if name != "account" or "accounts" in mapped]
    return found + [Part("table", name, _sources(behind[name], mapped)) for name in whole]


def _behind(features: Iterable[Feature], names: Collection[str] | None = None) -> set[str]:
    """The canonical tables behind features, or behind those of them that are named."""
    return {
        table
        for feature in features
        if names is None or feature.name in names
        for table in tables_behind(feature)
    }


def _behind_roi() -> set[str]:
    return canonical_tables(name for step in STEPS for name in load_step(step).inputs)


def _of_accounts(tables: set[str]) -> set[str]:
    """The same where accounts are judged, with what says whose the facts are."""
    owners = (tables_read(table, "account") for table in tables if table in FACTS)
    return (tables | {"accounts"}).union(*owners)


def _sources(tables: Collection[str], mapped: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    return tuple(sorted({source for table in tables for source in mapped.get(table, ())}))


def store_parts(
    con: duckdb.DuckDBPyConnection,
    parts: Sequence[Part],
    trouble: Mapping[str, str],
    as_of: date,
    at: datetime,
    held: Mapping[str, str] | None = None,
) -> None:
    """Write `publish.part`: how old each part is, and which are held, since when and why.

    A held part keeps the day and the `effective_at` of the rows that stay; both are NULL where nothing was
    published before, and then it has no rows.

    Parameters
    ----------
    parts : what is published or held as one piece.
    as_of : the business day at whose end everything is counted.
    trouble : source -> what is wrong with it; a part with such a source is held.
    at : now, UTC without zone.
    held : segmentation -> what is wrong with itself; where it was published before, its rows stay.
    """
    held = held or {}
    before = {}
    if relation_exists(con, "marts.publication"):
        before = {(row["kind"], row["part"]): row for row in rows(con, "from marts.publication")}
    con.execute(SCHEMA)
    con.execute("delete from publish.effective_day where as_of_date = ?", [as_of])
    for part in [*parts, *_without_definition(before, parts, held)]:
        reasons = [trouble[source] for source in part.sources if source in trouble]
        reasons += [held[part.name]] if part.kind == "segmentation" and part.name in held else []
        measured = _effective_at(con, part)
        last = before.get((part.kind, part.name), {})
        con.execute(
            "insert into publish.part values (?, ?, ?, ?, ?, ?, ?, ?)",
            [
                part.kind,
                part.name,
                ", ".join(part.sources),
                last.get("effective_at") if reasons else measured,
                last.get("as_of_date") if reasons else as_of,
                bool(reasons),
                (last.get("held_since") or at) if reasons else None,
                "; ".join(reasons) or None,
            ],
        )
        if part.kind == "segmentation":
            con.execute("insert into publish.effective_day values (?, ?, ?)", [as_of, part.name, measured])


def _without_definition(
    before: Mapping[tuple[Kind, str], Mapping[str, Any]], parts: Sequence[Part], held: Mapping[str, str]
) -> list[Part]:
    """Held segmentations whose definition cannot be read: as they were published last."""
    here = {part.name for part in parts if part.kind == "segmentation"}
    return [
        Part("segmentation", name, tuple(filter(None, last["sources"].split(", "))))
        for (kind, name), last in before.items()
        if kind == "segmentation" and name in held and name not in here
    ]


def _effective_at(con: duckdb.DuckDBPyConnection, part: Part) -> datetime | None:
    """The oldest watermark among the part's sources that have freshness limits; None where none has."""
    row = con.execute(
        "select min(watermark_at) from ingest.freshness where warn_after_days is not null"
        " and source in (select unnest($sources))",
        {"sources": list(part.sources)},
    ).fetchone()
    return row[0] if row else None


def held_segmentations(con: duckdb.DuckDBPyConnection) -> list[str]:
    """Ids of the segmentations that stay as they were."""
    return _held(con, "segmentation")


def held_marts(con: duckdb.DuckDBPyConnection) -> set[str]:
    """The marts that stay as a whole."""
    return {mart for part in _held(con, "table") for mart in WHOLE[part]}


def _held(con: duckdb.DuckDBPyConnection, kind: Kind) -> list[str]:
    found = con.execute("select part from publish.part where held and kind = ? order by part", [kind])
    return [row[0] for row in found.fetchall()]


def with_what_is_held(
    con: duckdb.DuckDBPyConnection, mart: str, sql: str, segmentations: Sequence[str], whole: Collection[str]
) -> tuple[str, dict[str, object]]:
    """The SELECT of a mart with the rows that are held taken from the mart as it stands.

    Parameters
    ----------
    mart : the name of the mart.
    sql : the SELECT of the mart.
    whole : marts that are held as a whole.

    Returns
    -------
    The SELECT and what it binds beyond the step's own parameters. Columns of the standing mart that the
    step no longer gives stay with its rows; those it lacks are NULL in them.
    """
    if mart not in whole and (mart not in BY_SEGMENTATION or not segmentations):
        return sql, {}
    table = f"marts.{mart}"
    standing = f" union all by name select * from {table}" if relation_exists(con, table) else ""
    if mart in whole:
        return f"select * from ({sql}) where false{standing}", {}
    kept = " where list_contains($held, segmentation_id)" if standing else ""
    return (
        f"select * from ({sql}) where not list_contains($held, segmentation_id){standing}{kept}",
        {"held": list(segmentations)},
    )


def remember_published(con: duckdb.DuckDBPyConnection) -> None:
    """Keep the revenue of every day as it was published now: what the restatements of a later day start from.

    What was published of the day before stays too: the same day may be published again.
    """
    row = con.execute(
        "select as_of_date from publish.part where kind = 'table' and part = 'revenue'"
    ).fetchone()
    day = row[0] if row else None
    if day is None:
        return
    with transaction(con):
        con.execute(
            "delete from publish.revenue_day where as_of_date = $day or as_of_date is distinct from"
            " (select max(as_of_date) from publish.revenue_day where as_of_date < $day)",
            {"day": day},
        )
        con.execute(
            "insert into publish.revenue_day by name select business_date, orders, customers, revenue,"
            " $day as as_of_date from marts.revenue_day",
            {"day": day},
        )


def expect_restatements(con: duckdb.DuckDBPyConnection) -> None:
    """Make `publish.revenue_day` stand before the first publication: nothing can be restated then."""
    con.execute(
        "create table if not exists publish.revenue_day (business_date date, orders bigint,"
        " customers bigint, revenue decimal(18, 4), as_of_date date)"
    )
