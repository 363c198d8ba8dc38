"""Combinations: exclusive segmentations crossed, every combination a segment or one of several in a group."""

from __future__ import annotations

from itertools import product

from pipelines.config.segments import Combination
from pipelines.config.yaml import nearest
from pipelines.engine import literal, quote
from pipelines.segments.author import Author, segment_of, where_in
from pipelines.segments.conditions import place_in
from pipelines.segments.kinds.shared import segment_column
from pipelines.segments.model import Column, Compiled, Segmentation

JOINT, BETWEEN = "__", " × "
MOST = 1_000
Label = tuple[str, str, str]


def compile_combination(definition: Combination, author: Author) -> Compiled:
    """One CASE over the columns of the segmentations that are combined."""
    parts = [_part(definition, author, i) for i in range(len(definition.of))]
    combined = _combinations(definition, author, parts)
    assigned, labels = _grouped(definition, author, parts, combined)
    columns = [quote(part.compiled.result.name) for part in parts]
    branches = [
        "when "
        + " and ".join(
            f"{column} = {literal(segment)}" for column, segment in zip(columns, chosen, strict=True)
        )
        + f" then {literal(segment)}"
        for chosen, segment in assigned.items()
    ]
    return Compiled(
        Column(
            segment_column(author.id),
            f"case {' '.join(branches)} end",
            reads=tuple(part.compiled.result for part in parts),
        ),
        labels,
        ["combination", [part.id for part in parts], sorted(assigned.items())],
        uses=frozenset(part.id for part in parts),
    )


def _part(definition: Combination, author: Author, i: int) -> Segmentation:
    name = definition.of[i]
    if name in definition.of[:i]:
        raise author.fault(f"{name} is named twice", "of", i)
    found = author.refer(name, place_in(where_in(author.path, "of", i), name))
    if not found.exclusive:
        raise author.fault(
            f"{name} puts a member in several segments; expected an exclusive segmentation", "of", i
        )
    return found


def _combinations(
    definition: Combination, author: Author, parts: list[Segmentation]
) -> dict[tuple[str, ...], Label]:
    """Combination of ids -> its own id, name and description."""
    labels = [part.compiled.labels for part in parts]
    size = 1
    for label in labels:
        size *= len(label)
    if size > MOST:
        raise author.fault(f"makes {size:,} combinations; expected at most {MOST:,}", "of")
    found: dict[tuple[str, ...], Label] = {}
    for chosen in product(*labels):
        segment = JOINT.join(label[0] for label in chosen)
        name = definition.names.get(segment, BETWEEN.join(label[1] for label in chosen))
        found[tuple(label[0] for label in chosen)] = (segment, name, "")
    known = [label[0] for label in found.values()]
    for segment in definition.names:
        if segment not in known:
            raise author.fault(f"is no combination{nearest(segment, known)}", "names", segment)
    return found


def _grouped(
    definition: Combination,
    author: Author,
    parts: list[Segmentation],
    combined: dict[tuple[str, ...], Label],
) -> tuple[dict[tuple[str, ...], str], tuple[Label, ...]]:
    """Combination -> segment, and the segments: groups, then combinations of their own or `otherwise`."""
    assigned: dict[tuple[str, ...], str] = {}
    placed: list[tuple[tuple[str | int, ...], Label]] = []
    for i, group in enumerate(definition.groups):
        before = len(assigned)
        for j, wanted in enumerate(group.of):
            for chosen in _matching(author, parts, wanted, combined, ("groups", i, "of", j)):
                assigned.setdefault(chosen, group.id)
        if len(assigned) == before:
            raise author.fault("earlier groups take every combination of this one", "groups", i)
        placed.append((("groups", i), (group.id, group.name, group.description)))
    rest = definition.otherwise
    if rest is not None and not (definition.groups and len(assigned) < len(combined)):
        raise author.fault(
            "nothing is left for it: every combination is a segment or in a group", "otherwise"
        )
    for chosen, label in combined.items():
        if chosen not in assigned:
            assigned[chosen] = rest.id if rest else label[0]
            if rest is None:
                placed.append((("of",), label))
    if rest is not None:
        placed.append((("otherwise",), (rest.id, rest.name, rest.description)))
    author.labels_differ([(place, label[0], label[1]) for place, label in placed])
    return assigned, tuple(label for _, label in placed)


def _matching(
    author: Author,
    parts: list[Segmentation],
    wanted: list[str],
    combined: dict[tuple[str, ...], Label],
    place: tuple[str | int, ...],
) -> list[tuple[str, ...]]:
    """The combinations that a group names, `*` for any segment."""
    if len(wanted) != len(parts):
        names = ", ".join(part.id for part in parts)
        raise author.fault(f"names {len(wanted)} segments; expected one of each of {names}", *place)
    for part, segment in zip(parts, wanted, strict=True):
        if segment != "*":
            segment_of(part, segment, place_in(where_in(author.path, *place), segment), None)
    return [
        chosen
        for chosen in combined
        if all(wish in ("*", own) for wish, own in zip(wanted, chosen, strict=True))
    ]
