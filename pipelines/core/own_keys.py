"""Keys that two sources give out, each for things of its own: found before core mixes them up.

Two shops both have an order 1. Until the project says that such keys are the same, or puts a prefix before
one source's, the table is held for all its sources at its last good state, whichever of them came first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelines.contracts.keys import decided_by, numbers_in
from pipelines.contracts.model import Contract
from pipelines.contracts.registry import CONTRACTS
from pipelines.engine import Statement, literal, load_query, qualified, quote
from pipelines.errors import InvariantError
from pipelines.ingest.mapping import Mapping

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True)
class SharedKeys:
    """How many keys of a table several sources say, which these are, and where the first ones stand."""

    table: str
    sources: tuple[str, ...]
    keys: int
    places: tuple[str, ...]

    def __str__(self) -> str:
        """What a person is told: where it is, and what to write."""
        *others, last = self.sources
        said = "both" if len(others) == 1 else "all"
        decides = decided_by(CONTRACTS[self.table])
        return (
            f"{self.table} stays as it was for all its sources: {', '.join(others)} and {last} {said} say"
            f" {self.keys:,} of its keys (such as {' and '.join(self.places)}). If they mean different"
            f" things, give one source a prefix ({_prefix(decides, last)}); if the same,"
            f" sources.{last}.keys: {{{decides}: {{same: true}}}}"
        )


def _prefix(table: str, source: str) -> str:
    """The line that gives keys of a table a prefix; where it has no number of its own, those it mentions."""
    contract = CONTRACTS[table]
    mentioned = numbers_in(contract)
    numbered = table if contract.number else next(mentioned[n] for n in contract.own_key if n in mentioned)
    return f"sources.{source}.keys: {{{numbered}: {{prefix: {source}-}}}}"


class SharedKeysError(InvariantError):
    """Keys of a table are several sources' own; whoever brings it up takes everything back."""

    def __init__(self, shared: SharedKeys) -> None:
        super().__init__(str(shared))
        self.shared = shared


def alone(contract: Contract, mappings: Sequence[Mapping]) -> list[str]:
    """The sources of a table of which each numbers for itself; fewer than two can share nothing."""
    return [mapping.source for mapping in mappings if contract.own_key and not mapping.same]


def needs_every_source(contract: Contract, mappings: Sequence[Mapping]) -> bool:
    """Whether what each source says must be kept: a key of one may hide behind that of one that shares it."""
    numbering = alone(contract, mappings)
    return 1 < len(numbering) < len(mappings)


def refuse_shared(
    con: duckdb.DuckDBPyConnection, contract: Contract, mappings: Sequence[Mapping], said: Sequence[str]
) -> None:
    """Refuse keys that several sources say, each for itself.

    Parameters
    ----------
    contract : the contract of the canonical table.
    mappings : the mappings of every source that feeds the table.
    said : SELECTs of what sources say: `_source, _file_id, _row` and the columns of the key.

    Raises
    ------
    SharedKeysError
        Naming the sources, how many keys there are, and where the first ones stand.
    """
    numbering = alone(contract, mappings)
    if len(numbering) < 2 or not said:
        return
    query = load_query("core/queries/shared_key").filled(
        key=contract.own_key, said=Statement(" union all by name ".join(said))
    )
    found = con.execute(query, {"alone": numbering}).fetchall()
    if found:
        # One place of each source, then the next.
        places = [at for _, _, listed in found for at in listed[:1]]
        raise SharedKeysError(
            SharedKeys(contract.table, tuple(row[0] for row in found), int(found[0][1]), tuple(places[:3]))
        )


def staged(contract: Contract, mappings: Sequence[Mapping]) -> list[str]:
    """What the stages of mappings say, a SELECT each; none of a table whose keys are everybody's."""
    columns = ", ".join(map(quote, contract.own_key))
    return [
        f"select {literal(mapping.source)} as _source, _file_id, _row, {columns}"
        f" from {qualified(mapping.stage)} where _fault_reason is null"
        for mapping in mappings
        if contract.own_key
    ]


def standing(contract: Contract, table: str, new: Sequence[str] | None, only: str = "true") -> list[str]:
    """What a table says already, as a SELECT; nothing of a table whose keys are everybody's.

    Parameters
    ----------
    contract : the contract of the canonical table.
    table : where it stands.
    new : SELECTs of what is new, whose keys alone are looked at; None for all keys.
    only : which of its rows count, as SQL.
    """
    if not contract.own_key or new == []:
        return []
    columns = ", ".join(map(quote, contract.own_key))
    met = f" semi join ({' union all by name '.join(new)}) as new using ({columns})" if new else ""
    return [f"select _source, _file_id, _row, {columns} from {qualified(table)}{met} where {only}"]
