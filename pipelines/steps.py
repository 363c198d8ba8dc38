"""Steps: one SELECT in a `.sql` file whose header says how the result is stored.

    -- features.customer_day
    -- One row per customer and business day with a purchase.
    -- key: customer_id, business_date
    -- store: partition business_date
    -- inputs: core.orders, core.order_lines

`store` is `replace` (the table is the result), `partition COLUMN` (the rows whose COLUMN stands in the
result, or equals the value bound to it, are replaced), or `append`. The file holds the SELECT alone, so
that another engine can run it; how it is stored is done here, in one place.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import duckdb

ROOT = Path(__file__).parent
FRAGMENTS = ("features/families", "features/accounts")
PARAMETER = re.compile(r"\$([a-z_][a-z0-9_]*)", re.IGNORECASE)
# Text, quoted names and remarks: a `$name` in there is no parameter.
_QUOTED = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*""")
# Connections that are inside a transaction.
_open: set[int] = set()
_HEADER = re.compile(r"^--\s*(key|store|inputs):\s*(.+)$", re.MULTILINE)


def quote(identifier: str) -> str:
    """Quote one identifier for SQL; the only place where names become SQL text."""
    return '"' + identifier.replace('"', '""') + '"'


def qualified(table: str) -> str:
    """Quote `schema.table`."""
    return ".".join(quote(part) for part in table.split("."))


@dataclass(frozen=True)
class Step:
    """A SELECT and how its result is stored."""

    table: str
    sql: str
    store: str
    key: tuple[str, ...]
    inputs: tuple[str, ...]
    description: str

    @property
    def schema(self) -> str:
        return self.table.split(".")[0]


@cache
def load_step(relative: str) -> Step:
    """Read `pipelines/<relative>.sql`; its first comment line names the table it fills."""
    path = ROOT / f"{relative}.sql"
    return parse_step(path.read_text(encoding="utf-8"), str(path.relative_to(ROOT)))


@cache
def tables_read() -> frozenset[str]:
    """Every table that the header of some step names among its inputs.

    Fragments of features are no steps: they run only where their tables are mapped.
    """
    steps = (
        path.relative_to(ROOT).with_suffix("").as_posix()
        for path in ROOT.rglob("*.sql")
        if path.parent.relative_to(ROOT).as_posix() not in FRAGMENTS
    )
    return frozenset(table for step in steps for table in load_step(step).inputs)


