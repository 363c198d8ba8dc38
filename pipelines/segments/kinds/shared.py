"""What the kinds have in common: labels, and what their conditions read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pipelines.config.segments import Labelled
from pipelines.engine import literal
from pipelines.segments.author import Author
from pipelines.segments.model import OWN, Clause, Column

_NOTHING = "cast([] as varchar[])"


def segment_column(segmentation: str) -> str:
    """The column with the segment, or the list of segments, of a segmentation."""
    return f"{OWN}segment {segmentation}"


def labels_of(
    author: Author, *parts: tuple[str, Labelled | None] | tuple[str, Sequence[Labelled]]
) -> tuple[tuple[str, str, str], ...]:
    """Id, name and description of every segment in display order; ids and names must differ.

    Parameters
    ----------
    parts : setting of the file -> its segment or segments.
    """
    placed: list[tuple[tuple[str | int, ...], Labelled]] = []
    for setting, part in parts:
        if isinstance(part, Labelled):
            placed.append(((setting,), part))
        elif part is not None:
            placed += [((setting, i), segment) for i, segment in enumerate(part)]
    author.labels_differ([(place, segment.id, segment.name) for place, segment in placed])
    return tuple((segment.id, segment.name, segment.description) for _, segment in placed)


def reads_of(clauses: Iterable[Clause]) -> tuple[Column, ...]:
    """The derived columns that conditions read."""
    return tuple({column.name: column for clause in clauses for column in clause.condition.columns}.values())


def uses_of(clauses: Iterable[Clause]) -> frozenset[str]:
    """The segmentations that conditions refer to."""
    return frozenset(name for clause in clauses for name in clause.condition.uses)


def those_that_hold(segments: Iterable[tuple[str, str]]) -> str:
    """The list of the segments, given each with a boolean expression, whose expression is true."""
    lists = [
        f"case when {holds} then [{literal(segment)}] else {_NOTHING} end" for segment, holds in segments
    ]
    return f"list_concat({_NOTHING}, {', '.join(lists)})"
