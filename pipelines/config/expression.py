"""Scalar SQL expressions that users write: mappings and conditions.

Parsed with sqlglot into a tree of allowed nodes. Nothing that is not a scalar expression over known columns
gets through: no statement, subquery, aggregate, window, star, parameter, or function off the list.
"""

from __future__ import annotations

import re
from collections.abc import Collection

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from pipelines.config.yaml import nearest
from pipelines.errors import ConfigError

# What an expression may be made of. A list of what is allowed, because sqlglot has node types for the clock,
# the session, random numbers and files too, and gains more with every release.
_NODES = frozenset(
    {
        *(exp.Column, exp.Identifier, exp.Literal, exp.Boolean, exp.Null, exp.Paren),
        *(exp.And, exp.Or, exp.Not, exp.Neg, exp.Add, exp.Sub, exp.Mul, exp.Div, exp.IntDiv, exp.Mod),
        *(exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.NullSafeEQ, exp.NullSafeNEQ, exp.Is),
        *(exp.In, exp.Between, exp.Like, exp.ILike, exp.Escape, exp.DPipe, exp.Case, exp.If),
        *(exp.Cast, exp.TryCast, exp.DataType, exp.DataTypeParam, exp.Interval, exp.Var, exp.AtTimeZone),
        # One value out of a nested one; no wildcard, which gives a list.
        *(exp.JSONExtractScalar, exp.JSONPath, exp.JSONPathRoot, exp.JSONPathKey, exp.JSONPathSubscript),
    }
)

# Functions of one row's values: equal arguments give equal results, and nothing else is read.
_FUNCTIONS: frozenset[type[exp.Func]] = frozenset(
    {
        *(exp.Abs, exp.Sign, exp.Round, exp.Floor, exp.Ceil, exp.Trunc, exp.Sqrt, exp.Pow, exp.Exp, exp.Ln),
        *(exp.Log, exp.Greatest, exp.Least, exp.IsNan, exp.Coalesce, exp.Nullif),
        *(exp.Lower, exp.Upper, exp.Trim, exp.Length, exp.Left, exp.Right, exp.Substring, exp.Pad),
        *(exp.Reverse, exp.Replace, exp.Translate, exp.SplitPart, exp.StrPosition),
        *(exp.Concat, exp.ConcatWs, exp.MD5, exp.StartsWith, exp.EndsWith, exp.Contains),
        *(exp.RegexpLike, exp.RegexpFullMatch, exp.RegexpExtract, exp.RegexpReplace),
        *(exp.Date, exp.DateFromParts, exp.DateAdd, exp.DateDiff, exp.TimestampTrunc, exp.LastDay),
        *(exp.Extract, exp.Year, exp.Quarter, exp.Month, exp.Week, exp.Day, exp.Hour, exp.Minute, exp.Second),
        *(exp.DayOfWeek, exp.DayOfWeekIso, exp.DayOfMonth, exp.DayOfYear),
        *(exp.StrToTime, exp.TimeToStr, exp.UnixToTime, exp.TimeToUnix),
    }
)

# Functions that sqlglot knows only by name.
NAMED_FUNCTIONS = frozenset({"try_strptime", "date_part", "strip_accents"})

_TYPES = frozenset(
    {
        *("BOOLEAN", "TINYINT", "SMALLINT", "INT", "BIGINT", "INT128", "DECIMAL", "FLOAT", "DOUBLE", "TEXT"),
        *("VARCHAR", "DATE", "TIME", "TIMESTAMP", "TIMESTAMPNTZ", "TIMESTAMPTZ", "INTERVAL"),
    }
)

_UNITS = frozenset(
    {
        *("microsecond", "millisecond", "second", "minute", "hour", "day", "week", "month", "quarter"),
        *("year", "isoyear", "dow", "isodow", "doy", "epoch"),
    }
)

_WORD = re.compile(r'"([^"]+)"|([^\W\d]\w*)')

# What people try most often, by the name they know it by.
_REFUSED: tuple[tuple[type[exp.Expr], str], ...] = (
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
    (exp.CurrentTime, "the clock"),
    (exp.CurrentTimestamp, "the clock"),
    (exp.Localtime, "the clock"),
    (exp.Localtimestamp, "the clock"),
)


