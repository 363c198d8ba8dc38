"""Check a project without running it: configuration, mappings against the files, segment definitions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.config.expression import to_sql
from pipelines.errors import LohkoError, SourceError
from pipelines.features.catalogue import absent, catalogue
from pipelines.features.compute import attributes_of
from pipelines.ingest.files import LandedFile, format_of, reader
from pipelines.ingest.mapping import Mapping
from pipelines.ingest.source import check_file
from pipelines.segments.definition import Segmentation, load_segmentations
from pipelines.steps import quote, table_exists
from resources.landing import source_files
from resources.project import Project
from resources.warehouse import Warehouse

if TYPE_CHECKING:
    import duckdb


def check_sources(project: Project) -> list[LohkoError]:
    """Every fault of the sources' files and mappings, found by reading the files' columns only."""
    import duckdb

    faults: list[LohkoError] = []
    with duckdb.connect() as con:
        con.execute("set TimeZone = $zone", {"zone": project.config.timezone})
        for name, source in project.config.sources.items():
            try:
                for path in source_files(project, name, source):
                    check_file(con, name, source, LandedFile(path, 0, 0, ""))
            except LohkoError as fault:
                faults.append(fault)
    return faults


def check_definitions(project: Project) -> list[Segmentation]:
    """The project's segmentations, checked against the features it will have.

    Raises
    ------
    ConfigError
        Naming file, line and place.
    """
    shares = project.config.features.category_shares
    features = catalogue(project.mapped, shares, _attributes(project))
    return load_segmentations(project.segments, features, absent(project.mapped))


def _attributes(project: Project) -> list[tuple[str, str]]:
    """The CRM's further columns: as its files have them now, else as the warehouse knows them."""
    import duckdb

    found: dict[str, str] = {}
    with duckdb.connect() as con:
        for name in project.mapped.get("customers", []):
            source = project.config.sources[name]
            try:
                for path in source_files(project, name, source):
                    mapping = next(
                        m
                        for m in check_file(con, name, source, LandedFile(path, 0, 0, ""))
                        if m.contract.table == "customers"
                    )
                    found |= _types(con, mapping, path, format_of(path, source.format))
            except SourceError:
                continue
    if not found and project.warehouse_path.exists():
        with Warehouse(project.warehouse_path, project.config.timezone).open("check") as con:
            if table_exists(con, "core.customers"):
                return attributes_of(con)
    return list(found.items())


def _types(con: duckdb.DuckDBPyConnection, mapping: Mapping, path: Path, kind: str) -> dict[str, str]:
    """Attribute -> its type, as a file gives it."""
    written = [
        f"{to_sql(mapping.expressions[name]) if name in mapping.expressions else quote(name)} as {quote(name)}"
        for name in mapping.attributes
    ]
    if not written:
        return {}
    described = con.execute(f"describe select {', '.join(written)} from {reader(kind)}", {"path": str(path)})
    return {row[0]: row[1] for row in described.fetchall()}
