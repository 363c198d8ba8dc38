"""Read `segments/*.yaml`, check each against what the project has, and put them in order of reference.

A faulty definition is held, and so is what refers to it; the others go on.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipelines.config.expression import Place
from pipelines.config.segments import (
    KINDS,
    AnyDefinition,
    Audiences,
    Combination,
    Entity,
    Lists,
    Rules,
    Scores,
    SegmentationFile,
    Tiers,
)
from pipelines.config.yaml import load_model, nearest, read_yaml
from pipelines.core.facts import tables_read
from pipelines.errors import ConfigError
from pipelines.features.catalogue import Feature
from pipelines.segments.author import Author, where_in
from pipelines.segments.calls import EVENT_CALLS, MEMBER_CALLS
from pipelines.segments.company import Company
from pipelines.segments.conditions import Function, Names, Reader, Special, Term, today
from pipelines.segments.events import Events
from pipelines.segments.kinds.audiences import compile_audiences
from pipelines.segments.kinds.combination import compile_combination
from pipelines.segments.kinds.lists import compile_lists
from pipelines.segments.kinds.rules import compile_rules
from pipelines.segments.kinds.scores import compile_scores
from pipelines.segments.kinds.tiers import compile_tiers
from pipelines.segments.members import Members
from pipelines.segments.model import (
    AS_OF,
    KEY,
    OWN,
    Compiled,
    Further,
    Needs,
    Segmentation,
    closure,
    merged,
)
from pipelines.segments.plan import Plan
from pipelines.segments.references import References
from pipelines.segments.testing import check_tests
from pipelines.segments.words import Named

HELP = " (docs/features.md lists them, and `lohko query 'from marts.feature_catalogue'`)"
# Names of the SELECT's own columns beside the segmentations.
RESERVED = frozenset({"entity_id", AS_OF, *KEY.values()})
ENTITIES: tuple[Entity, ...] = ("customer", "account")


@dataclass(frozen=True)
class Definitions:
    """The definitions of a project.

    `segmentations` are those that passed, each after what it refers to. `faults` has what is wrong with the
    others, by segmentation id, or by file name where the file does not tell its id.
    """

    segmentations: tuple[Segmentation, ...]
    faults: Mapping[str, ConfigError] = field(default_factory=dict)

    def plan(self, entity: Entity = "customer", only: Collection[str] | None = None) -> Plan:
        """What assigns the members of one entity: all its segmentations, or those named by `only`."""
        chosen = [
            segmentation
            for segmentation in self.segmentations
            if segmentation.entity == entity and (only is None or segmentation.id in only)
        ]
        return Plan(entity, tuple(chosen), self.segmentations)

    def checked(self) -> tuple[Segmentation, ...]:
        """The segmentations, when no definition is at fault.

        Raises
        ------
        ConfigError
            The faults, one below the other.
        """
        if self.faults:
            raise ConfigError("\n".join(dict.fromkeys(str(fault) for fault in self.faults.values())))
        return self.segmentations


class CircleError(ConfigError):
    """Segmentations refer to each other in a circle; `ids` are those on it, in the order of reference."""

    def __init__(self, message: str, ids: Sequence[str]) -> None:
        super().__init__(message)
        self.ids = list(ids)


def load_definitions(
    folder: Path,
    catalogues: Mapping[str, Sequence[Feature]],
    absent: Mapping[str, Mapping[str, tuple[str, ...]]] | None = None,
    mapped: Collection[str] | None = None,
    root: Path | None = None,
    further: Further | None = None,
) -> Definitions:
    """Every definition in `folder`.

    Parameters
    ----------
    folder : the folder with the files.
    catalogues : entity -> its features; an entity without a catalogue cannot be segmented.
    absent : entity -> features that the project lacks, with the tables they would need.
    mapped : the canonical tables that some source maps; None where all count as mapped.
    root : the project's folder, which uploaded lists may not leave; the parent of `folder` by default.
    further : the columns that contacts and tables of facts have beyond their contracts.

    Raises
    ------
    ConfigError
        When there is no definition at all. Faults of single definitions are in the result.
    """
    return load_files(files_in(folder), catalogues, absent, mapped, root or folder.parent, further)


def files_in(folder: Path) -> list[Path]:
    """The definitions of a folder.

    Raises
    ------
    ConfigError
        When there is none.
    """
    paths = sorted(folder.glob("*.yaml")) if folder.is_dir() else []
    if not paths:
        raise ConfigError(f"{folder}: no segment definitions; expected at least one .yaml file there")
    return paths


def load_files(
    paths: Sequence[Path],
    catalogues: Mapping[str, Sequence[Feature]],
    absent: Mapping[str, Mapping[str, tuple[str, ...]]] | None,
    mapped: Collection[str] | None,
    root: Path,
    further: Further | None = None,
) -> Definitions:
    """The definitions of these files, wherever they lie; otherwise as `load_definitions`.

    Parameters
    ----------
    paths : the files.
    catalogues : entity -> the features it has.
    absent : entity -> features that the project lacks, with the tables they need.
    mapped : the canonical tables that sources map; None for all.
    root : the folder that uploaded lists may not leave.
    further : the columns that contacts and tables of facts have beyond their contracts.
    """
    return Load(catalogues, absent or {}, mapped, root, further).all(paths)


def read_definition(path: Path) -> AnyDefinition:
    """One file as the model of its kind; read as that kind, so that a fault's place is the file's own."""
    kind = read_yaml(path).get("kind")
    if isinstance(kind, str) and kind in KINDS:
        return load_model(path, KINDS[kind])
    return load_model(path, SegmentationFile).root


class Load:
    """One load: definitions are compiled when they are first referred to, and once."""

    def __init__(
        self,
        catalogues: Mapping[str, Sequence[Feature]],
        absent: Mapping[str, Mapping[str, tuple[str, ...]]],
        mapped: Collection[str] | None,
        root: Path,
        further: Further | None = None,
    ) -> None:
        self.root, self.further = root, further or {}
        self.names = {
            entity: _names(features, absent.get(entity, {}), entity)
            for entity, features in catalogues.items()
        }
        self.events = Events(mapped, self.further)
        self.mapped = mapped
        self.read: dict[str, tuple[Path, AnyDefinition]] = {}
        self.done: dict[str, Segmentation] = {}
        self.faults: dict[str, ConfigError] = {}
        self.path: list[str] = []

    def all(self, paths: Sequence[Path]) -> Definitions:
        for path in paths:
            self.add(path)
        for name in self.read:
            if name not in self.faults:
                self._compiled(name)
        return Definitions(tuple(self.done.values()), self.faults)

    def add(self, path: Path) -> None:
        """Read one file; an id that an earlier file has too leaves both at fault: which is meant?"""
        try:
            definition = read_definition(path)
        except ConfigError as fault:
            self.faults[_id_in(path)] = fault
            return
        name = definition.segmentation
        if name in self.read:
            self.faults[name] = ConfigError(
                f"{where_in(path, 'segmentation')} {name} is defined in {self.read[name][0]} too;"
                " expected another id"
            )
        elif name in RESERVED:
            self.faults[name] = ConfigError(
                f"{where_in(path, 'segmentation')}: {name} is the name of a key; expected another id"
            )
        self.read.setdefault(name, (path, definition))

    def _compiled(self, name: str) -> None:
        """Compile one definition into `done` or `faults`."""
        path, definition = self.read[name]
        self.path.append(name)
        try:
            self.done[name] = self._segmentation(path, definition)
        except ConfigError as fault:
            self.faults[name] = fault
        finally:
            self.path.pop()

    def _segmentation(self, path: Path, definition: AnyDefinition) -> Segmentation:
        entity = definition.entity
        if entity not in self.names:
            raise ConfigError(
                f"{where_in(path, 'entity')}: this project has no {entity}s to segment;"
                f" no source maps {entity}s"
            )

        def make_reader(terms: Mapping[str, Term], own: Function | None) -> Reader:
            return self.reader(entity, definition.segmentation, terms, own)

        author = Author(definition, path, self.root, self.names[entity], make_reader, self._refer)
        compiled = compile_kind(definition, author)
        check_tests(definition.tests, compiled.labels, author)
        return self._finished(definition, compiled)

    def _finished(self, definition: AnyDefinition, compiled: Compiled) -> Segmentation:
        """The segmentation: its version, and what it reads itself rather than by what it refers to."""
        used = [self.done[name] for name in sorted(compiled.uses)]
        others = {
            column.name
            for segmentation in used
            for column in closure(
                [segmentation.compiled.result, *(column for _, column in segmentation.compiled.scores)]
            )
        }
        populations = [column for cut in compiled.cuts for column in cut.population.columns]
        own = [
            column
            for column in closure([compiled.result, *(c for _, c in compiled.scores), *populations])
            if column.name not in others
        ]
        needs = merged([*(column.needs for column in own), *(cut.population.needs for cut in compiled.cuts)])
        asked = [call.condition.needs for call in needs.members if call.source == "customers"]
        of_contacts = [call.condition.needs for call in needs.members if call.source == "contacts"]
        identity = json.dumps(
            [
                definition.entity,
                compiled.identity,
                [[segmentation.id, segmentation.version] for segmentation in used],
            ],
            default=str,
        )
        return Segmentation(
            definition,
            hashlib.sha256(identity.encode()).hexdigest()[:12],
            compiled,
            needs.features,
            frozenset(name for condition in asked for name in condition.features),
            compiled.uses,
            _tables(needs, definition.entity).union(*(_tables(found, "customer") for found in asked)),
            frozenset(name for condition in of_contacts for name in condition.features),
            frozenset().union(
                *(column.needs.features for found in (needs, *asked) for column in found.account)
            ),
        )

    def _refer(self, name: str, place: Place, at: int | None = None) -> Segmentation:
        """Another segmentation, compiled now if need be."""
        if name not in self.read and name not in self.faults:
            known = ", ".join(sorted(self.read))
            raise place.fault(
                f"there is no segmentation {name}{nearest(name, self.read)} (known: {known})", at
            )
        if name in self.path:
            self._raise_circle(self.path[self.path.index(name) :], place, at)
        if name not in self.done and name not in self.faults:
            self._compiled(name)
        fault = self.faults.get(name)
        if isinstance(fault, CircleError) and self.path[-1] in fault.ids:
            start = fault.ids.index(self.path[-1])
            self._raise_circle(fault.ids[start:] + fault.ids[:start], place, at)
        if fault is not None:
            raise place.fault(f"refers to {name}, which is faulty itself: {str(fault).splitlines()[0]}", at)
        return self.done[name]

    def _raise_circle(self, ids: Sequence[str], place: Place, at: int | None) -> None:
        """The circle as seen from the definition that is being compiled."""
        own = ids.index(self.path[-1])
        turned = [*ids[own:], *ids[:own]]
        circle = " -> ".join([*turned, turned[0]])
        raise CircleError(str(place.fault(f"refers to itself in a cycle: {circle}", at)), turned)

    def reader(self, entity: Entity, author: str, terms: Mapping[str, Term], own: Function | None) -> Reader:
        """Reads conditions over an entity in the definition `author`.

        Parameters
        ----------
        entity : whom it is about, customers or accounts.
        author : the definition that the condition is in, for messages.
        terms : names that the condition may use beside features, such as scores.
        own : what `in_segment` means of a segment of the definition itself; None where it may not ask.
        """
        names = self.names[entity]
        if terms:
            names = Names({**names.known, **terms}, names.what, names.absent, names.help)
        references = References(self._refer, entity, author, own)
        calls: dict[str, Special] = dict.fromkeys(EVENT_CALLS, self.events.of(entity))
        refused = {}
        if entity == "account":
            customers = self.reader("customer", author, {}, None)
            calls |= dict.fromkeys(MEMBER_CALLS, Members(customers, self.mapped, self.further).term)
            owner = None
        else:
            why = "asks for the members of an account, and this segmentation divides customers"
            refused = {name: f"{name} {why}" for name in MEMBER_CALLS}
            owner = self._company(author)
        functions: dict[str, Function] = {"in_segment": references.segment, "score": references.score}
        if owner is not None:
            functions |= owner.functions
        return Reader(names, functions, calls, refused, owner)

    def _company(self, author: str) -> Company:
        """What a condition on customers in the definition `author` may say of their company."""
        absent = self.mapped is not None and "accounts" not in self.mapped
        lacking = "asks for the company of a customer, and no source of this project maps accounts"
        names = Names({}, "") if absent else self.names.get("account")
        references = References(self._refer, "account", author, None, of_company=True)
        return Company(names or Names({}, ""), references, lacking if absent or names is None else None)


def compile_kind(definition: AnyDefinition, author: Author) -> Compiled:
    """The definition as its kind compiles it."""
    if isinstance(definition, Rules):
        return compile_rules(definition, author)
    if isinstance(definition, Audiences):
        return compile_audiences(definition, author)
    if isinstance(definition, Scores):
        return compile_scores(definition, author)
    if isinstance(definition, Tiers):
        return compile_tiers(definition, author)
    if isinstance(definition, Combination):
        return compile_combination(definition, author)
    assert isinstance(definition, Lists)  # noqa: S101 - the last of the union
    return compile_lists(definition, author)


def _names(features: Sequence[Feature], absent: Mapping[str, tuple[str, ...]], entity: str) -> Names:
    """What conditions over an entity may name: its features and the day."""
    known = {
        feature.name.lower(): Term(
            Named(feature.name, feature.type, feature.unit), Needs(frozenset({feature.name}))
        )
        for feature in features
        if not feature.name.startswith(OWN)
    }
    help_ = HELP if entity == "customer" else " (docs/features.md lists them)"
    return Names(known | {AS_OF: today()}, "a feature of the catalogue", absent, help_)


def _tables(needs: Needs, entity: Entity) -> frozenset[str]:
    """The event tables, and tables of members, that are read."""
    found: set[str] = set()
    for call in needs.events:
        found |= tables_read(call.table, entity, call.columns)
    for asked in needs.members:
        found.add(asked.source)
    for column in needs.account:
        found |= {"customers", "accounts"} | _tables(column.needs, "account")
    return frozenset(found)


def _id_in(path: Path) -> str:
    """The id that a faulty file tells, or the file's name."""
    try:
        found: Any = read_yaml(path).get("segmentation")
    except ConfigError:
        found = None
    return found if isinstance(found, str) and found else path.stem
