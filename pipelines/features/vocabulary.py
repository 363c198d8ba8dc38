"""What definitions may name: the features a project has, of each kind of entity, and those it lacks."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from pipelines.config.segments import Entity
from pipelines.contracts.registry import CONTRACTS
from pipelines.engine import Engine
from pipelines.features.catalogue import absent, catalogue
from pipelines.features.feature import Feature
from pipelines.features.kinds import KINDS
from pipelines.features.recipe import Recipe, attributes_of, further_columns

Attributes = Sequence[tuple[str, str]]


def features_of(recipe: Recipe, attributes: Mapping[Entity, Attributes]) -> dict[str, list[Feature]]:
    """Entity -> its features, where the CRM has these further columns of each.

    Raises
    ------
    ConfigError
        When two features of an entity have one name, or one of the project's own cannot be made.
    """
    return {
        entity: catalogue(entity, recipe.mapped, attributes[entity], recipe.settings, recipe.categories)
        for entity in KINDS
    }


def features_now(engine: Engine, recipe: Recipe) -> dict[str, list[Feature]]:
    """The same with the columns that the warehouse has now."""
    return features_of(recipe, {entity: attributes_of(engine, entity) for entity in KINDS})


def further_of_others(engine: Engine) -> dict[str, list[tuple[str, str]]]:
    """Canonical table -> its columns beyond the contract in the warehouse, where they are no features."""
    crms = {kind.crm for kind in KINDS.values()}
    carrying = [table for table, contract in CONTRACTS.items() if contract.attributes and table not in crms]
    return {table: further_columns(engine, table) for table in carrying}


def features_absent(mapped: Collection[str]) -> dict[str, dict[str, tuple[str, ...]]]:
    """Entity -> standard features that a project lacks, and the tables they would need."""
    return {entity: absent(entity, mapped) for entity in KINDS}
