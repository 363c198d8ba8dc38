"""Check a project without running it: configuration, mappings against the files, segment definitions."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING

from lohko.commands.check.attributes import (
    check_families,
    check_merged,
    check_personal,
    check_rules,
    rule_faults,
)
from pipelines.config.expression import columns_in, parse_scalar, to_sql, words_in
from pipelines.config.project import Source
from pipelines.contracts.registry import CONTRACTS
from pipelines.core import types
from pipelines.engine import DuckDB, connect, quote
from pipelines.errors import ConfigError, LohkoError, SourceError
from pipelines.features.catalogue import RESERVED
from pipelines.features.custom import check_types
from pipelines.features.kinds import KINDS
from pipelines.features.recipe import further_columns
from pipelines.features.vocabulary import features_absent, features_of
from pipelines.ingest import mapping as mapped
from pipelines.ingest.mapping import parse_mapping
from pipelines.ingest.reading import Reading, scratch_in
from pipelines.ingest.source import check_file, check_reading, look_at
from pipelines.ingest.unread import unread_in_file
from pipelines.segments.definitions import Definitions, load_definitions
from pipelines.segments.model import Segmentation
from resources.connectors import check_environment, is_fetched, landed
from resources.landing import source_files
from resources.notifier import addresses_from_environment
from resources.project import Project
from resources.warehouse import Warehouse

if TYPE_CHECKING:
    import duckdb

# Expressions over a source's columns, each by its place in the source.
Written = dict[tuple[str, ...], str]


def check_configuration(project: Project, *, faulty_definitions: bool = False) -> list[Segmentation]:
    """What must be right before anything runs; returns the segmentations.

    With `faulty_definitions`, a definition at fault is none here as long as another is right: the run holds
    its segmentation and goes on.

    Raises
    ------
    ConfigError
        For the first fault of the mappings, of the environment variables that sources and alerts need, or of
        the segment definitions.
    """
    for fault in mapping_faults(project):
        raise fault
    for name, source in project.config.sources.items():
        check_environment(name, source)
    addresses_from_environment(project.config.alerts.addresses_from)
    _ = project.suites  # read here, so that a fault in expectations/ is told before anything runs
    return check_definitions(project, faulty_definitions=faulty_definitions)


def mapping_faults(project: Project) -> list[ConfigError]:
    """Every fault of the mappings, and of the rules of attributes, that no file is needed to see.

    A column that a file lacks is the file's fault and holds its source; what is no expression, or maps a
    column that is not there to be mapped, is the configuration's.
    """
    faults = []
    for name, source in project.config.sources.items():
        try:
            settings: Written = {(setting,): text for setting, text in source.delivery_expressions.items()}
            if source.playback:
                settings["playback", "by"] = source.playback.by
            read = _words(name, source, settings)
        except ConfigError as fault:
            faults.append(fault)
            continue
        for table, written in source.tables.items():
            try:
                mapped: Written = {("tables", table, column): text for column, text in written.items()}
                parse_mapping(name, source, table, sorted(read | _words(name, source, mapped)))
            except ConfigError as fault:
                faults.append(fault)
    return faults + rule_faults(project)


def _words(name: str, source: Source, expressions: Written) -> set[str]:
    """The columns that expressions read."""
    return {
        column
        for place, text in expressions.items()
        for column in columns_in(parse_scalar(text, words_in(text), source.place(name, *place)))
    }


def check_sources(project: Project) -> list[LohkoError]:
    """Every fault of the sources' files and mappings, found by reading the files' columns only."""

    faults: list[LohkoError] = []
    with connect() as con:
        con.execute("set TimeZone = $zone", {"zone": project.config.timezone})
        for name, source in project.config.sources.items():
            if is_fetched(source) and not landed(project, name, source):
                continue  # checking connects to nothing, and nothing has landed yet
            try:
                for path in source_files(project, name, source):
                    check_file(con, name, source, path, RESERVED)
            except LohkoError as fault:
                faults.append(fault)
    return faults


def unread_values(project: Project) -> list[tuple[str, bool]]:
    """What mappings make nothing of in the files' first rows, each with whether a run would reject it."""
    with connect() as con:
        return [
            told
            for mapping, reading in mapped_files(con, project)
            for told in unread_in_file(con, mapping, reading)
        ]


def mapped_files(
    con: duckdb.DuckDBPyConnection, project: Project
) -> Iterator[tuple[mapped.Mapping, Reading]]:
    """Every mapping of every file, of a project whose sources have no fault; nothing is fetched."""
    con.execute("set TimeZone = $zone", {"zone": project.config.timezone})
    for name, source in project.config.sources.items():
        if is_fetched(source) and not landed(project, name, source):
            continue
        for path in source_files(project, name, source):
            with scratch_in(None) as scratch:
                reading = look_at(con, source, path, scratch)
                for mapping in check_reading(con, name, source, reading, RESERVED):
                    yield mapping, reading


