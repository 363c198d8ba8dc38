"""The rules of `attributes:` in project.yaml, checked before anything runs, as far as is known then.

That an expression is one, with functions on the list, is known at once; which columns customers have, once
every file of theirs is there.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from pipelines.config.attributes import DATED_TABLES, AttributeRule, rules_of
from pipelines.config.expression import words_in
from pipelines.config.yaml import line_of, nearest, read_yaml
from pipelines.contracts.registry import CONTRACTS
from pipelines.engine import connect, quote
from pipelines.errors import ConfigError
from pipelines.features.attributes import Attribute, described, parse_rules, written
from resources.project import Project


def rule_faults(project: Project) -> list[ConfigError]:
    """Every fault of the rules that no file is needed to see; whatever may be a column counts as one."""
    faults = [*_misplaced(project)]
    for table in DATED_TABLES:
        dated = rules_of(project.config.rules, table)
        for name, rule in rules_of(project.config.attributes, table).items():
            words = [word for text in (rule.as_of, rule.origin) if text for word in words_in(text)]
            try:
                parse_rules({name: dated[name]}, [name], [*words, *CONTRACTS[table].names], table)
            except ConfigError as fault:
                faults.append(_placed(project, written(table, name), fault))
    return faults


def _misplaced(project: Project) -> Iterator[ConfigError]:
    """Rules that name a table without attributes, or say what cannot be said of a column."""
    carrying = [table for table, contract in CONTRACTS.items() if contract.attributes]
    for name, rule in project.config.attributes.items():
        before, dot, column = name.rpartition(".")
        table = before if dot else "customers"
        if table not in carrying:
            found = f"{table} carries no attributes{nearest(table, carrying)}; expected one of"
            wrong = f"{found} {', '.join(carrying)}"
        elif table not in project.mapped:
            wrong = f"no source maps {table}"
        elif table not in DATED_TABLES and (rule.as_of or rule.origin or rule.expires_after):
            wrong = f"of attributes of {table} only type and required can be said"
        elif rule.type and (own := CONTRACTS[table].column(column.lower())):
            wrong = f"type is of attributes, and {own.name} is a column of {table} of type {own.type}"
        else:
            continue
        yield _placed(project, name, ConfigError(f"project.yaml: attributes.{name}: {wrong}"))


def check_rules(project: Project, table: str, attributes: Sequence[tuple[str, str]]) -> None:
    """Check the rules of a table against its attributes, each with its type.

    Raises
    ------
    ConfigError
        For the first rule without attribute, with an unknown column, or that does not fit the types.
    """
    typed = CONTRACTS[table].stored | dict(attributes)
    known = [*(name for name, _ in attributes), *described(table)]
    dated = rules_of(project.config.rules, table)
    for name in rules_of(project.config.attributes, table):
        ruled = dated[name]
        try:
            _bind(written(table, name), ruled, parse_rules({name: ruled}, known, list(typed), table), typed)
        except ConfigError as fault:
            raise _placed(project, written(table, name), fault) from None


def check_personal(project: Project, attributes: Collection[str]) -> None:
    """Check that `personal:` names attributes: one that is misspelt would be published, or kept back.

    Raises
    ------
    ConfigError
        For the first that names none.
    """
    known = {name.lower() for name in attributes}
    path = project.root / "project.yaml"
    for name in project.config.personal:
        if name.lower() not in known:
            line = line_of(read_yaml(path), ("personal", name))
            raise ConfigError(
                f"{path}:{line}: personal.{name}: no attribute, and no column that a mapping names"
                f"{nearest(name, attributes)} (known: {', '.join(sorted(attributes)) or 'none'})"
            )


def check_merged(project: Project, attributes: Mapping[str, Collection[str]]) -> None:
    """Check that columns under `merge:` are there: of one that is misspelt, another source would come first.

    Parameters
    ----------
    attributes : canonical table -> the columns that its sources bring beyond the contract; none of a table
        with attributes that are not all known.

    Raises
    ------
    ConfigError
        For the first that no source brings.
    """
    path = project.root / "project.yaml"
    for name in project.config.merge:
        table, _, column = name.partition(".")
        if CONTRACTS[table].attributes and table not in attributes:
            continue
        known = [*CONTRACTS[table].names, *attributes.get(table, ())]
        if column and column.lower() not in {found.lower() for found in known}:
            line = line_of(read_yaml(path), ("merge", name))
            raise ConfigError(
                f"{path}:{line}: merge.{name}: no source of {table} brings {column}{nearest(column, known)}"
            )


def check_families(project: Project, attributes: Collection[str]) -> None:
    """Check that `features.families` names attributes: of another name it would say nothing.

    Raises
    ------
    ConfigError
        For the first that names none.
    """
    known = {name.lower() for name in attributes}
    for name in project.config.features.families:
        if name.lower() not in known:
            path = project.root / "project.yaml"
            line = line_of(read_yaml(path), ("features", "families", name))
            raise ConfigError(
                f"{path}:{line}: features.families.{name}: no attribute of customers or accounts"
                f"{nearest(name, attributes)} (known: {', '.join(sorted(attributes)) or 'none'})"
            )


def _bind(name: str, rule: AttributeRule, known: Sequence[Attribute], typed: dict[str, str]) -> None:
    """Have DuckDB say whether the rule's expressions fit the columns' types; no row is read."""
    import duckdb

    column = name.rpartition(".")[2].lower()
    one = next(attribute for attribute in known if attribute.name.lower() == column)
    empty = ", ".join(f"cast(null as {kind}) as {quote(column)}" for column, kind in typed.items())
    with connect() as con:
        for setting, sql in (("as_of", one.as_of), ("origin", one.origin)):
            if sql is None:
                continue
            try:
                con.execute(f"describe select {sql} from (select {empty})")
            except duckdb.Error as error:
                said = " ".join(str(error).split("\n\n")[0].split())[:300]
                raise ConfigError(
                    f"project.yaml: attributes.{name}.{setting}: {getattr(rule, setting)!r} does not fit"
                    f" the columns' types: {said}"
                ) from None


def _placed(project: Project, name: str, fault: ConfigError) -> ConfigError:
    """The fault with the file's path and the line of the rule."""
    path = project.root / "project.yaml"
    line = line_of(read_yaml(path), ("attributes", name))
    return ConfigError(f"{path}:{line}: {str(fault).removeprefix('project.yaml: ')}")
