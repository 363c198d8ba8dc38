"""Attributes of customers and accounts: how old they are, where they come from, and when they are unknown.

A rule in `attributes:` of project.yaml says it for one attribute with expressions over the columns of its
table in core. Where a rule says of which day a value is, the value counts from that day on, until it expires
if it does; one without a day is unknown. What a contract describes an account by may have such a rule too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from pipelines.config.attributes import ORIGINS, AttributeRule, rules_of
from pipelines.config.expression import parse_scalar, to_sql
from pipelines.config.segments import Entity
from pipelines.config.yaml import nearest
from pipelines.contracts.registry import CONTRACTS
from pipelines.core.facts import resolved
from pipelines.engine import Engine, binding, literal, quote
from pipelines.errors import ConfigError
from pipelines.features.kinds import KINDS

TABLE = "features.attribute_quality"
_PLACE = ("_source", "_batch_seq", "_file_id", "_row")
_COLUMNS = {
    "entity_kind": "varchar",
    "attribute": "varchar",
    "entities": "bigint",
    "filled": "bigint",
    "expired": "bigint",
    "known": "bigint",
    "coverage_share": "double",
    "expired_share": "double",
    "observed_share": "double",
    "declared_share": "double",
    "inferred_share": "double",
    "origin_unknown_share": "double",
    "age_known_share": "double",
    "median_age_days": "bigint",
    "max_age_days": "bigint",
    "expires_after_days": "bigint",
}


@dataclass(frozen=True)
class Attribute:
    """One attribute with what is known about it, as SQL over a row of its table in core.

    `as_of` is a DATE, None where no rule says the day of a value; `origin` is a text and may be the SQL NULL.
    `expired` is a boolean that binds `$as_of`: whether a value is too old, of a day to come or, where others
    have one, without a day.
    """

    name: str
    as_of: str | None = None
    origin: str = "cast(null as varchar)"
    expires_days: int | None = None

    @property
    def filled(self) -> str:
        return f"nullif(trim(cast({quote(self.name)} as varchar)), '') is not null"

    @property
    def age(self) -> str:
        """Days from the one it is of to `$as_of`, below 0 before it; NULL where that day is not known."""
        return f"date_diff('day', {self.as_of or 'cast(null as date)'}, cast($as_of as date))"

    @property
    def expired(self) -> str:
        if self.as_of is None:
            return "false"
        held = (
            f"{self.age} >= 0"
            if self.expires_days is None
            else f"{self.age} between 0 and {self.expires_days}"
        )
        return f"not coalesce({held}, false)"


def parse_rules(
    rules: Mapping[str, AttributeRule],
    attributes: Sequence[str],
    columns: Sequence[str],
    table: str = "customers",
) -> list[Attribute]:
    """Every attribute of the CRM, in order, with its rule where it has one.

    Parameters
    ----------
    rules : those of the table, by the names of its attributes.
    attributes : the CRM's further columns, and others that a rule may be about.
    columns : all columns of the table that expressions may read.
    table : the canonical table.

    Raises
    ------
    ConfigError
        For a rule without attribute, an expiry without age, or anything but a scalar expression.
    """
    exact = {name.lower(): name for name in attributes}
    said: dict[str, Attribute] = {}
    for name, rule in rules.items():
        where = f"project.yaml: attributes.{written(table, name)}"
        if name.lower() not in exact:
            raise ConfigError(
                f"{where}: {table} have no attribute {name}{nearest(name.lower(), exact)}"
                f" (known: {', '.join(attributes) or 'none'})"
            )
        if rule.expires_after and not rule.as_of:
            raise ConfigError(f"{where}: expires_after needs as_of, the day that the value is of")
        said[name.lower()] = _parsed(exact[name.lower()], rule, columns, where)
    return [said.get(name.lower(), Attribute(name)) for name in attributes]


def written(table: str, name: str) -> str:
    """The name of an attribute as project.yaml has it: `age` of customers, else with its table."""
    return name if table == "customers" else f"{table}.{name}"


def described(table: str) -> list[str]:
    """The columns of a contract that say how somebody is: a rule may give them a day and an expiry too."""
    contract = CONTRACTS[table]
    others = {*contract.key, contract.known_from, *(reference.column for reference in contract.references)}
    return [name for name in contract.names if name not in others]


def _parsed(name: str, rule: AttributeRule, columns: Sequence[str], where: str) -> Attribute:
    as_of, origin = Attribute.as_of, Attribute.origin
    if rule.as_of is not None:
        as_of = f"try_cast({to_sql(parse_scalar(rule.as_of, columns, f'{where}.as_of'))} as date)"
    if rule.origin in ORIGINS:
        origin = literal(rule.origin)
    elif rule.origin is not None:
        tree = parse_scalar(rule.origin, columns, f"{where}.origin")
        origin = f"lower(trim(cast({to_sql(tree)} as varchar)))"
    return Attribute(name, as_of, origin, rule.expires_days)


def _judged(
    engine: Engine, entity: Entity, rules: Mapping[str, AttributeRule], attributes: Sequence[str]
) -> list[Attribute]:
    """The attributes of an entity, and the columns of its contract that have a rule."""
    table = KINDS[entity].crm
    own = {name: rule for name, rule in rules_of(rules, table).items() if rule.as_of or rule.origin}
    columns = [name for name, _ in engine.columns(f"core.{table}") if name not in _PLACE]
    parsed = parse_rules(own, [*attributes, *described(table)], columns, table)
    return [found for found in parsed if found.name in attributes or found != Attribute(found.name)]


def _dated(
    engine: Engine, entity: Entity, rules: Mapping[str, AttributeRule], attributes: Sequence[str]
) -> list[Attribute]:
    """Those of whose values a day is known."""
    if not rules_of(rules, KINDS[entity].crm):
        return []
    return [found for found in _judged(engine, entity, rules, attributes) if found.as_of is not None]


def with_known(
    engine: Engine,
    entity: Entity,
    rules: Mapping[str, AttributeRule],
    attributes: Sequence[str],
    rows: str = "past",
) -> str:
    """The relation of an entity's rows as they stood on `$as_of`, with values that do not hold then NULL.

    Parameters
    ----------
    rules : those of project.yaml, of any table.
    attributes : the names of the CRM's further columns.
    rows : `past` for everyone's rows, `known` for those of who was known by the day.
    """
    relation = f"{rows}.{KINDS[entity].crm}"
    dated = _dated(engine, entity, rules, attributes)
    if not dated:
        return relation
    names = ", ".join(quote(attribute.name) for attribute in dated)
    kept = ", ".join(
        f"case when not {attribute.expired} then {quote(attribute.name)} end as {quote(attribute.name)}"
        for attribute in dated
    )
    return f"(select * exclude ({names}), {kept} from {relation})"


def expiring_between(
    engine: Engine, rules: Mapping[str, AttributeRule], attributes: Sequence[str]
) -> list[str]:
    """SELECTs of customers with a value that comes to hold, or expires, after `$before` and by `$as_of`."""
    return [
        resolved(
            f"select customer_id from past.customers where {attribute.expired}"
            f" <> {binding(attribute.expired, {'as_of': 'before'})}",
            "customer",
        )
        for attribute in _dated(engine, "customer", rules, attributes)
    ]


def measure_attributes(
    engine: Engine,
    as_of: date,
    rules: Mapping[str, AttributeRule],
    attributes: Mapping[Entity, Sequence[str]],
) -> None:
    """Fill `features.attribute_quality`: one row an attribute of the customers or accounts known by the day.

    Coverage is the share of them whose value is known: there, and not expired. The other shares are of
    the values that are there; ages are in days before `as_of`, and none where no value has a day.

    Parameters
    ----------
    as_of : the business day at whose end everything is counted.
    rules : the configured age, origin and expiry of attributes, as project.yaml names them.
    attributes : the names of the attributes of each entity.
    """
    engine.drop(TABLE)
    engine.ensure(TABLE, _COLUMNS)
    for entity, names in attributes.items():
        if judged := _judged(engine, entity, rules, names):
            engine.insert(TABLE, _measured(engine, as_of, entity, judged))


def _measured(engine: Engine, as_of: date, entity: Entity, judged: Sequence[Attribute]) -> list[list[object]]:
    """The rows of an entity's attributes, from one aggregate over all of them."""
    facts = [fact for attribute in judged for fact in _facts(attribute)]
    named = ", ".join(f"{fact} as f{position}" for position, fact in enumerate(facts))
    (row,) = engine.rows(
        resolved(f"select count(*) as entities, {named} from known.{KINDS[entity].crm}", entity),
        {"as_of": as_of},
    )
    entities, *counts = row.values()
    width = len(facts) // len(judged)
    return [
        [entity, *_quality(attribute, entities, counts[position * width : (position + 1) * width])]
        for position, attribute in enumerate(judged)
    ]


def _quality(attribute: Attribute, entities: int, counts: Sequence[int]) -> list[object]:
    """One row of the table without its entity, from the aggregates of `_facts`."""
    filled, expired, *origins, aged, median, oldest = counts
    known = filled - expired
    coverage = known / entities if entities else None
    parts = (expired, *origins, filled - sum(origins), aged)
    shares = [part / filled if filled else None for part in parts]
    ages = [median, oldest, attribute.expires_days]
    return [attribute.name, entities, filled, expired, known, coverage, *shares, *ages]


def _facts(attribute: Attribute) -> list[str]:
    """The aggregates of one attribute, in the order `measure_attributes` reads them."""
    filled = attribute.filled
    # A value of tomorrow is as young as can be.
    age = f"greatest({attribute.age}, 0)"
    dated = f"{filled} and {attribute.age} is not null"
    return [
        f"count(*) filter (where {filled})",
        f"count(*) filter (where {filled} and {attribute.expired})",
        *(
            f"count(*) filter (where {filled} and {attribute.origin} = {literal(origin)})"
            for origin in ORIGINS
        ),
        f"count(*) filter (where {dated})",
        f"quantile_disc({age}, 0.5) filter (where {dated})",
        f"max({age}) filter (where {dated})",
    ]
