"""Slots: the places of a query that names are put into, each written as a quoted name that begins with `$`.

    -- query
    -- One row per value of a column, with how often it occurs.
    select "$column" as value, count(*) as times from "$table" where day <= $as_of group by "$column"

    load_query("…").filled(column="city", table=Table("core.customers"))

A file with slots is SQL as it stands: editors colour it, sqlglot parses it, the lint reads it. A slot takes a
column, several columns (`r."$columns"` puts `r.` before each), a `Table`, a `Statement` (a SELECT or an
expression, put in between parentheses that it cannot end), or several of them by the names their columns get.
Text that is none of these cannot get in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from sqlglot.tokenizer_core import Token, TokenType

from pipelines.engine.names import qualified, quote
from pipelines.engine.statement import Statement, tokens


@dataclass(frozen=True)
class Table:
    """A relation by its name, `schema.table` or a temporary table's."""

    name: str


_DEPTH = {TokenType.L_PAREN: 1, TokenType.R_PAREN: -1}

Slot = str | Sequence[str] | Table | Statement | Mapping[str, Statement]


def fill(sql: str, slots: Mapping[str, Slot]) -> str:
    """Put names into the slots of a text.

    Parameters
    ----------
    sql : text with slots, `"$name"`.
    slots : what each takes: a column, columns, a `Table`, a `Statement`, or expressions by their names.

    Raises
    ------
    ValueError
        A slot without a value, a value without a slot, or no columns at all.
    """
    places = _places(sql)
    wanted = {place.name for place in places}
    if wanted != slots.keys():
        raise ValueError(f"slots are {sorted(wanted)}, values are for {sorted(slots)}")
    parts, written = [], 0
    for place in places:
        parts += [sql[written : place.start], _text(slots[place.name], place.prefix)]
        written = place.end
    return "".join((*parts, sql[written:]))


@dataclass(frozen=True)
class _Place:
    """Where a slot stands in a text, with the alias before it."""

    name: str
    start: int
    end: int
    prefix: str


# The texts are files, which are filled again and again: going through one costs more than filling it.
@lru_cache(maxsize=256)
def _places(sql: str) -> tuple[_Place, ...]:
    found = tokens(sql)
    return tuple(
        _Place(token.text[1:], start, token.end + 1, prefix)
        for i, token in enumerate(found)
        if _is_slot(token)
        for start, prefix in (_with_prefix(sql, found, i),)
    )


def _is_slot(token: Token) -> bool:
    return token.token_type == TokenType.IDENTIFIER and token.text.startswith("$")


def _with_prefix(sql: str, found: Sequence[Token], i: int) -> tuple[int, str]:
    """Where the slot begins with the alias before it, and that alias with its dot."""
    if i < 2 or found[i - 1].token_type != TokenType.DOT:
        return found[i].start, ""
    return found[i - 2].start, sql[found[i - 2].start : found[i].start]


def _text(value: Slot, prefix: str) -> str:
    if isinstance(value, Table):
        return prefix + qualified(value.name)
    if isinstance(value, Statement):
        return _whole(value)
    if isinstance(value, Mapping):
        parts = [f"{_whole(made)} as {quote(name)}" for name, made in value.items()]
    else:
        parts = [prefix + quote(column) for column in ([value] if isinstance(value, str) else value)]
    if not parts:
        raise ValueError("a slot takes at least one column")
    return ", ".join(parts)


@lru_cache(maxsize=1024)
def _whole(value: Statement) -> str:
    """A statement between parentheses that it cannot end; whether it says anything is DuckDB's to judge."""
    sql = f"({value.sql}\n)"
    found, depth = tokens(sql), 0
    for token in found:
        depth += _DEPTH.get(token.token_type, 0)
        if (depth == 0 and token is not found[-1]) or token.token_type == TokenType.SEMICOLON:
            raise ValueError(f"expected one statement or expression, not: {value.sql[:100]}")
    if depth or found[-1].end != len(sql) - 1:
        raise ValueError(f"parentheses, a text or a comment are not closed: {value.sql[:100]}")
    return sql
