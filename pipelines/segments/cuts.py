"""Cut points of a day, from the values and how many members have each: exact, without ranking everyone.

`segments.cut_point` keeps them, a row a position; a value is kept as text, which is exact for every type, and
NULL where no value reaches the position.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date

from pipelines.config.segments import Entity
from pipelines.engine import Engine, Statement, load_query, quote
from pipelines.segments.model import Cut, Needs, Segmentation
from pipelines.segments.select import bindings, relation

TABLE = "segments.cut_point"
COLUMNS = {
    "as_of_date": "date not null",
    "segmentation_id": "varchar not null",
    "name": "varchar not null",
    "position": "bigint not null",
    "value": "varchar",
}
_BEFORE = "rows between unbounded preceding and 1 preceding"


def ensure(engine: Engine) -> None:
    """Create the table where it is missing."""
    engine.ensure(TABLE, COLUMNS)


def compute(engine: Engine, day: date, segmentation: Segmentation) -> None:
    """Write the cut points of one segmentation for a day, in the place of those it had."""
    engine.delete(TABLE, "as_of_date = $day and segmentation_id = $id", {"day": day, "id": segmentation.id})
    for cut in segmentation.compiled.cuts:
        sql = points(segmentation.entity, cut)
        whose = {"segmentation": segmentation.id, "name": cut.name}
        engine.store(TABLE, sql, "append", bindings(sql, day) | whose, fits=True)


def computed(engine: Engine, day: date, segmentation: str) -> dict[str, list[str | None]]:
    """Name -> the cut points of one segmentation on a day in their order; empty where none were computed."""
    if not engine.columns(TABLE):
        return {}
    rows = engine.rows(
        f"select name, value from {TABLE} where as_of_date = $day and segmentation_id = $id"
        " order by name, position",
        {"day": day, "id": segmentation},
    )
    found: dict[str, list[str | None]] = {}
    for row in rows:
        found.setdefault(row["name"], []).append(row["value"])
    return found


def forget(engine: Engine, keep: Collection[date]) -> None:
    """Drop the cut points of days that are neither recorded nor kept."""
    if engine.columns(TABLE):
        engine.delete(
            TABLE,
            "as_of_date not in (select unnest($keep::date[]))"
            " and as_of_date not in (select as_of_date from segments.recorded_day)",
            {"keep": list(keep)},
        )


def points(entity: Entity, cut: Cut) -> str:
    """The SELECT of the rows of one cut; it binds the day, `$segmentation` and `$name`."""
    value = quote(cut.feature)
    population = cut.population
    inside = f"coalesce({population.sql}, false)"
    members = relation(
        entity,
        population.columns,
        population.needs | Needs(frozenset({cut.feature})),
        f"{value} as value, {inside} as inside",
    )
    reached, source = _scores(cut, members) if cut.how == "score" else _tiers(cut, members)
    return load_query("segments/queries/cut_point").filled(point=Statement(_one_a_row(reached, source)))


def _one_a_row(reached: Sequence[str], source: str) -> str:
    """`position, value` of aggregates over a source: computed in one pass, each then a row of its own."""
    listed = ", ".join(f"{value} as at_{i}" for i, value in enumerate(reached, start=1))
    values = " ".join(f"when {i} then at_{i}" for i in range(1, len(reached) + 1))
    positions = ", ".join(f"({i})" for i in range(1, len(reached) + 1))
    return (
        f"select p.position, case p.position {values} end as value"
        f" from (select {listed} from ({source})) as r cross join (values {positions}) as p(position)"
    )


def _scores(cut: Cut, members: str) -> tuple[list[str], str]:
    """Score 1 + floor(bins x share strictly worse), the unknown worst of all."""
    order = "asc" if cut.better == "high" else "desc"
    worse = f"sum(members) over (order by value {order} nulls first {_BEFORE})"
    scored = load_query("segments/queries/scored_value").filled(
        bins=Statement(str(cut.bins)), worse=Statement(worse), members=Statement(members)
    )
    first = "min" if cut.better == "high" else "max"
    listed = [f"cast({first}(value) filter (where score > {i + 1}) as varchar)" for i in range(cut.positions)]
    return listed, scored


def _tiers(cut: Cut, members: str) -> tuple[list[str], str]:
    """The smallest value of which those above bring less than the tier's share of the total."""
    summed = load_query("segments/queries/summed_value").filled(members=Statement(members))
    listed = [
        f"cast(min(value) filter (where above < cast({share!r} as double) * total) as varchar)"
        for share in cut.until
    ]
    return listed, summed
