"""What facts say: their columns, those of their lines and of linked rows, and the tables behind these."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from pipelines.contracts.fact import OF_CONTACT, OF_CUSTOMER, Entity, Fact, Link
from pipelines.contracts.model import Column
from pipelines.contracts.registry import CONTRACTS, FACTS

# Before the amounts of lines, whose names a fact has itself.
_LINE = "line_"


def columns_of(table: str, *, with_lines: bool = False) -> dict[str, Column]:
    """The columns that a condition over the facts of a table may name.

    Parameters
    ----------
    with_lines : whether those of the lines count too, such as of the lines of orders.
    """
    fact = FACTS[table]
    found = {name: column for name, column in _own(table).items() if name not in fact.hidden}
    for link in fact.links:
        found |= {name: _own(link.table)[name] for name in link.gives}
    if with_lines:
        found |= {name: _own(of)[column] for name, (of, column, _) in lines_of(fact).items()}
    return found


def _own(table: str) -> dict[str, Column]:
    contract = CONTRACTS[table]
    derived = (
        Column(column.name, column.type, "", unit="date" if column.type == "DATE" else "")
        for column in contract.derived
    )
    return {column.name: column for column in (*contract.columns, *derived)}


def lines_of(fact: Fact) -> dict[str, tuple[str, str, tuple[str, ...]]]:
    """Name -> the table and column it means among the lines of a fact, and the tables this takes."""
    if fact.amounts is None or fact.amounts.lines is None:
        return {}
    lines = fact.amounts.lines
    found: dict[str, tuple[str, str, tuple[str, ...]]] = {
        name: (lines.table, name, (lines.table,)) for name in lines.gives
    }
    found |= {f"{_LINE}{name}": (lines.table, name, (lines.table,)) for name in fact.amounts.columns}
    for link in FACTS[lines.table].links:
        if not link.required:
            found |= {name: (link.table, name, (lines.table, link.table)) for name in link.gives}
    return found


def reads_lines(table: str, names: Collection[str]) -> bool:
    """Whether some of the names are columns of the lines of a fact."""
    return not lines_of(FACTS[table]).keys().isdisjoint(names)


def tables_needed(table: str, names: Collection[str] = ()) -> tuple[str, ...]:
    """The canonical tables without which facts, or these columns of them, say nothing."""
    fact = FACTS[table]
    linked = [link.table for link in fact.links if link.required or {*link.gives} & {*names}]
    lines = [of for name, (_, _, tables) in lines_of(fact).items() if name in names for of in tables]
    return tuple(dict.fromkeys((table, *linked, *lines)))


def tables_read(table: str, entity: Entity, names: Collection[str] = ()) -> frozenset[str]:
    """Those, and the tables that say the day and the owner of a fact where its own row does not."""
    fact = FACTS[table]
    # Where no customer is named, customers say to which account they belong.
    paths = fact.owners.get(entity) or (*fact.owners["account"], OF_CUSTOMER)
    links = [
        *((fact.else_day,) if fact.else_day else ()),
        *(path for path in paths if isinstance(path, Link)),
        *((OF_CUSTOMER, OF_CONTACT) if fact.of_person else ()),
        *(link for link in fact.else_from if {*link.gives} & {*names}),
    ]
    return frozenset(tables_needed(table, names)).union(*(link.tables for link in links))


def canonical_tables(inputs: Iterable[str]) -> set[str]:
    """The canonical tables behind what a step reads: `core.<table>`, `facts.<table>` and so on."""
    found: set[str] = set()
    for schema, _, table in (name.partition(".") for name in inputs):
        if schema == "facts":
            found |= tables_read(table, "customer")
        elif schema in ("core", "money", "known", "past") and table in CONTRACTS:
            found.add(table)
    return found
