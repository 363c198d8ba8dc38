"""The features of accounts: companies, judged by what they are, by their deals, and by their members.

Accounts are few. Those of a day are computed whole, after the customers of that day, and stand in the table
`features.account`, one row an account and day in use.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from pipelines.config.features import Features
from pipelines.contracts.registry import CONTRACTS
from pipelines.engine import Engine, quote, value
from pipelines.features import custom
from pipelines.features.accounts.families import FRAGMENTS, stages
from pipelines.features.catalogue import attribute_feature, names_differ
from pipelines.features.feature import Feature, Fragment
from pipelines.features.recipe import WINDOWS, Recipe

TABLE = "features.account"
STANDARD: tuple[Feature, ...] = tuple(feature for fragment in FRAGMENTS for feature in fragment.features)
# What the SELECT says is the same of every day.
_ANY_DAY = date(2000, 1, 1)
_OWN = {"_source", "_batch_seq", "_file_id", "_row", *CONTRACTS["accounts"].names}


def account_catalogue(
    mapped: Collection[str], attributes: Sequence[tuple[str, str]], settings: Features | None = None
) -> list[Feature]:
    """The features of the accounts of one project; none where no source maps accounts.

    Parameters
    ----------
    attributes : names and types of the further columns of accounts.

    Raises
    ------
    ConfigError
        When two features have one name, or a feature of the project's own cannot be made.
    """
    settings = settings or Features()
    lacking = absent_accounts(mapped)
    found = [each_feature for fragment in _fragments(mapped, settings) for each_feature in fragment.features]
    features = [feature for feature in found if feature.name not in lacking]
    if "accounts" in mapped:
        features += [attribute_feature(name, kind, settings, "accounts") for name, kind in attributes]
    names_differ(features, STANDARD, ("as_of_date", "account_id"))
    return features


def absent_accounts(mapped: Collection[str]) -> dict[str, tuple[str, ...]]:
    """Standard features of accounts that this project lacks, and the tables they would need."""
    found = {}
    for fragment in FRAGMENTS:
        for feature in fragment.features:
            needs = dict.fromkeys(("accounts", *feature.needs, *fragment.needs))
            lacking = tuple(table for table in needs if table not in mapped)
            if lacking:
                found[feature.name] = lacking
    return found


def account_attributes(engine: Engine) -> list[tuple[str, str]]:
    """Names and types of the further columns of accounts."""
    return [(name, kind) for name, kind in engine.columns("core.accounts") if name not in _OWN]


@dataclass(frozen=True)
class _Made:
    sql: str
    parameters: dict[str, Any]
    columns: dict[str, str]


def compute_accounts(engine: Engine, as_of: date, recipe: Recipe) -> int:
    """Fill a day of `features.account`, once the customers of that day stand in `features.customer`.

    Returns
    -------
    How many accounts there are; where no source maps accounts none, in a table of the standard features.
    """
    if "accounts" not in recipe.mapped:
        columns = {feature.name: feature.type for feature in STANDARD}
        engine.drop(TABLE)
        engine.ensure(TABLE, {"as_of_date": "date", "account_id": "varchar", **columns})
        return 0
    made = _make(engine, as_of, recipe)
    with engine.transaction():
        _drop_other_columns(engine, made)
        engine.store(TABLE, made.sql, "partition as_of_date", made.parameters | {"as_of_date": as_of})
    return int(value(engine, f"select count(*) from {TABLE} where as_of_date = $as_of", {"as_of": as_of}))


def account_mark(engine: Engine, recipe: Recipe) -> str:
    """Changes when the same rows would make other features; empty where no source maps accounts."""
    if "accounts" not in recipe.mapped:
        return ""
    made = _make(engine, _ANY_DAY, recipe)
    binds = sorted((name, str(value)) for name, value in made.parameters.items())
    text = json.dumps([made.sql, sorted(made.columns.items()), binds])
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def keep_accounts(engine: Engine, days: Sequence[date]) -> None:
    """Drop every day but these: any of them can be computed again."""
    if engine.columns(TABLE):
        engine.delete(TABLE, "as_of_date not in (select unnest($keep))", {"keep": list(days)})


def _fragments(mapped: Collection[str], settings: Features) -> list[Fragment]:
    if "accounts" not in mapped:
        return []
    found = [*FRAGMENTS]
    if settings.pipeline_stages:
        found.append(stages(settings.pipeline_stages))
    found += [custom.fragment(setting) for setting in settings.custom if setting.entity == "account"]
    return [fragment for fragment in found if {*fragment.needs} <= {*mapped}]


def _make(engine: Engine, as_of: date, recipe: Recipe) -> _Made:
    """The SELECT of the accounts of a day, and what it binds."""
    fragments = _fragments(recipe.mapped, recipe.settings)
    attributes = account_attributes(engine)
    wanted = account_catalogue(recipe.mapped, attributes, recipe.settings)
    names = {feature.name for feature in wanted}
    columns, relations = ["cast($as_of as date) as as_of_date", "f0.account_id"], []
    for i, fragment in enumerate(fragments):
        relations.append(f"({fragment.sql}) as f{i}" + (f" on f{i}.account_id = f0.account_id" if i else ""))
        for name, kind, default in fragment.stored:
            if name in names:
                value = f"f{i}.{quote(name)}"
                value = value if default is None else f"coalesce({value}, cast({default} as {kind}))"
                columns.append(f"{value} as {quote(name)}")
    columns += [f"a.{quote(name)}" for name, _ in attributes]
    relations.append("core.accounts as a on a.account_id = f0.account_id")
    windows = {*WINDOWS, *(days for each in fragments for age in each.ages for days in age.windows)}
    first_days = {f"from_{days}": as_of - timedelta(days=days - 1) for days in windows}
    parameters = {"as_of": as_of, "currency": recipe.currency, **first_days}
    for fragment in fragments:
        parameters |= fragment.parameters
    return _Made(
        sql=f"select {', '.join(columns)} from {' left join '.join(relations)}",
        parameters=parameters,
        columns={column.name: column.type for column in wanted},
    )


def _drop_other_columns(engine: Engine, made: _Made) -> None:
    """Columns that are no feature any more, or of another type than now, go with what they said."""
    others = [
        name
        for name, kind in engine.columns(TABLE)
        if name not in ("as_of_date", "account_id") and made.columns.get(name) != kind
    ]
    engine.reshape(TABLE, drop=others)
