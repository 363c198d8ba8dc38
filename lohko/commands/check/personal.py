"""Which columns look personal, of which the project does not say what becomes of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from lohko.commands.check.configuration import attribute_types
from pipelines.config.expression import to_sql
from pipelines.engine import DuckDB, connect, quote
from pipelines.errors import LohkoError
from pipelines.features.kinds import KINDS
from pipelines.features.personal import looks
from pipelines.ingest.mapping import Mapping
from pipelines.ingest.reading import Reading, scratch_in
from pipelines.ingest.source import check_reading, look_at
from resources.landing import source_files
from resources.project import Project

if TYPE_CHECKING:
    import duckdb

# What a column holds is looked for in the first rows of a file; a run looks at all of them.
ROWS = 1000


def unclassified(project: Project) -> list[str]:
    """`source.table: column (what it looks like)`, of every attribute that looks personal and is not named.

    Files that cannot be used are left out: they are told as faults.
    """
    crms = {kind.crm: kind.entity for kind in KINDS.values()}
    found: dict[str, None] = {}
    with connect() as con:
        for mapping, reading in _mapped(con, project):
            entity = crms.get(mapping.contract.table)
            if entity is None:
                continue
            types = attribute_types(con, mapping, reading)
            if not types:
                continue
            _sample(con, mapping, reading)
            for column in looks(DuckDB(con), "sample", list(types.items()), entity, project.config.personal):
                if not column.classified:
                    told = f"{mapping.source}.{mapping.contract.table}: {column.name} ({column.looks_like})"
                    found[told] = None
    return list(found)


def remark(columns: list[str]) -> str:
    """What `lohko check` says of them."""
    lines = [f"  {column}" for column in columns]
    head = "These columns look personal. They are not published until `personal:` in project.yaml says so:"
    return "\n".join([head, *lines])


def _mapped(con: duckdb.DuckDBPyConnection, project: Project) -> Iterator[tuple[Mapping, Reading]]:
    """Every mapping of every file that can be read."""
    for name, source in project.config.sources.items():
        try:
            for path in source_files(project, name, source):
                with scratch_in(None) as scratch:
                    reading = look_at(con, source, path, scratch)
                    for mapping in check_reading(con, name, source, reading):
                        yield mapping, reading
        except LohkoError:
            continue


def _sample(con: duckdb.DuckDBPyConnection, mapping: Mapping, reading: Reading) -> None:
    """`sample`: the attributes of the first rows of a file."""
    given = {name: to_sql(tree) for name, tree in mapping.expressions.items()}
    columns = ", ".join(f"{given.get(name, quote(name))} as {quote(name)}" for name in mapping.attributes)
    con.execute(
        f"create or replace temp table sample as select {columns} from {reading.clause} limit {ROWS}",
        {"path": str(reading.at)},
    )
