"""What several sources say of one key, put together: per column the first value in the order of sources.

A CRM knows the age of a customer and a newsletter whether they read it; both rows are of one customer. Per
key and column of core the first value that is not blank counts, in the order in which `project.yaml` lists
the sources or in the one that its `merge` says. What arrived first or last decides nothing: of one source the
latest row counts, as everywhere, and between sources their order does.

What each source says is kept in `ingest.known__<table>` (`following.py`). From it follow the rows of core,
which source each value is of (the view `core.provenance_<table>`), and where two sources say different values
(`core.disagreement_<table>`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from pipelines.contracts.model import Contract
from pipelines.engine import Statement, literal, load_query, quote
from pipelines.ingest import mapping as mapped

# Where the row of a merged customer comes in: the survivor's own before those of the ids that were absorbed.
_ABSORBED = Statement("case when k._given_id = k.customer_id then 0 else 1 end")

Written = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Order:
    """In which order the sources of a table are asked, for the whole row and for single columns.

    `resolved` says whether rows of several ids of merged customers meet in one key. `silent` are, of each
    column with a default, the sources that do not map it: where no source says anything, it counts.
    """

    contract: Contract
    sources: tuple[str, ...]
    of_column: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    resolved: bool = False
    silent: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def mark(self) -> str:
        """Changes when other values would count."""
        return f"{self.sources}{sorted(self.of_column.items())}"

    @cached_property
    def _ranks(self) -> dict[tuple[str, ...], str]:
        """Each order of sources, and the column that holds a source's place in it."""
        orders = dict.fromkeys([self.sources, *self.of_column.values()])
        return {sources: f"_rank_{number}" for number, sources in enumerate(orders)}

    def _rank(self, column: str) -> str:
        return self._ranks[self.of_column.get(column.lower(), self.sources)]

    def _placed(self, rank: str) -> list[str]:
        """The columns by which the rows of a key are put in order; no two rows are equal in them."""
        return ["_absorbed", rank, "_given_id"] if self.resolved else [rank]

    @property
    def _leading(self) -> list[str]:
        """The order in which a row leads its key: it says where the row of core stands in the files."""
        return [*(["_unpriced"] if self.contract.amounts else []), *self._placed("_rank_0")]

    @property
    def placed(self) -> dict[str, Statement]:
        """What the rows of a key are put in order by: columns over `k`, what a source says."""
        found = {rank: Statement(_place_in(sources)) for sources, rank in self._ranks.items()}
        if self.contract.amounts:
            blank = " and ".join(f"k.{quote(name)} is null" for name in self.contract.amounts)
            found["_unpriced"] = Statement(f"case when {blank} then 1 else 0 end")
        if self.resolved:
            found["_absorbed"] = _ABSORBED
        return found

    def merged(self, known: Statement, columns: Sequence[str]) -> str:
        """The SELECT of core's rows.

        Parameters
        ----------
        known : the SELECT of what the sources say of the keys that are wanted.
        columns : the columns that are put together, without the key.
        """
        query = load_query("core/queries/merged_row")
        return query.filled(
            known=known,
            placed=self.placed,
            key=self.contract.key,
            value={name: self._value(name) for name in columns},
            leading=self._leading,
        )

    def _value(self, column: str) -> Statement:
        value, key = f"s.{quote(column)}", ", ".join(f"s.{quote(name)}" for name in self.contract.key)
        if column not in self.contract.stated_together:
            order = ", ".join(f"s.{quote(name)}" for name in self._placed(self._rank(column)))
            value = (
                f"first_value({value} ignore nulls) over (partition by {key} order by {order}"
                " rows between unbounded preceding and unbounded following)"
            )
        if told := self.contract.column(column) if column in self.silent else None:
            silent = f"case when s._source in ({_texts(self.silent[column])}) then 1 else 0 end"
            if column not in self.contract.stated_together:
                silent = f"max({silent}) over (partition by {key})"
            value = f"coalesce({value}, case when {silent} = 1 then cast({told.default} as {told.type}) end)"
        return Statement(value)

    def provenance(self, known: Statement, columns: Sequence[str]) -> str:
        """The SELECT of the source, batch, file and row of every value of core.

        Parameters
        ----------
        known : the SELECT of what the sources say.
        columns : the columns that are put together, without the key.
        """
        own = [name for name in columns if self._rank(name) != "_rank_0"]
        ranks = [f"when {literal(name)} then s.{quote(self._rank(name))}" for name in own]
        rank = f"case v.column_name {' '.join(ranks)} else s._rank_0 end" if ranks else "s._rank_0"
        return load_query("core/queries/provenance_of_value").filled(
            known=known,
            placed=self.placed,
            key=self.contract.key,
            columns=_listed(columns),
            says=Statement(_case(columns, "s.{name} is not null")),
            together=Statement(f"v.column_name in ({_texts(self.contract.stated_together)})"),
            rank=Statement(rank),
            leading=self._leading,
            order=self._placed("_rank"),
        )

    def disagreements(self, known: Statement, columns: Sequence[str]) -> str:
        """The SELECT of what two sources say differently: a row a key, as files give it, and column.

        Parameters
        ----------
        known : the SELECT of what the sources say of the keys that are wanted.
        columns : the columns that are compared, without the key.
        """
        return load_query("core/queries/disagreement").filled(
            known=known,
            key=self.contract.key,
            columns=_listed(columns),
            earlier=Statement(f"{_place_in(self.sources, 'a')} < {_place_in(self.sources, 'b')}"),
            differs=Statement(_case(columns, "a.{name} <> b.{name}")),
        )


