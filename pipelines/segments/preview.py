"""What a definition would do: sizes, how many each of its conditions keeps, overlaps, examples of members.

Everything reads the temporary table of a dry assignment (see dry.py) and the features of the day.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from pipelines.engine import (
    DuckDB,
    Statement,
    Table,
    bound,
    columns_of,
    literal,
    load_query,
    quote,
    relation_exists,
    rows,
)
from pipelines.segments import assignment, cuts
from pipelines.segments.dry import members_of
from pipelines.segments.model import KEY, Segmentation
from pipelines.segments.plan import RESULT, Asked, Plan

if TYPE_CHECKING:
    import duckdb

REACHABLE = "reachable_"
INSPECTED = "dry_inspected"


@dataclass(frozen=True)
class Kept:
    """One step of a funnel.

    `alone` is how many members the condition holds for; `left` how many are left after it, of those that the
    step before left; both are the same for one of several alternatives (`either`).
    """

    text: str
    alone: int
    left: int
    dropped: int
    either: bool = False


@dataclass(frozen=True)
class Funnel:
    """How a condition comes to its members, term by term, and what becomes of them in the segment.

    `holds` is how many members the whole condition holds for; `elsewhere` of those are in another segment,
    or excluded; `kept_in` are in the segment although it does not hold: by exit or dwell. So
    `size = holds - elsewhere + kept_in`.
    """

    segment_id: str | None
    role: str
    steps: list[Kept]
    holds: int
    elsewhere: int | None
    kept_in: int | None


@dataclass(frozen=True)
class SegmentPreview:
    """One segment: how many, what share, how many can be reached by channel, and some of its members."""

    segment_id: str
    segment_name: str
    size: int
    share: float
    recorded: int | None
    reachable: dict[str, int]
    sample: list[str]


@dataclass(frozen=True)
class Overlap:
    """Members in a segment of this preview and in one of the record; Jaccard is shared / in either."""

    segment_id: str
    other_segmentation_id: str
    other_segment_id: str
    size: int
    other_size: int
    shared: int
    jaccard: float


@dataclass(frozen=True)
class Preview:
    """Everything that is shown before a definition is run."""

    segmentation_id: str
    segmentation_name: str
    entity: str
    as_of_date: date
    members: int
    channels: list[str]
    segments: list[SegmentPreview]
    funnels: list[Funnel]
    overlaps: list[Overlap]
    cut_points: list[dict[str, Any]]


def preview(
    con: duckdb.DuckDBPyConnection,
    day: date,
    plan: Plan,
    segmentation: Segmentation,
    table: str,
    *,
    only: str | None = None,
    sample: int = 5,
) -> Preview:
    """The preview of one segmentation of a plan.

    Parameters
    ----------
    plan : the compiled definitions and the order in which they are evaluated.
    table : the temporary table of the plan's dry assignment.
    only : one segment's id; its own figures and funnel only.
    sample : how many members of each segment to name.
    """
    looked = _Looked(con, day, plan, segmentation, table, only)
    return Preview(
        segmentation.id,
        segmentation.name,
        segmentation.entity,
        day,
        looked.members,
        looked.channels,
        looked.segments(sample),
        looked.funnels(),
        looked.overlaps(),
        _cut_points(con, day, segmentation),
    )


class _Looked:
    """One segmentation, with its dry assignment."""

    def __init__(
        self,
        con: duckdb.DuckDBPyConnection,
        day: date,
        plan: Plan,
        segmentation: Segmentation,
        table: str,
        only: str | None,
    ) -> None:
        self.con, self.day, self.plan, self.segmentation = con, day, plan, segmentation
        self.membership = members_of(segmentation, table)
        self.entity, self.key = segmentation.entity, KEY[segmentation.entity]
        self.wanted = [label for label in segmentation.labels() if only in (None, label["segment_id"])]
        self.members = int(self._value(f"select count(*) from {quote(table)}"))
        features = [name for name, _ in columns_of(con, f"features.{self.entity}")]
        types = dict(columns_of(con, f"features.{self.entity}"))
        self.channels = [name for name in features if name.startswith(REACHABLE) and types[name] == "BOOLEAN"]
        self.has_record = relation_exists(con, assignment.VIEW)

    def segments(self, sample: int) -> list[SegmentPreview]:
        """Size, share, reach and some members of each segment."""
        counted = ", ".join(
            f"count(*) filter (where f.{quote(name)}) as {quote(name)}" for name in self.channels
        )
        found = {
            row["segment_id"]: row
            for row in self._rows(
                f"select m.segment_id, count(*) as size{', ' + counted if counted else ''}"
                f" from ({self.membership.sql}) as m join features.{self.entity} as f"
                f" on f.{self.key} = m.entity_id and f.as_of_date = $day group by m.segment_id"
            )
        }
        recorded = self._recorded()
        samples = self._samples(sample)
        return [
            SegmentPreview(
                label["segment_id"],
                label["segment_name"],
                size := found.get(label["segment_id"], {}).get("size", 0),
                size / self.members if self.members else 0.0,
                recorded.get(label["segment_id"], 0) if recorded else None,
                {name: found.get(label["segment_id"], {}).get(name, 0) for name in self.channels},
                samples.get(label["segment_id"], []),
            )
            for label in self.wanted
        ]

    def _recorded(self) -> dict[str, int]:
        """Sizes of the same segmentation as it was recorded for the day; empty where it was not."""
        if not self.has_record:
            return {}
        return {
            row["segment_id"]: row["size"]
            for row in self._rows(
                f"select segment_id, count(*) as size from {assignment.VIEW} where as_of_date = $day"
                " and segmentation_id = $segmentation and entity_kind = $entity group by segment_id"
            )
        }

    def _samples(self, size: int) -> dict[str, list[str]]:
        """Some members of each segment: the same each time, and not the first by id."""
        if not size:
            return {}
        found = self._rows(
            "select segment_id, list(entity_id order by md5(entity_id)) as ids from (select *, row_number()"
            " over (partition by segment_id order by md5(entity_id)) as place"
            f" from ({self.membership.sql})) where place <= $sample group by segment_id",
            sample=size,
        )
        return {row["segment_id"]: row["ids"] for row in found}

    def funnels(self) -> list[Funnel]:
        """How each condition comes to its members."""
        if not self.segmentation.clauses:
            return []
        inspection = self.plan.inspect(self.segmentation)
        self.con.execute(
            f"create or replace temp table {INSPECTED} as {inspection.sql}",
            inspection.parameters(self.day),
        )
        wholes = [
            condition
            for condition in inspection.asked
            if condition.part is None and condition.alternative is None
        ]
        shown = {label["segment_id"] for label in self.wanted}
        return [
            self._funnel(whole, [condition for condition in inspection.asked if _is_under(condition, whole)])
            for whole in wholes
            if whole.segment_id is None or whole.segment_id in shown
        ]

    def _funnel(self, whole: Asked, parts: list[Asked]) -> Funnel:
        """The terms of the ANDs in their order, each with its alternatives; a lone term is its own step."""
        ands = [part for part in parts if part.alternative is None] or [whole]
        counts: list[str] = []
        for i, term in enumerate(ands):
            together = " and ".join(quote(other.column) for other in ands[: i + 1])
            counts += [f"count(*) filter (where {quote(term.column)})", f"count(*) filter (where {together})"]
        eithers = [part for part in parts if part.alternative is not None]
        counts += [f"count(*) filter (where {quote(alternative.column)})" for alternative in eithers]
        inside = self._inside(whole)
        holds = quote(whole.column)
        counts += [
            f"count(*) filter (where {holds})",
            f"count(*) filter (where {holds} and not {inside})",
            f"count(*) filter (where not {holds} and {inside})",
        ]
        row = self.con.execute(f"select {', '.join(counts)} from {INSPECTED}").fetchone()
        assert row is not None  # noqa: S101 - an aggregate gives one row
        steps, before = [], self.members
        for i, term in enumerate(ands):
            alone, left = row[2 * i], row[2 * i + 1]
            steps.append(Kept(term.text, alone, left, before - left))
            before = left
            for j, other in enumerate(eithers):
                if other.part == term.part or term is whole:
                    count = row[2 * len(ands) + j]
                    steps.append(Kept(other.text, count, count, self.members - count, either=True))
        of_segment = whole.role == "when"
        return Funnel(
            whole.segment_id,
            whole.role,
            steps,
            row[-3],
            row[-2] if of_segment else None,
            row[-1] if of_segment else None,
        )

    def _inside(self, whole: Asked) -> str:
        """Whether a member ends in the segment that a condition is of."""
        if whole.segment_id is None:
            return "false"
        segment = literal(whole.segment_id)
        result = quote(RESULT)
        held = (
            f"{result} = {segment}" if self.segmentation.exclusive else f"list_contains({result}, {segment})"
        )
        return f"coalesce({held}, false)"

    def overlaps(self) -> list[Overlap]:
        """With the segments of today's record, the largest first; its own segmentation among them."""
        if not self.has_record:
            return []
        shared = load_query("segments/queries/overlap").filled(
            membership=Statement(self.membership.sql), recorded=Table(assignment.VIEW)
        )
        found = self._rows(
            shared,
            wanted=[label["segment_id"] for label in self.wanted],
        )
        made = [
            Overlap(**row, jaccard=row["shared"] / (row["size"] + row["other_size"] - row["shared"]))
            for row in found
        ]
        return sorted(
            made, key=lambda o: (o.segment_id, -o.jaccard, o.other_segmentation_id, o.other_segment_id)
        )

    def _rows(self, sql: str, **more: Any) -> list[dict[str, Any]]:
        given = {
            **self.membership.parameters,
            "day": self.day,
            "entity": self.entity,
            "segmentation": self.segmentation.id,
            **more,
        }
        return rows(self.con, sql, bound(sql, given))

    def _value(self, sql: str) -> Any:
        row = self.con.execute(sql).fetchone()
        return row[0] if row else None


def _is_under(condition: Asked, whole: Asked) -> bool:
    """Whether a question is a term of a whole condition: `~3.1` is one of `~3`."""
    return condition is not whole and condition.column.startswith(f"{whole.column}.")


def _cut_points(
    con: duckdb.DuckDBPyConnection, day: date, segmentation: Segmentation
) -> list[dict[str, Any]]:
    """Where scores and tiers are cut on the day."""
    if not segmentation.compiled.cuts:
        return []
    features = {cut.name: cut.feature for cut in segmentation.compiled.cuts}
    return [
        {"name": name, "position": position, "value": value, "feature": features[name]}
        for name, points in cuts.computed(DuckDB(con), day, segmentation.id).items()
        if name in features
        for position, value in enumerate(points, start=1)
    ]
