"""Conditions: a scalar expression over features, with calls of our own, checked and turned into SQL.

`in_segment('lifecycle.loyal')`, `score('rfm.r')` and `days_since(DATE)` are written like functions;
`did(…)`, `any_member(…)` and their like have labelled arguments (see calls.py). Each becomes a column, or an
expression over columns, so that what runs is a boolean expression over columns and nothing else.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from sqlglot import exp

from pipelines.config.expression import Place, offset_of, parse_scalar, to_sql
from pipelines.config.yaml import nearest
from pipelines.segments.binding import fault_of
from pipelines.segments.calls import Argument, Call, only, take_out
from pipelines.segments.model import AS_OF, Column, Condition, Needs, Part, merged
from pipelines.segments.words import Named, Words


@dataclass(frozen=True)
class Term:
    """What stands in a condition for a name or a call: a column, and what must be there to have it."""

    named: Named
    needs: Needs = field(default_factory=Needs)
    columns: tuple[Column, ...] = ()
    uses: frozenset[str] = frozenset()
    negated: bool = False


@dataclass(frozen=True)
class Names:
    """The names that conditions of one kind know.

    `known` has each by its lower-case name, `absent` what a name would need and the project lacks; `what` is
    what they are called, `help` where they are listed.
    """

    known: Mapping[str, Term]
    what: str
    absent: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    help: str = ""

    def term(self, name: str, place: Place, at: int | None) -> Term:
        """What a name stands for.

        Raises
        ------
        ConfigError
            Naming what it needs, or the nearest names.
        """
        found = self.known.get(name.lower())
        if found is not None:
            return found
        needs = self.absent.get(name) or self.absent.get(name.lower())
        if needs is not None:
            raise place.fault(f"{name} needs {' and '.join(needs)}, which no source of this project maps", at)
        spelt = [term.named.column for term in self.known.values()]
        raise place.fault(f"{name} is not {self.what}{nearest(name.lower(), spelt)}{self.help}", at)


Function = Callable[[str, Place, "int | None"], Term]
"""A function of one quoted text, such as `in_segment('lifecycle.loyal')`."""

Special = Callable[[Call, str, Place], Term]
"""A call with labelled arguments; gets the whole text in which it stands."""


class Owner(Protocol):
    """Reads what conditions say of whom the judged belong to: names behind `word` and a dot."""

    @property
    def word(self) -> str:
        """What stands before the dot."""

    def term(self, name: str, place: Place, at: int | None, called: Term | None = None) -> Term:
        """`account.industry`.

        Parameters
        ----------
        name : what stands behind the dot.
        place : where the condition stands, for messages.
        at : where the name stands in it.
        called : the term of the call that stands there instead of a name.
        """

    def joined(self, text: str, place: Place) -> str:
        """The text with functions behind the dot as one name, every character in its place."""

    def shown(self, function: str) -> str:
        """A function of this name as it is written."""


class Reader:
    """Reads conditions over some names; `functions` and `calls` are those allowed besides.

    `refused` says of calls that are known elsewhere why they cannot stand here. `owner` reads what is said of
    whom the judged belong to: `account.industry` of customers.
    """

    def __init__(
        self,
        names: Names,
        functions: Mapping[str, Function] | None = None,
        calls: Mapping[str, Special] | None = None,
        refused: Mapping[str, str] | None = None,
        owner: Owner | None = None,
    ) -> None:
        self.names = names
        self.functions = functions or {}
        self.calls = calls or {}
        self.refused = refused or {}
        self.owner = owner

    def read(self, text: str, place: Place) -> Condition:
        """Check one condition.

        Raises
        ------
        ConfigError
            Pointing at the place in the text.
        """
        try:
            return self._read(text, place)
        except RecursionError:
            raise place.fault("is nested too deeply") from None

    def read_argument(self, whole: str, argument: Argument, place: Place) -> Condition:
        """Check a condition that is an argument of a call, in its place in the whole text."""
        return self.read(only(whole, argument), place)

    def _read(self, text: str, place: Place) -> Condition:
        blanked, calls = take_out(text, place)
        terms = {call.stand_in: self._special(call, text, place) for call in calls}
        for name, why in self.refused.items():
            if name in self.functions or name in self.calls:
                raise AssertionError(f"{name} is both allowed and refused: {why}")
        if self.owner is not None:
            blanked = self.owner.joined(blanked, place)
        tree = parse_scalar(blanked, None, place, own={*self.functions, *self.refused, "days_since"})
        return self._compiled(text.strip(), exp.Paren(this=tree), terms, place)

    def _special(self, call: Call, text: str, place: Place) -> Term:
        if call.name not in self.calls:
            why = self.refused.get(call.name, f"{call.name} cannot stand here")
            raise place.fault(why, call.start)
        return self.calls[call.name](call, text, place)

    def _compiled(self, text: str, root: exp.Paren, terms: dict[str, Term], place: Place) -> Condition:
        used: dict[str, Term] = {}
        for column in list(root.find_all(exp.Column)):
            self._name(column, terms, used, place)
        for function in list(root.find_all(exp.Anonymous)):
            self._function(function, used, place)
        tree = root.this
        for node in tree.walk():
            node.comments = None
        words = Words(lambda column: used[column.name].named, place)
        words.check(tree)
        sql = to_sql(tree)
        fault = fault_of(sql, {name: term.named.type for name, term in sorted(used.items())})
        if fault:
            raise place.fault(fault)
        return Condition(
            text,
            sql,
            merged(term.needs for term in used.values()),
            tuple({column.name: column for term in used.values() for column in term.columns}.values()),
            frozenset().union(*(term.uses for term in used.values())),
            tuple(_part(term, words) for term in _terms(tree, exp.And)),
        )

    def _name(self, node: exp.Column, terms: dict[str, Term], used: dict[str, Term], place: Place) -> None:
        """Put the column of a name, or of a call that was taken out, in its place."""
        at = offset_of(node)
        called = None if node.this.quoted else terms.get(node.name)
        if self.owner is not None and node.table.lower() == self.owner.word:
            term = self.owner.term(node.name, place, at, called)
        elif node.table:
            shown = node.sql(dialect="duckdb")
            raise place.fault(f"{shown} is not {self.names.what}; expected a name without a dot", at)
        else:
            term = called or self.names.term(node.name, place, at)
        used[term.named.column] = term
        column = _column(term, at)
        node.replace(exp.Paren(this=exp.Not(this=column)) if term.negated else column)

    def _function(self, node: exp.Anonymous, used: dict[str, Term], place: Place) -> None:
        name, at = node.name.lower(), offset_of(node)
        if name in self.refused:
            raise place.fault(self.refused[name], at)
        if name == "days_since":
            node.replace(self._days_since(node, used, place))
        elif name in self.functions:
            given = node.expressions
            if len(given) != 1 or not (isinstance(given[0], exp.Literal) and given[0].is_string):
                written = self.owner.shown(name) if self.owner is not None else name
                example = f"{written}({_EXAMPLES[written.rpartition('.')[2]]})"
                raise place.fault(f"{written} takes one quoted text, such as {example}", at)
            term = self.functions[name](given[0].name, place, offset_of(given[0]))
            used[term.named.column] = term
            node.replace(_column(term, at))

    def _days_since(self, node: exp.Anonymous, used: dict[str, Term], place: Place) -> exp.Expr:
        at = offset_of(node)
        if len(node.expressions) != 1:
            raise place.fault("days_since takes one date, such as days_since(last_purchase_date)", at)
        given = node.expressions[0]
        words = Words(lambda column: used[column.name].named, place)
        if words.kind(given) not in ("date", "unknown", "nothing"):
            raise place.fault(f"days_since takes a date, and {words.says(given)}", offset_of(given))
        today = self.names.known[AS_OF]
        used[AS_OF] = today
        return exp.DateDiff(
            this=_column(today, at), expression=exp.cast(given.copy(), "date"), unit=exp.Var(this="DAY")
        )


_EXAMPLES = {"in_segment": "'lifecycle.loyal'", "score": "'rfm.r'"}


def _part(tree: exp.Expr, words: Words) -> Part:
    """A term, and the terms that it joins with OR."""
    alternatives = _terms(tree, exp.Or)
    inner = tuple(_part(alternative, words) for alternative in alternatives) if len(alternatives) > 1 else ()
    names = dict.fromkeys(column.name for column in tree.find_all(exp.Column))
    return Part(words.written(tree), to_sql(tree), tuple(names), inner)


def _terms(tree: exp.Expr, joined: type[exp.And | exp.Or]) -> list[exp.Expr]:
    """What a condition joins with AND, or with OR."""
    inner = tree.unnest()
    return [term.unnest() for term in inner.flatten()] if isinstance(inner, joined) else [inner]


def _column(term: Term, at: int | None) -> exp.Column:
    """The column of a term, which remembers where the name or call stood."""
    name = exp.Identifier(this=term.named.column, quoted=True)
    if at is not None:
        name.meta["start"] = at
    return exp.Column(this=name)


def today() -> Term:
    """`as_of_date`: the day as of which everything is judged."""
    return Term(Named(AS_OF, "DATE", "date"))


def own_name(kind: str, *content: object) -> str:
    """A column name of our own that stands for some content."""
    written = "|".join(str(part) for part in content)
    return f"~{kind} {hashlib.sha256(written.encode()).hexdigest()[:12]}"


def place_in(where: str, text: str) -> Place:
    """Where a condition stands; faults point into it."""
    return Place(where, text, pointing=True)
