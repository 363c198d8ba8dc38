"""Core tables brought up family by family: an order and its lines enter together, or both stay as they were.

A family is held where several sources say a key that is each one's own (`own_keys.py`). It is then left at
its last good state, and not looked at again until a batch, a verdict or the mapping has changed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import partial
from typing import TYPE_CHECKING

from pipelines.contracts.keys import families
from pipelines.contracts.registry import CONTRACTS
from pipelines.core import emptied
from pipelines.core.by_column import Written
from pipelines.core.emptied import Judge
from pipelines.core.merge import Merged, create_empty, refresh
from pipelines.core.own_keys import SharedKeys, SharedKeysError, alone
from pipelines.core.state import create_state
from pipelines.engine import relation_exists, row_count, rows, transaction
from pipelines.ingest import mapping as mapped

if TYPE_CHECKING:
    import duckdb

Mappings = Mapping[str, Sequence[mapped.Mapping]]


def refresh_all(
    con: duckdb.DuckDBPyConnection,
    mappings: Mappings,
    *,
    merges_mapped: bool = False,
    day: date | None = None,
    written: Written | None = None,
    judge: Judge = emptied.refuse,
    progress: Callable[[str], object] = str,
) -> dict[str, Merged]:
    """Bring core tables up to the accepted batches of their sources, a transaction a family.

    Parameters
    ----------
    mappings : canonical table -> the mappings of every source that feeds it.
    merges_mapped : whether some source maps `customer_merges`.
    day : the business day that has ended last; None for the last on which a batch came.
    written : which sources come first where several say something of one key, as `by_column` takes it.
    judge : told which columns of core an edited mapping would empty, as `merge.refresh` takes it.
    progress : told each table before it is brought up.
    """
    create_state(con)
    found: dict[str, Merged] = {}
    for family in families(mappings):
        brought = partial(_refresh, con, merges_mapped, day, written or {}, judge, progress)
        found |= _bring_up(con, family, mappings, brought)
    return {table: found[table] for table in mappings}


def _refresh(
    con: duckdb.DuckDBPyConnection,
    merges_mapped: bool,
    day: date | None,
    written: Written,
    judge: Judge,
    progress: Callable[[str], object],
    table: str,
    mappings: Sequence[mapped.Mapping],
) -> Merged:
    progress(table)
    return refresh(
        con,
        CONTRACTS[table],
        mappings,
        merges_mapped=merges_mapped,
        day=day,
        written=written,
        judge=judge,
    )


def _bring_up(
    con: duckdb.DuckDBPyConnection,
    family: Sequence[str],
    mappings: Mappings,
    bring_up: Callable[[str, Sequence[mapped.Mapping]], Merged],
) -> dict[str, Merged]:
    owned = any(len(alone(CONTRACTS[table], mappings[table])) > 1 for table in family)
    state = _state(con, family, mappings) if owned else ""
    shared = _still_shared(con, family, state) if owned else None
    if shared is None:
        try:
            with transaction(con):
                found = {}
                for table in family:
                    found[table] = bring_up(table, mappings[table])
                con.execute("delete from ingest.core_held where family = ?", [family[0]])
            return found
        except SharedKeysError as fault:
            shared = fault.shared
            _remember(con, family, state, shared)
    return {table: Merged(table, "held", row_count(con, f"core.{table}"), 0, shared) for table in family}


def _state(con: duckdb.DuckDBPyConnection, family: Sequence[str], mappings: Mappings) -> str:
    """Changes when bringing the family up might end otherwise than the last time."""
    feeding = [(table, one) for table in family for one in mappings[table]]
    batches = con.execute(
        "select source, list(batch_seq order by batch_seq) from ingest.batch where status = 'accepted'"
        " and source in (select unnest($sources)) group by source order by source",
        {"sources": sorted({one.source for _, one in feeding})},
    ).fetchall()
    core = con.execute(
        "select table_name, source, fingerprint from ingest.core_state"
        " where table_name in (select unnest($family)) order by all",
        {"family": list(family)},
    ).fetchall()
    marks = [(table, one.source, mapped.fingerprint(one)) for table, one in feeding]
    return hashlib.sha256(json.dumps([marks, batches, core]).encode()).hexdigest()


def _still_shared(con: duckdb.DuckDBPyConnection, family: Sequence[str], state: str) -> SharedKeys | None:
    """Why the family was held the last time, where nothing has changed since and every table is there."""
    found = rows(con, "from ingest.core_held where family = ? and state = ?", [family[0], state])
    if not found or not all(relation_exists(con, f"core.{table}") for table in family):
        return None
    held = found[0]
    return SharedKeys(held["table_name"], tuple(held["sources"]), held["keys"], tuple(held["places"]))


def _remember(con: duckdb.DuckDBPyConnection, family: Sequence[str], state: str, shared: SharedKeys) -> None:
    """Keep why the family is held; a table of it that never was there is empty."""
    with transaction(con):
        con.execute("delete from ingest.core_held where family = ?", [family[0]])
        con.execute(
            "insert into ingest.core_held values (?, ?, ?, ?, ?, ?)",
            [family[0], state, shared.table, list(shared.sources), shared.keys, list(shared.places)],
        )
        for table in family:
            if not relation_exists(con, f"core.{table}"):
                create_empty(con, CONTRACTS[table])
