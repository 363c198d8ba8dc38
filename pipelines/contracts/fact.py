"""What a row of a table of facts means: its day, whose it is, whether it counts, and what became known later.

A fact is something that happened on a business day: an order, a visit, a contact of a campaign, a deal. Its
contract says all of this once, as data; `pipelines/core/facts/` writes it as SQL.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Entity = Literal["customer", "account"]


@dataclass(frozen=True)
class Link:
    """The row of another table whose `key` is what `column` says here, and the columns taken from it.

    Without such a row the columns are NULL; where the link is `required`, there is no fact. Of a thing that
    has several rows (a contract's `together`) the fact is `each` row's, or else of the primary one alone.
    `then` goes on from that row: the columns are those of the row that it names.
    """

    column: str
    table: str
    key: str
    gives: tuple[str, ...]
    required: bool = False
    each: bool = False
    then: Link | None = None

    @property
    def tables(self) -> tuple[str, ...]:
        """The tables on the way."""
        return (self.table, *(self.then.tables if self.then else ()))


# Whose a fact is: a column of its own, or the one that a link gives.
Path = str | Link

OF_CUSTOMER = Link("customer_id", "customers", "customer_id", ("account_id",))
# What a person says or does is each company's where they stand; what is worth money is the primary one's.
OF_CONTACT = Link("contact_id", "contacts", "contact_id", ("account_id",), each=True)
OF_PRIMARY = Link("contact_id", "contacts", "contact_id", ("account_id",))
# A customer without an account is the account of the same id.
OWNED_BY_CUSTOMER: Mapping[Entity, tuple[Path, ...]] = {
    "customer": ("customer_id",),
    "account": (OF_CUSTOMER, "customer_id"),
}
# What an order is worth counts at the account that it names, whoever placed it.
OWNED_BY_ORDER: Mapping[Entity, tuple[Path, ...]] = {
    "customer": ("customer_id",),
    "account": ("account_id", OF_CUSTOMER, "customer_id"),
}
OWNED_BY_PERSON: Mapping[Entity, tuple[Path, ...]] = {
    "customer": ("customer_id",),
    "account": (OF_CUSTOMER, OF_CONTACT, "customer_id"),
}
# What may also name the company alone.
OWNED_BY_ANYONE: Mapping[Entity, tuple[Path, ...]] = {
    "customer": ("customer_id",),
    "account": ("account_id", OF_CUSTOMER, OF_CONTACT, "customer_id"),
}


@dataclass(frozen=True)
class Counted:
    """Which facts count unless whoever asks names the column: those where it is one of `values`.

    `blank` is what a row without a value says.
    """

    column: str
    values: tuple[str, ...]
    blank: str | None = None


@dataclass(frozen=True)
class Ending:
    """How a fact ended, and since when that was known.

    A value of `column` among `ends` decides that it ended, never `day` alone: systems put an expected day
    there. It is known from `day` on, or from the day of the fact where that is blank; until then `column`
    said `before`. A blank `column` says `blank`, or `blank_with_day` where there is a day. Where there is no
    `column`, the day says it.
    """

    day: str
    column: str | None = None
    ends: tuple[str, ...] = ()
    before: str = ""
    blank: str = ""
    blank_with_day: str = ""


@dataclass(frozen=True)
class Amounts:
    """What a fact is worth.

    `columns` stand on the row; where it has rows in the table of `lines`, on those instead. `terms` are the
    tables that say what the amounts are worth in the project's currency, net.
    """

    columns: tuple[str, ...]
    lines: Link | None = None
    terms: tuple[str, ...] = ()


@dataclass(frozen=True)
class Fact:
    """What the rows of a table mean as facts.

    Parameters
    ----------
    day : the column with the business day on which it happened; a row without one is no fact. Where the
        column may be blank, and what became of the fact is known, it is of the day on which it ended.
    owners : entity -> where its id stands, the first that is not blank. Facts of which no customer is named
        are an account's, and all customers of the account share in them.
    else_day : where `day` stands if it is blank.
    counts : which of them count unless the column is named.
    ends : what became of them later.
    links : further columns, from rows of other tables.
    else_from : where columns stand that are blank: a deal is of the campaign of its lead.
    amounts : what they are worth.
    purchase : whether they are purchases. Those are read as `money.<table>` has them: none that waits for a
        rate, amounts net and in the project's currency. Their days are kept in `features.customer_day`.
    core_only : columns that `money.<table>` does not have.
    hidden : those of them that nobody may name: amounts are made net by them.
    of_person : whether what somebody says as a contact holds for the same person as a customer, and the other
        way: the customer of the same id and account.
    """

    day: str
    owners: Mapping[Entity, tuple[Path, ...]] = field(default_factory=lambda: OWNED_BY_CUSTOMER)
    else_day: Link | None = None
    counts: Counted | None = None
    ends: Ending | None = None
    links: tuple[Link, ...] = ()
    else_from: tuple[Link, ...] = ()
    amounts: Amounts | None = None
    purchase: bool = False
    core_only: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    of_person: bool = False

    @property
    def of_customers(self) -> bool:
        """Whether a fact names its customer, and not only an account."""
        return "customer" in self.owners

    @property
    def instead(self) -> tuple[Link, ...]:
        """The links that say what the row of the fact leaves blank: whose it is, or columns of it."""
        owners = (path for paths in self.owners.values() for path in paths)
        return (*dict.fromkeys(path for path in owners if isinstance(path, Link)), *self.else_from)

    @property
    def looked_up(self) -> tuple[Link, ...]:
        """The links that say something of the fact itself: its day, or further columns."""
        return (*((self.else_day,) if self.else_day else ()), *self.links)
