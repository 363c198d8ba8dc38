"""What a definition says of other segmentations: `in_segment('lifecycle.loyal')` and `score('rfm.r')`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pipelines.config.expression import Place
from pipelines.config.segments import Entity
from pipelines.config.yaml import nearest
from pipelines.engine import literal, quote
from pipelines.segments.author import segment_of
from pipelines.segments.conditions import Function, Term
from pipelines.segments.model import OWN, Column, Segmentation
from pipelines.segments.words import Named


@dataclass(frozen=True)
class References:
    """The references in the conditions of the definition `author`; `refer` compiles what they name.

    `of_company` says that the company of those whom the definition divides is asked.
    """

    refer: Callable[[str, Place, int | None], Segmentation]
    entity: Entity
    author: str
    own: Function | None
    of_company: bool = False

    def segment(self, text: str, place: Place, at: int | None) -> Term:
        """Whether a member is in a segment, as a boolean column."""
        name, segment = _two(text, "in_segment('lifecycle.loyal')", place, at)
        if name == self.author:
            if self.own is None:
                raise place.fault(f"in_segment('{text}') refers to {name} itself", at)
            return self.own(segment, place, at)
        found = self._found(name, place, at)
        segment_of(found, segment, place, at)
        held, wanted = quote(found.compiled.result.name), literal(segment)
        sql = f"{held} = {wanted}" if found.exclusive else f"list_contains({held}, {wanted})"
        column = Column(f"{OWN}in {name}.{segment}", sql, reads=(found.compiled.result,))
        return Term(
            Named(column.name, "BOOLEAN", written=f"in_segment('{text}')"),
            columns=(column,),
            uses=frozenset({name}),
        )

    def score(self, text: str, place: Place, at: int | None) -> Term:
        """A score of another segmentation, a number."""
        name, score = _two(text, "score('rfm.r')", place, at)
        if name == self.author:
            raise place.fault(f"score('{text}') refers to {name} itself; expected {score} alone", at)
        found = self._found(name, place, at)
        scores = dict(found.compiled.scores)
        if score not in scores:
            known = f" (known: {', '.join(scores)})" if scores else ": it scores nothing"
            raise place.fault(f"{name} has no score {score}{nearest(score, scores)}{known}", at)
        column = scores[score]
        return Term(
            Named(column.name, "BIGINT", "points", f"score('{text}')"),
            columns=(column,),
            uses=frozenset({name}),
        )

    def _found(self, name: str, place: Place, at: int | None) -> Segmentation:
        found = self.refer(name, place, at)
        if found.entity != self.entity:
            raise place.fault(f"{name} divides {found.entity}s, and {self._expected(found)}", at)
        return found

    def _expected(self, found: Segmentation) -> str:
        if self.of_company:
            return "account.… asks of accounts"
        hint = "; their company's is account.in_segment('…')" if found.entity == "account" else ""
        return f"this segmentation divides {self.entity}s{hint}"


def _two(text: str, example: str, place: Place, at: int | None) -> tuple[str, str]:
    first, dot, second = text.partition(".")
    if not (first and dot and second) or "." in second:
        raise place.fault(f"'{text}' is not of the form segmentation.part; expected such as {example}", at)
    return first, second
