"""Tiers: members in descending order of one feature, cut where their sum reaches a share of the total.

A member is in the first tier that ends above the share of those strictly more valuable; so equal values share
a tier, and a tier begins at a cut point (see cuts.py).
"""

from __future__ import annotations

from pipelines.config.segments import Tiers
from pipelines.engine import literal, quote
from pipelines.segments.author import Author
from pipelines.segments.kinds.shared import labels_of, segment_column
from pipelines.segments.members import EVERYONE
from pipelines.segments.model import Column, Compiled, Cut, CutColumn, Needs


def compile_tiers(definition: Tiers, author: Author) -> Compiled:
    """One CASE over the cut points; a single tier needs none."""
    labels = labels_of(author, ("tiers", definition.tiers), ("otherwise", definition.otherwise))
    by = author.number(definition.by, "by")
    value, kind = quote(by.named.column), by.named.type
    until = tuple(tier.until for tier in definition.tiers[:-1])
    points = [CutColumn(author.id, "value", i, kind) for i in range(1, len(until) + 1)]
    branches = [f"when not coalesce({value} > 0, false) then {literal(definition.otherwise.id)}"]
    branches += [
        f"when {value} >= {quote(point.name)} then {literal(tier.id)}"
        for point, tier in zip(points, definition.tiers, strict=False)
    ]
    sql = f"case {' '.join(branches)} else {literal(definition.tiers[-1].id)} end"
    cuts = (Cut("value", by.named.column, kind, "tier", EVERYONE, until=until),) if until else ()
    return Compiled(
        Column(segment_column(author.id), sql, by.needs | Needs(cuts=frozenset(points))),
        labels,
        [
            "tiers",
            by.named.column,
            [[tier.id, tier.until] for tier in definition.tiers],
            definition.otherwise.id,
        ],
        cuts=cuts,
    )