def parse_scalar(text: str, columns: Collection[str], where: str) -> exp.Expr:
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
    except RecursionError:
        raise ConfigError(f"{where}: the expression is nested too deeply") from None
    except SqlglotError as error:
        reason = str(error).splitlines()[0]
        raise ConfigError(f"{where}: {text!r} is not an SQL expression: {reason}") from None
    if len(trees) != 1:
        raise ConfigError(f"{where}: {text!r}: expected one expression, found {len(trees)} statements")
    tree = trees[0]
    for node in tree.walk():
        _refuse_by_name(node, text, where)
    for node in tree.walk():
        _refuse_unlisted(node, text, where)
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


def to_sql(tree: exp.Expr) -> str:
    """The expression as SQL with every identifier quoted."""
    return tree.sql(dialect="duckdb", identify=True, comments=False)


def words_in(text: str) -> list[str]:
    """Whatever may be a column in an expression, when the columns are not known."""
    return [quoted or word for quoted, word in _WORD.findall(text)]


def columns_in(tree: exp.Expr) -> set[str]:
    """The columns an expression reads."""
    return {column.name for column in tree.find_all(exp.Column)}


def refuse_unlisted(node: exp.Expr, where: str, expected: str) -> None:
    """Refuse a node that is not on the lists of scalars; for parsers of more than a scalar."""
    if isinstance(node, exp.DataType) and node.this.name not in _TYPES:
        shown = node.sql(dialect="duckdb")
        raise ConfigError(f"{where}: casts to {shown}; expected one of {', '.join(sorted(_TYPES))}")
    if isinstance(node, exp.Var) and node.name.lower().removesuffix("s") not in _UNITS:
        raise ConfigError(f"{where}: names {node.name}; expected a unit of time")
    if type(node) in _NODES or type(node) in _FUNCTIONS:
        return
    if isinstance(node, exp.Anonymous) and node.name.lower() in NAMED_FUNCTIONS:
        return
    if isinstance(node, exp.Func):
        name = (node.name if isinstance(node, exp.Anonymous) else node.sql_name()).lower()
        raise ConfigError(
            f"{where}: calls {name}, which is not on the list of functions{nearest(name, _names())}"
        )
    raise ConfigError(f"{where}: holds {type(node).__name__.lower()}; expected {expected}")


def _refuse_by_name(node: exp.Expr, text: str, where: str) -> None:
    for kind, name in _REFUSED:
        if isinstance(node, kind):
            raise ConfigError(f"{where}: {text!r} holds {name}; expected a scalar expression over columns")


def _refuse_unlisted(node: exp.Expr, text: str, where: str) -> None:
    """Whatever is not on the lists, by the name that its writer knows."""
    kind = type(node)
    if isinstance(node, exp.DataType) and node.this.name not in _TYPES:
        shown = node.sql(dialect="duckdb")
        raise ConfigError(f"{where}: {text!r} casts to {shown}; expected one of {', '.join(sorted(_TYPES))}")
    if isinstance(node, exp.Var) and node.name.lower().removesuffix("s") not in _UNITS:
        hint = nearest(node.name.lower(), _UNITS)
        raise ConfigError(f"{where}: {text!r} names {node.name}; expected a unit of time{hint}")
    if kind in _NODES or kind in _FUNCTIONS:
        return
    if isinstance(node, exp.Func):
        name = (node.name if isinstance(node, exp.Anonymous) else node.sql_name()).lower()
        if isinstance(node, exp.Anonymous) and name in NAMED_FUNCTIONS:
            return
        raise ConfigError(
            f"{where}: {text!r} calls {name}, which is not on the list of functions{nearest(name, _names())}"
        )
    raise ConfigError(
        f"{where}: {text!r} holds {kind.__name__.lower()}; expected a scalar expression over columns"
    )


def _names() -> set[str]:
    return {*NAMED_FUNCTIONS, *(function.sql_name().lower() for function in _FUNCTIONS)}
