"""Who moves when a definition is edited: two dry assignments of the same day, side by side."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

from pipelines.engine import Statement, Table, bound, columns_of, load_query, quote, rows
from pipelines.segments.dry import members_of
from pipelines.segments.model import KEY, Segmentation

if TYPE_CHECKING:
    import duckdb

WORTH = "revenue_365d"
Status = Literal["added", "removed", "changed"]


@dataclass(frozen=True)
class SegmentChange:
    """One segment on both sides: `after = before + added - removed`, and `unchanged` stay in it."""

    segment_id: str
    segment_name: str
    before: int
    after: int
    added: int
    removed: int
    unchanged: int


@dataclass(frozen=True)
class Flow:
    """Members who go from one segment to another; None is nowhere. `revenue` is theirs of 365 days."""

    from_segment: str | None
    to_segment: str | None
    members: int
    revenue: Decimal | None
    sample: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Change:
    """What an edit of one segmentation does to the members of a day.

    `moved` counts each member once; `revenue` is theirs of the last 365 days, None where that is no feature.
    """

    segmentation_id: str
    segmentation_name: str
    entity: str
    status: Status
    version_before: str | None
    version_after: str | None
    members: int
    moved: int
    revenue: Decimal | None
    segments: list[SegmentChange]
    flows: list[Flow]


def compare(
    con: duckdb.DuckDBPyConnection,
    day: date,
    old: Segmentation | None,
    new: Segmentation | None,
    old_table: str,
    new_table: str,
    *,
    sample: int = 0,
) -> Change:
    """Compare one segmentation of two dry assignments; a side that does not have it is None.

    Parameters
    ----------
    old : the segmentation before the edit.
    new : the segmentation after it.
    old_table, new_table : the tables `old` and `new` were assigned to.
    sample : how many members of each flow to name.
    """
    one = new or old
    assert one is not None  # noqa: S101 - there is a segmentation to compare
    entity = one.entity
    worth = WORTH in {name for name, _ in columns_of(con, f"features.{entity}")}
    _both_sides(con, day, entity, _side(old, old_table), _side(new, new_table), worth)
    counted = rows(
        con,
        "select segment_id, count(*) filter (where was) as before, count(*) filter (where is_now) as after,"
        " count(*) filter (where was and is_now) as unchanged from dry_sides group by segment_id",
    )
    sizes = {row.pop("segment_id"): row for row in counted}
    moved = con.execute(
        "select count(*), sum(worth) from (select entity_id, any_value(worth) as worth from dry_sides"
        " where was <> is_now group by entity_id)"
    ).fetchone()
    everyone = con.execute(f"select count(*) from features.{entity} where as_of_date = ?", [day]).fetchone()
    assert moved is not None and everyone is not None  # noqa: S101 - aggregates give one row
    return Change(
        one.id,
        one.name,
        entity,
        "added" if old is None else "removed" if new is None else "changed",
        old.version if old else None,
        new.version if new else None,
        everyone[0],
        moved[0],
        (moved[1] if moved[1] is not None else Decimal(0)) if worth else None,
        [_change(segment, name, sizes.get(segment, {})) for segment, name in _labels(old, new).items()],
        _flows(con, old, new, worth, sample),
    )


def _side(segmentation: Segmentation | None, table: str) -> str:
    if segmentation is None:
        return "select cast(null as varchar) as segment_id, cast(null as varchar) as entity_id where false"
    return members_of(segmentation, table).sql


def _both_sides(
    con: duckdb.DuckDBPyConnection, day: date, entity: str, before: str, after: str, worth: bool
) -> None:
    """`dry_sides`: a row for each member and segment of either side."""
    value = f"f.{quote(WORTH)}" if worth else "cast(null as decimal(18, 4))"
    sides = load_query("segments/queries/dry_member").filled(
        worth=Statement(value),
        before=Statement(before),
        after=Statement(after),
        features=Table(f"features.{entity}"),
        key=KEY[entity],
    )
    con.execute(f"create or replace temp table dry_sides as {sides}", bound(sides, {"day": day}))


def _labels(old: Segmentation | None, new: Segmentation | None) -> dict[str, str]:
    """Segments of both sides under today's names, in display order; those that go come last."""
    found: dict[str, str] = {}
    for side in (new, old):
        for segment, name, _ in side.compiled.labels if side else ():
            found.setdefault(segment, name)
    return found


def _change(segment: str, name: str, row: dict[str, int]) -> SegmentChange:
    before, after, unchanged = (row.get(part, 0) for part in ("before", "after", "unchanged"))
    return SegmentChange(segment, name, before, after, after - unchanged, before - unchanged, unchanged)


def _flows(
    con: duckdb.DuckDBPyConnection,
    old: Segmentation | None,
    new: Segmentation | None,
    worth: bool,
    sample: int,
) -> list[Flow]:
    """From where to where, the largest first; segments that may overlap have entering and leaving only."""
    exclusive = all(side is None or side.exclusive for side in (old, new))
    moves = load_query(f"segments/queries/{'move_of_member' if exclusive else 'step_of_member'}")
    flows = load_query("segments/queries/flow").filled(moves=moves)
    found: list[dict[str, Any]] = rows(con, flows, {"sample": sample})
    return [
        Flow(row["came"], row["goes"], row["members"], row["revenue"] if worth else None, row["ids"] or [])
        for row in found
    ]
