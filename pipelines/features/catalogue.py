"""The feature catalogue: every feature's name, family, unit, type and meaning, and what it needs.

`features.catalogue` is this list for one project: standard features, those it configures, and every attribute
of the CRM. Conditions in segments may name these and nothing else.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date

from pipelines.config.features import Features
from pipelines.engine import Engine, quote
from pipelines.errors import ConfigError
from pipelines.features.families import FRAGMENTS, configured, distance
from pipelines.features.feature import (
    ATTRIBUTE,
    DEMOGRAPHIC,
    FIRMOGRAPHIC,
    GEOGRAPHIC,
    LANGUAGE,
    TECHNOGRAPHIC,
    TEXT,
    Feature,
    share_name,
)

__all__ = [
    "RESERVED",
    "STANDARD",
    "Feature",
    "absent",
    "catalogue",
    "measure_nulls",
    "share_name",
    "store_catalogue",
]

TABLE = "features.catalogue"
COLUMNS = {
    "position": "bigint",
    **dict.fromkeys(
        ("entity", "name", "family", "unit", "type", "meaning", "needs", "tables", "source"), "varchar"
    ),
    "null_share": "double",
}
STANDARD: tuple[Feature, ...] = tuple(feature for fragment in FRAGMENTS for feature in fragment.features)
_FRAGMENT_OF = {feature.name: fragment for fragment in FRAGMENTS for feature in fragment.features}
# Names by which attributes are known everywhere; `features.families` says the others.
WELL_KNOWN: Mapping[str, str] = {
    **dict.fromkeys(
        (
            *("age", "age_group", "birth_year", "birth_date", "gender", "sex", "marital_status", "income"),
            *("income_group", "household", "household_size", "household_type", "children", "education"),
            *("occupation", "home_ownership"),
        ),
        DEMOGRAPHIC,
    ),
    **dict.fromkeys(
        (
            *("country", "region", "city", "municipality", "postcode", "postal_code", "zip", "zip_code"),
            *("latitude", "longitude", "district"),
        ),
        GEOGRAPHIC,
    ),
    **dict.fromkeys(("language", "locale", "preferred_language"), LANGUAGE),
    **dict.fromkeys(
        ("device", "platform", "operating_system", "browser", "app_version", "services"), TECHNOGRAPHIC
    ),
    **dict.fromkeys(
        (
            *("account_name", "industry", "annual_revenue", "turnover", "employees", "credit_rating"),
            *("credit_rating_date", "parent_account_id", "legal_form"),
        ),
        FIRMOGRAPHIC,
    ),
}
# What no attribute may be called, lower case: SQL compares names without regard to case.
RESERVED = frozenset({"as_of_date", *(feature.name for feature in STANDARD)})


def catalogue(
    mapped: Collection[str],
    categories: Sequence[str],
    attributes: Sequence[tuple[str, str]],
    settings: Features | None = None,
) -> list[Feature]:
    """The features of one project.

    Parameters
    ----------
    mapped : the canonical tables some source maps; a feature that needs another is absent.
    categories : those whose share of revenue is a feature.
    attributes : names and types of the CRM's further columns.
    settings : `features:` of project.yaml.

    Raises
    ------
    ConfigError
        When two features have one name, or a feature of the project's own cannot be made.
    """
    settings = settings or Features()
    lacking = absent(mapped)
    features = [feature for feature in STANDARD if feature.name not in lacking]
    categories = categories if {"products", "order_lines"} <= set(mapped) else ()
    for fragment in configured(settings, categories, mapped):
        features += fragment.features
    if settings.distance_from and distance.located([name for name, _ in attributes]):
        features.append(distance.feature(settings.distance_from))
    features += [attribute_feature(name, kind, settings) for name, kind in attributes]
    names_differ(features, STANDARD, ("as_of_date", "customer_id"))
    return features


def attribute_feature(
    name: str, kind: str, settings: Features | None = None, of: str = "customers"
) -> Feature:
    """A further column of the CRM; its family follows from its name, or is said in the project.

    Parameters
    ----------
    name : the attribute's name.
    kind : its DuckDB type.
    settings : the project's settings of features.
    of : whose attribute it is, for its meaning.
    """
    said = settings.families if settings else {}
    family = said.get(name) or WELL_KNOWN.get(name.lower(), ATTRIBUTE)
    return Feature(name, family, "", kind, f"Attribute {name} of the CRM", (of,))


def names_differ(features: Sequence[Feature], standard: Sequence[Feature], keys: Sequence[str]) -> None:
    """Refuse two features of one name: SQL compares names without regard to case, and so does this.

    Raises
    ------
    ConfigError
        When two features have the same name.
    """
    reserved = (Feature(name, "key", "", TEXT, f"The key {name}") for name in keys)
    # Standard features that this project lacks keep their names.
    found = {one.name.lower(): one for one in (*reserved, *standard)}
    for feature in features:
        other = found.setdefault(feature.name.lower(), feature)
        if other is not feature:
            raise ConfigError(
                f"two features are named {feature.name}: {other.meaning}, and {feature.meaning}."
                " Rename the attribute in the source's mapping, or change or leave out one of those that"
                " `features:` of project.yaml asks for (features.category_shares, features.custom, …)"
            )


def absent(mapped: Collection[str]) -> dict[str, tuple[str, ...]]:
    """Standard features that this project lacks, and the tables they would need."""
    found = {}
    for feature in STANDARD:
        lacking = tuple(table for table in tables_of(feature) if table not in mapped)
        if lacking:
            found[feature.name] = lacking
    return found


def tables_of(feature: Feature) -> tuple[str, ...]:
    """The canonical tables that a feature is made from."""
    fragment = _FRAGMENT_OF.get(feature.name)
    return tuple(dict.fromkeys((*feature.needs, *(fragment.needs if fragment else ()))))


def store_catalogue(
    engine: Engine,
    features: Sequence[Feature],
    accounts: Sequence[Feature] = (),
) -> None:
    """Write `features.catalogue`: one row a feature, in display order, customers before accounts.

    `null_share` is empty until `measure_nulls` has looked at a day.
    """
    engine.drop(TABLE)
    engine.ensure(TABLE, COLUMNS)
    rows = [("customer", listed) for listed in features] + [("account", listed) for listed in accounts]
    found = [
        (
            *(position, entity, f.name, f.family, f.unit, f.type, f.meaning, ", ".join(f.needs)),
            *(", ".join(tables_of(f) if entity == "customer" else f.needs), _source(f, entity), None),
        )
        for position, (entity, f) in enumerate(rows, start=1)
    ]
    engine.insert(TABLE, found)


def measure_nulls(engine: Engine, as_of: date) -> None:
    """Fill `null_share`: of which share of the day's customers and accounts a feature says nothing.

    One aggregate over the day and entity; a day without rows leaves it empty.
    """
    for entity in ("customer", "account"):
        names = [
            row["name"]
            for row in engine.rows(
                f"select name from {TABLE} where entity = $entity order by position", {"entity": entity}
            )
        ]
        if not names:
            continue
        counts = ", ".join(f"count({quote(name)}) as {quote(name)}" for name in names)
        (row,) = engine.rows(
            f'select count(*) as "~rows", {counts} from features.{entity} where as_of_date = $as_of',
            {"as_of": as_of},
        )
        if row["~rows"]:
            _store_null_shares(engine, entity, {name: 1 - row[name] / row["~rows"] for name in names})


def _store_null_shares(engine: Engine, entity: str, shares: Mapping[str, float]) -> None:
    known = engine.rows(f"select * from {TABLE} where entity = $entity", {"entity": entity})
    engine.delete(TABLE, "entity = $entity", {"entity": entity})
    engine.insert(TABLE, [tuple((row | {"null_share": shares[row["name"]]}).values()) for row in known])


def _source(feature: Feature, entity: str) -> str:
    """The file that says how a feature is computed."""
    if entity == "account":
        from pipelines.features.accounts import families  # it reads this module

        own = {
            of_family.name: fragment.name
            for fragment in families.FRAGMENTS
            for of_family in fragment.features
        }
        name = own.get(feature.name)
        return f"pipelines/features/accounts/{name}.sql" if name else "project.yaml"
    fragment = _FRAGMENT_OF.get(feature.name)
    if fragment is not None:
        return f"pipelines/features/families/{fragment.name}.sql"
    return "project.yaml"
