"""A plan: everything that assigns the members of one entity on a day, as one SELECT."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from typing import Any

from pipelines.config.segments import Entity
from pipelines.engine import Engine, Table, load_query, quote
from pipelines.segments import cuts
from pipelines.segments.events import out_of_reach
from pipelines.segments.model import KEY, OWN, Needs, Part, Segmentation, closure, merged
from pipelines.segments.select import bindings, relation

# The column of an inspection with the segment, or the list of segments.
RESULT = f"{OWN}segment"
LISTED = "segments.list_member"
LIST_COLUMNS = {
    "segmentation_id": "varchar not null",
    "segment_id": "varchar not null",
    "content": "varchar not null",
    "entity_id": "varchar not null",
}


@dataclass(frozen=True)
class Asked:
    """One condition, or one of the terms it joins with AND: its boolean column and whose it is.

    `part` is the place of the term among the others; None for the whole condition. `alternative` is the place
    of a term among those that a part joins with OR. `reads` are the columns it names.
    """

    column: str
    segment_id: str | None
    role: str
    text: str
    part: int | None
    alternative: int | None = None
    reads: tuple[str, ...] = ()


@dataclass(frozen=True)
class Inspection:
    """`sql` gives `entity_id`, RESULT, a boolean column for each of `asked`, and every column they read.

    It binds `parameters(day)`, after the plan's `prepare`. A condition that is NULL is false.
    """

    sql: str
    asked: tuple[Asked, ...]

    def parameters(self, day: date) -> dict[str, Any]:
        """What `sql` binds."""
        return bindings(self.sql, day)


@dataclass(frozen=True)
class Plan:
    """The segmentations of one entity; `everything` has those they refer to as well, in order.

    `sql` gives `entity_id` and one column a segmentation, named by its id: the segment's id for an exclusive
    one, else the list of ids in display order, empty where there is none. It binds `parameters(day)`.
    """

    entity: Entity
    segmentations: tuple[Segmentation, ...]
    everything: tuple[Segmentation, ...]

    @cached_property
    def sql(self) -> str:
        outputs = "".join(
            f", {quote(segmentation.compiled.result.name)} as {quote(segmentation.id)}"
            for segmentation in self.segmentations
        )
        columns = [segmentation.compiled.result for segmentation in self.segmentations]
        return relation(self.entity, columns, Needs(), f"entity_id{outputs}")

    def parameters(self, day: date) -> dict[str, Any]:
        """What `sql` binds."""
        return bindings(self.sql, day)

    @cached_property
    def needs_standing(self) -> bool:
        """Whether `segments.standing` is read: some segment has `exit` or `dwell_days`."""
        return bool(_everywhere(self._needs).standings)

    @property
    def _needs(self) -> Needs:
        return merged(
            column.needs
            for column in closure(segmentation.compiled.result for segmentation in self.segmentations)
        )

    @cached_property
    def needed(self) -> tuple[Segmentation, ...]:
        """The segmentations of this plan and all they refer to, each after what it refers to."""
        wanted = {segmentation.id for segmentation in self.segmentations}
        for segmentation in reversed(self.everything):
            if segmentation.id in wanted:
                wanted |= segmentation.uses
        return tuple(segmentation for segmentation in self.everything if segmentation.id in wanted)

    def inspect(self, segmentation: Segmentation) -> Inspection:
        """The SELECT that tells, for each member, which conditions of one segmentation hold."""
        found: list[tuple[Asked, str]] = []
        for i, clause in enumerate(segmentation.clauses):
            one, parts = clause.condition, clause.condition.parts
            whole = Asked(f"{OWN}{i}", clause.segment_id, clause.role, one.text, None, None, _names(parts))
            found.append((whole, one.sql))
            for j, part in enumerate(parts):
                asked = replace(whole, column=f"{OWN}{i}.{j}", text=part.text, part=j, reads=part.names)
                if len(parts) > 1:
                    found.append((asked, part.sql))
                for k, other in enumerate(part.alternatives):
                    column = f"{OWN}{i}.{j}.{k}"
                    either = replace(asked, column=column, text=other.text, alternative=k, reads=other.names)
                    found.append((either, other.sql))
        result = segmentation.compiled.result
        conditions = [clause.condition for clause in segmentation.clauses]
        scores = [column for _, column in segmentation.compiled.scores]
        needs = merged(
            [
                *(condition.needs for condition in conditions),
                *(column.needs for column in scores),
                result.needs,
            ]
        )
        columns = [result, *scores, *(column for condition in conditions for column in condition.columns)]
        read = {*needs.features, *(column.name for column in scores)}
        read |= {name for asked, _ in found for name in asked.reads}
        outputs = [
            "entity_id",
            f"{quote(result.name)} as {quote(RESULT)}",
            *(f"coalesce({sql}, false) as {quote(asked.column)}" for asked, sql in found),
            *(quote(name) for name in sorted(read)),
        ]
        sql = relation(self.entity, columns, needs, ", ".join(outputs))
        return Inspection(sql, tuple(asked for asked, _ in found))

    def prepare(self, engine: Engine, day: date) -> list[str]:
        """Compute the cut points of a day and bring in uploaded lists; `sql` reads both.

        Returns
        -------
        Remarks to tell: lists of which some ids are unknown on the day, with their number, and tables of
        which no fact is a customer's.
        """
        remarks: list[str] = []
        with engine.transaction():
            ensure_read(engine)
            for segmentation in self.needed:
                if segmentation.compiled.cuts:
                    cuts.compute(engine, day, segmentation)
                if segmentation.compiled.lists:
                    _bring_in(engine, segmentation)
                    remarks += _unknown(engine, day, segmentation)
        if self.entity == "customer":
            remarks += out_of_reach(engine, day, self._needs.events)
        return remarks


def ensure_read(engine: Engine) -> None:
    """Create the tables that a plan may read beside features and core, where they are missing."""
    cuts.ensure(engine)
    engine.ensure(LISTED, LIST_COLUMNS)


def _names(parts: Sequence[Part]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for part in parts for name in part.names))


def _everywhere(needs: Needs) -> Needs:
    """With what the conditions on members, and on the company of members, need."""
    inner = [call.condition.needs for call in needs.members if call.source == "customers"]
    inner += [column.needs for call in needs.members for column in closure(call.condition.columns)]
    inner += [asked.needs for asked in needs.account]
    inner += [column.needs for asked in needs.account for column in closure(asked.columns)]
    return merged([needs, *map(_everywhere, inner)])


def _bring_in(engine: Engine, segmentation: Segmentation) -> None:
    """Store the ids of every list that has changed since it was stored."""
    lists, whose = segmentation.compiled.lists, {"id": segmentation.id}
    stored = engine.rows(
        f"select distinct segment_id, content from {LISTED} where segmentation_id = $id", whose
    )
    if {(row["segment_id"], row["content"]) for row in stored} == {
        (listed.segment, listed.content) for listed in lists
    }:
        return
    engine.delete(LISTED, "segmentation_id = $id", whose)
    for listed in lists:
        engine.insert(
            LISTED, ((segmentation.id, listed.segment, listed.content, member) for member in listed.ids)
        )


def _unknown(engine: Engine, day: date, segmentation: Segmentation) -> Sequence[str]:
    """How many ids of each list are no member of the day; the ids themselves are told nowhere."""
    entity = segmentation.entity
    unknown_listed = load_query("segments/queries/unknown_listed").filled(
        key=KEY[entity], features=Table(f"features.{entity}")
    )
    return [
        f"{segmentation.id}.{row['segment_id']}: {row['unknown']} of {row['listed']} listed ids"
        f" are no {entity} on {day}"
        for row in engine.rows(unknown_listed, {"day": day, "id": segmentation.id})
    ]
