"""Audiences: groups that may overlap, with exclusions, priorities, and a limit on how many a member is in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pipelines.config.expression import Place
from pipelines.config.segments import Audience, Audiences
from pipelines.config.yaml import nearest
from pipelines.engine import quote
from pipelines.segments.author import Author
from pipelines.segments.conditions import Term
from pipelines.segments.kinds.cases import stood_less
from pipelines.segments.kinds.shared import labels_of, reads_of, segment_column, those_that_hold, uses_of
from pipelines.segments.model import OWN, Clause, Column, Compiled, Needs, Standing
from pipelines.segments.words import Named


def compile_audiences(definition: Audiences, author: Author) -> Compiled:
    """A boolean column an audience, and the list of those that hold."""
    labels = labels_of(author, ("audiences", definition.audiences))
    members = _Members(definition, author)
    columns = [members.column(i) for i in range(len(definition.audiences))]
    held = [quote(column.name) for column in columns]
    if definition.at_most is not None:
        held = _limited(definition.audiences, held, definition.at_most)
    result = Column(
        segment_column(author.id),
        those_that_hold(zip(members.ids, held, strict=True)),
        reads=tuple(columns),
    )
    return Compiled(
        result,
        labels,
        ["audiences", members.identity(), definition.at_most],
        exclusive=False,
        clauses=tuple(members.clauses()),
        uses=uses_of(members.clauses()),
    )


def _limited(audiences: Sequence[Audience], held: Sequence[str], at_most: int) -> list[str]:
    """Each audience holds if fewer than `at_most` of those before it do: by priority, then by position."""
    order = sorted(range(len(audiences)), key=lambda i: (-audiences[i].priority, i))
    limited = list(held)
    for place, i in enumerate(order):
        before = " + ".join(f"cast({held[j]} as integer)" for j in order[:place])
        if before:
            limited[i] = f"{held[i]} and {before} < {at_most}"
    return limited


class _Members:
    """The audiences of one file as columns; `exclude` may refer to others of them, but not in a circle."""

    def __init__(self, definition: Audiences, author: Author) -> None:
        self.audiences = definition.audiences
        self.author = author
        self.ids = [audience.id for audience in self.audiences]
        self.found: dict[int, Column] = {}
        self.parts: dict[int, tuple[list[Clause], list[Any]]] = {}
        self.path: list[int] = []

    def clauses(self) -> list[Clause]:
        return [clause for i in sorted(self.parts) for clause in self.parts[i][0]]

    def identity(self) -> list[Any]:
        return [self.parts[i][1] for i in sorted(self.parts)]

    def column(self, i: int) -> Column:
        """Whether a member is in audience `i`, before the limit on how many it is in."""
        if i not in self.found:
            self.path.append(i)
            self.found[i] = self._compiled(i, self.audiences[i])
            self.path.pop()
        return self.found[i]

    def _compiled(self, i: int, audience: Audience) -> Column:
        place = ("audiences", i)
        when = self.author.condition(audience.when, *place, "when")
        clauses = [Clause(audience.id, "when", when)]
        standing, needs = Standing(self.author.id, audience.id), when.needs
        since = quote(standing.since_name)
        holds, leaving, excluded = f"coalesce({when.sql}, false)", "", ""
        if audience.exit is not None:
            leave = self.author.condition(audience.exit, *place, "exit")
            clauses.append(Clause(audience.id, "exit", leave))
            needs |= leave.needs | Needs(standings=frozenset({standing}))
            leaving = leave.sql
            holds = f"({holds} or ({since} is not null and not coalesce({leave.sql}, false)))"
        if audience.dwell_days:
            needs |= Needs(standings=frozenset({standing}))
            holds = f"({holds} or coalesce({stood_less(standing, audience.dwell_days)}, false))"
        if audience.exclude is not None:
            out = self.author.condition(audience.exclude, *place, "exclude", own=self._other)
            clauses.append(Clause(audience.id, "exclude", out))
            needs |= out.needs
            excluded = out.sql
            holds = f"{holds} and not coalesce({out.sql}, false)"
        identity = [audience.id, when.sql, leaving, excluded, audience.dwell_days, audience.priority]
        self.parts[i] = clauses, identity
        return Column(f"{OWN}audience {self.author.id}.{audience.id}", holds, needs, reads_of(clauses))

    def _other(self, segment: str, place: Place, at: int | None) -> Term:
        """`in_segment` of another audience of this file."""
        if segment not in self.ids:
            raise place.fault(
                f"{self.author.id} has no segment {segment}{nearest(segment, self.ids)}"
                f" (known: {', '.join(self.ids)})",
                at,
            )
        i = self.ids.index(segment)
        if i in self.path:
            circle = " -> ".join(self.ids[j] for j in [*self.path[self.path.index(i) :], i])
            raise place.fault(f"audiences exclude each other in a cycle: {circle}", at)
        column = self.column(i)
        return Term(
            Named(column.name, "BOOLEAN", written=f"in_segment('{self.author.id}.{segment}')"),
            columns=(column,),
        )
