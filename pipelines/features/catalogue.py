"""The feature catalogue: every feature's name, family, unit, type and meaning, and what it needs.

`features.catalogue` is this list for one project: standard features, those it configures, and every attribute
of the CRM. Conditions in segments may name these and nothing else.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date

from pipelines.config.features import Features
from pipelines.config.segments import Entity
from pipelines.engine import Engine, quote
from pipelines.errors import ConfigError
from pipelines.features.additive import is_additive
from pipelines.features.families import distance
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
from pipelines.features.kinds import KINDS

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
        ("entity_kind", "name", "family", "unit", "type", "meaning", "needs", "tables", "source"), "varchar"
    ),
    "null_share": "double",
    "additive": "boolean",
}
STANDARD: Mapping[Entity, tuple[Feature, ...]] = {entity: kind.standard for entity, kind in KINDS.items()}
_FRAGMENT_OF = {
    (entity, feature.name): fragment
    for entity, kind in KINDS.items()
    for fragment in kind.fragments
    for feature in fragment.features
}
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
RESERVED = frozenset({"as_of_date", *(feature.name for feature in STANDARD["customer"])})


def catalogue(
    entity: Entity,
    mapped: Collection[str],
    attributes: Sequence[tuple[str, str]],
    settings: Features | None = None,
    categories: Sequence[str] = (),
) -> list[Feature]:
    """The features of one project; none of a kind that no source maps.

    Parameters
    ----------
    mapped : the canonical tables some source maps; a feature that needs another is absent.
    attributes : names and types of the CRM's further columns.
    settings : `features:` of project.yaml.
    categories : those whose share of revenue is a feature of customers.

    Raises
    ------
    ConfigError
        When two features have one name, or a feature of the project's own cannot be made.
    """
    settings, kind = settings or Features(), KINDS[entity]
    lacking = absent(entity, mapped)
    made = kind.made_of(mapped, settings, categories)
    features = [feature for fragment in made for feature in fragment.features if feature.name not in lacking]
    if made:
        point = settings.distance_from if kind.has_places else None
        if point and distance.located([name for name, _ in attributes]):
            features.append(distance.feature(point))
        features += [attribute_feature(name, type_, settings, kind.crm) for name, type_ in attributes]
    names_differ(features, kind.standard, ("as_of_date", kind.key))
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


def absent(entity: Entity, mapped: Collection[str]) -> dict[str, tuple[str, ...]]:
    """Standard features that this project lacks, and the tables they would need."""
    kind = KINDS[entity]
    found = {}
    for feature in kind.standard:
        needed = dict.fromkeys((*kind.needs, *tables_of(entity, feature)))
        lacking = tuple(table for table in needed if table not in mapped)
        if lacking:
            found[feature.name] = lacking
    return found


def tables_of(entity: Entity, feature: Feature) -> tuple[str, ...]:
    """The canonical tables that a feature is made from."""
    fragment = _FRAGMENT_OF.get((entity, feature.name))
    return tuple(dict.fromkeys((*feature.needs, *(fragment.needs if fragment else ()))))


def store_catalogue(engine: Engine, features: Mapping[str, Sequence[Feature]]) -> None:
    """Write `features.catalogue`: one row a feature, in display order, customers before accounts.

    `null_share` is empty until `measure_nulls` has looked at a day.
    """
    engine.drop(TABLE)
    engine.ensure(TABLE, COLUMNS)
    rows = [(entity, feature) for entity in KINDS for feature in features.get(entity, ())]
    found = [
        (
            *(position, entity, f.name, f.family, f.unit, f.type, f.meaning, ", ".join(f.needs)),
            *(", ".join(tables_of(entity, f)), _source(entity, f), None, is_additive(entity, f.name)),
        )
        for position, (entity, f) in enumerate(rows, start=1)
    ]
    engine.insert(TABLE, found)


def measure_nulls(engine: Engine, as_of: date) -> None:
    """Fill `null_share`: of which share of the day's customers and accounts a feature says nothing.

    One aggregate over the day and entity; a day without rows leaves it empty.
    """
    for entity in KINDS:
        names = [
            row["name"]
            for row in engine.rows(
                f"select name from {TABLE} where entity_kind = $entity order by position", {"entity": entity}
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
    known = engine.rows(f"select * from {TABLE} where entity_kind = $entity", {"entity": entity})
    engine.delete(TABLE, "entity_kind = $entity", {"entity": entity})
    engine.insert(TABLE, [tuple((row | {"null_share": shares[row["name"]]}).values()) for row in known])


def _source(entity: Entity, feature: Feature) -> str:
    """The file that says how a feature is computed."""
    fragment = _FRAGMENT_OF.get((entity, feature.name))
    if fragment is None:
        return "project.yaml"
    # What accounts have as customers do is written once.
    own = entity == "customer" or fragment.name not in {of.name for of in KINDS["customer"].fragments}
    return f"pipelines/{KINDS[entity if own else 'customer'].folder}/{fragment.name}.sql"
