"""What a contract is: the shape of one canonical table and what must hold in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from pipelines.contracts.fact import Entity, Fact
from pipelines.contracts.named import refuse_unknown

Severity = Literal["critical", "advisory"]
# Which columns beyond the contract are carried along: every one of a source, or those that a mapping names.
Further = Literal["all", "named"]


@dataclass(frozen=True)
class Column:
    """A column of a canonical table.

    `minimum` and `maximum` are row faults when they are not met; `default` is the SQL value of an unmapped
    column, and, of text that is required, of a blank one. `otherwise` is what a row without a value gets, as
    SQL over the columns before it; NULL where these say too little. `number_of` is the table whose number it
    holds, where neither its name nor a reference says so. `dated_by` is the column with the day that its
    value is of: where a source maps that, a value counts from its day on, and without one it is unknown.
    """

    name: str
    type: str
    description: str
    unit: str = ""
    required: bool = False
    minimum: float | None = None
    maximum: float | None = None
    allowed: tuple[str, ...] = ()
    default: str = "null"
    otherwise: str | None = None
    number_of: str | None = None
    dated_by: str | None = None


@dataclass(frozen=True)
class Derived:
    """A column computed from the others of its row, as SQL; no source maps it.

    `parts` are the columns that tell its values apart, where it stands in a key for them.
    """

    name: str
    sql: str
    type: str = "DATE"
    parts: tuple[str, ...] = ()


def owner_of(*columns: str) -> Derived:
    """Whom a row names, as one text that is never blank: part of a key where each row fills some columns."""
    named = ", ".join(f"'{name.removesuffix('_id')} ' || {name}" for name in columns)
    return Derived("owner", f"nullif(concat_ws(', ', {named}), '')", "VARCHAR", columns)


@dataclass(frozen=True)
class Check:
    """An expectation in Great Expectations' vocabulary on the incoming batch.

    `needs` are the columns without which the check says nothing and is left out.
    """

    name: str
    expectation: str
    arguments: dict[str, Any]
    description: str
    severity: Severity = "advisory"
    needs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Reference:
    """A column whose values should exist in another canonical table."""

    column: str
    table: str
    target: str


@dataclass(frozen=True)
class Contract:
    """One canonical table.

    `event` is the column with the business date of a row, `watermark` the one with its instant: they drive
    freshness and what a late row touches. `derived` are columns computed from the others.
    `one_of` are columns of which a row fills at least one: whose it is, where several may say it.
    `number` is the column with the number that a source gives each of its things. `own_key` are the columns
    by which rows of two sources meet, where each numbers for itself: the same values from another source are
    another thing, unless the project says otherwise. Without it, both mean the same by the same key.
    `together` are the columns of the key whose rows come and go together: the latest file of a source that
    names such a thing says all its rows, and what earlier files said of it besides is gone. `primary` is the
    column that says which of these rows counts where only one may.
    `occurrence` is the column that, where no mapping fills it, tells rows apart that are alike: the first,
    the second, … of them within the rest of the key and their file.
    `attributes` says which columns beyond the contract are carried along; none of them may be called by one
    of the `taken` names, which rows of this table have where they are read. `fact` says what a row means
    where it tells of something that happened; `entity` whose row it is where it describes one, and
    `known_from` the column with the first day on which that was known. Of a `large` table a rebuild takes
    every customer as changed: comparing costs more. Of one that `keeps_past` what its rows said before they
    changed is kept, and past days read it: how somebody or something is, and not what happened.
    """

    table: str
    description: str
    grain: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    event: str | None = None
    watermark: str | None = None
    derived: tuple[Derived, ...] = ()
    one_of: tuple[str, ...] = ()
    attributes: Further | None = None
    taken: tuple[str, ...] = ()
    checks: tuple[Check, ...] = ()
    references: tuple[Reference, ...] = ()
    fact: Fact | None = None
    entity: Entity | None = None
    known_from: str | None = None
    large: bool = False
    keeps_past: bool = False
    number: str | None = None
    own_key: tuple[str, ...] = ()
    together: tuple[str, ...] = ()
    primary: str | None = None
    occurrence: str | None = None

    def __post_init__(self) -> None:
        refuse_unknown(self)

    def column(self, name: str) -> Column | None:
        return next((column for column in self.columns if column.name == name), None)

    @property
    def thing(self) -> str:
        """What a row is of: `customers` have a customer_id, and are rows of a customer."""
        return (self.number or self.table).removesuffix("_id")

    @property
    def unit(self) -> tuple[str, ...]:
        """The columns by which rows are replaced: those of the key, or of it what comes together."""
        return self.together or self.key

    @property
    def describes(self) -> bool:
        """Whether a row says more than a key, of somebody or something that every source knows by that key.

        What several sources say of one key adds up then, column by column. A table of facts tells what
        happened, and a key of a source's own is another thing at another source.
        """
        says = self.attributes is not None or {*self.names} > {*self.key}
        return self.fact is None and not self.own_key and says

    @property
    def carries_all(self) -> bool:
        """Whether every further column of a source is an attribute, named in its mapping or not."""
        return self.attributes == "all"

    @property
    def is_whole(self) -> bool:
        """Whether sources tell the same by the same keys and nothing adds up: of a key, one row counts."""
        return not self.describes and not self.own_key

    @property
    def amounts(self) -> tuple[str, ...]:
        """The columns of what a purchase is worth; none of another table."""
        fact = self.fact
        return fact.amounts.columns if fact is not None and fact.purchase and fact.amounts is not None else ()

    @property
    def stated_together(self) -> tuple[str, ...]:
        """The columns that mean something only beside each other: the amounts of a purchase, and what makes
        them net revenue in the project's currency. They are never put together from several rows.
        """
        return (*self.amounts, *self.fact.core_only, *self.fact.hidden) if self.fact and self.amounts else ()

    @property
    def required(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns if column.required)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    @property
    def stored(self) -> dict[str, str]:
        """Names and types of the columns that a core table has of the contract, those computed at the end."""
        columns = {column.name: column.type for column in self.columns}
        return columns | {column.name: column.type for column in self.derived}

    @property
    def told_by(self) -> tuple[str, ...]:
        """The columns that tell rows apart: the key, with its parts in place of what is derived from them."""
        parts = {column.name: column.parts for column in self.derived}
        return tuple(part for name in self.key for part in parts.get(name) or (name,))
