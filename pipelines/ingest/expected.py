"""What a project expects of its tables, checked and ready to run: from `expectations/*.yaml` to checks."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from pipelines.config.expectations import Expectation, SuiteFile
from pipelines.config.gx_catalogue import BY_WRITTEN_NAME, COLUMN_ARGUMENTS, EXPECTATIONS, NOT_HERE, QUERY
from pipelines.config.query import parse_query
from pipelines.config.yaml import line_of, load_model, nearest, read_yaml
from pipelines.contracts.model import Check, Contract
from pipelines.errors import ConfigError

Made = TypeVar("Made")
PREFIX = "expect_"
# The row's place in its file; every staged batch has them.
PLACE = ("_file_id", "_row")
_LISTS = (
    *("value_set", "column_list", "column_set", "type_list", "value_pairs_set"),
    *("regex_list", "like_pattern_list"),
)
_CONDITION_COLUMN = re.compile(r"col\(\s*[\"']([^\"']+)[\"']\s*\)")


@dataclass(frozen=True)
class Suite:
    """The checks of one file. `table` is canonical for a batch, the mart's name for a mart."""

    path: Path
    kind: str
    table: str
    source: str | None
    checks: tuple[Check, ...]


@dataclass(frozen=True)
class Tables:
    """What suites may name.

    `sources` gives the tables each source maps. `batch_columns` (of a table, and a source or all that map it)
    and `mart_columns` give the columns, or None where only the data says them.
    """

    sources: Mapping[str, Collection[str]]
    marts: Collection[str]
    batch_columns: Callable[[str, str | None], Collection[str] | None]
    mart_columns: Callable[[str], Collection[str] | None]


def load_suites(folder: Path, tables: Tables) -> list[Suite]:
    """Every suite of a folder in the order of file names; none when there is no such folder.

    Raises
    ------
    ConfigError
        Naming file, line and place of every fault: an unknown expectation, argument, column or table.
    """
    suites = _every(partial(_load, path, tables) for path in sorted(folder.glob("*.yaml")))
    seen: dict[tuple[str, str, str], Path] = {}
    for suite in suites:
        for check in suite.checks:
            key = (suite.kind, suite.table, check.name)
            if key in seen:
                raise ConfigError(
                    f"{suite.path}: {check.name.removeprefix(PREFIX)} of {suite.table} stands in"
                    f" {seen[key].name} too; a name belongs to one expectation of a table"
                )
            seen[key] = suite.path
    return suites


def _every(made: Iterable[Callable[[], Made]]) -> list[Made]:
    """What each makes; or one fault, a line for each that cannot."""
    found, faults = [], []
    for make in made:
        try:
            found.append(make())
        except ConfigError as fault:
            faults.append(str(fault))
    if faults:
        raise ConfigError("\n".join(faults))
    return found


def derived(contract: Contract) -> list[str]:
    """The columns that a contract computes from the others."""
    return [column.name for column in contract.derived]


def checks_of_batch(suites: Iterable[Suite], source: str, table: str, known: Collection[str]) -> list[Check]:
    """The project's checks on a batch of a source, but those that read a column the source does not map.

    Parameters
    ----------
    suites : the project's own expectations.
    table : the canonical table.
    known : the columns the source fills; empty where only its files say them.
    """
    return [
        check
        for suite in suites
        if suite.kind == "batch" and suite.table == table and suite.source in (None, source)
        for check in suite.checks
        if not known or set(check.needs) <= set(known)
    ]


def _load(path: Path, tables: Tables) -> Suite:
    written = load_model(path, SuiteFile)
    tree = read_yaml(path)
    kind = "batch" if written.batch is not None else "mart"
    table = written.batch or written.mart or ""
    where = f"{path}:{line_of(tree, (kind,))}: {kind}"
    if written.batch is not None:
        columns = _batch_columns(path, tree, written, tables)
    else:
        if table not in tables.marts:
            raise ConfigError(
                f"{where}: {table} is not a mart{nearest(table, tables.marts)}"
                f" (known: {', '.join(tables.marts)})"
            )
        columns = tables.mart_columns(table)

    def checked(index: int, expectation: Expectation) -> Check:
        def place(*further: str | int) -> str:
            return f"{path}:{line_of(tree, ('expectations', index, *further))}: {expectation.name}"

        return _check(expectation, columns, place)

    checks = _every(
        partial(checked, index, expectation) for index, expectation in enumerate(written.expectations)
    )
    return Suite(path, kind, table, written.source, tuple(checks))