def parse_step(text: str, where: str) -> Step:
    lines = text.splitlines()
    head = [line[2:].strip() for line in lines if line.startswith("--")]
    facts = dict(_HEADER.findall(text))
    if not head or "store" not in facts:
        raise ValueError(f"{where}: a step opens with its table and says `-- store:`")
    prose = [line for line in head[1:] if not re.match(r"(key|store|inputs|dialect):", line)]
    return Step(
        table=head[0],
        sql="\n".join(line for line in lines if not line.startswith("--")).strip().rstrip(";"),
        store=facts["store"].strip(),
        key=_names(facts.get("key", "")),
        inputs=_names(facts.get("inputs", "")),
        description=" ".join(prose),
    )


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def bound(sql: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters this SQL names, and no other (DuckDB refuses the excess)."""
    return {name: parameters[name] for name in set(PARAMETER.findall(_QUOTED.sub("", sql)))}


def relation_exists(con: duckdb.DuckDBPyConnection, relation: str) -> bool:
    """Whether there is such a table or view.

    It is bound and not looked up: the catalogue's own list goes through every table there is.
    """
    return _bound(con, relation) is not None


def is_view(con: duckdb.DuckDBPyConnection, relation: str) -> bool:
    schema, name = relation.split(".")
    found = con.execute(
        "select count(*) from duckdb_views() where database_name = current_database()"
        " and schema_name = ? and view_name = ?",
        [schema, name],
    ).fetchone()
    return bool(found and found[0])


def columns_of(con: duckdb.DuckDBPyConnection, relation: str) -> list[tuple[str, str]]:
    """Names and types of a table's or view's columns, in order; empty when there is no such relation."""
    found = _bound(con, relation)
    if found is None:
        return []
    return [(name, str(kind)) for name, kind in zip(found.columns, found.types, strict=True)]


def _bound(con: duckdb.DuckDBPyConnection, relation: str) -> duckdb.DuckDBPyRelation | None:
    """A relation bound to its columns; that there is none aborts no transaction, as a statement would."""
    import duckdb

    try:
        return con.table(qualified(relation))
    except duckdb.CatalogException:
        return None


def row_count(con: duckdb.DuckDBPyConnection, table: str) -> int:
    row = con.execute(f"select count(*) from {qualified(table)}").fetchone()
    return int(row[0]) if row else 0


def run_step(
    con: duckdb.DuckDBPyConnection,
    step: Step | str,
    parameters: Mapping[str, Any] | None = None,
) -> None:
    """Run a step and store its result in one transaction (joins the caller's if one is open)."""
    step = load_step(step) if isinstance(step, str) else step
    store_select(con, step.table, step.sql, step.store, parameters or {})


def store_select(
    con: duckdb.DuckDBPyConnection,
    table: str,
    sql: str,
    store: str,
    parameters: Mapping[str, Any],
    *,
    fits: bool = False,
) -> None:
    """Store the result of a SELECT: `replace`, `append`, or `partition COLUMN`.

    With `fits` the table has every column of the result, and a large SELECT is not bound once more to see it.
    """
    how, _, column = store.partition(" ")
    if how not in ("replace", "partition", "append"):
        raise ValueError(f"{table}: unknown store {store!r}")
    values = bound(sql, parameters)
    con.execute(f"create schema if not exists {quote(table.split('.')[0])}")
    if how == "replace" or not relation_exists(con, table):
        con.execute(f"create or replace table {qualified(table)} as {sql}", values)
        return
    with transaction(con):
        if how == "append" or column in parameters:
            if how == "partition":
                con.execute(
                    f"delete from {qualified(table)} where {quote(column)} = $v", {"v": parameters[column]}
                )
            if not fits:
                _align(con, table, sql, values)
            con.execute(f"insert into {qualified(table)} by name {sql}", values)
            return
        con.execute(f"create or replace temp table step_result as {sql}", values)
        con.execute(
            f"delete from {qualified(table)} where {quote(column)} in"
            f" (select distinct {quote(column)} from step_result)"
        )
        _align(con, table, "from step_result", {})
        con.execute(f"insert into {qualified(table)} by name select * from step_result")
        con.execute("drop table step_result")


def _align(con: duckdb.DuckDBPyConnection, table: str, sql: str, values: Mapping[str, Any]) -> None:
    """Add to the table the columns that the result has and it lacks (a new attribute or feature)."""
    have = {name for name, _ in columns_of(con, table)}
    found = con.execute(f"select column_name, column_type from (describe {sql})", values).fetchall()
    for name, kind in found:
        if name not in have:
            con.execute(f"alter table {qualified(table)} add column {quote(name)} {kind}")


def insert_rows(con: duckdb.DuckDBPyConnection, table: str, found: Iterable[Sequence[Any]]) -> None:
    """Append rows of all columns of a table in one statement: one a row takes twenty times as long."""
    columns = [list(values) for values in zip(*found, strict=True)]
    if columns:
        values = ", ".join(["unnest(?)"] * len(columns))
        con.execute(f"insert into {qualified(table)} select {values}", columns)


@contextmanager
def beside(con: duckdb.DuckDBPyConnection) -> Iterator[duckdb.DuckDBPyConnection]:
    """A further connection to the same database and in the same time zone, for another thread."""
    with con.cursor() as further:
        zone = con.execute("select current_setting('TimeZone')").fetchone()
        further.execute("set TimeZone = $zone", {"zone": zone[0] if zone else None})
        yield further


@contextmanager
def transaction(con: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """All or nothing; inside another transaction of the same connection it is that one.

    Which connections are inside one is remembered here: asking DuckDB means a failed BEGIN, and that aborts
    the transaction it was asked about.
    """
    if id(con) in _open:
        yield
        return
    con.execute("begin transaction")
    _open.add(id(con))
    try:
        yield
    except BaseException:
        con.execute("rollback")
        raise
    else:
        con.execute("commit")
    finally:
        _open.discard(id(con))


def rows(
    con: duckdb.DuckDBPyConnection, sql: str, parameters: Mapping[str, Any] | Iterable[Any] | None = None
) -> list[dict[str, Any]]:
    """The result of a small query as a list of dictionaries."""
    cursor = con.execute(sql, parameters) if parameters else con.execute(sql)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
