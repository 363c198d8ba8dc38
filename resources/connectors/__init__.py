"""Connectors: what is not a local file becomes one, under `<project>/.lohko/landing/<source>/`.

Belongs here: fetching, and the secrets it needs. Does not: anything that reads rows for their meaning; that
is the one ingest path, and it sees files only. Fetching is done before the warehouse is opened, because a
slow service must not keep others from it.

    remote/...            files of a bucket or a web server, as they are there
    excel/NAME.parquet    the sheet of a workbook
    pull-000001.parquet   what an incremental read of a database or an HTTP interface brought
    full.parquet          what the last whole read brought
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from pipelines.config.connectors import scheme_of
from pipelines.config.project import Source
from pipelines.errors import ConfigError, SourceError
from resources.project import Project


def is_fetched(source: Source) -> bool:
    """Whether a source comes over the network."""
    return not source.patterns or any(map(scheme_of, source.patterns))


def fetch(project: Project, name: str, source: Source) -> None:
    """Bring what a source has now to the landing; nothing to do for local files.

    Raises
    ------
    SourceError
        When the service cannot be read. What had landed before stays.
    ConfigError
        When an environment variable is not set.
    """
    if not is_fetched(source):
        return
    check_environment(name, source)
    folder = project.landing / name
    if source.database is not None:
        from resources.connectors import database

        database.pull(folder, name, source.database)
    elif source.http is not None:
        from resources.connectors import http

        http.pull(folder, name, source.http)
    else:
        from resources.connectors import remote

        remote.mirror(folder, name, *source.patterns)


def fetch_attributes(project: Project) -> None:
    """Fetch the customers that never landed: conditions may name their columns, which nobody knows before.

    A source that cannot be read is left to the run, which holds it and says why.

    Raises
    ------
    ConfigError
        When an environment variable is not set.
    """
    for name in project.mapped.get("customers", []):
        source = project.config.sources[name]
        if is_fetched(source) and not landed(project, name, source):
            with contextlib.suppress(SourceError):
                fetch(project, name, source)


def landed(project: Project, name: str, source: Source) -> list[Path]:
    """The files that the last fetch left, sorted; asks nobody."""
    folder = project.landing / name
    if source.files is not None:
        from resources.connectors import remote

        return remote.mirrored(folder)
    return sorted([*folder.glob("full.parquet"), *folder.glob("pull-*.parquet")])


def check_environment(name: str, source: Source) -> None:
    """Raise a ConfigError for the first environment variable that a source needs and that is not set.

    Raises
    ------
    ConfigError
        When a variable is not set; the message names the setting.
    """
    for setting, variable in _variables(source):
        if not os.environ.get(variable):
            raise ConfigError(
                f"sources.{name}.{setting}: the environment variable {variable} is not set;"
                " set it where Lohko runs"
            )


def _variables(source: Source) -> Iterator[tuple[str, str]]:
    if source.database is not None:
        yield "database.url_from", source.database.url_from
    auth = source.http.auth if source.http else None
    for setting in ("token_from", "user_from", "password_from"):
        if variable := getattr(auth, setting, None):
            yield f"http.auth.{setting}", variable
