"""Attributes of customers: how old they are, where they come from, and from when on they count as unknown.

A rule in `attributes:` of project.yaml says it for one attribute with expressions over the columns of
`core.customers`. An attribute without expiry never expires; where it has one, a value without a day or of a
day to come counts as unknown too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from pipelines.config.attributes import ORIGINS, AttributeRule
from pipelines.config.expression import parse_scalar, to_sql
from pipelines.config.yaml import nearest
from pipelines.core.facts import resolved
from pipelines.engine import Engine, binding, literal, quote
from pipelines.errors import ConfigError

TABLE = "features.attribute_quality"
_PLACE = ("_source", "_batch_seq", "_file_id", "_row")
_COLUMNS = {
    "attribute": "varchar",
    "customers": "bigint",
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
    """One attribute with what is known about it, as SQL over a row of `core.customers`.

    `as_of` is a DATE and `origin` a text; each may be the SQL NULL. `expired` is a boolean that binds
    `$as_of`: where values expire, one without a day, or of a day to come, is not known to hold either.
    """

    name: str
    as_of: str = "cast(null as date)"
    origin: str = "cast(null as varchar)"
    expires_days: int | None = None

    @property
    def filled(self) -> str:
        return f"nullif(trim(cast({quote(self.name)} as varchar)), '') is not null"

    @property
    def expired(self) -> str:
        if self.expires_days is None:
            return "false"
        age = f"date_diff('day', {self.as_of}, cast($as_of as date))"
        return f"coalesce({age} not between 0 and {self.expires_days}, true)"


def parse_rules(
    rules: Mapping[str, AttributeRule], attributes: Sequence[str], columns: Sequence[str]
) -> list[Attribute]:
    """Every attribute of the CRM, in order, with its rule where it has one.

    Parameters
    ----------
    attributes : the CRM's further columns.
    columns : all columns of `core.customers` that expressions may read.

    Raises
    ------
    ConfigError
        For a rule without attribute, an expiry without age, or anything but a scalar expression.
    """
    exact = {name.lower(): name for name in attributes}
    said: dict[str, Attribute] = {}
    for name, rule in rules.items():
        where = f"project.yaml: attributes.{name}"
        if name.lower() not in exact:
            raise ConfigError(
                f"{where}: customers have no attribute {name}{nearest(name.lower(), exact)}"
                f" (known: {', '.join(attributes) or 'none'})"
            )
        if rule.expires_after and not rule.as_of:
            raise ConfigError(f"{where}: expires_after needs as_of, the day that the value is of")
        said[name.lower()] = _parsed(exact[name.lower()], rule, columns, where)
    return [said.get(name.lower(), Attribute(name)) for name in attributes]


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


def _rules_of(
    engine: Engine, rules: Mapping[str, AttributeRule], attributes: Sequence[str]
) -> list[Attribute]:
    columns = [name for name, _ in engine.columns("core.customers") if name not in _PLACE]
    return parse_rules(rules, attributes, columns)


def customers_with_known(
    engine: Engine, rules: Mapping[str, AttributeRule], attributes: Sequence[str]
) -> str:
    """The relation of customers with expired attributes NULL; it binds `$as_of` where one can expire."""
    expiring = (
        [rule for rule in _rules_of(engine, rules, attributes) if rule.expires_days is not None]
        if rules
        else []
    )
    if not expiring:
        return "past.customers"
    names = ", ".join(quote(attribute.name) for attribute in expiring)
    kept = ", ".join(
        f"case when not {attribute.expired} then {quote(attribute.name)} end as {quote(attribute.name)}"
        for attribute in expiring
    )
    return f"(select * exclude ({names}), {kept} from past.customers)"


def expiring_between(
    engine: Engine, rules: Mapping[str, AttributeRule], attributes: Sequence[str]
) -> list[str]:
    """SELECTs of customers with a value that comes to hold, or expires, after `$before` and by `$as_of`."""
    expiring = (
        [rule for rule in _rules_of(engine, rules, attributes) if rule.expires_days is not None]
        if rules
        else []
    )
    return [
        resolved(
            f"select customer_id from past.customers where {attribute.expired}"
            f" <> {binding(attribute.expired, {'as_of': 'before'})}",
            "customer",
        )
        for attribute in expiring
    ]


def measure_attributes(
    engine: Engine,
    as_of: date,
    rules: Mapping[str, AttributeRule],
    attributes: Sequence[str],
) -> None:
    """Fill `features.attribute_quality`: one row an attribute of the customers known by the day.

    Coverage is the share of customers whose value is known: there, and not expired. The other shares are of
    the values that are there; ages are in days before `as_of`, and none where no value has a day.

    Parameters
    ----------
    as_of : the business day at whose end everything is counted.
    rules : the configured age, origin and expiry of attributes, by name.
    attributes : the names of the attributes.
    """
    engine.drop(TABLE)
    engine.ensure(TABLE, _COLUMNS)
    judged = _rules_of(engine, rules, attributes)
    if not judged:
        return
    facts = [fact for attribute in judged for fact in _facts(attribute)]
    named = ", ".join(f"{fact} as f{position}" for position, fact in enumerate(facts))
    (row,) = engine.rows(
        resolved(f"select count(*) as customers, {named} from known.customers", "customer"),
        {"as_of": as_of},
    )
    customers, *counts = row.values()
    width = len(facts) // len(judged)
    found = [
        _quality(attribute, customers, counts[position * width : (position + 1) * width])
        for position, attribute in enumerate(judged)
    ]
    engine.insert(TABLE, found)


def _quality(attribute: Attribute, customers: int, counts: Sequence[int]) -> list[object]:
    """One row of the table, from the aggregates of `_facts`."""
    filled, expired, *origins, aged, median, oldest = counts
    known = filled - expired
    coverage = known / customers if customers else None
    parts = (expired, *origins, filled - sum(origins), aged)
    shares = [part / filled if filled else None for part in parts]
    ages = [median, oldest, attribute.expires_days]
    return [attribute.name, customers, filled, expired, known, coverage, *shares, *ages]


def _facts(attribute: Attribute) -> list[str]:
    """The aggregates of one attribute, in the order `measure_attributes` reads them."""
    filled = attribute.filled
    # A value of tomorrow is as young as can be.
    age = f"greatest(date_diff('day', {attribute.as_of}, cast($as_of as date)), 0)"
    return [
        f"count(*) filter (where {filled})",
        f"count(*) filter (where {filled} and {attribute.expired})",
        *(
            f"count(*) filter (where {filled} and {attribute.origin} = {literal(origin)})"
            for origin in ORIGINS
        ),
        f"count(*) filter (where {filled} and {attribute.as_of} is not null)",
        f"quantile_disc({age}, 0.5) filter (where {filled} and {attribute.as_of} is not null)",
        f"max({age}) filter (where {filled} and {attribute.as_of} is not null)",
    ]
