"""Read `segments/*.yaml`, check them against the feature catalogue, and turn each into one SELECT."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from pipelines.config.expression import columns_in, parse_scalar, to_sql
from pipelines.config.segments import (
    KINDS,
    Definition,
    Rules,
    Scores,
    SegmentationFile,
    Tiers,
    members,
)
from pipelines.config.yaml import line_of, load_model, nearest, read_yaml
from pipelines.errors import ConfigError
from pipelines.features.catalogue import Feature
from pipelines.segments.binding import checker, fault_of
from pipelines.steps import quote

if TYPE_CHECKING:
    import duckdb

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
    with checker() as con:
        for path in paths:
            definition = read_definition(path)
            if definition.segmentation in found:
                raise ConfigError(
                    f"{where_in(path, 'segmentation')} {definition.segmentation} is defined in"
                    f" {found[definition.segmentation]} too; expected another id"
                )
            found[definition.segmentation] = path
            scope = _Scope(path, {feature.name: feature for feature in features}, absent or {}, con)
            segmentations.append(_compile(definition, scope))
    return segmentations


def read_definition(path: Path) -> Definition:
    """One file as the model of its kind; read as that kind, so that a fault's place is the file's own."""
    kind = read_yaml(path).get("kind")
    if isinstance(kind, str) and kind in KINDS:
        return load_model(path, KINDS[kind])
    return load_model(path, SegmentationFile).root


def where_in(path: Path, *place: str | int) -> str:
    """File, line and place, as faults begin."""
    line = line_of(read_yaml(path), place)
    return f"{path}:{line}: {'.'.join(str(part) for part in place)}"


def _compile(definition: Definition, scope: _Scope) -> Segmentation:
    """Check one definition and build its SELECT over `features.customer` of one day.

    The SELECT gives `customer_id, segment_id`, every customer once.
    """
    _labels_differ(definition, scope.path)
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

    def __init__(
        self,
        path: Path,
        features: dict[str, Feature],
        absent: Mapping[str, tuple[str, ...]],
        con: duckdb.DuckDBPyConnection,
    ) -> None:
        self.path = path
        self.features = features
        self.absent = absent
        self.con = con
        self.used: set[str] = set()

    def where(self, *place: str | int) -> str:
        return where_in(self.path, *place)

    def feature(self, name: str, *place: str | int) -> Feature:
        if name in self.absent:
            raise ConfigError(
                f"{self.where(*place)}: the feature {name} needs {' and '.join(self.absent[name])},"
                " which no source of this project maps"
            )
        if name not in self.features:
            raise ConfigError(
                f"{self.where(*place)}: {name} is not a feature of the catalogue"
                f"{nearest(name, self.features)}"
                " (docs/features.md lists them, and `lohko query 'from marts.feature_catalogue'`)"
            )
        self.used.add(name)
        return self.features[name]

    def number(self, name: str, *place: str | int) -> str:
        feature = self.feature(name, *place)
        if not feature.type.startswith(NUMERIC):
            raise ConfigError(f"{self.where(*place)}: {name} is {feature.type}; expected a number")
        return quote(feature.name)

    def condition(self, text: str, extra: Sequence[str], *place: str | int) -> str:
        """The condition as SQL, spelt in one way: remarks and letter case must not change the version."""
        names = {name.lower(): name for name in (*self.features, *self.absent, *extra)}
        tree = parse_scalar(text, names.values(), self.where(*place))
        for node in tree.walk():
            node.comments = None
            if isinstance(node, exp.Identifier):
                node.set("this", names.get(node.name.lower(), node.name))
        types = {
            name: "BIGINT" if name in extra else self.feature(name, *place).type
            for name in sorted(columns_in(tree))
        }
        sql = to_sql(tree)
        fault = fault_of(self.con, sql, types)
        if fault:
            raise ConfigError(f"{self.where(*place)}: {text!r} {fault}")
        return sql


def _labels_differ(definition: Definition, path: Path) -> None:
    listed = "tiers" if isinstance(definition, Tiers) else "segments"
    seen: set[str] = set()
    for i, part in enumerate(members(definition)):
        rest = next(
            (name for name in ("otherwise", "outside") if getattr(definition, name, None) is part), None
        )
        place = (rest,) if rest else (listed, i)
        for what, value in (("id", part.id), ("name", part.name)):
            if f"{what} {value}" in seen:
                where = where_in(path, *place, what)
                raise ConfigError(
                    f"{where}: {value} is the {what} of an earlier segment too; {what}s must differ"
                )
            seen.add(f"{what} {value}")


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
    columns = {name.lower() for name in (*scope.features, *scope.absent, "as_of_date", "customer_id")}
    for name, score in definition.scores.items():
        if name in columns:
            raise ConfigError(
                f"{scope.where('scores', name)}: the score is named like a column of features.customer;"
                " expected another name"
            )
        feature = scope.number(score.feature, "scores", name, "feature")
        order = "asc" if score.better == "high" else "desc"
        scores.append(
            f"case when {feature} is not null then 1 + ({score.bins}"
            f" * (rank() over (order by {feature} {order} nulls first) - 1)) // count(*) over () end"
            f" as {quote(name)}"
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
        parameters[f"segment_{i}"] = tier.id
        if tier is definition.tiers[-1]:
            branches.append(f"else $segment_{i}")
        else:
            parameters[f"until_{i}"] = tier.until
            branches.append(
                f"when cast(more_valuable as double) < $until_{i} * cast(total as double) then $segment_{i}"
            )
    assigned = f"case {' '.join(branches)} end" if len(branches) > 1 else "$segment_0"
    return (
        f"with valued as (select customer_id, {by} as value,"
        f" sum({by}) over (order by {by} desc) - {by} * count(*) over (partition by {by}) as more_valuable,"
        f" sum({by}) over () as total"
        f" from features.customer where as_of_date = $as_of and {by} > 0)"
        f" select customer_id, {assigned} as segment_id from valued"
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
