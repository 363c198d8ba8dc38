"""`account.…` in a definition of customers: what the features and segments of their company say.

A customer's company is the one that the CRM names on the day, or else the account of the same id. Whoever has
none, or one that is not known by the day, has no value: no condition on it holds, and its opposite neither.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from pipelines.config.expression import Place
from pipelines.core.facts import past
from pipelines.engine import quote
from pipelines.segments.calls import tokens_of
from pipelines.segments.conditions import Function, Names, Term
from pipelines.segments.model import OWN, AccountColumn, Needs
from pipelines.segments.references import References

WORD = "account"
# `account.in_segment('size.large')` is read as a function of this name, with every character in its place.
_JOINT = "_"
_ASKED = re.compile(rf"{WORD}\.(in_segment|score)", re.IGNORECASE)


@dataclass(frozen=True)
class Company:
    """Reads what a condition on customers says of their company.

    `names` are the features of accounts, and `references` reads segmentations of them. `lacking` says why
    there are none.
    """

    names: Names
    references: References
    lacking: str | None = None
    word: str = WORD

    def term(self, name: str, place: Place, at: int | None, called: Term | None = None) -> Term:
        """`account.industry`, or `account.did(…)` where the call was taken out of the text.

        Parameters
        ----------
        name : what stands behind the dot.
        place : where the condition stands, for messages.
        at : where the name stands in it.
        called : the term of the call.

        Raises
        ------
        ConfigError
            When there are no accounts, or they have no such feature.
        """
        self.refuse_lacking(place, at)
        term = called or self.names.term(name, place, at)
        return _of_company(term, f"{WORD}.{term.named.shown}")

    def refuse_lacking(self, place: Place, at: int | None) -> None:
        """Refuse to speak of accounts where there are none."""
        if self.lacking is not None:
            raise place.fault(f"{WORD}.… {self.lacking}", at)

    def joined(self, text: str, place: Place) -> str:
        """The text with the dots of `account.in_segment(` and the like replaced; texts in quotes stay."""
        if _ASKED.search(text) is None:
            return text
        tokens = tokens_of(text, place)
        for first, dot, name, opens in zip(tokens, tokens[1:], tokens[2:], tokens[3:], strict=False):
            written = text[first.start : name.end + 1]
            if _ASKED.fullmatch(written) and text[opens.start] == "(":
                text = text[: dot.start] + _JOINT + text[dot.start + 1 :]
        return text

    def shown(self, function: str) -> str:
        """`account.in_segment` for the name under which it is parsed."""
        return function.replace(f"{WORD}{_JOINT}", f"{WORD}.", 1)

    @property
    def functions(self) -> dict[str, Function]:
        """`account.in_segment` and `account.score`, by the names under which they are parsed."""
        asked = {"in_segment": self.references.segment, "score": self.references.score}
        return {f"{WORD}{_JOINT}{name}": self._function(ask) for name, ask in asked.items()}

    def _function(self, ask: Function) -> Function:
        def asked(text: str, place: Place, at: int | None) -> Term:
            self.refuse_lacking(place, at)
            term = ask(text, place, at)
            return _of_company(term, f"{WORD}.{term.named.shown}")

        return asked


def _of_company(term: Term, written: str) -> Term:
    """What a term says of the company, as a column of the customer."""
    name = f"{OWN}{WORD} {term.named.column}"
    column = AccountColumn(name, quote(term.named.column), term.needs, term.columns)
    return Term(
        replace(term.named, column=name, written=written),
        Needs(account=frozenset({column})),
        uses=term.uses,
        negated=term.negated,
    )


def joins(judged: str, asked: Sequence[AccountColumn]) -> tuple[list[str], dict[str, str]]:
    """LEFT JOINs on `f.entity_id` of the company and what it says, and the columns these give.

    Parameters
    ----------
    judged : SELECT of `entity_id` and every asked column, of all accounts of the day.
    asked : the columns.
    """
    return [
        f"left join ({past('customers')}) as crm on crm.customer_id = f.entity_id",
        # A customer without account is the account of the same id: features/accounts/members.sql says so too.
        f"left join ({judged}) as company on company.entity_id = coalesce(crm.account_id, f.entity_id)",
    ], {column.name: f"company.{quote(column.name)}" for column in asked}
