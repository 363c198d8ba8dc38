"""Cut points of a day, from the values and how many members have each: exact, without ranking everyone.

`segments.cut_point` keeps them, a row a position; a value is kept as text, which is exact for every type, and
NULL where no value reaches the position.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from pipelines.config.segments import Entity
from pipelines.engine import Statement, load_query, quote
from pipelines.segments.model import Cut, Needs, Segmentation
from pipelines.segments.select import relation

if TYPE_CHECKING:
    import duckdb

_BEFORE = "rows between unbounded preceding and 1 preceding"
TABLE = """
create table if not exists segments.cut_point (
    as_of_date date not null, segmentation_id varchar not null, name varchar not null,
    position bigint not null, value varchar
)
"""


def compute(con: duckdb.DuckDBPyConnection, day: date, segmentation: Segmentation) -> None:
    """Write the cut points of one segmentation for a day, in the place of those it had."""
    con.execute(
        "delete from segments.cut_point where as_of_date = $day and segmentation_id = $id",
        {"day": day, "id": segmentation.id},
    )
    for cut in segmentation.compiled.cuts:
        con.execute(
            "insert into segments.cut_point"
            " select cast($as_of as date), $segmentation, $name, position, value"
            f" from ({points(segmentation.entity, cut)})",
            {"as_of": day, "segmentation": segmentation.id, "name": cut.name},
        )


def points(entity: Entity, cut: Cut) -> str:
    """The SELECT of `position, value`."""
    value = quote(cut.feature)
    population = cut.population
    inside = f"coalesce({population.sql}, false)"
    members = relation(
        entity,
        population.columns,
        population.needs | Needs(frozenset({cut.feature})),
        f"{value} as value, {inside} as inside",
    )
    reached = _scores(cut, members) if cut.how == "score" else _tiers(cut, members)
    positions = ", ".join(str(i + 1) for i in range(cut.positions))
    return f"select unnest([{positions}]) as position, unnest([{reached[0]}]) as value from ({reached[1]})"


def _scores(cut: Cut, members: str) -> tuple[str, str]:
    """Score 1 + floor(bins x share strictly worse), the unknown worst of all."""
    order = "asc" if cut.better == "high" else "desc"
    worse = f"sum(members) over (order by value {order} nulls first {_BEFORE})"
    scored = load_query("segments/queries/scored_value").filled(
        bins=Statement(str(cut.bins)), worse=Statement(worse), members=Statement(members)
    )
    first = "min" if cut.better == "high" else "max"
    listed = ", ".join(
        f"cast({first}(value) filter (where score > {i + 1}) as varchar)" for i in range(cut.positions)
    )
    return listed, scored


def _tiers(cut: Cut, members: str) -> tuple[str, str]:
    """The smallest value of which those above bring less than the tier's share of the total."""
    summed = load_query("segments/queries/summed_value").filled(members=Statement(members))
    listed = ", ".join(
        f"cast(min(value) filter (where above < cast({share!r} as double) * total) as varchar)"
        for share in cut.until
    )
    return listed, summed
