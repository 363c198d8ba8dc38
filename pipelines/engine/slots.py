"""Slots: the places of a query that names are put into, each written as a quoted name that begins with `$`.

    -- query
    -- One row per value of a column, with how often it occurs.
    select "$column" as value, count(*) as times from "$table" where day <= $as_of group by "$column"

    load_query("…").filled(column="city", table=Table("core.customers"))

A file with slots is SQL as it stands: editors colour it, sqlglot parses it, the lint reads it. A slot takes a
column, several columns (`r."$columns"` puts `r.` before each), a `Table`, or a `Statement`: a SELECT or an
expression that was parsed, put in between parentheses. Text that is none of these cannot get in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlglot.tokenizer_core import Token, TokenType

from pipelines.engine.names import qualified, quote
from pipelines.engine.statement import Statement, tokens


@dataclass(frozen=True)
class Table:
    """A relation by its name, `schema.table` or a temporary table's."""

    name: str


Slot = str | Sequence[str] | Table | Statement


def fill(sql: str, slots: Mapping[str, Slot]) -> str:
    """Put names into the slots of a text.

    Parameters
    ----------
    sql : text with slots, `"$name"`.
    slots : what each takes: a column, columns, a `Table` or a `Statement`.

    Raises
    ------
    ValueError
        A slot without a value, a value without a slot, or no columns at all.
    """
    found = tokens(sql)
    places = [i for i, token in enumerate(found) if _is_slot(token)]
    wanted = {found[i].text[1:] for i in places}
    if wanted != slots.keys():
        raise ValueError(f"slots are {sorted(wanted)}, values are for {sorted(slots)}")
    parts, written = [], 0
    for i in places:
        start, prefix = _with_prefix(sql, found, i)
        parts += [sql[written:start], _text(slots[found[i].text[1:]], prefix)]
        written = found[i].end + 1
    return "".join((*parts, sql[written:]))


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
        # Parsed, so that it is one whole statement or expression and cannot end the parenthesis.
        value.tree  # noqa: B018
        return f"({value.sql}\n)"
    columns = [value] if isinstance(value, str) else list(value)
    if not columns:
        raise ValueError("a slot takes at least one column")
    return ", ".join(prefix + quote(column) for column in columns)
