"""What a feature is, and a fragment: one SELECT that gives some features of every customer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from pipelines.contracts.fact import Entity
from pipelines.contracts.registry import fact_of
from pipelines.core.facts import resolved, timeline
from pipelines.engine import Statement, load_fragment

LIFECYCLE, RFM, VALUE, BEHAVIOUR, ENGAGEMENT = "lifecycle", "rfm", "value", "behaviour", "engagement"
PRODUCT, DEMOGRAPHIC, GEOGRAPHIC, LANGUAGE = "product", "demographic", "geographic", "language"
TECHNOGRAPHIC, NEEDS, FEEDBACK, REACHABILITY = "technographic", "needs", "feedback", "reachability"
FIRMOGRAPHIC, PIPELINE, MEMBERS, ATTRIBUTE = "firmographic", "pipeline", "members", "attribute"

MONEY, NUMBER, COUNT, DATE, TEXT, FLAG = "DECIMAL(18,4)", "DOUBLE", "BIGINT", "DATE", "VARCHAR", "BOOLEAN"
SPANS = {30: "the last 30 days", 90: "the last 90 days", 365: "the last 365 days"}


@dataclass(frozen=True)
class Feature:
    """One column of `features.customer`.

    `default` is the value of someone of whom the fragment says nothing, as SQL. `derived` is the feature as
    an expression over stored columns and earlier features, `as_of_date` among them: it is not stored, so
    that time may pass without a row being written. `grows` says that it rises by itself as time passes.
    `days` is the length of its window where the name does not say it. `also` are tables that bear on it where
    some source maps them, and that it can do without.
    """

    name: str
    family: str
    unit: str
    type: str
    meaning: str
    needs: tuple[str, ...] = ("orders",)
    grows: bool = False
    default: str | None = None
    derived: str | None = None
    days: int | None = None
    also: tuple[str, ...] = ()

    @property
    def window_days(self) -> int | None:
        """The length of the feature's window, as given or as its name says; None where it has none."""
        if self.days is not None:
            return self.days
        found = re.search(r"_(\d+)d$", self.name)
        return int(found[1]) if found else None


@dataclass(frozen=True)
class Ageing:
    """Rows whose passing in and out of time changes a fragment: their relation, its day, its windows.

    A row counts from its day on; with `windows`, until it is older than the window. `relation` has
    `customer_id` and the columns of `day`, an expression.
    """

    relation: str
    day: str = "business_date"
    windows: tuple[int, ...] = ()


@dataclass(frozen=True)
class Fragment:
    """A SELECT of `customer_id` and feature columns, one row a customer it says something of.

    It binds `$as_of` and the first day of each window (`$from_30` and so on). What it says of a customer
    follows from their rows alone, so that it can be computed of few of them (pipelines/features/scoped.py).
    `hidden` are columns that only derived features read: name, type, default. `shared` are SELECTs in
    the kind's folder that it reads by their names, and that are computed once for all fragments that do.
    `entity` is whose features they are.
    """

    name: str
    features: tuple[Feature, ...]
    needs: tuple[str, ...] = ("orders",)
    ages: tuple[Ageing, ...] = ()
    hidden: tuple[tuple[str, str, str | None], ...] = ()
    shared: tuple[str, ...] = ()
    text: str | None = None
    entity: Entity = "customer"
    parameters: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def sql(self) -> str:
        """The SELECT, over the facts of the entity.

        Raises
        ------
        ValueError
            Its columns are not the features, or nobody would be told when a window of it ends.
        """
        self._refuse_other_columns()
        self._refuse_windows_that_do_not_age()
        return resolved(self.written, self.entity)

    @cached_property
    def written(self) -> str:
        """The SELECT as it was given: as text, or in `families/<name>.sql`."""
        return self.text if self.text is not None else load_fragment(f"features/families/{self.name}").sql

    def _refuse_other_columns(self) -> None:
        given = {*Statement(self.written).columns} - {f"{self.entity}_id"}
        listed = {name for name, *_ in self.stored}
        faults = [f"its SELECT has no column {name}" for name in sorted(listed - given)]
        faults += [f"no feature is stored from its column {name}" for name in sorted(given - listed)]
        if faults:
            raise ValueError(
                f"fragment {self.name}: {', '.join(faults)}. Give the columns of its SELECT and the features"
                " beside it the same names"
            )

    def _refuse_windows_that_do_not_age(self) -> None:
        """Of customers; accounts are computed anew every day."""
        bound = {name for name in Statement(self.written).parameters if re.fullmatch(r"from_\d+", name)}
        aged = {f"from_{days}" for age in self.ages for days in age.windows}
        if self.entity == "customer" and not bound <= aged:
            untold = ", ".join(sorted(bound - aged))
            raise ValueError(
                f"fragment {self.name}: its SELECT binds {untold}, and `ages` has no window of that length:"
                " nobody would be computed anew when it ends. Give it, as in"
                ' ages=ages_of("feedback", (90,))'
            )

    @property
    def stored(self) -> list[tuple[str, str, str | None]]:
        """Name, type and default of the columns that it fills."""
        return [*self.hidden, *((f.name, f.type, f.default) for f in self.features if f.derived is None)]


def ages_of(table: str, windows: tuple[int, ...] = ()) -> tuple[Ageing, ...]:
    """Whom time alone changes where facts of a table are counted: by their day, and by the day they ended."""
    fact = fact_of(table)
    if fact.purchase:
        return (Ageing("features.customer_day", windows=windows),)
    relation = f"core.{table}" if fact.else_day is None else f"({timeline(table)})"
    ended = (Ageing(relation, fact.ends.day),) if fact.ends else ()
    return (Ageing(relation, fact.day, windows), *ended)


def windowed(
    stem: str, family: str, unit: str, kind: str, meaning: str, needs: tuple[str, ...] = ("orders",)
) -> tuple[Feature, ...]:
    """The same figure over the last 30, 90 and 365 days; 0 where there is nothing.

    Parameters
    ----------
    stem : the name before `_30d`, `_90d` and `_365d`.
    family : the family in the catalogue.
    unit : the unit of the value.
    kind : the type of the value.
    meaning : what it says, with a place for the window.
    needs : the canonical tables it needs.
    """
    return tuple(
        Feature(f"{stem}_{days}d", family, unit, kind, f"{meaning} in {words}", needs, default="0")
        for days, words in SPANS.items()
    )


def slug(text: str) -> str:
    """`DRUG GM` -> `drug_gm`; letters of any alphabet stay."""
    return re.sub(r"[\W_]+", "_", text.lower()).strip("_")


def share_name(category: str) -> str:
    """`DRUG GM` -> `share_drug_gm_365d`."""
    return f"share_{slug(category)}_365d"
