"""Rules: exclusive segments by conditions, and `otherwise` for the rest."""

from __future__ import annotations

from pipelines.config.segments import Rules
from pipelines.segments.author import Author
from pipelines.segments.kinds.cases import decide
from pipelines.segments.kinds.shared import labels_of, reads_of, segment_column, uses_of
from pipelines.segments.model import Column, Compiled


def compile_rules(definition: Rules, author: Author) -> Compiled:
    """One CASE over conditions."""
    labels = labels_of(author, ("segments", definition.segments), ("otherwise", definition.otherwise))
    sql, needs, clauses, identity = decide(author, definition.segments, definition.otherwise.id)
    return Compiled(
        Column(segment_column(author.id), sql, needs, reads_of(clauses)),
        labels,
        ["rules", *identity],
        clauses=tuple(clauses),
        uses=uses_of(clauses),
    )
