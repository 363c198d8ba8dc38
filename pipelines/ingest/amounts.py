"""The ledger of what landed in money: one row a file and canonical table whose rows carry an amount.

`ingest.file_amount` is where `marts.revenue_bridge` begins: the sum of `revenue` as mapped, before any row
was refused, left out, converted or freed of VAT. It is summed when rows are typed, from the rows of that
batch alone, and again when they are typed again because mapping or contract changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pipelines.engine import Table, load_query
from pipelines.errors import SourceError
from pipelines.ingest.limits import LARGEST_SUM, MONEY
from pipelines.ingest.mapping import Mapping

if TYPE_CHECKING:
    import duckdb


def enter(con: duckdb.DuckDBPyConnection, mapping: Mapping, file_ids: Sequence[int]) -> None:
    """Write the amounts of these files anew, from the stage; nothing where the mapping gives no amount."""
    here: dict[str, object] = {"source": mapping.source, "table": mapping.contract.table}
    con.execute(
        "delete from ingest.file_amount where source = $source and table_name = $table"
        " and file_id in (select unnest($files))",
        here | {"files": list(file_ids)},
    )
    if "revenue" not in mapping.mapped or mapping.contract.column("revenue") is None:
        return
    select = load_query("ingest/queries/amount_of_file").filled(stage=Table(mapping.stage))
    con.execute(f"insert into ingest.file_amount by name {select}", here)


def refuse_absurd_sums(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> None:
    """Features and marts keep sums as DECIMAL(18,4): a batch that would burst them is its source's fault.

    Raises
    ------
    SourceError
        Naming the file with the largest amount of such a batch, and the column.
    """
    money = [c.name for c in mapping.contract.columns if c.type == MONEY and c.name in mapping.mapped]
    query = load_query("ingest/queries/absurd_file")
    for name in money:
        select = query.filled(stage=Table(mapping.stage), amount=name)
        found = con.execute(select, {"limit": LARGEST_SUM}).fetchone()
        if found:
            raise SourceError(
                f"{found[0]}: {name} of sources.{mapping.source}.tables.{mapping.contract.table} adds up to"
                f" more than {LARGEST_SUM:,} in one batch in absolute terms; expected the amounts of one"
                " company in whole units of its currency. Correct the file, or divide in the mapping"
            )
