"""Scores over a population, by quantile or by fixed cut points, and segments by conditions over them.

The score of a value by quantile is 1 + floor(bins x share of the population that is strictly worse), so ties
stay together; an unknown value is worse than any other and has no score. It rises with the value, so it is
1 + the number of cut points reached; those are found from the values and their counts (see cuts.py).
"""

from __future__ import annotations

from typing import Any

from pipelines.config.segments import Score, Scores
from pipelines.engine import literal, quote
from pipelines.segments.author import Author
from pipelines.segments.conditions import Term
from pipelines.segments.kinds.cases import decide
from pipelines.segments.kinds.shared import labels_of, reads_of, segment_column, uses_of
from pipelines.segments.model import (
    AS_OF,
    KEY,
    OWN,
    Clause,
    Column,
    Compiled,
    Condition,
    Cut,
    CutColumn,
    Needs,
)
from pipelines.segments.words import Named


def compile_scores(definition: Scores, author: Author) -> Compiled:
    """A column a score, and a CASE over them."""
    labels = labels_of(
        author,
        ("segments", definition.segments),
        ("otherwise", definition.otherwise),
        ("outside", definition.outside),
    )
    population = author.condition(definition.population, "population")
    inside = Column(
        f"{OWN}scored {author.id}", f"coalesce({population.sql}, false)", population.needs, population.columns
    )
    columns, cuts, identity = {}, [], []
    for name, score in definition.scores.items():
        _name_is_free(name, author)
        feature = author.number(score.feature, "scores", name, "feature")
        column, cut = _score(author, name, score, feature, population, inside)
        columns[name] = column
        cuts += [cut] if cut else []
        points = [f"{point:f}" for point in score.cuts] if score.cuts else score.bins
        identity.append([name, feature.named.column, score.better, points])
    terms = {
        name.lower(): Term(Named(column.name, "BIGINT", "points", name), columns=(column,))
        for name, column in columns.items()
    }
    sql, needs, clauses, conditions = decide(author, definition.segments, definition.otherwise.id, terms)
    written = f"case when not {quote(inside.name)} then {literal(definition.outside.id)} else {sql} end"
    clauses.insert(0, Clause(None, "population", population))
    return Compiled(
        Column(segment_column(author.id), written, needs, (inside, *reads_of(clauses))),
        labels,
        ["scores", population.sql, identity, conditions, definition.outside.id],
        clauses=tuple(clauses),
        cuts=tuple(cuts),
        scores=tuple(columns.items()),
        uses=uses_of(clauses),
    )


def _name_is_free(name: str, author: Author) -> None:
    taken = {*author.names.known, *(absent.lower() for absent in author.names.absent), AS_OF, *KEY.values()}
    if name in taken:
        raise author.fault(
            f"the score is named like a column of features.{author.definition.entity}; expected another name",
            "scores",
            name,
        )


def _score(
    author: Author, name: str, score: Score, feature: Term, population: Condition, inside: Column
) -> tuple[Column, Cut | None]:
    """The column of one score, and the cut points it needs computed."""
    value, reached = quote(feature.named.column), ">=" if score.better == "high" else "<="
    needs, cut = feature.needs, None
    points: list[Any]
    if score.cuts is not None:
        points = [f"{point:f}" for point in score.cuts]
    else:
        cut = Cut(
            name, feature.named.column, feature.named.type, "score", population, score.better, score.bins
        )
        found = [CutColumn(author.id, name, i + 1, feature.named.type) for i in range(cut.positions)]
        needs |= Needs(cuts=frozenset(found))
        points = [quote(point.name) for point in found]
    # A point that nobody's value reaches is NULL, and then not reached.
    counted = " + ".join(f"cast(coalesce({value} {reached} {point}, false) as bigint)" for point in points)
    sql = f"case when {quote(inside.name)} and {value} is not null then 1 + {counted} end"
    return Column(f"{OWN}score {author.id}.{name}", sql, needs, (inside,)), cut
