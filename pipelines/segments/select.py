"""The nested SELECT: features and joined columns at the bottom, then a level for each step of reference.

It is of the size of the history, and kept to the portable subset (docs/portable-sql.md) but for what
conditions say themselves.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Any

from pipelines.config.segments import Entity
from pipelines.engine import literal, parameters_in, quote
from pipelines.segments import company, events, members
from pipelines.segments.model import (
    AS_OF,
    FROM,
    KEY,
    AccountColumn,
    Column,
    CutColumn,
    ListColumn,
    MemberCall,
    Needs,
    Standing,
    closure,
    levels_of,
    merged,
)


def relation(entity: Entity, columns: Sequence[Column], needs: Needs, outputs: str) -> str:
    """`outputs` of every member of the day, over the columns and what they read.

    Parameters
    ----------
    entity : whom it is about, customers or accounts.
    columns : derived columns that the outputs name; what they read comes with them.
    needs : what the outputs name besides.
    outputs : the select list; `entity_id` is there too.
    """
    everything = merged([needs, *(column.needs for column in closure(columns))])
    sql = _lowest(entity, everything)
    for i, level in enumerate(levels_of(columns), start=1):
        listed = ", ".join(f"{column.sql} as {quote(column.name)}" for column in level)
        sql = f"select *, {listed} from ({sql}) as level_{i}"
    return f"select {outputs} from ({sql}) as judged"


def bindings(sql: str, day: date) -> dict[str, Any]:
    """What such a SELECT binds: the day, and the first day of each window that ends with it."""
    windows = [name.removeprefix(FROM) for name in parameters_in(sql) if name.startswith(FROM)]
    first_days = {f"{FROM}{days}": day - timedelta(days=int(days) - 1) for days in windows}
    return {"as_of": day, **first_days}


def _lowest(entity: Entity, needs: Needs) -> str:
    """One row a member of the day: the features that are named, and everything joined to them."""
    key = KEY[entity]
    listed = ["f.entity_id", f"f.{AS_OF}", *(f"f.{quote(name)}" for name in sorted(needs.features))]
    joined, columns = events.joins(entity, needs.events)
    for part, found in (
        _members(needs.members),
        _standings(needs.standings),
        _lists(needs.lists),
        _cuts(needs.cuts),
        _company(needs.account),
    ):
        joined += part
        columns |= found
    listed += [f"{sql} as {quote(name)}" for name, sql in columns.items()]
    features = "".join(f", {quote(name)}" for name in sorted(needs.features))
    return (
        f"select {', '.join(listed)} from (select {key} as entity_id, {AS_OF}{features}"
        f" from features.{entity} where {AS_OF} = $as_of) as f {' '.join(joined)}"
    )


def _members(calls: Iterable[MemberCall]) -> tuple[list[str], dict[str, str]]:
    joined: list[str] = []
    columns: dict[str, str] = {}
    for source in members.SOURCES:
        asked = [call for call in calls if call.source == source]
        if not asked:
            continue
        counted = members.of_contacts(asked) if source == "contacts" else _of_customers(asked)
        joined.append(f"left join ({counted}) as {source} on {source}.entity_id = f.entity_id")
        columns |= {call.name: members.counts(source, call) for call in sorted(asked, key=lambda c: c.name)}
    return joined, columns


def _of_customers(calls: Sequence[MemberCall]) -> str:
    """Customers and what they meet, judged by a SELECT of their own."""
    ordered = sorted(calls, key=lambda call: call.name)
    outputs = "".join(f", ({call.condition.sql}) as {quote(call.name)}" for call in ordered)
    columns = [column for call in ordered for column in call.condition.columns]
    needs = merged(call.condition.needs for call in ordered)
    return members.of_customers(ordered, relation("customer", columns, needs, f"entity_id{outputs}"))


def _company(wanted: Iterable[AccountColumn]) -> tuple[list[str], dict[str, str]]:
    """What is asked of the company of customers, judged by a SELECT of its own."""
    asked = sorted(wanted, key=lambda column: column.name)
    if not asked:
        return [], {}
    outputs = "".join(f", {column.sql} as {quote(column.name)}" for column in asked)
    columns = [read for column in asked for read in column.columns]
    needs = merged(column.needs for column in asked)
    return company.joins(relation("account", columns, needs, f"entity_id{outputs}"), asked)


def _standings(wanted: Iterable[Standing]) -> tuple[list[str], dict[str, str]]:
    """Where each member stands before the day, one row a member."""
    ordered = sorted(wanted, key=lambda column: (column.segmentation, column.segment or ""))
    if not ordered:
        return [], {}
    listed, columns = [], {}
    for column in ordered:
        chosen = f"segmentation_id = {literal(column.segmentation)}"
        if column.segment is not None:
            chosen += f" and segment_id = {literal(column.segment)}"
        else:
            listed.append(f"max(segment_id) filter (where {chosen}) as {quote(column.segment_name)}")
            columns[column.segment_name] = f"standing.{quote(column.segment_name)}"
        listed.append(f"max(entered_date) filter (where {chosen}) as {quote(column.since_name)}")
        columns[column.since_name] = f"standing.{quote(column.since_name)}"
    ids = ", ".join(sorted({literal(column.segmentation) for column in ordered}))
    return [
        f"left join (select entity_id, {', '.join(listed)} from segments.standing"
        f" where segmentation_id in ({ids}) group by entity_id) as standing"
        " on standing.entity_id = f.entity_id"
    ], columns


def _lists(wanted: Iterable[ListColumn]) -> tuple[list[str], dict[str, str]]:
    ordered = sorted(wanted, key=lambda column: column.name)
    if not ordered:
        return [], {}
    listed = ", ".join(
        f"bool_or(segmentation_id = {literal(column.segmentation)}"
        f" and segment_id = {literal(column.segment)}) as {quote(column.name)}"
        for column in ordered
    )
    ids = ", ".join(sorted({literal(column.segmentation) for column in ordered}))
    return [
        f"left join (select entity_id, {listed} from segments.list_member"
        f" where segmentation_id in ({ids}) group by entity_id) as listed on listed.entity_id = f.entity_id"
    ], {column.name: f"coalesce(listed.{quote(column.name)}, false)" for column in ordered}


def _cuts(wanted: Iterable[CutColumn]) -> tuple[list[str], dict[str, str]]:
    """The cut points of the day as one row; without them the SELECT fails rather than score everyone 1."""
    ordered = sorted(wanted, key=lambda column: column.name)
    if not ordered:
        return [], {}
    # A point is kept as text: exact for every type, and read back as the type of what it cuts. It is chosen
    # first and cast then: another engine may cast those of other types before it looks at the filter.
    listed = ", ".join(
        f"cast(max(value) filter (where segmentation_id = {literal(column.segmentation)}"
        f" and name = {literal(column.score)} and position = {column.position}) as {column.type})"
        f" as {quote(column.name)}"
        for column in ordered
    )
    scores = sorted({(column.segmentation, column.score) for column in ordered})
    which = " or ".join(
        f"(segmentation_id = {literal(segmentation)} and name = {literal(score)})"
        for segmentation, score in scores
    )
    # Every engine refuses to cast a text that is no yes or no, and tells the text. The count is in it: of a
    # constant some do so before they know whether they are asked.
    told = "the cut points of the day are not there; Plan.prepare computes them: "
    missing = f"cast({literal(told)} || cast(count(*) as varchar) as boolean)"
    return [
        f"cross join (select {listed} from segments.cut_point where {AS_OF} = $as_of and ({which})"
        f" having case when count(*) >= {len(ordered)} then true else {missing} end) as cut"
    ], {column.name: f"cut.{quote(column.name)}" for column in ordered}