def check_definitions(project: Project, *, faulty_definitions: bool = False) -> list[Segmentation]:
    """The project's segmentations, checked against the features it will have; and the rules of attributes.

    `faulty_definitions` as in `check_configuration`.

    Raises
    ------
    ConfigError
        Naming file, line and place.
    """
    definitions, unread = _look_at_definitions(project)
    if faulty_definitions and definitions.segmentations:
        return list(definitions.segmentations)
    try:
        return list(definitions.checked())
    except ConfigError as fault:
        # It may be that the columns of a file are not known.
        notes = [f"Columns of this file are not known, it cannot be used: {reason}" for reason in unread]
        raise ConfigError("\n".join([str(fault), *notes])) from None


def _look_at_definitions(project: Project) -> tuple[Definitions, list[SourceError]]:
    """The project's definitions with what is wrong with them; files whose attributes they cannot know."""

    with connect() as con:
        # What the catalogue does not tell of `features.custom`: the types of its expressions.
        check_types(DuckDB(con), project.config.features.custom)
        carrying = [table for table, contract in CONTRACTS.items() if contract.attributes]
        found = {table: _attributes(con, project, table) for table in carrying}
    attributes = {table: columns for table, (columns, _) in found.items()}
    unread = {table: faults for table, (_, faults) in found.items()}
    _check_names(project, attributes, {table for table, faults in unread.items() if faults})
    crm = {entity: kind.crm for entity, kind in KINDS.items()}
    definitions = load_definitions(
        project.segments,
        features_of(project.recipe, {entity: attributes[table] for entity, table in crm.items()}),
        features_absent(project.mapped),
        project.mapped,
        project.root,
        attributes,
    )
    faults = {str(fault): fault for found in unread.values() for fault in found}
    return definitions, list(faults.values())


def _check_names(
    project: Project, attributes: Mapping[str, list[tuple[str, str]]], unread: Collection[str]
) -> None:
    """Check what the project says of attributes by their names, as far as all columns of a table are known.

    Parameters
    ----------
    attributes : canonical table -> further columns, as files have them now, with their types.
    unread : tables of which some source has no usable file.
    """
    config = project.config
    if not (config.attributes or config.personal or config.merge or config.features.families):
        return
    # Those of files before: core has them still.
    before = _attributes_in_core(project, [*attributes])
    known = {
        table: dict(before[table]) | dict(found) for table, found in attributes.items() if table not in unread
    }
    for table, columns in known.items():
        check_rules(project, table, list(columns.items()))
    check_merged(project, known)
    features = [kind.crm for kind in KINDS.values()]
    if {*features} <= {*known}:
        check_families(project, {name for table in features for name in known[table]})
    if not unread:
        check_personal(project, {name for columns in known.values() for name in columns})


def _attributes(
    con: duckdb.DuckDBPyConnection, project: Project, table: str
) -> tuple[list[tuple[str, str]], list[SourceError]]:
    """Further columns of a table: as files have them now, else as the warehouse knows them.

    And why these may not be all: a source that has no usable file yet may bring further ones.
    """
    if not CONTRACTS[table].carries_all and not _names_further(project, table):
        return [], []
    found: dict[str, str] = {}
    known: dict[str, str] = {}  # letter case makes no other attribute
    unread: list[SourceError] = []
    for source_name in project.mapped.get(table, []):
        source = project.config.sources[source_name]
        try:
            for path in source_files(project, source_name, source):
                with scratch_in(None) as scratch:
                    reading = look_at(con, source, path, scratch)
                    mapping = next(
                        m
                        for m in check_reading(con, source_name, source, reading)
                        if m.contract.table == table
                    )
                    # A file whose column is named like a feature is held when it comes; see `ingest`.
                    for column, kind in attribute_types(con, mapping, reading).items():
                        if (
                            column in source.tables[table]
                            or table != "customers"
                            or column.lower() not in RESERVED
                        ):
                            name = known.setdefault(column.lower(), column)
                            found[name] = types.shared(con, found.get(name, kind), kind)
        except SourceError as fault:
            unread.append(fault)
    return list(found.items()) or _attributes_in_core(project, [table])[table], unread


def _names_further(project: Project, table: str) -> bool:
    """Whether a mapping names columns of a table that its contract has not."""
    mapped = (project.config.sources[name].tables[table] for name in project.mapped.get(table, []))
    return any({*columns} - {*CONTRACTS[table].names} for columns in mapped)


def _attributes_in_core(project: Project, tables: Collection[str]) -> dict[str, list[tuple[str, str]]]:
    if project.warehouse_path.exists():
        with Warehouse(project.warehouse_path, project.config.timezone).open("check") as con:
            return {table: further_columns(DuckDB(con), table) for table in tables}
    return {table: [] for table in tables}


def attribute_columns(mapping: mapped.Mapping) -> str:
    """The attributes that a mapping gives, as the columns of a SELECT over a file."""
    given = {name: to_sql(tree) for name, tree in mapping.expressions.items()}
    return ", ".join(f"{given.get(name, quote(name))} as {quote(name)}" for name in mapping.attributes)


def attribute_types(
    con: duckdb.DuckDBPyConnection, mapping: mapped.Mapping, reading: Reading
) -> dict[str, str]:
    """Attribute -> its type: the declared one, or as a file gives it."""
    if not mapping.attributes:
        return {}
    describe = f"describe select {attribute_columns(mapping)} from {reading.clause}"
    described = con.execute(describe, {"path": str(reading.at)})
    declared = {column.name: column.type for column in mapping.declared}
    return {row[0]: row[1] for row in described.fetchall()} | declared
