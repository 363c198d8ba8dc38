"""Custom SQL of an expectation: one SELECT over `{batch}` that reads nothing else.

Parsed with sqlglot into a tree of allowed nodes, as expression.py does for scalars. What runs is written from
the checked tree, so nothing runs that was not seen here: no other table, file, address, setting or statement.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from sqlglot import exp
from sqlglot.errors import SqlglotError

from pipelines.config import expression
from pipelines.config.yaml import nearest
from pipelines.engine.statement import statements
from pipelines.errors import ConfigError

BATCH = "{batch}"
_STAND_IN = "the_batch_"

_NODES = frozenset(
    {
        *(exp.Select, exp.From, exp.Table, exp.TableAlias, exp.Alias, exp.Subquery, exp.With, exp.CTE),
        *(exp.Join, exp.Where, exp.Group, exp.Having, exp.Qualify, exp.Order, exp.Ordered, exp.Limit),
        *(exp.Distinct, exp.Star, exp.Exists, exp.Window, exp.WindowSpec, exp.Filter, exp.Tuple),
        *(exp.Any, exp.All),
    }
)

# Functions of many rows; each is the same for the same rows.
_AGGREGATES: frozenset[type[exp.Func]] = frozenset(
    {
        *(exp.Count, exp.CountIf, exp.Sum, exp.Avg, exp.Min, exp.Max, exp.Median, exp.Quantile),
        *(exp.PercentileCont, exp.PercentileDisc),
        *(exp.Stddev, exp.StddevSamp, exp.StddevPop, exp.Variance, exp.VariancePop, exp.Corr),
        *(exp.RowNumber, exp.Lag, exp.Lead, exp.FirstValue, exp.LastValue, exp.LogicalAnd, exp.LogicalOr),
        *(exp.ArgMax, exp.ArgMin, exp.ApproxDistinct),
    }
)
_NAMED = frozenset({"rank", "dense_rank", "percent_rank", "ntile", "count_if"})
_ALLOWED = _NODES | _AGGREGATES


def parse_query(text: str, columns: Collection[str] | None, where: str) -> str:
    """Check custom SQL and write it again, every identifier quoted and `{batch}` in its place.

    Parameters
    ----------
    text : the SELECT; it returns the unexpected rows.
    columns : the columns of the table; None when they are known only with the data.
    where : what a fault is prefixed with: file, line and place.

    Raises
    ------
    ConfigError
        When it is not one SELECT, reads anything but `{batch}`, calls a function off the list, or names an
        unknown column.
    """
    if BATCH not in text:
        raise ConfigError(
            f"{where}: the query does not read {BATCH}; write `from {BATCH}`, which is the table under test"
        )
    if _STAND_IN in text:
        raise ConfigError(f"{where}: the query names {_STAND_IN}, which is reserved")
    tree = _parsed(text, where)
    for node in tree.walk():
        _refuse(node, where)
    _refuse_tables(tree, where)
    if columns is not None:
        _refuse_columns(tree, columns, where)
    written = expression.to_sql(tree)
    # The library formats the text: other braces, as in a pattern `\d{4}`, are doubled for it.
    escaped = written.replace("{", "{{").replace("}", "}}")
    return escaped.replace(f'"{_STAND_IN}"', BATCH)


def _parsed(text: str, where: str) -> exp.Expr:
    try:
        trees = statements(text.replace(BATCH, _STAND_IN))
    except RecursionError:
        raise ConfigError(f"{where}: the query is nested too deeply") from None
    except SqlglotError as error:
        raise ConfigError(f"{where}: the query is not SQL: {str(error).splitlines()[0]}") from None
    if len(trees) != 1:
        raise ConfigError(f"{where}: expected one SELECT, found {len(trees)} statements")
    if not isinstance(trees[0], exp.Select):
        raise ConfigError(f"{where}: expected one SELECT, found {type(trees[0]).__name__.lower()}")
    return trees[0]


def _refuse(node: exp.Expr, where: str) -> None:
    if type(node) in _ALLOWED:
        return
    if isinstance(node, exp.Anonymous) and node.name.lower() in _NAMED:
        return
    if type(node).__name__.lower() in {name.replace("_", "") for name in _NAMED}:
        return  # some releases of the parser know them as nodes of their own
    if isinstance(node, exp.Var) and isinstance(node.parent, exp.WindowSpec):
        return
    expression.refuse_unlisted(node, where, "one SELECT over {batch}, with scalar and aggregate functions")


def _refuse_tables(tree: exp.Expr, where: str) -> None:
    """Every table is the batch, or a name that an earlier WITH of the whole query gives.

    A name given elsewhere would be looked up in the warehouse, or as a file, where it is out of sight.
    """
    opening = tree.args.get("with_")
    given = {_STAND_IN}
    inner: set[int] = set()
    for cte in opening.expressions if opening else []:
        inner |= {id(table) for table in cte.find_all(exp.Table)}
        _refuse_others(cte.find_all(exp.Table), given, where)
        if cte.alias == _STAND_IN:
            raise ConfigError(f"{where}: WITH gives the name {BATCH}; choose another")
        given.add(cte.alias)
    for found in tree.find_all(exp.With):
        if found is not opening:
            raise ConfigError(f"{where}: WITH is inside the query; write it at the beginning")
    _refuse_others((table for table in tree.find_all(exp.Table) if id(table) not in inner), given, where)


def _refuse_others(tables: Iterable[exp.Table], given: set[str], where: str) -> None:
    for table in tables:
        plain = isinstance(table.this, exp.Identifier) and not table.db and not table.catalog
        if not plain or table.name not in given:
            shown = table.sql(dialect="duckdb").replace(_STAND_IN, BATCH)
            raise ConfigError(f"{where}: the query reads {shown}; expected {BATCH} alone")


def _refuse_columns(tree: exp.Expr, columns: Collection[str], where: str) -> None:
    """Unknown names; what the query itself names with AS is known too."""
    known = {name.lower() for name in columns}
    known |= {alias.alias.lower() for alias in tree.find_all(exp.Alias)}
    known |= {column.name.lower() for alias in tree.find_all(exp.TableAlias) for column in alias.columns}
    for column in tree.find_all(exp.Column):
        if isinstance(column.this, exp.Star) or column.name.lower() in known:
            continue
        raise ConfigError(
            f"{where}: the query names {column.name}, which is not a column here"
            f"{nearest(column.name.lower(), known)} (known: {', '.join(sorted(columns)[:40])})"
        )
