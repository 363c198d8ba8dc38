"""Scalar SQL expressions that users write: mappings and conditions.

Parsed with sqlglot into a tree of allowed nodes. Nothing that is not a scalar expression over known columns
gets through: no statement, subquery, aggregate, window, star, parameter, or function off the list.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from sqlglot import exp
from sqlglot.errors import ParseError, SqlglotError, TokenError

from pipelines.config.yaml import nearest
from pipelines.engine.statement import statements
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
    (exp.ArrayOverlaps, "&&, which is written `and`"),
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


@dataclass(frozen=True)
class Place:
    """Where an expression stands, and how a fault shows the spot.

    `where` is file, line and place. A fault repeats the text; with `pointing` it points into it, with the
    line of the text and a caret below the first character that is wrong.
    """

    where: str
    text: str
    pointing: bool = False

    def fault(self, what: str, at: int | None = None) -> ConfigError:
        """The error; `at` is the offset of the fault in the text."""
        if not self.pointing:
            return ConfigError(f"{self.where}: {self.text!r} {what}")
        return ConfigError(f"{self.where}: {what}" + ("" if at is None else excerpt(self.text, at)))


def excerpt(text: str, at: int) -> str:
    """The line of `text` around the offset `at`, and a caret below it; at most some seventy characters."""
    start = text.rfind("\n", 0, at) + 1
    end = text.find("\n", at)
    end = len(text) if end < 0 else end
    first, last = max(start, at - 40), min(end, at + 30)
    before, after = "…" * (first > start), "…" * (last < end)
    shown = "".join(char if char.isprintable() else " " for char in text[first:last])
    return f"\n    {before}{shown}{after}\n    {' ' * (len(before) + at - first)}^"


def offset_of(node: exp.Expr) -> int | None:
    """Where in the text a node begins; None where the parser kept no place."""
    found = [int(child.meta["start"]) for child in node.walk() if "start" in child.meta]
    return min(found, default=None)


def parse_scalar(
    text: str,
    columns: Collection[str] | None,
    where: str | Place,
    own: Collection[str] = (),
) -> exp.Expr:
    """Parse one scalar expression over `columns`.

    Parameters
    ----------
    text : the expression, in DuckDB's dialect.
    columns : the names it may use; compared without regard to case, as SQL does. None leaves them to the
        caller, who knows more about them.
    where : what a fault is prefixed with: file, line and place.
    own : functions beyond the list, which the caller puts something else in the place of.

    Raises
    ------
    ConfigError
        When it does not parse, is not scalar, or names an unknown column.
    """
    place = Place(where, text) if isinstance(where, str) else where
    trees = _parsed(text, place)
    if len(trees) != 1:
        shown = "" if place.pointing else f"{place.text!r}: "
        raise ConfigError(f"{place.where}: {shown}expected one expression, found {len(trees)} statements")
    tree = trees[0]
    for node in tree.walk():
        _refuse_by_name(node, place)
    for node in tree.walk():
        if not (isinstance(node, exp.Anonymous) and node.name.lower() in own):
            _refuse_unlisted(node, place, own)
    known = {name.lower(): name for name in columns or ()}
    for column in tree.find_all(exp.Column) if columns is not None else ():
        if column.table or column.name.lower() not in known:
            shown = column.sql(dialect="duckdb")
            listed = ", ".join(sorted(known.values())[:40])
            hint = nearest(column.name, known.values())
            if not hint and column.this.quoted:
                hint = "; a text stands in single quotes"
            raise place.fault(
                f"names {shown}, which is not a column here{hint} (known: {listed})", offset_of(column)
            )
    return tree


def _parsed(text: str, place: Place) -> list[exp.Expr]:
    """The statements of the text, as trees."""
    try:
        return statements(text)
    except RecursionError:
        raise ConfigError(f"{place.where}: the expression is nested too deeply") from None
    except ParseError as error:
        reason, at = str(error).splitlines()[0], _offset_in(text, error)
        if place.pointing:
            said = str(error.errors[0].get("description") or reason) if error.errors else reason
            # The parser names its own classes where a part is missing.
            reason = "something is missing" if "<class" in said else said.rstrip(".")
        raise place.fault(f"is not an SQL expression: {reason}", at) from None
    except TokenError as error:
        reason = "a quote or remark is not closed" if place.pointing else str(error).splitlines()[0]
        raise place.fault(f"is not an SQL expression: {reason}") from None
    except SqlglotError as error:
        raise place.fault(f"is not an SQL expression: {str(error).splitlines()[0]}") from None


def _offset_in(text: str, error: ParseError) -> int | None:
    """The parser tells the line and the column of the last character of what it stumbled over."""
    found = error.errors[0] if error.errors else {}
    line, column = found.get("line"), found.get("col")
    if not line or not column:
        return None
    start = sum(len(line_text) + 1 for line_text in text.split("\n")[: line - 1])
    return max(0, min(len(text), int(start + column - len(found.get("highlight") or ""))))


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
    """Refuse a node that is not on the lists of scalars; for parsers of more than a scalar.

    Raises
    ------
    ConfigError
        For a function, type, unit or construct that is not on the lists.
    """
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


def _refuse_by_name(node: exp.Expr, place: Place) -> None:
    for kind, name in _REFUSED:
        if isinstance(node, kind):
            raise place.fault(f"holds {name}; expected a scalar expression over columns", offset_of(node))


def _refuse_unlisted(node: exp.Expr, place: Place, own: Collection[str]) -> None:
    """Whatever is not on the lists, by the name that its writer knows."""
    kind = type(node)
    if isinstance(node, exp.DataType) and node.this.name not in _TYPES:
        shown = node.sql(dialect="duckdb")
        raise place.fault(f"casts to {shown}; expected one of {', '.join(sorted(_TYPES))}", offset_of(node))
    if isinstance(node, exp.Var) and node.name.lower().removesuffix("s") not in _UNITS:
        hint = nearest(node.name.lower(), _UNITS)
        raise place.fault(f"names {node.name}; expected a unit of time{hint}", offset_of(node))
    if kind in _NODES or kind in _FUNCTIONS:
        return
    if isinstance(node, exp.Func):
        name = (node.name if isinstance(node, exp.Anonymous) else node.sql_name()).lower()
        if isinstance(node, exp.Anonymous) and name in NAMED_FUNCTIONS:
            return
        raise place.fault(
            f"calls {name}, which is not on the list of functions{nearest(name, {*_names(), *own})}",
            offset_of(node),
        )
    raise place.fault(
        f"holds {kind.__name__.lower()}; expected a scalar expression over columns", offset_of(node)
    )


def _names() -> set[str]:
    return {*NAMED_FUNCTIONS, *(function.sql_name().lower() for function in _FUNCTIONS)}
