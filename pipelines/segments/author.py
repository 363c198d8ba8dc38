"""One definition being compiled: where its faults are, what its conditions may name, how they are read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pipelines.config.expression import Place
from pipelines.config.segments import AnyDefinition
from pipelines.config.yaml import line_of, nearest, read_yaml
from pipelines.engine import quote
from pipelines.errors import ConfigError
from pipelines.segments.conditions import Function, Names, Reader, Term, place_in
from pipelines.segments.model import Condition, Segmentation
from pipelines.segments.words import kind_of_type


class Refer(Protocol):
    """Finds another segmentation by its id; `where` is where it is named."""

    def __call__(self, name: str, place: Place, at: int | None = None) -> Segmentation: ...


MakeReader = Callable[[Mapping[str, Term], "Function | None"], Reader]


def where_in(path: Path, *place: str | int) -> str:
    """File, line and place, as faults begin."""
    line = line_of(read_yaml(path), place)
    return f"{path}:{line}: {'.'.join(str(part) for part in place)}"


@dataclass(frozen=True)
class Author:
    """A definition and what its compiler asks for.

    `names` are the features of its entity; `reader` makes a reader of conditions over them and over more
    terms, such as the scores of the same file.
    """

    definition: AnyDefinition
    path: Path
    root: Path
    names: Names
    make_reader: MakeReader
    refer: Refer

    @property
    def id(self) -> str:
        return self.definition.segmentation

    def fault(self, what: str, *place: str | int) -> ConfigError:
        return ConfigError(f"{where_in(self.path, *place)}: {what}")

    def condition(
        self,
        text: str,
        *place: str | int,
        terms: Mapping[str, Term] | None = None,
        own: Function | None = None,
    ) -> Condition:
        """Check the condition that stands at a place of the file.

        Parameters
        ----------
        terms : names known beside the features.
        own : answers `in_segment` of this very segmentation, by segment; None where nothing may ask that.
        """
        return self.make_reader(terms or {}, own).read(text, place_in(where_in(self.path, *place), text))

    def number(self, name: str, *place: str | int) -> Term:
        """The feature `name`, which must be a number."""
        at = Place(where_in(self.path, *place), name, pointing=True)
        term = self.names.term(name, at, None)
        if kind_of_type(term.named.type) != "number" or not term.needs.features:
            raise self.fault(f"{name} is {term.named.type}; expected a number", *place)
        return term

    def column(self, term: Term) -> str:
        return quote(term.named.column)

    def labels_differ(self, labels: list[tuple[tuple[str | int, ...], str, str]]) -> None:
        """Refuse an id or a name that two segments share; `labels` has place, id and name of each."""
        seen: set[tuple[str, str]] = set()
        for place, segment, name in labels:
            for what, value in (("id", segment), ("name", name)):
                if (what, value) in seen:
                    raise self.fault(
                        f"{value} is the {what} of an earlier segment too; {what}s must differ", *place, what
                    )
                seen.add((what, value))


def segment_of(segmentation: Segmentation, segment: str, place: Place, at: int | None) -> None:
    """Refuse a segment that a segmentation does not have.

    Parameters
    ----------
    segment : the id of the segment.
    place : where in the definition the name is, for messages.
    at : the position in the text of the condition.
    """
    known = [label[0] for label in segmentation.compiled.labels]
    if segment not in known:
        listed = f" (known: {', '.join(known[:40])})"
        raise place.fault(f"{segmentation.id} has no segment {segment}{nearest(segment, known)}{listed}", at)
