"""What a core table is rebuilt from: every accepted file of its sources, staged and accounted for anew."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pipelines.engine import qualified
from pipelines.ingest import batch, ledger
from pipelines.ingest.mapping import Mapping

if TYPE_CHECKING:
    import duckdb


def stage_again(con: duckdb.DuckDBPyConnection, mappings: Sequence[Mapping]) -> list[Mapping]:
    """Stage every accepted file again, and account for it anew.

    Returns
    -------
    The mappings of the sources that have accepted files.
    """
    return [mapping for mapping in mappings if _stage(con, mapping)]


def _stage(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> bool:
    """Stage the files that count of a source; whether there are any."""
    files = _counting_files(con, mapping)
    if not files:
        return False
    # An account is of a whole batch, also of one whose files were sent again in part.
    beside = ledger.files_beside(con, files)
    before = batch.quarantined(con, mapping, beside)
    batch.stage(con, mapping, beside)
    batch.account(con, mapping, beside)
    batch.refuse_loss(con, mapping, beside, before)
    if len(beside) > len(files):
        con.execute(
            f"delete from {qualified(mapping.stage)} where _file_id not in (select unnest($files))",
            {"files": files},
        )
    return True


def _counting_files(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> list[int]:
    """The accepted files a core table is made of: of snapshots the last, with those of its batch."""
    if mapping.delivery != "snapshot":
        return ledger.accepted_files(con, mapping.source)
    newest = ledger.newest_snapshot(con, mapping.source)
    return ledger.files_beside(con, [newest]) if newest is not None else []
