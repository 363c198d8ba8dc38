"""The rules of `attributes:` in project.yaml, checked before anything runs, as far as is known then.

That an expression is one, with functions on the list, is known at once; which columns customers have, once
every file of theirs is there.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from pipelines.config.attributes import AttributeRule, rules_of
from pipelines.config.expression import words_in
from pipelines.config.yaml import line_of, nearest, read_yaml
from pipelines.contracts.registry import CONTRACTS
from pipelines.engine import connect, quote
from pipelines.errors import ConfigError
from pipelines.features.attributes import Attribute, parse_rules
from resources.project import Project


def rule_faults(project: Project) -> list[ConfigError]:
    """Every fault of the rules that no file is needed to see; whatever may be a column counts as one."""
    faults = [*_misplaced(project)]
    for name, rule in rules_of(project.config.attributes, "customers").items():
        words = [word for text in (rule.as_of, rule.origin) if text for word in words_in(text)]
        try:
            parse_rules({name: rule}, [name], words)
        except ConfigError as fault:
            faults.append(_placed(project, name, fault))
    return faults


def _misplaced(project: Project) -> Iterator[ConfigError]:
    """Rules that name a table without attributes, or say what is said of customers alone."""
    carrying = [table for table, contract in CONTRACTS.items() if contract.attributes]
    for name, rule in project.config.attributes.items():
        table, dot, _ = name.rpartition(".")
        said = f"project.yaml: attributes.{name}"
        if dot and table not in carrying:
            found = f"{said}: {table} carries no attributes{nearest(table, carrying)}; expected"
            yield _placed(project, name, ConfigError(f"{found} one of {', '.join(carrying)}"))
        elif dot and table != "customers" and (rule.as_of or rule.origin or rule.expires_after):
            only = f"{said}: of attributes of {table} only type and required can be said"
            yield _placed(project, name, ConfigError(only))


def check_rules(project: Project, attributes: Sequence[tuple[str, str]]) -> None:
    """Check the rules against the customers' attributes, each with its type.

    Raises
    ------
    ConfigError
        For the first rule without attribute, with an unknown column, or that does not fit the types.
    """
    own = [(column.name, column.type) for column in CONTRACTS["customers"].columns]
    typed = dict(own) | dict(attributes)
    for name, rule in rules_of(project.config.attributes, "customers").items():
        try:
            known = parse_rules({name: rule}, [name for name, _ in attributes], list(typed))
            _bind(name, rule, known, typed)
        except ConfigError as fault:
            raise _placed(project, name, fault) from None


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
                f"{path}:{line}: personal.{name}: no attribute of customers or accounts"
                f"{nearest(name, attributes)} (known: {', '.join(sorted(attributes)) or 'none'})"
            )


def check_merged(project: Project, attributes: Mapping[str, Collection[str]]) -> None:
    """Check that columns under `merge:` are there: of one that is misspelt, another source would come first.

    Parameters
    ----------
    attributes : canonical table -> the columns that its sources bring beyond the contract.

    Raises
    ------
    ConfigError
        For the first that no source brings.
    """
    path = project.root / "project.yaml"
    for name in project.config.merge:
        table, _, column = name.partition(".")
        known = [*CONTRACTS[table].names, *attributes.get(table, ())]
        if column and column.lower() not in {found.lower() for found in known}:
            line = line_of(read_yaml(path), ("merge", name))
            raise ConfigError(
                f"{path}:{line}: merge.{name}: no source of {table} brings {column}{nearest(column, known)}"
            )


def _bind(name: str, rule: AttributeRule, known: Sequence[Attribute], typed: dict[str, str]) -> None:
    """Have DuckDB say whether the rule's expressions fit the columns' types; no row is read."""
    import duckdb

    one = next(attribute for attribute in known if attribute.name.lower() == name.lower())
    empty = ", ".join(f"cast(null as {kind}) as {quote(column)}" for column, kind in typed.items())
    with connect() as con:
        for setting, sql in (("as_of", one.as_of), ("origin", one.origin)):
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
