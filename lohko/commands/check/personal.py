"""Which columns look personal, of which the project does not say what becomes of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lohko.commands.check.configuration import attribute_columns, attribute_types, mapped_files
from pipelines.engine import DuckDB, connect
from pipelines.features.personal import looks
from pipelines.ingest.mapping import Mapping
from pipelines.ingest.reading import Reading
from resources.project import Project

if TYPE_CHECKING:
    import duckdb

# What a column holds is looked for in the first rows of a file; a run looks at all of them.
ROWS = 1000


def unclassified(project: Project) -> list[str]:
    """`source.table: column (what it looks like)`, of every attribute that looks personal and is not named.

    For a project whose sources have no fault.
    """
    found: dict[str, None] = {}
    with connect() as con:
        for mapping, reading in mapped_files(con, project):
            types = attribute_types(con, mapping, reading)
            if not types:
                continue
            _sample(con, mapping, reading)
            thing = mapping.contract.thing
            for column in looks(DuckDB(con), "sample", list(types.items()), thing, project.config.personal):
                if not column.classified:
                    told = f"{mapping.source}.{mapping.contract.table}: {column.name} ({column.looks_like})"
                    found[told] = None
    return list(found)


def remark(columns: list[str]) -> str:
    """What `lohko check` says of them."""
    lines = [f"  {column}" for column in columns]
    head = "These columns look personal. They are not published until `personal:` in project.yaml says so:"
    return "\n".join([head, *lines])


def _sample(con: duckdb.DuckDBPyConnection, mapping: Mapping, reading: Reading) -> None:
    """`sample`: the attributes of the first rows of a file."""
    columns = attribute_columns(mapping)
    con.execute(
        f"create or replace temp table sample as select {columns} from {reading.clause} limit {ROWS}",
        {"path": str(reading.at)},
    )
