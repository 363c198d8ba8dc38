"""Scalar SQL expressions that users write: mappings and conditions.

Parsed with sqlglot into a tree of allowed nodes. Nothing that is not a scalar expression over known columns
gets through: no statement, subquery, aggregate, window, star, parameter, or function off the list.
"""

from __future__ import annotations

from collections.abc import Collection

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from pipelines.config.yaml import nearest
from pipelines.errors import ConfigError

# Functions that sqlglot knows only by name; everything else it knows has a node type of its own.
NAMED_FUNCTIONS = frozenset({"strptime", "try_strptime", "date_diff", "trim", "regexp_matches", "md5"})

_REFUSED: tuple[tuple[type[exp.Expression], str], ...] = (
    (exp.Query, "a subquery"),
    (exp.Command, "a statement"),
    (exp.DDL, "a statement"),
    (exp.DML, "a statement"),
    (exp.AggFunc, "an aggregate"),
    (exp.Window, "a window function"),
    (exp.Star, "a star"),
    (exp.Placeholder, "a parameter"),
    (exp.Parameter, "a parameter"),
    (exp.Lambda, "a lambda"),
    (exp.UDTF, "a table function"),
    (exp.Rand, "a random number"),
    (exp.CurrentDate, "the clock"),
    (exp.CurrentTimestamp, "the clock"),
    (exp.CurrentTime, "the clock"),
)

_SCALAR = (
    exp.Binary,
    exp.Unary,
    exp.Func,
    exp.Predicate,
    exp.Condition,
    exp.Literal,
    exp.Identifier,
    exp.DataType,
    exp.DataTypeParam,
    exp.Interval,
    exp.Var,
    exp.Tuple,
    exp.AtTimeZone,
)


def parse_scalar(text: str, columns: Collection[str], where: str) -> exp.Expression:
    """Parse one scalar expression over `columns`.

    Parameters
    ----------
    text : the expression, in DuckDB's dialect.
    columns : the names it may use; compared without regard to case, as SQL does.
    where : what a fault is prefixed with: file, line and place.

    Raises
    ------
    ConfigError
        When it does not parse, is not scalar, or names an unknown column.
    """
    try:
        trees = [tree for tree in sqlglot.parse(text, dialect="duckdb") if tree is not None]
    except SqlglotError as error:
        reason = str(error).splitlines()[0]
        raise ConfigError(f"{where}: {text!r} is not an SQL expression: {reason}") from None
    if len(trees) != 1:
        raise ConfigError(f"{where}: {text!r}: expected one expression, found {len(trees)} statements")
    tree = trees[0]
    for node in tree.walk():
        _refuse(node, text, where)
    known = {name.lower(): name for name in columns}
    for column in tree.find_all(exp.Column):
        if column.table or column.name.lower() not in known:
            shown = column.sql(dialect="duckdb")
            listed = ", ".join(sorted(columns)[:40])
            raise ConfigError(
                f"{where}: {text!r} names {shown}, which is not a column here"
                f"{nearest(column.name.lower(), known)} (known: {listed})"
            )
    return tree


def to_sql(tree: exp.Expression) -> str:
    """The expression as SQL with every identifier quoted."""
    return tree.sql(dialect="duckdb", identify=True)


def columns_in(tree: exp.Expression) -> set[str]:
    """The columns an expression reads."""
    return {column.name for column in tree.find_all(exp.Column)}


def _refuse(node: exp.Expression, text: str, where: str) -> None:
    for kind, name in _REFUSED:
        if isinstance(node, kind):
            raise ConfigError(f"{where}: {text!r} holds {name}; expected a scalar expression over columns")
    if isinstance(node, exp.Anonymous) and node.name.lower() not in NAMED_FUNCTIONS:
        raise ConfigError(
            f"{where}: {text!r} calls {node.name}, which is not on the list of functions"
            f"{nearest(node.name.lower(), NAMED_FUNCTIONS)}"
        )
    if not isinstance(node, _SCALAR):
        raise ConfigError(
            f"{where}: {text!r} holds {type(node).__name__.lower()}; expected a scalar expression"
        )
