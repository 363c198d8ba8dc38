"""Types in words: what each side of a comparison is, and which cannot be compared.

The kinds are coarse on purpose: what they leave open is asked of DuckDB, which runs the condition over
made-up values (see binding.py).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Literal

from sqlglot import exp

from pipelines.config.expression import Place, offset_of

Kind = Literal["number", "text", "date", "condition", "interval", "nothing", "unknown"]


@dataclass(frozen=True)
class Named:
    """What a name in a condition stands for: a column, its type and unit, and how it was written."""

    column: str
    type: str
    unit: str = ""
    written: str = ""

    @property
    def shown(self) -> str:
        return self.written or self.column


_NUMBERS = (
    "BIGINT",
    "INTEGER",
    "DOUBLE",
    "DECIMAL",
    "HUGEINT",
    "FLOAT",
    "SMALLINT",
    "TINYINT",
    "UBIGINT",
    "INT",
)
_UNITS = {
    "currency": "an amount of money",
    "the row's currency": "an amount of money",
    "share": "a share",
    "ratio": "a ratio",
    "": "a number",
    "points": "a number of points",
    "instant": "a point in time",
}
_COMPARISONS = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.NullSafeEQ, exp.NullSafeNEQ)
_ARITHMETIC = (exp.Add, exp.Sub, exp.Mul, exp.Div, exp.IntDiv, exp.Mod)

_RESULTS: dict[Kind, tuple[type[exp.Expr], ...]] = {
    "condition": (
        *(
            *_COMPARISONS,
            exp.And,
            exp.Or,
            exp.Not,
            exp.Is,
            exp.In,
            exp.Between,
            exp.Like,
            exp.ILike,
            exp.Boolean,
        ),
        *(exp.StartsWith, exp.EndsWith, exp.Contains, exp.RegexpLike, exp.RegexpFullMatch, exp.IsNan),
    ),
    "number": (
        *(exp.Abs, exp.Sign, exp.Round, exp.Floor, exp.Ceil, exp.Sqrt, exp.Pow, exp.Exp, exp.Ln, exp.Log),
        *(exp.Length, exp.StrPosition, exp.DateDiff, exp.Extract, exp.Year, exp.Quarter, exp.Month, exp.Week),
        *(exp.Day, exp.Hour, exp.Minute, exp.Second, exp.DayOfWeek, exp.DayOfWeekIso, exp.DayOfMonth),
        *(exp.DayOfYear, exp.TimeToUnix, exp.Mul, exp.Div, exp.IntDiv, exp.Mod),
    ),
    "text": (
        *(
            exp.Lower,
            exp.Upper,
            exp.Trim,
            exp.Left,
            exp.Right,
            exp.Substring,
            exp.Pad,
            exp.Reverse,
            exp.Replace,
        ),
        *(exp.Translate, exp.SplitPart, exp.Concat, exp.ConcatWs, exp.MD5, exp.RegexpExtract),
        *(exp.RegexpReplace, exp.TimeToStr, exp.JSONExtractScalar, exp.DPipe),
    ),
    "date": (
        *(exp.Date, exp.DateFromParts, exp.DateAdd, exp.TimestampTrunc, exp.LastDay, exp.StrToTime),
        *(exp.UnixToTime, exp.AtTimeZone),
    ),
    "interval": (exp.Interval,),
    "nothing": (exp.Null,),
}


def kind_of_type(type_: str) -> Kind:
    """The kind of a DuckDB type."""
    upper = type_.upper()
    if upper.endswith("]"):
        return "unknown"
    if upper.startswith("INTERVAL"):
        return "interval"
    if upper.startswith(_NUMBERS):
        return "number"
    if upper.startswith(("VARCHAR", "TEXT")):
        return "text"
    if upper == "DATE" or upper.startswith("TIMESTAMP"):
        return "date"
    return "condition" if upper == "BOOLEAN" else "unknown"


class Words:
    """Kinds and descriptions of the parts of one condition; `named` says what a column stands for."""

    def __init__(self, named: Callable[[exp.Column], Named], place: Place) -> None:
        self.named = named
        self.place = place

    def kind(self, node: exp.Expr) -> Kind:
        """The kind of a value; `unknown` where it is not told by the tree."""
        if isinstance(node, exp.Paren):
            return self.kind(node.this)
        if isinstance(node, exp.Column):
            return kind_of_type(self.named(node).type)
        if isinstance(node, exp.Literal):
            return "text" if node.is_string else "number"
        if isinstance(node, (exp.Cast, exp.TryCast)):
            return kind_of_type(node.to.sql(dialect="duckdb"))
        if isinstance(node, exp.Neg):
            return self.kind(node.this)
        if isinstance(node, (exp.Add, exp.Sub)):
            return self._sum(node)
        if isinstance(node, (exp.Coalesce, exp.Greatest, exp.Least)):
            return self._common([node.this, *node.expressions])
        if isinstance(node, exp.Nullif):
            return self.kind(node.this)
        if isinstance(node, exp.Case):
            branches = [arg.args["true"] for arg in node.args["ifs"]]
            return self._common([*branches, *([node.args["default"]] if node.args.get("default") else [])])
        if isinstance(node, exp.If):
            return self._common(
                [node.args["true"], *([node.args["false"]] if node.args.get("false") else [])]
            )
        return next((kind for kind, types in _RESULTS.items() if isinstance(node, types)), "unknown")

    def _sum(self, node: exp.Expr) -> Kind:
        """Days added to a date are a date, and the days between two are a number."""
        left, right = self.kind(node.this), self.kind(node.expression)
        if "unknown" in (left, right):
            return "unknown"
        if "date" in (left, right):
            return "number" if left == right else "date"
        return "number" if left == right == "number" else "unknown"

    def _common(self, nodes: Iterable[exp.Expr]) -> Kind:
        kinds = {self.kind(node) for node in nodes} - {"nothing"}
        return kinds.pop() if len(kinds) == 1 else "unknown"

    def check(self, tree: exp.Expr) -> None:
        """Refuse comparisons of what cannot be compared, and a result that is not true or false.

        Raises
        ------
        ConfigError
            In words: which value is what, and with what it is compared.
        """
        for node in tree.walk():
            if isinstance(node, _COMPARISONS):
                self._comparable(node.this, node.expression)
            elif isinstance(node, exp.In):
                for expression in node.expressions:
                    self._comparable(node.this, expression)
            elif isinstance(node, exp.Between):
                self._comparable(node.this, node.args["low"])
                self._comparable(node.this, node.args["high"])
            elif isinstance(node, (exp.Like, exp.ILike)):
                self._is_text(node)
            elif isinstance(node, (exp.And, exp.Or)):
                self._decides(node.this)
                self._decides(node.expression)
            elif isinstance(node, exp.Not):
                self._decides(node.this)
            elif isinstance(node, _ARITHMETIC):
                self._calculates(node)
        self._decides(tree)

    def _comparable(self, left: exp.Expr, right: exp.Expr) -> None:
        one, other = self.kind(left), self.kind(right)
        if one == other or {one, other} & {"unknown", "nothing"}:
            return
        # The value with a name is spoken of first.
        if isinstance(left, exp.Literal):
            left, right, one, other = right, left, other, one
        at = offset_of(right) if isinstance(right, exp.Literal) else offset_of(left)
        if {one, other} == {"date", "text"}:
            written = right if isinstance(right, exp.Literal) else left
            if not isinstance(written, exp.Literal) or _is_moment(written.name):
                return  # DuckDB reads text as a date
            raise self.place.fault(
                f"{self.says(left)}, compared with text {written.sql(dialect='duckdb')};"
                " expected a date such as '2026-01-31'",
                at,
            )
        raise self.place.fault(f"{self.says(left)}, compared with {self.described(right)}", at)

    def _is_text(self, node: exp.Expr) -> None:
        for side in (node.this, node.expression):
            if self.kind(side) not in ("text", "unknown", "nothing"):
                raise self.place.fault(f"{self.says(side)}, compared by like; expected text", offset_of(side))

    def _calculates(self, node: exp.Expr) -> None:
        for side in (node.this, node.expression):
            if self.kind(side) in ("text", "condition"):
                raise self.place.fault(
                    f"{self.says(side)}, in a calculation; expected a number or a date", offset_of(side)
                )

    def _decides(self, node: exp.Expr) -> None:
        kind = self.kind(node)
        if kind in ("condition", "unknown"):
            return
        raise self.place.fault(
            f"{self.says(node)}, not a condition; expected something true or false,"
            " such as `recency_days > 30`",
            offset_of(node),
        )

    def says(self, node: exp.Expr) -> str:
        """`tenure_days is a number of days`."""
        inner = node.unnest()
        if isinstance(inner, exp.Literal):
            return f"{inner.sql(dialect='duckdb')} is {'text' if inner.is_string else 'a number'}"
        written = self.written(inner)
        return f"{written if len(written) <= 60 else written[:57] + '…'} is {self.described(node)}"

    def written(self, node: exp.Expr) -> str:
        """The text of an expression, names as they were written."""
        root = exp.Paren(this=node.copy())
        for column in list(root.find_all(exp.Column)):
            column.replace(exp.Var(this=self.named(column).shown))
        return str(root.this.sql(dialect="duckdb", comments=False))

    def described(self, node: exp.Expr) -> str:
        """What a value is, in words."""
        inner = node.unnest()
        if isinstance(inner, exp.Literal):
            return f"{'text' if inner.is_string else 'the number'} {inner.sql(dialect='duckdb')}"
        kind = self.kind(inner)
        if isinstance(inner, exp.Column) and kind == "number":
            unit = self.named(inner).unit
            return _UNITS.get(unit, f"a number of {unit}")
        return {
            "number": "a number",
            "text": "text",
            "date": "a date",
            "condition": "true or false",
            "interval": "a span of time",
            "nothing": "nothing",
            "unknown": "a value",
        }[kind]


_MOMENT = re.compile(r"(\d{4}-\d{1,2}-\d{1,2})([ T].*)?")


def _is_moment(text: str) -> bool:
    """Whether DuckDB would read the text as a date or a time of one."""
    found = _MOMENT.fullmatch(text.strip())
    if not found:
        return False
    year, month, day = (int(part) for part in found[1].split("-"))
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True
