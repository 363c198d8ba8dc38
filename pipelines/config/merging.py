"""Which source comes first where several say something of one key: the `merge` part of a project."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from pipelines.config.keys import KeyRule
from pipelines.config.yaml import nearest
from pipelines.contracts.keys import decided_by
from pipelines.contracts.model import Contract
from pipelines.contracts.registry import CONTRACTS


def merge_fault(
    merge: Mapping[str, Sequence[str]],
    feeding: Mapping[str, Sequence[str]],
    keys: Mapping[str, Mapping[str, KeyRule]],
    written: Mapping[str, Collection[str]],
) -> str | None:
    """What is wrong with the orders of sources that a project writes; None when nothing is.

    Columns that only the files tell of are judged where those are read.

    Parameters
    ----------
    merge : `TABLE` or `TABLE.COLUMN` -> the sources that come first.
    feeding : canonical table -> the sources that map it.
    keys : source -> canonical table -> whose the keys are that it gives out.
    written : canonical table -> the columns that some mapping names.
    """
    for name, sources in merge.items():
        table, _, column = name.partition(".")
        fault = (
            _table_fault(table, feeding, keys)
            or ("." in name and _column_fault(CONTRACTS[table], column, written[table]))
            or _sources_fault(table, sources, feeding[table], keys)
        )
        if fault:
            return f"merge.{name}: {fault}"
    return None


def _table_fault(
    table: str, feeding: Mapping[str, Sequence[str]], keys: Mapping[str, Mapping[str, KeyRule]]
) -> str | None:
    if table not in CONTRACTS:
        return f"{table} is not a canonical table{nearest(table, CONTRACTS)}"
    found = feeding.get(table, ())
    if len(found) < 2:
        return f"{f'only {found[0]} maps' if found else 'no source maps'} {table}; there is nothing to merge"
    contract = CONTRACTS[table]
    if contract.describes:
        return None
    if not contract.own_key:
        return f"a row of {table} is taken whole, as it tells what happened"
    decides = decided_by(contract)
    if not any(rules[decides].same for rules in keys.values() if decides in rules):
        return f"each source has keys of {table} of its own; say keys: {{{decides}: {{same: true}}}} of one"
    return None


def _column_fault(contract: Contract, column: str, written: Collection[str]) -> str | None:
    names = {name.lower(): name for name in (*contract.names, *written)}
    found = names.get(column.lower())
    if found in contract.key:
        return f"{column} is part of the key"
    if found in contract.stated_together:
        return f"amounts of {contract.table} are taken from one row, with what says their worth"
    if found is None and not contract.carries_all:
        return f"{contract.table} has no column {column}{nearest(column, names.values())}"
    return None


def _sources_fault(
    table: str,
    sources: Sequence[str],
    feeding: Sequence[str],
    known: Collection[str],
) -> str | None:
    if not sources:
        return f"name the sources that come first, of {', '.join(feeding)}"
    for source in sources:
        if source not in known:
            return f"no source {source}{nearest(source, known)} (of {table}: {', '.join(feeding)})"
        if source not in feeding:
            return f"{source} does not map {table} (its sources: {', '.join(feeding)})"
    twice = next((source for source in sources if list(sources).count(source) > 1), None)
    return f"{twice} is named twice" if twice else None
