"""Core as it was known when a day was recorded: the batches accepted by then, merged as they were then.

The history is run again in the playback database: for the first day core is rebuilt from the batches that its
run knew, for each later day the batches that came since are merged, one by one, as the daily run does it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date
from typing import TYPE_CHECKING

from pipelines.config.project import Source
from pipelines.contracts.keys import families
from pipelines.contracts.registry import CONTRACTS
from pipelines.core import money, past_rows
from pipelines.core.absent import create_absent, needed_tables
from pipelines.core.identity import MERGES, resolves
from pipelines.core.together import refresh_all
from pipelines.engine import DuckDB, Table, load_query, quote
from pipelines.errors import UsageError
from pipelines.features.compute import refresh_state
from pipelines.ingest import batch, ledger
from pipelines.ingest.source import mappings_of

if TYPE_CHECKING:
    import duckdb

    from pipelines.core.money import Terms
    from pipelines.core.own_keys import SharedKeys

# The ledgers that say what landed; everything else in `ingest` is written anew.
_LEDGERS = ("ingest.batch", "ingest.file", "ingest.file_dialect")
_BEFORE = "earlier"


class KnownThen:
    """The playback database as of one recorded day after the other.

    Parameters
    ----------
    warehouse : the name of the database with the record and the ledgers; the current one is the playback.
    mapped : canonical table -> the sources that feed it.
    """

    def __init__(
        self,
        con: duckdb.DuckDBPyConnection,
        warehouse: str,
        sources: Mapping[str, Source],
        mapped: Mapping[str, list[str]],
        terms: Terms,
    ) -> None:
        self.con, self.sources, self.mapped, self.terms = con, sources, mapped, terms
        self.warehouse = warehouse
        self.record = f"{quote(warehouse)}.segments"
        self.known: set[int] = set()
        ledger.create(con)
        for table in _LEDGERS:
            con.execute(f"insert into {table} by name from {quote(warehouse)}.{table}")
        con.execute("update ingest.batch set status = ?", [_BEFORE])
        con.execute("update ingest.file set current = false")

    def move_to(self, day: date) -> None:
        """Make core, and what customers did on each day, what the last run of a recorded day knew.

        Raises
        ------
        UsageError
            When the day was not recorded, or a table was held then for keys that two sources gave out.
        """
        wanted = self._known_on(day)
        new, gone = sorted(wanted - self.known), self.known - wanted
        first = not self.known
        for seq in [*gone, *(new if first else ())]:
            self._turn(seq, "accepted" if seq in wanted else _BEFORE)
        held = self._refresh(CONTRACTS) if first or gone else {}
        for seq in () if first else new:
            self._turn(seq, "accepted")
            held |= self._refresh(self._stage(seq))
        # What one batch holds another of the same run may free.
        for shared in self._refresh(held).values() if held else ():
            raise UsageError(
                f"what was known on {day} cannot be played: {shared}. `--known now` computes any day from"
                " what is known now"
            )
        self.known = wanted
        self._take_past()
        money.refresh(self.con, self.terms)
        refresh_state(DuckDB(self.con))

    def _take_past(self) -> None:
        """Let days read what rows said before as the warehouse recorded it; what is merged here is no news.

        Changes that came later do no harm: what the first of them says stood before is what is known here.
        """
        for record in (past_rows.CHANGE, past_rows.EPOCH, past_rows.MAPPING):
            self.con.execute(f"delete from {record}")
            self.con.execute(f"insert into {record} by name from {quote(self.warehouse)}.{record}")
        for contract in CONTRACTS.values():
            if contract.keeps_past:
                past_rows.derive(self.con, contract, resolves(contract, MERGES in self.mapped))

    def _known_on(self, day: date) -> set[int]:
        """The batches that the run of a day knew: the last word on each by then.

        Raises
        ------
        UsageError
            When the day was not recorded, or before it was kept which batches were known.
        """
        (first,) = self.con.execute(f"select min(as_of_date) from {self.record}.recorded_batch").fetchall()[0]
        recorded = self.con.execute(
            f"select count(*) from {self.record}.recorded_day where as_of_date = ?", [day]
        ).fetchone()
        if first is None or day < first or recorded == (0,):
            raise UsageError(
                f"{day} was not recorded, so what was known then is not known; expected recorded days from"
                f" {first or 'the first run'} on. `--known now` computes any day from what is known now"
            )
        known = load_query("segments/queries/batch_known_on").filled(
            recorded_batch=Table(f"{self.warehouse}.segments.recorded_batch")
        )
        found = self.con.execute(known, {"day": day}).fetchall()
        return {row[0] for row in found}

    def _turn(self, seq: int, status: str) -> None:
        self.con.execute("update ingest.batch set status = ? where batch_seq = ?", [status, seq])
        ledger.settle_versions(self.con, seq)

    def _stage(self, seq: int) -> set[str]:
        """Type the rows of one batch, as they were when it was accepted; returns the tables it feeds."""
        rows = self.con.execute(
            "select source, file_id from ingest.file where batch_seq = ? order by file_id", [seq]
        ).fetchall()
        if not rows:
            return set()
        name, files = rows[0][0], [file for _, file in rows]
        if name not in self.sources:
            return set()
        mappings = mappings_of(self.con, name, self.sources[name])
        for mapping in mappings:
            batch.stage(self.con, mapping, files)
            batch.account(self.con, mapping, files)
        return {mapping.contract.table for mapping in mappings}

    def _refresh(self, tables: Collection[str]) -> dict[str, SharedKeys]:
        """Bring core tables up to the accepted batches; what customers merged into counts for all of them.

        Returns
        -------
        The tables that are held, and why.
        """
        needed = needed_tables(self.mapped)
        create_absent(self.con, needed)
        wanted = {
            table
            for family in families(needed)
            if MERGES in tables or {*family} & {*tables}
            for table in family
        }
        mappings = {
            table: [
                mapping
                for name in self.mapped.get(table, [])
                for mapping in mappings_of(self.con, name, self.sources[name])
                if mapping.contract.table == table
            ]
            for table in needed
            if table in wanted
        }
        merged = refresh_all(self.con, mappings, merges_mapped=MERGES in self.mapped)
        return {table: found.shared for table, found in merged.items() if found.shared is not None}
