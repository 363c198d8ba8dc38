"""What a contract names has to be there: columns of its own, and values that its columns allow.

A slip of the pen would be told by DuckDB days later, about SQL that nobody wrote; here it is told on import.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pipelines.contracts.fact import Fact, Link

if TYPE_CHECKING:
    from pipelines.contracts.model import Contract

_COLUMNS_OF_CHECK = ("column", "column_A", "column_B")


def refuse_unknown(contract: Contract) -> None:
    """Refuse a contract that names what is not there.

    Raises
    ------
    ValueError
        Lists each such name, where it stands, and what could stand there.
    """
    columns = {*contract.stored}
    if contract.fact:
        columns |= {name for link in contract.fact.links for name in link.gives}
    faults = [
        f"{place} is {name!r}, which is no column of it: add it to `columns` or, where it follows from"
        f" others, to `derived` (known: {', '.join(sorted(columns))})"
        for place, name in _columns_named(contract)
        if name not in columns
    ]
    faults += _values_not_allowed(contract)
    if faults:
        raise ValueError(f"contract of {contract.table}: {'; '.join(faults)}")


def _columns_named(contract: Contract) -> Iterator[tuple[str, str]]:
    """Each place that names a column, and the name."""
    yield from (("key", name) for name in contract.key)
    yield from (("together", name) for name in contract.together)
    for place in ("event", "watermark", "known_from", "primary"):
        if name := getattr(contract, place):
            yield place, name
    yield from (("one_of", name) for name in contract.one_of)
    yield from (("dated_by", column.dated_by) for column in contract.columns if column.dated_by)
    yield from (("derived", part) for column in contract.derived for part in column.parts)
    yield from (("a reference", reference.column) for reference in contract.references)
    for check in contract.checks:
        given = [check.arguments[name] for name in _COLUMNS_OF_CHECK if name in check.arguments]
        yield from ((f"check {check.name}", name) for name in (*check.needs, *given))
    if contract.fact:
        yield from ((f"fact.{place}", name) for place, name in _named_by_fact(contract.fact))


def _named_by_fact(fact: Fact) -> Iterator[tuple[str, str]]:
    yield "day", fact.day
    for paths in fact.owners.values():
        yield from (("owners", path.column if isinstance(path, Link) else path) for path in paths)
    yield from (("links", link.column) for link in (*fact.looked_up, *fact.else_from))
    yield from (("else_from", name) for link in fact.else_from for name in link.gives)
    if fact.counts:
        yield "counts", fact.counts.column
    if fact.ends:
        yield from (("ends", name) for name in (fact.ends.day, fact.ends.column) if name)
    if fact.amounts:
        yield from (("amounts", name) for name in fact.amounts.columns)
        yield from (("amounts", lines.column) for lines in (fact.amounts.lines,) if lines)
    yield from (("core_only", name) for name in fact.core_only)
    yield from (("hidden", name) for name in fact.hidden)


def _values_not_allowed(contract: Contract) -> Iterator[str]:
    fact = contract.fact
    said: list[tuple[str, str, tuple[str | None, ...]]] = []
    if fact and fact.counts:
        said.append(("counts", fact.counts.column, (*fact.counts.values, fact.counts.blank)))
    if fact and fact.ends and fact.ends.column:
        ends = fact.ends
        said.append(("ends", fact.ends.column, (*ends.ends, ends.before, ends.blank, ends.blank_with_day)))
    for place, name, values in said:
        # Of a linked row its own contract says what is allowed.
        column = contract.column(name)
        for value in values:
            if column and value is not None and value not in column.allowed:
                yield (
                    f"fact.{place} names {value!r}, which {name} does not allow: add it to `allowed` of the"
                    f" column (allowed: {', '.join(column.allowed) or 'none'})"
                )
