"""The recipe: which fragments the features of a project are made of, and the SELECTs they become."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

from pipelines.config.attributes import AttributeRule
from pipelines.config.features import Features
from pipelines.config.segments import Entity
from pipelines.contracts.registry import CONTRACTS
from pipelines.core.facts import resolved
from pipelines.engine import Engine, Statement, load_fragment, quote, reading
from pipelines.features.attributes import with_known
from pipelines.features.catalogue import absent, attribute_feature
from pipelines.features.custom import check_types
from pipelines.features.families import distance
from pipelines.features.feature import Feature, Fragment
from pipelines.features.kinds import KINDS, Kind

WINDOWS = (30, 90, 365)


@dataclass(frozen=True)
class Recipe:
    """What a project says of its features.

    Parameters
    ----------
    mapped : the canonical tables some source maps; what needs another is absent.
    margin_rate : margin as a share of revenue, where lines carry no cost.
    categories : those whose share of revenue is a feature.
    rules : what the project says of attributes, as it names them; a value that does not hold is NULL.
    settings : `features:` of project.yaml.
    currency : the project's; amounts of deals in another one are converted.
    only : the features that are asked for; None for all there are.
    """

    mapped: frozenset[str] = frozenset(CONTRACTS)
    margin_rate: float | None = None
    categories: tuple[str, ...] = ()
    rules: Mapping[str, AttributeRule] = field(default_factory=dict)
    settings: Features = field(default_factory=Features)
    currency: str = ""
    only: frozenset[str] | None = None


@dataclass(frozen=True)
class Made:
    """A recipe of one kind of entity, bound to the columns the CRM has now."""

    kind: Kind
    fragments: tuple[Fragment, ...]
    features: tuple[Feature, ...]
    parameters: Mapping[str, Any]
    held: Mapping[str, str] = field(default_factory=dict)

    @property
    def fingerprint(self) -> str:
        """Changes when the same rows would give other stored columns; their order is no matter."""
        parts = sorted(
            [fragment.name, fragment.sql, [list(map(str, column)) for column in fragment.stored]]
            for fragment in self.fragments
        )
        values = sorted((name, str(value)) for name, value in self.parameters.items())
        text = json.dumps([parts, sorted(self._shared.items()), values])
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def of(self, names: Collection[str]) -> Made:
        """What gives these features, and no more than comes with them: few of many families."""
        stored = [{name for name, *_ in fragment.stored} for fragment in self.fragments]
        known = frozenset().union(*stored)
        read = {feature.name: _read(feature, known) for feature in self.features}
        wanted = frozenset().union(*(read[name] for name in names if name in read))
        # The first says who is a customer at all.
        kept = [i for i, columns in enumerate(stored) if i == 0 or columns & wanted]
        there = frozenset().union(*(stored[i] for i in kept))
        return Made(
            self.kind,
            tuple(self.fragments[i] for i in kept),
            tuple(feature for feature in self.features if read[feature.name] <= there),
            self.parameters,
            self.held,
        )

    def bindings(self, as_of: date) -> dict[str, Any]:
        """What the fragments bind: the day, the first day of each window that ends with it, settings."""
        windows = {length for fragment in self.fragments for age in fragment.ages for length in age.windows}
        first_days = {f"from_{days}": as_of - timedelta(days=days - 1) for days in {*WINDOWS, *windows}}
        return {"as_of": as_of, **first_days, **self.parameters}

    @property
    def _shared(self) -> dict[str, str]:
        """The SELECTs that several fragments read, by name."""
        names = dict.fromkeys(name for fragment in self.fragments for name in fragment.shared)
        folder, entity = self.kind.folder, self.kind.entity
        read = {name: load_fragment(f"{folder}/{name}").sql for name in names}
        return {name: resolved(_over(sql, self.held), entity) for name, sql in read.items()}

    @property
    def stored(self) -> dict[str, str]:
        """Names and types of the stored columns, the key left out."""
        return {name: kind for fragment in self.fragments for name, kind, _ in fragment.stored}

    @property
    def stored_sql(self) -> str:
        """The SELECT of everyone's stored columns as of `$as_of`; of some customers alone, `scoped`."""
        key = self.kind.key
        columns = [f"f0.{key}"]
        for i, fragment in enumerate(self.fragments):
            for name, kind, default in fragment.stored:
                value = f"f{i}.{quote(name)}"
                columns.append(
                    f"{value} as {quote(name)}"
                    if default is None
                    else f"coalesce({value}, cast({default} as {kind})) as {quote(name)}"
                )
        relations = [f"({fragment.sql}) as f{i}" for i, fragment in enumerate(self.fragments)]
        joined = "".join(
            f" left join {relation} on f{i}.{key} = f0.{key}" for i, relation in enumerate(relations) if i
        )
        shared = ", ".join(f"{name} as ({sql})" for name, sql in self._shared.items())
        head = f"with {shared} " if shared else ""
        return f"{head}select {', '.join(columns)} from {relations[0]}{joined}"

    def public_sql(self, relation: str) -> str:
        """The SELECT of the features over a relation of `as_of_date`, the key and stored columns."""
        columns = [
            quote(feature.name) if feature.derived is None else f"{feature.derived} as {quote(feature.name)}"
            for feature in self.features
        ]
        return f"select as_of_date, {self.kind.key}, {', '.join(columns)} from {relation}"


