"""What Spark does not run, or answers differently, found in a SELECT (docs/portable-sql.md)."""

from __future__ import annotations

import sqlglot
from sqlglot import exp

# Node types that fail on Spark or answer differently there.
NODES: dict[type[exp.Expr], str] = {
    exp.Quantile: "quantile",
    exp.ApproxQuantile: "approx_quantile",
    exp.PercentileCont: "percentile_cont",
    exp.PercentileDisc: "percentile_disc",
    exp.Median: "median",
    exp.Mode: "mode",
    exp.Skewness: "skewness",
    exp.Kurtosis: "kurtosis",
    exp.Pivot: "pivot",
    exp.Lambda: "a lambda",
    exp.Map: "a map",
    exp.ToMap: "a map",
    exp.GenerateSeries: "generate_series",
    exp.GenerateDateArray: "generate_series",
    exp.Comprehension: "a list comprehension",
    exp.DayOfWeek: "dayofweek",
    exp.DayOfWeekIso: "isodow",
}
FUNCTIONS = {
    "hash",
    "error",
    "age",
    "range",
    "histogram",
    "kurtosis_pop",
    "mad",
    "entropy",
    "reservoir_quantile",
}


def faults(sql: str) -> list[str]:
    """What in a SELECT would fail on Spark, or answer differently there."""
    tree = sqlglot.parse_one(sql, dialect="duckdb")
    found = [name for kind, name in NODES.items() if tree.find(kind)]
    doubles = {one.alias for one in tree.find_all(exp.Alias) if is_double(one.this, set())}
    for node in tree.walk():
        if isinstance(node, exp.Anonymous) and node.name.lower() in FUNCTIONS:
            found.append(f"{node.name}()")
        elif isinstance(node, exp.Star) and (node.args.get("replace") or node.args.get("rename")):
            found.append("* replace or rename")
        elif isinstance(node, exp.Columns):
            found.append("columns(*)")
        elif isinstance(node, (exp.ArrayAgg, exp.First, exp.Last)) and node.find(exp.Order):
            found.append("an ordered list or first")
        elif isinstance(node, exp.Extract) and node.name.lower() in ("dow", "isodow", "dayofweek", "weekday"):
            found.append("extract(dow)")
        elif isinstance(node, exp.Sub) and is_date(node.this) and is_date(node.expression):
            found.append("date - date")
        elif isinstance(node, exp.DateDiff) and node.text("unit").upper() not in ("DAY", "WEEK", "YEAR"):
            found.append("date_diff in other than days, weeks or years")
        elif isinstance(node, exp.Group) and node.args.get("all"):
            found.append("group by all")
        elif isinstance(node, exp.SetOperation) and node.args.get("by_name"):
            found.append("union by name")
        elif isinstance(node, exp.CTE) and node.args.get("materialized"):
            found.append("a materialized CTE")
        elif isinstance(node, exp.Join) and node.method.upper() == "ASOF":
            found.append("an asof join")
        elif isinstance(node, exp.Qualify) and over_alias(node):
            found.append("qualify over an alias")
        elif isinstance(node, exp.ArrayToString) and not isinstance(node.parent, exp.Nullif):
            found.append("a list as text that may be empty: here NULL, there an empty text")
        elif isinstance(node, exp.Cast) and node.to.is_type("int128", "uint128"):
            found.append("a cast to HUGEINT")
        elif isinstance(node, exp.Select) and sum(map(makes_rows, node.selects)) > 1:
            found.append("two unnests in one SELECT")
        elif isinstance(node, (exp.Least, exp.Greatest)) and any(map(is_decimal, operands(node))):
            found.append("least or greatest of a decimal literal: there the others become decimals")
        elif isinstance(node, exp.Div) and not is_double(node.this, doubles):
            found.append(f"a division that is not of doubles: {node.sql('duckdb')}")
    return found


def makes_rows(value: exp.Expr) -> bool:
    """Whether an expression of a select list gives several rows."""
    return value.find(exp.Explode, exp.Unnest) is not None


def is_date(node: exp.Expr) -> bool:
    """As far as a name or a cast says it."""
    if isinstance(node, exp.Cast):
        return node.to.is_type("date")
    return isinstance(node, exp.Column) and node.name.endswith(("_date", "_on"))


def operands(node: exp.Expr) -> list[exp.Expr]:
    """What a function chooses among."""
    return [node.this, *node.expressions]


def is_decimal(node: exp.Expr) -> bool:
    """Whether it is a number written with a point."""
    return isinstance(node, exp.Literal) and node.is_number and "." in node.name


def over_alias(qualify: exp.Qualify) -> bool:
    """Whether a name is both a column of the relation and another column of the result."""
    select = qualify.parent
    aliases = {one.alias for one in select.selects if isinstance(one, exp.Alias)} if select else set()
    return any(not column.table and column.name in aliases for column in qualify.find_all(exp.Column))


def is_double(node: exp.Expr, doubles: set[str]) -> bool:
    """A cast to double, a choice among such, or a column that the same file makes by such a cast."""
    if isinstance(node, exp.Coalesce):
        return all(is_double(part, doubles) for part in (node.this, *node.expressions))
    if isinstance(node, exp.Mul):
        return is_double(node.this, doubles)
    if isinstance(node, exp.Column):
        return node.name in doubles
    return isinstance(node, exp.Cast) and node.to.is_type("double")
