"""What definitions may name: the features a project has, of customers and of accounts, and those it lacks."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from pipelines.engine import Engine
from pipelines.features.accounts import absent_accounts, account_attributes, account_catalogue
from pipelines.features.catalogue import absent, catalogue
from pipelines.features.feature import Feature
from pipelines.features.recipe import Recipe, attributes_of

Attributes = Sequence[tuple[str, str]]


def features_of(recipe: Recipe, customers: Attributes, accounts: Attributes) -> dict[str, list[Feature]]:
    """Entity -> its features, where the CRM has these further columns of customers and of accounts.

    Raises
    ------
    ConfigError
        When two features of an entity have one name, or one of the project's own cannot be made.
    """
    return {
        "customer": catalogue(recipe.mapped, recipe.categories, customers, recipe.settings),
        "account": account_catalogue(recipe.mapped, accounts, recipe.settings),
    }


def features_now(engine: Engine, recipe: Recipe) -> dict[str, list[Feature]]:
    """The same with the columns that the warehouse has now."""
    return features_of(recipe, attributes_of(engine), account_attributes(engine))


def features_absent(mapped: Collection[str]) -> dict[str, dict[str, tuple[str, ...]]]:
    """Entity -> standard features that a project lacks, and the tables they would need."""
    return {"customer": absent(mapped), "account": absent_accounts(mapped)}
