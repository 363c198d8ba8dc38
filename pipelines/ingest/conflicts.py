"""Rows of one key in a batch that say different things: counted, named by their columns, and judged.

Of the rows of a key in one file the one that fills most columns counts, of those the last; rows that fill
no more and say nothing else repeat it. What differs beyond that is a conflict. It rejects the batch where the
row that counts lacks what another has, or where they differ in whose it is, when it happened or its amounts.
A later file, a version and a change feed say which row holds, so there is no conflict. What a later file does
to a key is told where it is no correction: where it gives it to another owner on another day, and where it
leaves blank whose it is, when it was or how much, be the earlier file of the same batch or of one before. Of
purchases that rejects the batch: a further row of an order that stands alone in a file would take the order
from its customer, and its total away.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.contracts.model import Contract, Severity
from pipelines.contracts.telling import days, decisive, owners
from pipelines.engine import Table, load_query, qualified, relation_exists, row_count
from pipelines.ingest.at_odds import may_empty, rows_at_odds, rows_emptying
from pipelines.ingest.known import said_last
from pipelines.ingest.mapping import Mapping
from pipelines.ingest.quality import SAMPLES, CheckResult

if TYPE_CHECKING:
    import duckdb

WHOLE = "rows_of_a_key_lose_nothing"
AGREE = "rows_of_a_key_agree"


def specs(contract: Contract) -> list[tuple[str, str]]:
    """Name and description of the checks of a table's batches."""
    columns = sorted(decisive(contract))
    other = f", and none has another {' or '.join(columns)}" if columns else ""
    whole = f"of the rows of one key in a file none has what the one that counts lacks{other}"
    if columns and _counts_money(contract):
        whole += "; no later file leaves one of these blank"
    return [(WHOLE, whole), (AGREE, "the rows of one key say the same")]


def check_conflicts(con: duckdb.DuckDBPyConnection, mapping: Mapping, seq: int) -> list[CheckResult]:
    """What the rows of one key in a staged batch say differently: a critical result and an advisory one.

    Parameters
    ----------
    mapping : the mapping of the source onto the canonical table.
    seq : the number of the batch, of which the account has been written.
    """
    contract = mapping.contract
    found = _tell(con, mapping, seq)
    elements = row_count(con, mapping.judged)
    severities: tuple[Severity, ...] = ("critical", "advisory")
    results = [
        CheckResult(contract.table, name, description, severity, True, 0, elements)
        if not found
        else _judged(con, contract, name, description, severity, elements)
        for (name, description), severity in zip(specs(contract), severities, strict=True)
    ]
    con.execute("drop table if exists told")
    return results


def _tell(con: duckdb.DuckDBPyConnection, mapping: Mapping, seq: int) -> bool:
    """Fill the temporary table `told` with the rows that say otherwise; False where there can be none."""
    contract = mapping.contract
    # A row of another file is told where it is another's on another day: no correction, but another thing.
    another = "list_has_any(differing, $owners) and list_has_any(differing, $days)"
    emptied = "list_has_any(lacking, cast($decisive as varchar[]))"
    parts: list[str] = []
    values: dict[str, object] = {}
    if _any_left_out(con, mapping, seq):
        parties = {"owners": owners, "days": days, "decisive": decisive}
        values |= {name: sorted(columns(contract)) for name, columns in parties.items()}
        parts.append(
            f"select * from ({rows_at_odds(mapping).sql})"
            f" where conflicting or (corrected and ({another} or {emptied}))"
        )
    earlier = _said_before(con, mapping)
    if earlier is not None and _any_blank(con, mapping):
        values |= {"source": mapping.source, "seq": seq}
        parts.append(f"select * from ({rows_emptying(mapping, earlier).sql})")
    if not parts:
        return False
    con.execute(f"create or replace temp table told as {' union all '.join(parts)}", values)
    return True


def _counts_money(contract: Contract) -> bool:
    """Whether the rows of a table are purchases or their lines."""
    return contract.fact is not None and contract.fact.purchase


def _said_before(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> str | None:
    """The relation of what the source said of each key before; None where a later row says all there is."""
    if mapping.delivery != "append" or mapping.version is not None:
        return None
    relation = said_last(con, mapping.contract)
    return relation if relation_exists(con, relation) else None


def _any_blank(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> bool:
    """Whether a row of the batch leaves one of these columns blank: in most files none does."""
    blank = may_empty(mapping)
    if not blank:
        return False
    query = f"select 1 from {qualified(mapping.stage)} where _fault_reason is null and ({blank}) limit 1"
    return con.execute(query).fetchone() is not None


def _any_left_out(con: duckdb.DuckDBPyConnection, mapping: Mapping, seq: int) -> bool:
    """Whether the batch has rows of a key that do not count, other than repeats: usually it has none."""
    found = con.execute(
        "select sum(rows_conflicting + rows_superseded) from ingest.batch_table"
        " where batch_seq = ? and source = ? and table_name = ?",
        [seq, mapping.source, mapping.contract.table],
    ).fetchone()
    return bool(found and found[0])


def _judged(
    con: duckdb.DuckDBPyConnection,
    contract: Contract,
    name: str,
    description: str,
    severity: Severity,
    elements: int,
) -> CheckResult:
    """A result over the temporary table `told`: how many rows, in which columns, and where they stand."""
    critical = severity == "critical"
    values = {"critical": critical, "decisive": sorted(decisive(contract)), "money": _counts_money(contract)}
    losing = (
        "conflicting and (len(lacking) > 0 or list_has_any(differing, cast($decisive as varchar[])))"
        " or corrected and $money and list_has_any(lacking, cast($decisive as varchar[]))"
    )
    counted = con.execute(f"select count(*) from told where not $critical or ({losing})", values).fetchone()
    query = load_query("ingest/queries/column_at_odds").filled(told=Table("told"))
    columns = con.execute(query, values | {"samples": SAMPLES}).fetchall()
    unexpected = int(counted[0]) if counted else 0
    named = ", ".join(f"{column} in {rows:,}" for column, rows, _ in columns)
    places = sorted({place for _, _, at in columns for place in at}, key=_in_order)
    return CheckResult(
        table=contract.table,
        name=name,
        description=f"{description} (they differ: {named})" if named else description,
        severity=severity,
        passed=unexpected == 0,
        unexpected=unexpected,
        elements=elements,
        samples=tuple(places[:SAMPLES]),
        detail=named,
    )


def _in_order(place: str) -> tuple[str, int]:
    """A place `file:row` as it sorts."""
    file, _, row = place.rpartition(":")
    return file, int(row)
