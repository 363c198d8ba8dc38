"""The keys of a mapping: what is put before them, whether other sources share them, and rows without one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pipelines.config.project import Source
from pipelines.contracts.keys import decided_by, numbers_in
from pipelines.contracts.model import Contract
from pipelines.engine import Statement, literal, quote
from pipelines.errors import ConfigError
from pipelines.ingest import said

if TYPE_CHECKING:
    from pipelines.ingest.mapping import Mapping


def refuse_missing(contract: Contract, source: Source, where: str) -> None:
    """Refuse a mapping that leaves a required column out.

    Parameters
    ----------
    contract : the contract of the canonical table.
    source : the source that maps it.
    where : the mapping's place in `project.yaml`.

    Raises
    ------
    ConfigError
        Naming the columns.
    """
    written = source.tables[contract.table]
    missing = [
        c.name
        for c in contract.columns
        if c.required and c.name not in written and c.default == "null" and c.otherwise is None
    ]
    if contract.one_of and not written.keys() & {*contract.one_of}:
        missing.append(" or ".join(contract.one_of))
    for made in (c for c in contract.columns if c.otherwise is not None and c.name not in written):
        if source.delivery == "changes":
            raise ConfigError(
                f"{where}: {contract.table} needs {made.name} beside delivery: changes: a row that is known"
                " by what it says cannot be changed; map it to an expression"
            )
    if contract.occurrence in missing:
        if source.delivery != "changes" and source.version is None:
            missing.remove(contract.occurrence)
        elif missing == [contract.occurrence]:
            setting = "version" if source.version is not None else "delivery: changes"
            raise ConfigError(
                f"{where}: {contract.table} needs {contract.occurrence} beside {setting}: rows that are"
                " numbered by what they say cannot be changed; map it to an expression"
            )
    if missing:
        raise ConfigError(f"{where}: {contract.table} needs {', '.join(missing)}; map each to an expression")


def prefixes(contract: Contract, source: Source) -> tuple[tuple[str, str], ...]:
    """Column -> the prefix of its values, where the project gives the numbers of their table one."""
    found = ((name, source.keys.get(table)) for name, table in numbers_in(contract).items())
    return tuple((name, rule.prefix) for name, rule in found if rule is not None and rule.prefix is not None)


def is_shared(contract: Contract, source: Source) -> bool:
    """Whether the project says that the source's keys are those of the others."""
    rule = source.keys.get(decided_by(contract))
    return rule is not None and rule.same


def prefixed(mapping: Mapping, name: str, value: str) -> str:
    """A value as SQL with its prefix, if it has one; NULL stays NULL."""
    prefix = dict(mapping.prefixes).get(name)
    return f"{literal(prefix)} || {value}" if prefix is not None else value


def numbered(mapping: Mapping, columns: Sequence[str]) -> Sequence[str] | dict[str, Statement]:
    """The columns of a typed row; one that no mapping fills is what the row says, and how often.

    Rows that are alike within the rest of the key and their file are the first, the second, … of them, so
    that each counts, and a file that says them again says the same.
    """
    name = mapping.numbered
    if name is None:
        return columns
    within = [part for part in mapping.contract.key if part != name]
    cells = ", ".join(f"cast({quote(column)} as varchar)" for column in said.content(mapping))
    content = f"md5(cast(to_json([{cells}]) as varchar))" if cells else "''"
    alike = ", ".join(["_file_id", *map(quote, within), content, "_fault is null"])
    place = f"row_number() over (partition by {alike} order by _row)"
    return {
        column: Statement(f"{content} || '-' || {place}" if column == name else quote(column))
        for column in columns
    }
