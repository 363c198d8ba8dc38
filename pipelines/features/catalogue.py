"""The feature catalogue: every feature's name, family, unit, type and meaning, and what it needs.

`features.catalogue` is this list for one project: standard features, one share a configured category, and
every attribute of the CRM. Conditions in segments may name these and nothing else.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from pipelines.errors import ConfigError
from pipelines.features.families import FRAGMENTS, category
from pipelines.features.feature import TEXT, Feature, share_name

if TYPE_CHECKING:
    import duckdb

__all__ = ["RESERVED", "STANDARD", "Feature", "absent", "catalogue", "share_name", "store_catalogue"]

STANDARD: tuple[Feature, ...] = tuple(feature for fragment in FRAGMENTS for feature in fragment.features)
_SOURCES = {
    feature.name: f"pipelines/features/families/{fragment.name}.sql"
    for fragment in FRAGMENTS
    for feature in fragment.features
}
# What no attribute may be called, lower case: SQL compares names without regard to case.
RESERVED = frozenset({"as_of_date", *(feature.name for feature in STANDARD)})


def catalogue(
    mapped: Collection[str], categories: Sequence[str], attributes: Sequence[tuple[str, str]]
) -> list[Feature]:
    """The features of one project.

    Parameters
    ----------
    mapped : the canonical tables some source maps; a feature that needs another is absent.
    categories : those whose share of revenue is a feature.
    attributes : names and types of the CRM's further columns.

    Raises
    ------
    ConfigError
        When two features have one name.
    """
    features = [feature for feature in STANDARD if feature.name not in absent(mapped)]
    if {"products", "order_lines"} <= set(mapped):
        features += category.shares(categories).features
    features += [attribute_feature(name, kind) for name, kind in attributes]
    _names_differ(features)
    return features


def attribute_feature(name: str, kind: str) -> Feature:
    """A further column of the CRM as a feature."""
    return Feature(name, "attribute", "", kind, f"Attribute {name} of the CRM", ("customers",))


def _names_differ(features: Sequence[Feature]) -> None:
    """SQL compares names without regard to case, and so does this."""
    reserved = (Feature(name, "key", "", TEXT, f"The key {name}") for name in ("as_of_date", "customer_id"))
    # Standard features that this project lacks keep their names.
    found = {one.name.lower(): one for one in (*reserved, *STANDARD)}
    for feature in features:
        other = found.setdefault(feature.name.lower(), feature)
        if other is not feature:
            raise ConfigError(
                f"two features are named {feature.name}: {other.meaning}, and {feature.meaning}."
                " Rename the attribute in the source's mapping, or leave one of the categories out of"
                " features.category_shares"
            )


def absent(mapped: Collection[str]) -> dict[str, tuple[str, ...]]:
    """Standard features that this project lacks, and the tables they would need."""
    found = {}
    for fragment in FRAGMENTS:
        for feature in fragment.features:
            needs = dict.fromkeys((*feature.needs, *fragment.needs))
            lacking = tuple(table for table in needs if table not in mapped)
            if lacking:
                found[feature.name] = lacking
    return found


def store_catalogue(con: duckdb.DuckDBPyConnection, features: Sequence[Feature]) -> None:
    """Write `features.catalogue`: one row a feature, in display order."""
    con.execute("create schema if not exists features")
    con.execute(
        "create or replace table features.catalogue (position bigint, name varchar, family varchar,"
        " unit varchar, type varchar, meaning varchar, needs varchar, source varchar)"
    )
    con.executemany(
        "insert into features.catalogue values (?, ?, ?, ?, ?, ?, ?, ?)",
        [
            [position, f.name, f.family, f.unit, f.type, f.meaning, ", ".join(f.needs), _source(f)]
            for position, f in enumerate(features, start=1)
        ],
    )


def _source(feature: Feature) -> str:
    """The file that says how a feature is computed."""
    made = "category.py" if feature.family == category.PRODUCT else "../recipe.py"
    return _SOURCES.get(feature.name, f"pipelines/features/families/{made}").replace("families/../", "")
