"""What the files of a batch fill of attributes, and which attributes a source no longer brings.

A table of the CRM says how somebody is, and a definition that asks for a column that is gone would answer
"no" for everybody. So each file adds to `ingest.column_filled` how many of its rows have a value, and a
file that leaves out what the files before it had makes a loss, as long as a row of it stands in core.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelines.config.project import Source
from pipelines.contracts.registry import CONTRACTS
from pipelines.engine import Table, insert_rows, load_query, qualified, quote, relation_exists, transaction
from pipelines.ingest.known import known_table
from pipelines.ingest.mapping import Mapping
from pipelines.ingest.quality import CheckResult

if TYPE_CHECKING:
    import duckdb

REQUIRED = "required_attributes"
# So rarely no row has a value by chance alone, going by the share of rows that had one before.
CHANCE = 0.001


@dataclass(frozen=True)
class Loss:
    """A column of a table that a file of a source leaves out, or leaves empty, and files before it filled.

    `filled` of `rows` had a value before; `standing` rows of the file stand in core without one.
    """

    table: str
    column: str
    source: str
    path: str
    present: bool
    filled: int
    rows: int
    standing: int

    @property
    def told(self) -> str:
        """What happened, and where; no value is quoted."""
        lacks = "has no value in column" if self.present else "has no column"
        return (
            f"{self.path} of source {self.source} {lacks} {self.column} of {self.table}, which had one in"
            f" {self.filled:,} of {self.rows:,} rows before"
        )


def record(con: duckdb.DuckDBPyConnection, seq: int, mappings: Sequence[Mapping]) -> None:
    """Write down what the files of a staged batch fill; a batch recorded before is recorded anew."""
    with transaction(con):
        con.execute("delete from ingest.column_filled where batch_seq = ?", [seq])
        for mapping in mappings:
            if mapping.contract.attributes:
                _record(con, seq, mapping)


def _record(con: duckdb.DuckDBPyConnection, seq: int, mapping: Mapping) -> None:
    columns = _columns(mapping)
    if not columns:
        return
    counts = ", ".join(f"count({quote(name)})" for name in columns)
    found = con.execute(
        f"select _file_id, count(*), {counts} from {qualified(mapping.stage)}"
        " where _fault_reason is null group by _file_id order by _file_id"
    ).fetchall()
    brought = con.execute(
        "select file_id, lower(column_name) from ingest.file_column where batch_seq = ?", [seq]
    ).fetchall()
    there = set(brought)
    entries = [
        (
            *(file_id, seq, mapping.source, mapping.contract.table, name.lower(), rows, filled),
            # What a mapping reads is there: a file that lacks it is held.
            name in mapping.expressions or (file_id, name.lower()) in there,
        )
        for file_id, rows, *counted in found
        for name, filled in zip(columns, counted, strict=True)
    ]
    insert_rows(con, "ingest.column_filled", entries)


def _columns(mapping: Mapping) -> list[str]:
    """The columns that may be empty: attributes, and those of the contract that the source maps."""
    own = [c.name for c in mapping.contract.columns if c.name in mapping.expressions and not c.required]
    return [*own, *mapping.attributes]


def specs(source: Source) -> list[tuple[str, str, str]]:
    """Table, name and description of the checks of what a project requires of a source."""
    return [(table, REQUIRED, _told(source, table)) for table in source.tables if source.required(table)]


def _told(source: Source, table: str) -> str:
    return (
        f"at most {source.fail_share:.1%} of the rows lack one of the required attributes"
        f" {', '.join(source.required(table))}"
    )


def check_required(
    con: duckdb.DuckDBPyConnection, mapping: Mapping, source: Source, seq: int
) -> list[CheckResult]:
    """Whether the files of a recorded batch fill what the project requires; nothing else is judged.

    Parameters
    ----------
    mapping : the mapping of the source onto the canonical table.
    seq : the number of the batch.
    """
    table = mapping.contract.table
    required = source.required(table)
    if not required:
        return []
    query = load_query("ingest/queries/filled_of_batch").sql
    names = [name.lower() for name in required]
    here = {"seq": seq, "table": table, "names": names}
    counted = {name: (rows, filled) for name, rows, filled in con.execute(query, here).fetchall()}
    ((rows,),) = con.execute(
        f"select count(*) from {qualified(mapping.stage)} where _fault_reason is null"
    ).fetchall()
    without = {name: rows - counted.get(name.lower(), (rows, 0))[1] for name in required}
    most = max(without.values())
    told = ", ".join(f"{name}: {count:,}" for name, count in without.items() if count)
    said = _told(source, table) + (f" (without: {told})" if told else "")
    return [CheckResult(table, REQUIRED, said, "critical", most <= source.fail_share * rows, most, rows)]


def losses(con: duckdb.DuckDBPyConnection, tables: Sequence[str]) -> list[Loss]:
    """What the newest files of each source lost of these tables, where rows of them stand in core.

    Parameters
    ----------
    tables : the canonical tables that some source maps; those without attributes, and of facts, lose nothing.
    """
    if not relation_exists(con, "ingest.column_filled"):
        return []
    query = load_query("ingest/queries/lost_column").sql
    found = []
    for table in tables:
        contract = CONTRACTS[table]
        # Facts that are new may all lack what only comes with time: the reason why a deal was lost.
        says_how = contract.attributes is not None and contract.fact is None
        if says_how and relation_exists(con, f"core.{table}"):
            lost = con.execute(query, {"table": table, "chance": CHANCE}).fetchall()
            found += [loss for row in lost if (loss := _standing(con, table, *row)) is not None]
    return found


def _standing(
    con: duckdb.DuckDBPyConnection,
    table: str,
    column: str,
    source: str,
    path: str,
    file_id: int,
    present: bool,
    filled: int,
    rows: int,
) -> Loss | None:
    """The loss, if rows of the file stand in core and nothing else gave them a value."""
    core, known = Table(f"core.{table}"), known_table(CONTRACTS[table])
    if relation_exists(con, known):
        # A row of core stands where the first source that has the key does.
        query = load_query("ingest/queries/key_without").filled(
            core=core, column=column, known=Table(known), key=CONTRACTS[table].key
        )
    else:
        query = load_query("ingest/queries/row_without").filled(core=core, column=column)
    ((standing,),) = con.execute(query, {"file": file_id}).fetchall()
    return Loss(table, column, source, path, present, filled, rows, standing) if standing else None