def _batch_columns(path: Path, tree: Any, written: SuiteFile, tables: Tables) -> Collection[str] | None:
    table, source = written.batch or "", written.source
    mapped = {name for found in tables.sources.values() for name in found}
    if table not in mapped:
        raise ConfigError(
            f"{path}:{line_of(tree, ('batch',))}: batch: no source maps the table {table}"
            f"{nearest(table, mapped)} (mapped: {', '.join(sorted(mapped))})"
        )
    if source is not None and table not in tables.sources.get(source, ()):
        fitting = sorted(name for name, found in tables.sources.items() if table in found)
        raise ConfigError(
            f"{path}:{line_of(tree, ('source',))}: source: {source} maps no {table}"
            f"{nearest(source, fitting)} (sources that do: {', '.join(fitting)})"
        )
    return tables.batch_columns(table, source)


def _check(expectation: Expectation, columns: Collection[str] | None, place: Callable[..., str]) -> Check:
    name = _known_name(expectation.type, place("type"))
    spec = EXPECTATIONS[name]
    allowed = (*spec.arguments, "row_condition", "condition_parser") if name != QUERY else spec.arguments
    for argument in expectation.kwargs:
        if argument not in allowed:
            raise ConfigError(
                f"{place('kwargs', argument)}: {expectation.type} has no argument {argument}"
                f"{nearest(argument, allowed)} (its arguments: {', '.join(allowed)})"
            )
    missing = [argument for argument in spec.required if argument not in expectation.kwargs]
    if missing:
        raise ConfigError(f"{place('kwargs')}: {expectation.type} needs {', '.join(missing)}")
    _values(expectation, place)
    arguments = dict(expectation.kwargs)
    needs: tuple[str, ...] = ()
    if name == QUERY:
        text = arguments["unexpected_rows_query"]
        known = None if columns is None else [*columns, *PLACE]
        arguments["unexpected_rows_query"] = parse_query(
            str(text), known, place("kwargs", "unexpected_rows_query")
        )
    else:
        needs = _columns(name, expectation, columns, place)
    return Check(
        f"{PREFIX}{expectation.name}", name, arguments, expectation.description, expectation.severity, needs
    )


def _known_name(written: str, where: str) -> str:
    name = BY_WRITTEN_NAME.get(written)
    if name is None:
        raise ConfigError(
            f"{where}: {written} is not an expectation of Great Expectations"
            f"{nearest(written, BY_WRITTEN_NAME)} (docs/expectations.md lists them)"
        )
    if name in NOT_HERE:
        raise ConfigError(
            f"{where}: {written} cannot be used: {NOT_HERE[name]}. Write what you expect as {QUERY}"
        )
    return name


def _values(expectation: Expectation, place: Callable[..., str]) -> None:
    """What the library would refuse only when a batch is there."""
    mostly = expectation.kwargs.get("mostly", 1)
    if isinstance(mostly, bool) or not isinstance(mostly, (int, float)) or not 0 <= mostly <= 1:
        raise ConfigError(f"{place('kwargs', 'mostly')}: mostly is a share from 0 to 1, found {mostly!r}")
    for argument in _LISTS:
        value = expectation.kwargs.get(argument, [])
        if not isinstance(value, list):
            raise ConfigError(f"{place('kwargs', argument)}: {argument} is a list, found {value!r}")
    for argument in ("regex", "like_pattern", "column", "column_A", "column_B"):
        value = expectation.kwargs.get(argument, "")
        if not isinstance(value, str):
            raise ConfigError(f"{place('kwargs', argument)}: {argument} is a text, found {value!r}")
    condition, parser = expectation.kwargs.get("row_condition"), expectation.kwargs.get("condition_parser")
    if condition is not None and parser != "great_expectations":
        raise ConfigError(
            f"{place('kwargs', 'row_condition')}: row_condition needs `condition_parser: great_expectations`"
            ' and is written `col("channel") == "web"`'
        )


def _columns(
    name: str, expectation: Expectation, columns: Collection[str] | None, place: Callable[..., str]
) -> tuple[str, ...]:
    """The columns an expectation reads, each of them known."""
    if name == "ExpectColumnToExist":
        return ()  # that it may be absent is the point
    found: list[tuple[str, str]] = []
    for argument in COLUMN_ARGUMENTS:
        value = expectation.kwargs.get(argument, [])
        if name != "ExpectTableColumnsToMatchOrderedList":
            found += [(argument, str(item)) for item in (value if isinstance(value, list) else [value])]
    condition = str(expectation.kwargs.get("row_condition", ""))
    found += [("row_condition", item) for item in _CONDITION_COLUMN.findall(condition)]
    for argument, column in found:
        if columns is not None and column not in columns:
            raise ConfigError(
                f"{place('kwargs', argument)}: {column} is not a column here{nearest(column, columns)}"
                f" (known: {', '.join(list(columns)[:40])})"
            )
    return tuple(dict.fromkeys(column for _, column in found))
