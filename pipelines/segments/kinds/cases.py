"""Exclusive segments by conditions: the first that holds wins, and who stands in one may stay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pipelines.config.segments import Segment
from pipelines.engine import literal, quote
from pipelines.segments.author import Author
from pipelines.segments.conditions import Term
from pipelines.segments.model import AS_OF, Clause, Needs, Standing


def decide(
    author: Author, segments: Sequence[Segment], rest: str, terms: Mapping[str, Term] | None = None
) -> tuple[str, Needs, list[Clause], list[Any]]:
    """The CASE that gives the segment, what it needs, its conditions, and what in it can move a member.

    A condition that is NULL does not hold. With `exit`, who stands in the segment stays until it holds; with
    `dwell_days`, who has stood in it for less stays before anything else is asked.

    Parameters
    ----------
    author : the definition that is compiled.
    segments : the segments, in the order in which they are asked.
    rest : the id of the segment for everyone else.
    terms : names that the condition may use beside features, such as scores.
    """
    standing = Standing(author.id)
    stays: list[str] = []
    branches: list[str] = []
    identity: list[Any] = []
    clauses: list[Clause] = []
    needs = Needs()
    for i, segment in enumerate(segments):
        when = author.condition(segment.when, "segments", i, "when", terms=terms)
        clauses.append(Clause(segment.id, "when", when))
        needs |= when.needs
        holds, leaving = f"({when.sql})", ""
        stands = f"{quote(standing.segment_name)} = {literal(segment.id)}"
        if segment.exit is not None:
            leave = author.condition(segment.exit, "segments", i, "exit", terms=terms)
            clauses.append(Clause(segment.id, "exit", leave))
            needs |= leave.needs | Needs(standings=frozenset({standing}))
            holds, leaving = f"{holds} or ({stands} and not coalesce({leave.sql}, false))", leave.sql
        if segment.dwell_days:
            needs |= Needs(standings=frozenset({standing}))
            stays.append(
                f"when {stands} and {stood_less(standing, segment.dwell_days)} then {literal(segment.id)}"
            )
        branches.append(f"when {holds} then {literal(segment.id)}")
        identity.append([segment.id, when.sql, leaving, segment.dwell_days])
    identity.append(rest)
    return f"case {' '.join([*stays, *branches])} else {literal(rest)} end", needs, clauses, identity


def stood_less(standing: Standing, days: int) -> str:
    """Whether a member entered fewer than so many days ago."""
    return f"date_diff('day', {quote(standing.since_name)}, {AS_OF}) < {days}"
