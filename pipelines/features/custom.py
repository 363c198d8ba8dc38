"""A project's own features: one aggregate over the facts of a customer or an account, as a fragment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlglot import exp

from pipelines.config.expression import columns_in, parse_scalar, to_sql
from pipelines.config.features import CustomFeature
from pipelines.contracts.fact import Entity
from pipelines.contracts.registry import CONTRACTS, FACTS
from pipelines.core.facts import columns_of, counted, relation, tables_needed, tables_read
from pipelines.engine import Engine, QueryError, quote
from pipelines.errors import ConfigError
from pipelines.features.feature import COUNT, DATE, FLAG, MONEY, NUMBER, TEXT, Feature, Fragment, ages_of

TYPES = {"number": NUMBER, "money": MONEY, "text": TEXT, "date": DATE, "flag": FLAG}
_FIXED = {"count": COUNT, "count_distinct": COUNT, "sum": MONEY, "avg": NUMBER}
_NUMBERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "DECIMAL", "FLOAT", "DOUBLE")
_OWNER = "~owner"


@dataclass(frozen=True)
class Compiled:
    """A project's feature as SQL: `value` over the facts `e` that meet `condition`.

    `columns` are those of the facts that are read; `added` is what is added up, where it is.
    """

    feature: Feature
    table: str
    value: str
    condition: str
    columns: frozenset[str]
    days: int | None
    added: str | None = None

    def select(self, entity: Entity) -> str:
        """One row an owner with facts: its id and the value."""
        since = None if self.days is None else f"$from_{self.days}"
        found = relation(self.table, entity, self.columns, since=since)
        facts = found.select(
            f"{found.owner} as {quote(_OWNER)}",
            *(f"{value} as {quote(name)}" for name, value in found.columns.items()),
        )
        return (
            f"select e.{quote(_OWNER)} as {entity}_id, {self.value} as {quote(self.feature.name)}"
            f" from ({facts}) as e where {self.condition} group by e.{quote(_OWNER)}"
        )


def compile_feature(asked: CustomFeature) -> Compiled:
    """Check the expressions of a feature and write them as SQL.

    Raises
    ------
    ConfigError
        For an expression that is not scalar or names an unknown column, or a type that must be said.
    """
    table, contract, fact = asked.source, CONTRACTS[asked.source], FACTS[asked.source]
    where = f"project.yaml: features.custom: {asked.name}"
    columns = {name: column.type for name, column in columns_of(table).items()}
    spelled = {name.lower(): name for name in columns}
    conditions, named = [], set[str]()
    if asked.where is not None:
        tree = parse_scalar(asked.where, columns, f"{where}.where")
        named |= {spelled[name.lower()] for name in columns_in(tree)}
        conditions.append(f"coalesce({_over_fact(tree, spelled)}, false)")
    if fact.counts is not None and fact.counts.column not in named:
        named.add(fact.counts.column)
        conditions.append(counted(table, "e"))
    of = None
    if asked.of is not None:
        of = parse_scalar(asked.of, columns, f"{where}.of")
        named |= {spelled[name.lower()] for name in columns_in(of)}
    written = _over_fact(of, spelled) if of is not None else None
    value, kind = _value(asked, of, written, columns, where)
    if asked.aggregate == "latest":
        named |= {fact.day, *contract.key}
    needs = tables_needed(table, named)
    feature = Feature(
        *(asked.name, asked.family, asked.unit, kind, asked.meaning, needs),
        default="0" if asked.aggregate in ("count", "count_distinct", "sum") else None,
        days=asked.days,
        also=tuple(sorted(tables_read(table, asked.entity, named) - {*needs})),
    )
    added = written if asked.aggregate in ("sum", "avg") else None
    return Compiled(
        feature, table, value, " and ".join(conditions) or "true", frozenset(named), asked.days, added
    )


def fragment(asked: CustomFeature) -> Fragment:
    """The fragment of a feature of customers or of accounts."""
    compiled = compile_feature(asked)
    windows = (asked.days,) if asked.days is not None else ()
    return Fragment(
        f"custom_{asked.name}",
        features=(compiled.feature,),
        needs=compiled.feature.needs,
        ages=ages_of(asked.source, windows),
        text=compiled.select(asked.entity),
        entity=asked.entity,
    )


def _value(
    asked: CustomFeature, tree: exp.Expr | None, of: str | None, columns: Mapping[str, str], where: str
) -> tuple[str, str]:
    """The aggregate as SQL, and its type. Sums are of decimals: exact, whatever the order of the rows."""
    if tree is None:
        return "count(*)", COUNT
    if asked.aggregate == "count_distinct":
        return f"count(distinct {of})", COUNT
    if asked.aggregate == "sum":
        return f"cast(coalesce(sum(cast({of} as {MONEY})), 0) as {MONEY})", MONEY
    if asked.aggregate == "avg":
        return f"cast(sum(cast({of} as {MONEY})) as double) / nullif(count({of}), 0)", NUMBER
    kind = TYPES[asked.type] if asked.type is not None else _type_of_column(tree, columns)
    if kind is None:
        raise ConfigError(f"{where}: {asked.aggregate} of {asked.of!r} needs `type`: {', '.join(TYPES)}")
    typed = f"try_cast({of} as {kind})"
    if asked.aggregate != "latest":
        return f"{asked.aggregate}({typed})", kind
    # Of one day the row with the highest key: every choice has a total order.
    day, names = FACTS[asked.source].day, CONTRACTS[asked.source].key
    key = ", ".join(f"'k{i}': e.{quote(name)}" for i, name in enumerate(names))
    latest = f"max({{'day': e.{quote(day)}, {key}, 'value': {typed}}}) filter (where {of} is not null)"
    return f"struct_extract({latest}, 'value')", kind


def _type_of_column(tree: exp.Expr, columns: Mapping[str, str]) -> str | None:
    """The type of a plain column; None of anything else."""
    if not isinstance(tree, exp.Column):
        return None
    return {name.lower(): kind for name, kind in columns.items()}[tree.name.lower()]


def _over_fact(tree: exp.Expr, spelled: Mapping[str, str]) -> str:
    """An expression over the columns of the fact `e`."""
    written = tree.copy()
    for column in written.find_all(exp.Column):
        column.set("this", exp.to_identifier(spelled[column.name.lower()], quoted=True))
        column.set("table", exp.to_identifier("e"))
    return f"({to_sql(written)})"


def check_types(engine: Engine, settings: Sequence[CustomFeature]) -> None:
    """Let DuckDB bind every expression once over empty rows, so that a wrong type is told before a run.

    Raises
    ------
    ConfigError
        Naming the feature.
    """
    for asked in settings:
        compiled = compile_feature(asked)
        columns = ", ".join(
            f"cast(null as {column.type}) as {quote(name)}"
            for name, column in columns_of(asked.source).items()
        )
        # Of what is added up the type counts: a cast to money is bound whatever it is of.
        value = f"{compiled.value}, {compiled.added or '0'} + 0"
        sql = (
            f"select {value} from (select {columns} where false) as e where {compiled.condition} group by all"
        )
        try:
            (*_, (_, kind)) = engine.columns_of_select(sql, {})
        except QueryError as error:
            raise ConfigError(
                f"project.yaml: features.custom: {asked.name}: {str(error).splitlines()[0]}"
            ) from None
        if compiled.added and not kind.startswith(_NUMBERS):
            raise ConfigError(
                f"project.yaml: features.custom: {asked.name}: {asked.aggregate} of {asked.of!r} adds up"
                f" {kind}; expected a number"
            )
