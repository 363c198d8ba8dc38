"""Edits of a SELECT: the same over other relations, or with other names for what it binds.

What is edited is the tree, so that it does not matter how the SELECT is laid out. The result is text again,
kept, because a step is edited the same way every day.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from sqlglot import exp
from sqlglot.errors import ErrorLevel

from pipelines.engine.statement import DIALECT, parse, relation_of


def reading(sql: str, instead: Mapping[str, str], first: Mapping[str, str] | None = None) -> str:
    """The same SELECT over other relations.

    Parameters
    ----------
    sql : the SELECT; what it calls a relation, it goes on calling it.
    instead : for each `schema.table` the SELECT, or the name of the table, that is read in its place.
    first : SELECTs put before it by their names, for those in `instead` to read.

    Raises
    ------
    ValueError
        The SELECT does not read one of the relations.
    """
    return _reading(sql, tuple(instead.items()), tuple((first or {}).items()))


@lru_cache(maxsize=256)
def _reading(sql: str, instead: tuple[tuple[str, str], ...], first: tuple[tuple[str, str], ...]) -> str:
    tree = parse(sql).copy()
    tables = [(table, relation_of(table)) for table in tree.find_all(exp.Table)]
    for relation, found in instead:
        places = [table for table, name in tables if name == relation]
        if not places:
            raise ValueError(f"{relation} is not read here: {sql[:100]}")
        for table in places:
            _put(table, found)
    if first:
        _put_first(tree, first)
    return tree.sql(dialect=DIALECT, unsupported_level=ErrorLevel.RAISE)


def _put(table: exp.Table, found: str) -> None:
    """Put a SELECT, or a table's name, in the place of a relation, under the name it had there."""
    tree = parse(found)
    query = isinstance(tree, exp.Query)
    new = exp.Subquery(this=tree.copy()) if query else exp.to_table(found, dialect=DIALECT)
    new.set("alias", table.args.get("alias") or exp.TableAlias(this=table.this.copy()))
    for kept in ("joins", "laterals", "sample", "pivots"):
        if table.args.get(kept):
            new.set(kept, table.args[kept])
    table.replace(new)


def _put_first(tree: exp.Expr, first: tuple[tuple[str, str], ...]) -> None:
    made = [
        exp.CTE(this=parse(select).copy(), alias=exp.TableAlias(this=exp.to_identifier(name)))
        for name, select in first
    ]
    there = tree.args.get("with_")
    if there is None:
        tree.set("with_", exp.With(expressions=made))
    else:
        there.set("expressions", [*made, *there.expressions])


@lru_cache(maxsize=256)
def _binding(sql: str, names: tuple[tuple[str, str], ...]) -> str:
    tree, renamed = parse(sql).copy(), dict(names)
    for parameter in tree.find_all(exp.Placeholder):
        if parameter.name in renamed:
            parameter.set("this", renamed[parameter.name])
    return tree.sql(dialect=DIALECT, unsupported_level=ErrorLevel.RAISE)


def binding(sql: str, names: Mapping[str, str]) -> str:
    """The same SELECT or expression with other names for what it binds: each old name and its new one."""
    return _binding(sql, tuple(names.items()))


@lru_cache(maxsize=256)
def named(sql: str, old: str, new: str) -> str:
    """The same SELECT with another name for one column of its result.

    Raises
    ------
    ValueError
        When the SELECT has no column of the old name.
    """
    tree = parse(sql).copy()
    if not isinstance(tree, exp.Query) or old not in tree.named_selects:
        raise ValueError(f"{old} is no column of: {sql[:100]}")
    select = tree.selects[tree.named_selects.index(old)]
    value = select.this if isinstance(select, exp.Alias) else select.copy()
    select.replace(exp.alias_(value, new, quoted=True, copy=True))
    return tree.sql(dialect=DIALECT, unsupported_level=ErrorLevel.RAISE)