def applies(contract: Contract, mappings: Sequence[mapped.Mapping], resolved: bool) -> bool:
    """Whether the rows of one key are put together column by column.

    Parameters
    ----------
    contract : the contract of the canonical table.
    mappings : the mappings of every source that feeds the table.
    resolved : whether ids of merged customers are replaced by their survivors.
    """
    if contract.describes:
        return len(mappings) > 1 or (resolved and "customer_id" in contract.key)
    return len(mappings) > 1 and bool(contract.own_key) and any(mapping.same for mapping in mappings)


def order_of(
    contract: Contract, mappings: Sequence[mapped.Mapping], written: Written, resolved: bool
) -> Order | None:
    """In which order the sources of a table are asked; None where the rows of a key are not put together.

    Parameters
    ----------
    contract : the contract of the canonical table.
    mappings : the mappings of every source that feeds the table, in the order of the project.
    written : what the project says: `TABLE` or `TABLE.COLUMN` -> sources that come first, in this order.
    resolved : whether ids of merged customers are replaced by their survivors.
    """
    if not applies(contract, mappings, resolved):
        return None
    given = [mapping.source for mapping in mappings]
    sources = _first(written.get(contract.table, ()), given)
    of_column = {
        name.partition(".")[2].lower(): _first(first, sources)
        for name, first in written.items()
        if name.partition(".")[0] == contract.table and "." in name
    }
    silent = {
        column.name: without
        for column in contract.columns
        if column.default != "null" and column.name not in contract.key
        if (without := tuple(m.source for m in mappings if column.name not in m.expressions))
    }
    return Order(contract, sources, of_column, resolved and "customer_id" in contract.key, silent)


def _first(named: Sequence[str], sources: Sequence[str]) -> tuple[str, ...]:
    """The sources with those first that are named; the others follow in the order they had."""
    return tuple(dict.fromkeys([*(name for name in named if name in sources), *sources]))


def _place_in(sources: Sequence[str], alias: str = "k") -> str:
    places = " ".join(f"when {literal(name)} then {place}" for place, name in enumerate(sources))
    return f"case {alias}._source {places} end"


def _case(columns: Sequence[str], told: str) -> str:
    """A condition on the column that `v.column_name` names."""
    branches = [f"when {literal(name)} then {told.format(name=quote(name))}" for name in columns]
    return f"case v.column_name {' '.join(branches)} else false end"


def _listed(columns: Sequence[str]) -> Statement:
    """The SELECT of names of columns, a row each."""
    rows = ", ".join(f"({literal(name)})" for name in columns)
    return Statement(f"select column_name from (values {rows}) as names(column_name)")


def _texts(names: Sequence[str]) -> str:
    return ", ".join(map(literal, names)) or "''"
