"""Who is where now: one row a member, one column a segmentation, as of the latest recorded day.

`segments.current_customer` and `segments.current_account` say what the open stays of `segments.membership`
do, in the form that a day's evaluation has. So finding who moved is one join, and only who moved is written.
A column holds the segment's id where segments exclude each other, else the list of ids; NULL is nowhere.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date
from typing import TYPE_CHECKING

from pipelines.config.segments import Entity
from pipelines.engine import DuckDB, Engine, literal, quote
from pipelines.segments.model import OWN

if TYPE_CHECKING:
    import duckdb

# Of each member that moved: enter and leave, a row a segment.
CHANGE = "moved_member"
_EMPTY = "cast([] as varchar[])"

Columns = Mapping[str, bool]


def table_of(entity: Entity) -> str:
    return f"segments.current_{entity}"


def columns(engine: Engine, entity: Entity) -> dict[str, bool]:
    """Segmentation id -> whether its column holds one segment."""
    found = engine.columns(table_of(entity))
    return {name: not kind.endswith("[]") for name, kind in found if name != "entity_id"}


def move(
    con: duckdb.DuckDBPyConnection,
    entity: Entity,
    evaluated: str,
    refreshed: Columns,
    held: Collection[str],
) -> None:
    """Bring the table up to an evaluation, and leave what changed in the temporary table CHANGE.

    Parameters
    ----------
    entity : whom it is about, customers or accounts.
    refreshed : segmentations that were evaluated, each with whether it is exclusive.
    evaluated : a table with `entity_id` and the columns of `refreshed`.
    held : segmentations whose columns stay as they are; any other column that is not refreshed is removed,
        and left by everyone.
    """
    con.execute(f"create table if not exists {table_of(entity)} (entity_id varchar)")
    known = columns(DuckDB(con), entity)
    after = {name: exclusive for name, exclusive in known.items() if name in held} | dict(refreshed)
    removed = [name for name in known if name not in after]
    values = {name: _after(name, exclusive, name in refreshed) for name, exclusive in after.items()}
    was = {name: _was(name, known) for name in [*refreshed, *removed]}
    differs = [_differs(name, refreshed, known, values, was) for name in was]
    joined = f"{table_of(entity)} as c full join {evaluated} as a on a.entity_id = c.entity_id"
    listed = ["coalesce(a.entity_id, c.entity_id) as entity_id"]
    listed += [f"{sql} as {quote(name)}" for name, sql in values.items()]
    earlier = [f"{sql} as {quote(OWN + name)}" for name, sql in was.items()]
    con.execute(
        f"create or replace temp table moved as select {', '.join(listed + earlier)} from {joined}"
        f" where {' or '.join(differs) or 'false'}"
    )
    con.execute(f"create or replace temp table {CHANGE} as {_changes(was, after)}")
    anywhere = " or ".join(f"{quote(name)} is not null" for name in after) or "false"
    if after == known:
        names = ", ".join(["entity_id", *map(quote, after)])
        con.execute(f"delete from {table_of(entity)} where entity_id in (select entity_id from moved)")
        con.execute(f"insert into {table_of(entity)} ({names}) select {names} from moved where {anywhere}")
    else:
        con.execute(
            f"create or replace table {table_of(entity)} as"
            f" select * from (select {', '.join(listed)} from {joined}) where {anywhere}"
        )
    con.execute("drop table moved")


def _after(name: str, exclusive: bool, refreshed: bool) -> str:
    if not refreshed:
        return f"c.{quote(name)}"
    value = f"a.{quote(name)}"
    return value if exclusive else f"case when len({value}) > 0 then {value} end"


def _was(name: str, known: Columns) -> str:
    """Where a member was, as a list."""
    if name not in known:
        return _EMPTY
    return _as_list(f"c.{quote(name)}", known[name])


def _as_list(value: str, exclusive: bool) -> str:
    if exclusive:
        return f"case when {value} is null then {_EMPTY} else [{value}] end"
    return f"coalesce({value}, {_EMPTY})"


def _differs(
    name: str, refreshed: Columns, known: Columns, values: Mapping[str, str], was: Mapping[str, str]
) -> str:
    """Whether a member moved; of lists in another order this says yes, and nothing changes."""
    if name not in refreshed:
        return f"c.{quote(name)} is not null"
    if name not in known:
        return f"({values[name]}) is not null"
    if refreshed[name] == known[name]:
        return f"({values[name]}) is distinct from c.{quote(name)}"
    now = _as_list(f"({values[name]})", refreshed[name])
    return f"({was[name]}) is distinct from ({now})"


def _changes(was: Collection[str], after: Columns) -> str:
    """A row for each segment that a member of `moved` entered or left."""
    parts = []
    for name in was:
        before = quote(OWN + name)
        now = _as_list(quote(name), after[name]) if name in after else _EMPTY
        parts += [_only(name, "enter", now, before), _only(name, "leave", before, now)]
    if not parts:
        names = ("entity_id", "segmentation_id", "segment_id", "event")
        return f"select {', '.join(f'cast(null as varchar) as {name}' for name in names)} limit 0"
    return (
        "select entity_id, one.segmentation as segmentation_id, one.segment as segment_id, one.event"
        f" from (select entity_id, unnest(flatten([{', '.join(parts)}])) as one from moved)"
    )


def _only(name: str, event: str, here: str, there: str) -> str:
    """The segments that stand in one list and not in the other, as events."""
    made = f"{{'segmentation': {literal(name)}, 'segment': s, 'event': {literal(event)}}}"
    return f"list_transform(list_filter({here}, lambda s: not list_contains({there}, s)), lambda s: {made})"


def undo(con: duckdb.DuckDBPyConnection, day: date, revision: int, before: Mapping[Entity, Columns]) -> None:
    """Take a recorded day back from stays and current places; its events stay, and count no more.

    Parameters
    ----------
    revision : the one of the day that counts.
    before : the segmentations of each entity at the end of the recorded day before.
    """
    con.execute("delete from segments.membership where entered_date = ?", [day])
    con.execute("update segments.membership set left_date = null where left_date = ?", [day])
    for entity, wanted in before.items():
        if columns(DuckDB(con), entity) != dict(wanted):
            rebuild(con, entity, wanted)
            continue
        con.execute(
            "create or replace temp table touched as select distinct entity_id from segments.membership_event"
            " where as_of_date = $day and revision = $revision and entity_kind = $entity",
            {"day": day, "revision": revision, "entity": entity},
        )
        if not wanted:
            continue
        con.execute(f"delete from {table_of(entity)} where entity_id in (select entity_id from touched)")
        places = _places(entity, wanted, "touched")
        con.execute(f"insert into {table_of(entity)} by name {places}")
        con.execute("drop table touched")


def rebuild(con: duckdb.DuckDBPyConnection, entity: Entity, wanted: Columns) -> None:
    """Make the table from the open stays of these segmentations."""
    places = _places(entity, wanted, None) if wanted else "select null::varchar as entity_id limit 0"
    con.execute(f"create or replace table {table_of(entity)} as {places}")


def _places(entity: Entity, wanted: Columns, among: str | None) -> str:
    """The open stays, a row a member; of all members, or of those in a table."""
    listed = [
        f"{'max(segment_id)' if exclusive else 'list(segment_id order by segment_id)'}"
        f" filter (where segmentation_id = {literal(name)}) as {quote(name)}"
        for name, exclusive in wanted.items()
    ]
    semi = f" semi join {among} using (entity_id)" if among else ""
    names = ", ".join(literal(name) for name in wanted)
    return (
        f"select entity_id, {', '.join(listed)} from segments.membership{semi}"
        f" where left_date is null and entity_kind = {literal(entity)} and segmentation_id in ({names})"
        " group by entity_id"
    )
