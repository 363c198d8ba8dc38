"""What each column of a fact is as SQL over its row, as it stood on `$as_of`, and the joins that it takes."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from pipelines.contracts.fact import Ending, Entity, Link
from pipelines.contracts.registry import CONTRACTS, FACTS
from pipelines.core.facts.columns import lines_of
from pipelines.core.facts.ending import among, said
from pipelines.core.facts.past import past
from pipelines.engine import literal, quote

# Columns beside those of the contract: whether a fact counts, and the day it ended as far as that was known.
HAPPENED, ENDED_ON = "happened", "ended_on"


@dataclass
class Reading:
    """Collects the joins that the columns of one table of facts take; its own row is `e`.

    Where neither `schema` nor `rows` say what is read, rows are read as they stood on `$as_of`.
    """

    table: str
    schema: str = ""
    rows: str | None = None
    since: str | None = None
    joins: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.fact = FACTS[self.table]
        self.dated = not self.schema and self.rows is None
        self.schema = self.schema or ("money" if self.fact.purchase else "core")

    @property
    def source(self) -> str:
        return f"{self.rows or self._rows_of(self.table)} as e{''.join(self.joins.values())}"

    def _rows_of(self, table: str) -> str:
        if self.dated and CONTRACTS[table].keeps_past:
            return f"({past(table)})"
        purchase = table == self.table or (table in FACTS and FACTS[table].purchase)
        return f"{self.schema if purchase else 'core'}.{table}"

    def value(self, name: str) -> str:
        """A column as it stood on `$as_of`."""
        fact, own = self.fact, f"e.{quote(name)}"
        if name == HAPPENED:
            return self._happened()
        if fact.ends is not None and name in (fact.ends.column, fact.ends.day, ENDED_ON):
            return self._ending(fact.ends, name)
        if fact.ends is not None and name == fact.day and ends_without_day(self.table):
            return f"coalesce({own}, case when {said(fact.ends)[1]} then e.{quote(fact.ends.day)} end)"
        if fact.else_day is not None and name == fact.day:
            return f"coalesce({own}, {self._linked(fact.else_day)})"
        if fact.counts is not None and fact.counts.blank is not None and name == fact.counts.column:
            return f"coalesce({own}, {literal(fact.counts.blank)})"
        for link in fact.links:
            if name in link.gives:
                return self._linked(link, name)
        for link in fact.else_from:
            if name in link.gives:
                return f"coalesce({own}, {self._linked(link, name)})"
        if fact.amounts is not None and fact.amounts.lines is not None:
            if name in fact.amounts.columns:
                summed = self._summed(fact.amounts.lines, fact.amounts.columns)
                return f"coalesce({summed}.{quote(name)}, {own}, 0)"
            if name in lines_of(fact):
                return self._of_line(fact.amounts.lines, name)
        if name in fact.core_only:
            (key,) = CONTRACTS[self.table].key
            self.joins["head"] = f" left join core.{self.table} as head on head.{key} = e.{key}"
            return f"head.{quote(name)}"
        return own

    def owner(self, entity: Entity) -> str:
        """Whose the fact is."""
        if entity in self.fact.owners:
            return self._first(entity)
        belongs = f"coalesce(member.account_id, member.customer_id) = {self._first('account')}"
        self.joins["member"] = f" inner join {self._rows_of('customers')} as member on {belongs}"
        return "member.customer_id"

    def _first(self, entity: Entity) -> str:
        paths: list[str] = []
        for path in self.fact.owners[entity]:
            paths.append(self._along(path, paths) if isinstance(path, Link) else self.value(path))
        return paths[0] if len(paths) == 1 else f"coalesce({', '.join(paths)})"

    def _along(self, link: Link, earlier: Sequence[str]) -> str:
        """The owner at the end of a link; of several rows each, where nothing is said before it."""
        given = self._linked(link)
        if link.then is not None:
            return self._join(link.then, given, f"{link.table}_{link.then.table}")
        if not link.each:
            return given
        unsaid = "".join(f" and {path} is null" for path in earlier)
        return self._join(link, self.value(link.column), link.table, unsaid)

    def _linked(self, link: Link, name: str | None = None) -> str:
        return self._join(link, self.value(link.column), link.table, name=name)

    def _join(self, link: Link, value: str, alias: str, where: str = "", *, name: str | None = None) -> str:
        """A column of the row that a value names; `where` is what has to hold besides."""
        kind = "inner" if link.required else "left"
        relation = self._rows_of(link.table)
        if CONTRACTS[link.table].together:
            relation = _one_each(link, relation)
        self.joins[alias] = f" {kind} join {relation} as {alias} on {alias}.{link.key} = {value}{where}"
        return f"{alias}.{quote(name or link.gives[0])}"

    def _happened(self) -> str:
        counts = self.fact.counts
        return "true" if counts is None else among(self.value(counts.column), counts.values)

    def _ending(self, ends: Ending, name: str) -> str:
        """What was known on `$as_of` of how the fact ended."""
        day = f"e.{quote(ends.day)}"
        if ends.column is None:
            return f"case when {day} <= $as_of then {day} end"
        text, ended = said(ends)
        since = f"coalesce({day}, {self.value(self.fact.day)})"
        if name == ends.column:
            return f"case when {ended} and {since} > $as_of then {literal(ends.before)} else {text} end"
        known = day if name == ends.day else since
        return f"case when {ended} and {known} <= $as_of then {known} end"

    def _summed(self, lines: Link, amounts: Collection[str]) -> str:
        """The lines of each fact, added up; of facts within the span alone."""
        key, sums = lines.key, ", ".join(f"sum({quote(name)}) as {quote(name)}" for name in amounts)
        within = ""
        if self.since is not None:
            day = f"e.{quote(self.fact.day)}"
            within = (
                f" semi join (select e.{key} from {self.schema}.{self.table} as e"
                f" where {day} <= $as_of and {day} >= {self.since}) as s on s.{key} = l.{key}"
            )
        self.joins["summed"] = (
            f" left join (select l.{key}, {sums} from {self.schema}.{lines.table} as l{within}"
            f" group by l.{key})"
            f" as summed on summed.{key} = e.{lines.column}"
        )
        return "summed"

    def _of_line(self, lines: Link, name: str) -> str:
        of, column, _ = lines_of(self.fact)[name]
        self.joins["line"] = (
            f" inner join {self.schema}.{lines.table} as line on line.{lines.key} = e.{lines.column}"
        )
        if of == lines.table:
            return f"line.{quote(column)}"
        (link,) = (found for found in FACTS[lines.table].links if found.table == of)
        self.joins[of] = f" left join core.{of} as {of} on {of}.{link.key} = line.{link.column}"
        return f"{of}.{quote(column)}"


def _one_each(link: Link, rows: str) -> str:
    """The rows of a thing that has several: of a link that takes one the primary, else the first."""
    contract = CONTRACTS[link.table]
    (rest,) = (quote(name) for name in contract.key if name not in contract.together)
    if link.each:
        return f"(select {link.key}, {rest} from {rows} as n where {rest} <> '')"
    chosen = f"min({rest})"
    if contract.primary is not None:
        chosen = f"coalesce(min(case when {quote(contract.primary)} then {rest} end), {chosen})"
    return f"(select {link.key}, {chosen} as {rest} from {rows} as n where {rest} <> '' group by {link.key})"


def ends_without_day(table: str) -> bool:
    """Whether a fact of a table may lack its day, and its end is said by a column and not by that day."""
    fact = FACTS[table]
    column = CONTRACTS[table].column(fact.day)
    return (
        fact.ends is not None and fact.ends.column is not None and column is not None and not column.required
    )
