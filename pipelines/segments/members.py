"""`any_member(...)`, `all_members(...)`, `no_member(...)`, `members(...)`: accounts judged by their members.

Members are the customers whose `account_id` names the account, with their features and segments as of the
day, or, where the first argument says so, the persons in `contacts`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Literal

from pipelines.config.expression import Place
from pipelines.config.yaml import nearest
from pipelines.contracts.registry import CONTRACTS
from pipelines.core.facts import past, resolved
from pipelines.engine import quote
from pipelines.segments.calls import CALLS, Arguments, Call
from pipelines.segments.conditions import Names, Reader, Term, own_name, today
from pipelines.segments.model import AS_OF, OWN, Condition, Further, MemberCall, Needs
from pipelines.segments.words import Named

SOURCES = ("customers", "contacts")
_QUANTIFIERS: Mapping[str, Literal["any", "all", "no", "count"]] = {
    "any_member": "any",
    "all_members": "all",
    "no_member": "no",
    "members": "count",
}
TOTAL = f"{OWN}members"
EVERYONE = Condition("true", "true")


class Members:
    """Compiles the calls of one load.

    `customers` reads conditions over the features of a customer; `further` are the columns that tables have
    beyond their contracts.
    """

    def __init__(self, customers: Reader, mapped: Collection[str] | None, further: Further) -> None:
        self.mapped = mapped
        known = {
            name.lower(): Term(Named(name, kind, unit), Needs(frozenset({name})))
            for name, kind, unit in (
                *((column.name, column.type, column.unit) for column in CONTRACTS["contacts"].columns),
                *((name, kind, "") for name, kind in further.get("contacts", ())),
            )
        }
        names = Names(
            known | {AS_OF: today()}, "a column of contacts", help=f" (known: {', '.join(sorted(known))})"
        )
        refused = {
            name: f"{name} cannot be asked of contacts: they are judged by their own columns"
            for name in (*CALLS, "in_segment", "score")
        }
        self.readers = {"customers": customers, "contacts": Reader(names, refused=refused)}

    def term(self, call: Call, text: str, place: Place) -> Term:
        """The call as a boolean column."""
        quantifier = _QUANTIFIERS[call.name]
        labels = ("where", "at_least", "at_most") if quantifier == "count" else ("where",)
        arguments = Arguments(call, text, place, labels)
        source = self._source(call, arguments, text, place)
        written = arguments.condition()
        if written is None and quantifier != "count":
            raise place.fault(f"{call.name} has no where: …; expected a condition on the members", call.start)
        condition = EVERYONE
        if written is not None:
            condition = self.readers[source].read_argument(text, written, place)
        least, most = arguments.bounds()
        name = own_name(quantifier, source, condition.sql, least, most)
        found = MemberCall(name, quantifier, source, condition, least, most)
        return Term(
            Named(name, "BOOLEAN", written=call.written(text)),
            Needs(members=frozenset({found})),
            uses=condition.uses,
        )

    def _source(
        self, call: Call, arguments: Arguments, text: str, place: Place
    ) -> Literal["customers", "contacts"]:
        given = arguments.first
        written = call.value(text, given).lower() if given else "customers"
        at = given.at if given else call.start
        for source in SOURCES:
            if written == source:
                if self.mapped is not None and source not in self.mapped:
                    raise place.fault(f"{call.name}: no source of this project maps {source}", at)
                return "contacts" if source == "contacts" else "customers"
        hint = nearest(written, SOURCES)
        raise place.fault(
            f"{call.name} asks customers or contacts, not {written!r}{hint}; a condition follows where:", at
        )


def counts(alias: str, call: MemberCall) -> str:
    """The boolean expression of a call over the counts of its members in `alias`; NULL there is no member."""
    meeting, total = f"{alias}.{quote(call.name)}", f"{alias}.{quote(TOTAL)}"
    if call.quantifier == "any":
        return f"coalesce({meeting} > 0, false)"
    if call.quantifier == "no":
        return f"coalesce({meeting} = 0, true)"
    if call.quantifier == "all":
        return f"coalesce({meeting} = {total}, false)"
    most = f" and {meeting} <= {call.at_most}" if call.at_most is not None else ""
    return f"coalesce({meeting} >= {call.at_least}{most}, false)"


def of_contacts(calls: Collection[MemberCall]) -> str:
    """One row an account with contacts: how many there are, and how many meet each condition."""
    ordered = sorted(calls, key=lambda call: call.name)
    met = "".join(f", count(*) filter (where {call.condition.sql}) as {quote(call.name)}" for call in ordered)
    sql = (
        f"select account_id as entity_id, count(*) as {quote(TOTAL)}{met}"
        f" from (select *, cast($as_of as date) as {AS_OF} from known.contacts) group by account_id"
    )
    return resolved(sql, "account")


def of_customers(calls: Collection[MemberCall], judged: str) -> str:
    """The same of customers; `judged` gives `entity_id` and one boolean column a call."""
    met = "".join(
        f", count(*) filter (where j.{quote(call.name)}) as {quote(call.name)}"
        for call in sorted(calls, key=lambda call: call.name)
    )
    return (
        # A customer without account is the account of the same id: features/accounts/members.sql says so too.
        f"select coalesce(c.account_id, j.entity_id) as entity_id, count(*) as {quote(TOTAL)}{met}"
        f" from ({judged}) as j left join ({past('customers')}) as c on c.customer_id = j.entity_id"
        " group by coalesce(c.account_id, j.entity_id)"
    )
