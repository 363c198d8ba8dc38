"""Whether ids meet: how many that one table names stand in another, and which differ only in writing.

Two systems that write their customers' ids in different ways break nothing: each customer becomes two. So
every column of ids is measured against the table it refers to, in both directions, source by source, over all
and over the newest batch. A family of columns is counted again when one of its tables has changed, and not
otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipelines.contracts.references import Family, IdColumn
from pipelines.contracts.registry import FACTS
from pipelines.core import forms
from pipelines.engine import Engine, Statement, Table, literal, load_query, quote, relation_exists, value

if TYPE_CHECKING:
    import duckdb

COVERAGE, EVENTS, ALIKE = "ingest.coverage", "ingest.coverage_of_events", "ingest.alike_ids"
MEASURED = "ingest.covered_column"
SAMPLES = 5

_OF_COLUMN = {
    "table_name": "varchar not null",
    "column_name": "varchar not null",
    "referenced_table": "varchar not null",
}
_COUNTS = tuple(
    f"{newest}{known}_{what}"
    for newest in ("", "newest_")
    for what in ("rows", "ids")
    for known in ("named", "known")
)
_KEYS = ("ids", "with_events", "newest_ids", "newest_with_events")
COLUMNS = {
    COVERAGE: {"source": "varchar not null", **_OF_COLUMN, **dict.fromkeys(_COUNTS, "bigint not null")},
    EVENTS: {"table_name": "varchar not null", **dict.fromkeys(_KEYS, "bigint not null")},
    ALIKE: {
        **_OF_COLUMN,
        "ids": "bigint not null",
        "alike": "bigint not null",
        "kinds": "varchar not null",
        "samples": "varchar not null",
    },
    MEASURED: _OF_COLUMN,
}


@dataclass(frozen=True)
class Alike:
    """A column of ids, and how many of them differ from others of their entity only in writing."""

    table: str
    column: str
    entity: str
    ids: int
    alike: int
    kinds: str
    samples: tuple[str, ...]


def create(engine: Engine) -> None:
    """Create what coverage is kept in, where it is missing."""
    for table, columns in COLUMNS.items():
        engine.ensure(table, columns)


def measure(engine: Engine, wanted: Sequence[Family]) -> None:
    """Measure every family of ids of which a table has changed since it was measured; others are forgotten.

    `merge.refresh` forgets what was measured of a table in the transaction that changes it.
    """
    create(engine)
    gone = engine.rows(f"select distinct referenced_table from {MEASURED}")
    for entity in {row["referenced_table"] for row in gone} - {family.key.table for family in wanted}:
        with engine.transaction():
            _forget(engine, entity)
    for family in wanted:
        entity = family.key.table
        measured = engine.rows(
            f"select * from {MEASURED} where referenced_table = $entity", {"entity": entity}
        )
        if {IdColumn(row["table_name"], row["column_name"]) for row in measured} != {*family.columns}:
            with engine.transaction():
                _forget(engine, entity)
                _measure(engine, family)


def forget(con: duckdb.DuckDBPyConnection, table: str) -> None:
    """A core table has changed: what was measured of its columns is not so any more."""
    if relation_exists(con, MEASURED):
        con.execute(f"delete from {MEASURED} where table_name = $table", {"table": table})


def unknown(engine: Engine, table: str, column: str) -> int:
    """How many rows of a core table name an id that the table it refers to does not have, as measured."""
    counted = f"select sum(named_rows - known_rows) from {COVERAGE}"
    of_column = f"{counted} where table_name = $table and column_name = $column"
    return int(value(engine, of_column, {"table": table, "column": column}) or 0)


def of_table(engine: Engine, table: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """What was measured of a table: a row for each of its columns of ids, and one for its own ids."""
    covered = engine.rows(load_query("core/queries/coverage_of_column").sql, {"table": table})
    events = f"select ids, ids - with_events as without from {EVENTS} where table_name = $table"
    return covered, engine.rows(events, {"table": table})


def found_alike(engine: Engine) -> list[Alike]:
    """Every measured column of ids, with what is written alike in it."""
    found = engine.rows(f"select * from {ALIKE} order by table_name, column_name")
    return [
        Alike(
            row["table_name"],
            row["column_name"],
            row["referenced_table"],
            row["ids"],
            row["alike"],
            row["kinds"],
            tuple(filter(None, row["samples"].split("\n"))),
        )
        for row in found
    ]


def _forget(engine: Engine, entity: str) -> None:
    for table in (COVERAGE, ALIKE, MEASURED):
        engine.delete(table, "referenced_table = $entity", {"entity": entity})
    engine.delete(EVENTS, "table_name = $entity", {"entity": entity})


def _measure(engine: Engine, family: Family) -> None:
    named = {column: f"named_id_{i}" for i, column in enumerate(family.columns)}
    for column, name in named.items():
        query = load_query("core/queries/named_id")
        engine.keep(name, query.filled(column=column.column, table=Table(f"core.{column.table}")))
    missed = 0
    if family.has_key:
        missed = sum(_cover(engine, family, column, named) for column in family.referring)
        _count_events(engine, family, named)
    # Of events there are many, and ids of theirs that are found need no explanation.
    if family.key.table not in FACTS or missed:
        _compare(engine, family, named)
    engine.insert(MEASURED, [(column.table, column.column, family.key.table) for column in named])
    for name in named.values():
        engine.drop(name)


def _cover(engine: Engine, family: Family, column: IdColumn, named: dict[IdColumn, str]) -> int:
    """Store what the key covers of a column, source by source; returns how many rows it does not."""
    query = load_query("core/queries/coverage_of_source")
    rows = engine.rows(query.filled(named=Table(named[column]), keys=Table(named[family.key])))
    engine.insert(
        COVERAGE,
        [
            (row["source"], column.table, column.column, family.key.table, *(row[name] for name in _COUNTS))
            for row in rows
        ],
    )
    return sum(row["named_rows"] - row["known_rows"] for row in rows)


def _count_events(engine: Engine, family: Family, named: dict[IdColumn, str]) -> None:
    if not family.telling:
        return
    query = load_query("core/queries/key_with_events")
    events = _all_ids(named[column] for column in family.telling)
    (row,) = engine.rows(query.filled(keys=Table(named[family.key]), events=events))
    engine.insert(EVENTS, [(family.key.table, *(row[name] for name in _KEYS))])


def _all_ids(named: Iterable[str]) -> Statement:
    return Statement(" union all ".join(f"select id from {quote(name)}" for name in named))


def _compare(engine: Engine, family: Family, named: dict[IdColumn, str]) -> None:
    """Store, column by column, how many ids are written like another one of the family."""
    some = compare(engine, _all_ids(named.values()))
    counted = " union all ".join(
        f"select {literal(name)} as named, count(distinct id) as ids from {quote(name)} as n{i}"
        for i, name in enumerate(named.values())
    )
    ids = {row["named"]: row["ids"] for row in engine.rows(counted)}
    alike = {
        column: _alike_in(engine, column, name) if some else (0, "", "") for column, name in named.items()
    }
    engine.insert(
        ALIKE,
        [
            (column.table, column.column, family.key.table, ids[named[column]], *found)
            for column, found in alike.items()
        ],
    )
    engine.drop("alike_id")


def _alike_in(engine: Engine, column: IdColumn, named: str) -> tuple[int, str, str]:
    """How many ids of a column are written like another one, by what they differ, and where some stand."""
    kinds = engine.rows(load_query("core/queries/alike_of_column").filled(named=Table(named)))
    places = load_query("core/queries/alike_row").filled(
        table=Table(f"core.{column.table}"), column=column.column
    )
    at = engine.rows(places, {"samples": SAMPLES}) if kinds else []
    samples = "\n".join(f"{row['path']}:{row['_row']}" for row in at)
    return sum(row["ids"] for row in kinds), told(kinds), samples


def compare(engine: Engine, ids: Statement) -> bool:
    """Keep `alike_id`: the ids that differ from another only in writing, and by what. Is there any?"""
    shared = load_query("core/queries/shared_form").filled(
        form={"form": Statement(forms.form("id"))}, ids=ids
    )
    engine.keep("shared_form", shared)
    some = bool(engine.rows("select form from shared_form limit 1"))
    if some:
        engine.keep(
            "alike_id",
            f"select distinct n.id, {forms.kind('s.first_id', 's.last_id')} as kind"
            f" from ({ids.sql}) as n join shared_form as s on s.form = {forms.form('n.id')}",
        )
    engine.drop("shared_form")
    return some


def told(kinds: Sequence[dict[str, object]]) -> str:
    """By what ids differ: `leading zeros (2), letter case (1)`."""
    return ", ".join(f"{row['kind']} ({row['ids']})" for row in kinds)