def _read(feature: Feature, stored: Collection[str]) -> frozenset[str]:
    """The stored columns that a feature is read from."""
    if feature.derived is None:
        return frozenset({feature.name})
    named = Statement(feature.derived).names
    return frozenset(name for name in stored if name.lower() in named)


def make(engine: Engine, entity: Entity, recipe: Recipe) -> Made:
    """The fragments of a project, with the attributes that its CRM has now; none of a kind it lacks."""
    kind = KINDS[entity]
    if recipe.settings.custom:
        check_types(engine, recipe.settings.custom)
    fragments = kind.made_of(recipe.mapped, recipe.settings, recipe.categories)
    attributes = attributes_of(engine, entity)
    held = _held(engine, kind, recipe, attributes)
    fragments = [
        found if (text := _over(found.written, held)) == found.written else replace(found, text=text)
        for found in fragments
    ]
    if fragments and attributes:
        fragments += _attributes(engine, kind, recipe, attributes)
    lacking = absent(entity, recipe.mapped)
    features = tuple(f for fragment in fragments for f in fragment.features if f.name not in lacking)
    parameters = {"margin_rate": recipe.margin_rate, "currency": recipe.currency}
    for fragment in fragments:
        parameters |= fragment.parameters
    made = Made(kind, tuple(fragments), features, parameters, held)
    return made if recipe.only is None else made.of(recipe.only)


def attributes_of(engine: Engine, entity: Entity) -> list[tuple[str, str]]:
    """Names and types of the CRM's further columns of an entity."""
    return further_columns(engine, KINDS[entity].crm)


def further_columns(engine: Engine, table: str) -> list[tuple[str, str]]:
    """Names and types of what sources bring of a table beyond its contract, as core has it."""
    own = {"_source", "_batch_seq", "_file_id", "_row", *CONTRACTS[table].stored}
    return [(name, type_) for name, type_ in engine.columns(f"core.{table}") if name not in own]


def _held(
    engine: Engine, kind: Kind, recipe: Recipe, attributes: Sequence[tuple[str, str]]
) -> dict[str, str]:
    """What is read in the place of the entity's own rows: the same over values that hold on the day."""
    rows = f"known.{kind.crm}"
    holding = with_known(engine, kind.entity, recipe.rules, [name for name, _ in attributes], "known")
    return {} if holding == rows else {rows: holding}


def _over(sql: str, held: Mapping[str, str]) -> str:
    """A SELECT over what is held of the relations that it reads."""
    instead = {rows: holding for rows, holding in held.items() if rows in Statement(sql).inputs}
    return reading(sql, instead) if instead else sql


def _attributes(
    engine: Engine, kind: Kind, recipe: Recipe, attributes: Sequence[tuple[str, str]]
) -> list[Fragment]:
    """The fragment of attributes, and what follows from them."""
    names = [name for name, _ in attributes]
    relation = with_known(engine, kind.entity, recipe.rules, names)
    point = recipe.settings.distance_from if kind.has_places else None
    further = [distance.fragment(point, relation, names)] if point and distance.located(names) else []
    own = Fragment(
        "attributes",
        features=tuple(
            attribute_feature(name, type_, recipe.settings, kind.crm) for name, type_ in attributes
        ),
        needs=(kind.crm,),
        shared=(kind.known,),
        text=f"select a.{kind.key}, {', '.join(f'a.{quote(name)}' for name in names)} from {relation} as a\n"
        f"    semi join {kind.known} as k on k.{kind.key} = a.{kind.key}",
        entity=kind.entity,
    )
    return [own, *further]


def fragments_read(fragments: Collection[Fragment]) -> set[tuple[str, str, tuple[int, ...]]]:
    """Every relation whose rows age, once."""
    return {(age.relation, age.day, age.windows) for fragment in fragments for age in fragment.ages}
