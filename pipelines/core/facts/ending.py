"""How a fact ended, as SQL over its row: what it says, and whether that is an end."""

from __future__ import annotations

from pipelines.contracts.fact import Ending
from pipelines.contracts.registry import FACTS
from pipelines.engine import literal, quote


def said(ends: Ending, row: str = "e") -> tuple[str, str]:
    """What the column of an ending says, whenever that became known, and whether this is an end."""
    blank = literal(ends.blank)
    if ends.blank_with_day != ends.blank:
        day = f"{row}.{quote(ends.day)}"
        blank = f"case when {day} is not null then {literal(ends.blank_with_day)} else {blank} end"
    text = f"coalesce({row}.{quote(ends.column or '')}, {blank})"
    return text, among(text, ends.ends)


def ended(table: str, row: str = "e") -> tuple[str, str]:
    """Whether a fact of a table has ended as far as is known now, and the day, by columns of its own."""
    fact = FACTS[table]
    if fact.ends is None:
        return "false", "cast(null as date)"
    day = f"{row}.{quote(fact.ends.day)}"
    if fact.ends.column is None:
        return f"{day} is not null", day
    return said(fact.ends, row)[1], f"coalesce({day}, {row}.{quote(fact.day)})"


def among(value: str, texts: tuple[str, ...]) -> str:
    if len(texts) == 1:
        return f"{value} = {literal(texts[0])}"
    return f"{value} in ({', '.join(map(literal, texts))})"
