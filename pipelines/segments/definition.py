"""Read `segments/*.yaml`, check them against the feature catalogue, and turn each into one SELECT."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.config.expression import columns_in, parse_scalar, to_sql
from pipelines.config.segments import Definition, Rules, Scores, SegmentationFile, Tiers, members
from pipelines.config.yaml import line_of, load_model, nearest, read_yaml
from pipelines.errors import ConfigError
from pipelines.features.catalogue import Feature
from pipelines.steps import quote

NUMERIC = ("BIGINT", "INTEGER", "DOUBLE", "DECIMAL", "HUGEINT", "FLOAT", "SMALLINT")


@dataclass(frozen=True)
class Segmentation:
    """One checked segmentation; `version` changes with anything that can move a customer."""

    definition: Definition
    version: str
    sql: str
    parameters: dict[str, Any]
    features: frozenset[str]

    @property
    def id(self) -> str:
        return self.definition.segmentation

    def labels(self) -> list[dict[str, Any]]:
        """Segments in display order."""
        return [
            {
                "segmentation_id": self.id,
                "segmentation_name": self.definition.name,
                "segment_id": part.id,
                "segment_name": part.name,
                "description": part.description,
                "position": position,
            }
            for position, part in enumerate(members(self.definition), start=1)
        ]


def load_segmentations(
    folder: Path, features: Sequence[Feature], absent: Mapping[str, tuple[str, ...]] | None = None
) -> list[Segmentation]:
    """Every definition in `folder`, checked.

    Raises
    ------
    ConfigError
        Naming file, line and place of a fault: an unknown feature, a condition that is no condition, an id
        used twice, or no definition at all.
    """
    paths = sorted(folder.glob("*.yaml")) if folder.is_dir() else []
    if not paths:
        raise ConfigError(f"{folder}: no segment definitions; expected at least one .yaml file there")
    found: dict[str, Path] = {}
    segmentations = []
    for path in paths:
        definition = load_model(path, SegmentationFile).root
        if definition.segmentation in found:
            raise ConfigError(
                f"{path}: segmentation {definition.segmentation} is defined in {found[definition.segmentation]} too"
            )
        found[definition.segmentation] = path
        segmentations.append(compile_definition(definition, path, features, absent or {}))
    return segmentations


def compile_definition(
    definition: Definition, path: Path, features: Sequence[Feature], absent: Mapping[str, tuple[str, ...]]
) -> Segmentation:
    """Check one definition and build its SELECT over `features.customer` of one day.

    The SELECT gives `customer_id, segment_id`, every customer once.
    """
    scope = _Scope(path, {feature.name: feature for feature in features}, absent)
    if isinstance(definition, Rules):
        sql, parameters = _rules_sql(definition, scope)
    elif isinstance(definition, Scores):
        sql, parameters = _scores_sql(definition, scope)
    else:
        sql, parameters = _tiers_sql(definition, scope)
    identity = json.dumps([sql, parameters], sort_keys=True, default=str)
    version = hashlib.sha256(identity.encode()).hexdigest()[:12]
    return Segmentation(definition, version, sql, parameters, frozenset(scope.used))


class _Scope:
    """What the conditions of one file may name, and where its faults are."""

    def __init__(self, path: Path, features: dict[str, Feature], absent: Mapping[str, tuple[str, ...]]) -> None:
        self.path = path
        self.features = features
        self.absent = absent
        self.used: set[str] = set()
        self._tree: Any = None

    def where(self, *place: str | int) -> str:
        self._tree = self._tree if self._tree is not None else read_yaml(self.path)
        line = line_of(self._tree, place)
        return f"{self.path}:{line}: {'.'.join(str(part) for part in place)}"

    def feature(self, name: str, *place: str | int) -> Feature:
        if name in self.absent:
            raise ConfigError(
                f"{self.where(*place)}: the feature {name} needs {' and '.join(self.absent[name])},"
                " which no source of this project maps"
            )
        if name not in self.features:
            raise ConfigError(
                f"{self.where(*place)}: {name} is not a feature of the catalogue{nearest(name, self.features)}"
                " (see `lohko query 'from features.catalogue'` or docs/features.md)"
            )
        self.used.add(name)
        return self.features[name]

    def number(self, name: str, *place: str | int) -> str:
        feature = self.feature(name, *place)
        if not feature.type.startswith(NUMERIC):
            raise ConfigError(f"{self.where(*place)}: {name} is {feature.type}; expected a number")
        return quote(feature.name)

    def condition(self, text: str, extra: Sequence[str], *place: str | int) -> str:
        names = [*self.features, *self.absent, *extra]
        tree = parse_scalar(text, names, self.where(*place))
        lower = {name.lower(): name for name in names}
        for column in columns_in(tree):
            if lower[column.lower()] not in extra:
                self.feature(lower[column.lower()], *place)
        return to_sql(tree)


def _rules_sql(definition: Rules, scope: _Scope) -> tuple[str, dict[str, Any]]:
    branches, parameters = _case(definition.segments, (), scope)
    parameters["otherwise"] = definition.otherwise.id
    return (
        f"select customer_id, case {branches} else $otherwise end as segment_id"
        " from features.customer where as_of_date = $as_of"
    ), parameters


def _scores_sql(definition: Scores, scope: _Scope) -> tuple[str, dict[str, Any]]:
    """Score = 1 + floor(bins x share of the population that is strictly worse): ties stay together."""
    population = scope.condition(definition.population, (), "population")
    scores = []
    for name, score in definition.scores.items():
        feature = scope.number(score.feature, "scores", name, "feature")
        order = "asc" if score.better == "high" else "desc"
        scores.append(
            f"case when {feature} is not null then 1 + ({score.bins} *"
            f" (rank() over (order by {feature} {order} nulls first) - 1)) // count(*) over () end as {quote(name)}"
        )
    branches, parameters = _case(definition.segments, tuple(definition.scores), scope)
    parameters |= {"otherwise": definition.otherwise.id, "outside": definition.outside.id}
    return (
        f"with scored as (select *, {', '.join(scores)} from features.customer"
        f" where as_of_date = $as_of and coalesce({population}, false))"
        f" select customer_id, case {branches} else $otherwise end as segment_id from scored"
        " union all select customer_id, $outside as segment_id from features.customer"
        f" where as_of_date = $as_of and not coalesce({population}, false)"
    ), parameters


def _tiers_sql(definition: Tiers, scope: _Scope) -> tuple[str, dict[str, Any]]:
    """A customer is in the first tier that ends above the share of those strictly more valuable."""
    by = scope.number(definition.by, "by")
    parameters: dict[str, Any] = {"otherwise": definition.otherwise.id}
    branches = []
    for i, tier in enumerate(definition.tiers):
        parameters |= {f"segment_{i}": tier.id, f"until_{i}": tier.until}
        last = i == len(definition.tiers) - 1
        test = "true" if last else f"cast(more_valuable as double) < $until_{i} * cast(total as double)"
        branches.append(f"when {test} then $segment_{i}")
        if last:
            del parameters[f"until_{i}"]
    return (
        f"with valued as (select customer_id, {by} as value,"
        f" sum({by}) over (order by {by} desc) - {by} * count(*) over (partition by {by}) as more_valuable,"
        f" sum({by}) over () as total"
        f" from features.customer where as_of_date = $as_of and {by} > 0)"
        f" select customer_id, case {' '.join(branches)} end as segment_id from valued"
        " union all select customer_id, $otherwise as segment_id from features.customer"
        f" where as_of_date = $as_of and not coalesce({by} > 0, false)"
    ), parameters


def _case(segments: Sequence[Any], extra: Sequence[str], scope: _Scope) -> tuple[str, dict[str, Any]]:
    """`when <condition> then $segment_0 ...`, first match wins; a condition that is NULL does not hold."""
    branches, parameters = [], {}
    for i, segment in enumerate(segments):
        condition = scope.condition(segment.when, extra, "segments", i, "when")
        branches.append(f"when {condition} then $segment_{i}")
        parameters[f"segment_{i}"] = segment.id
    return " ".join(branches), parameters
