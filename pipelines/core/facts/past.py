"""The rows of a table as they stood on `$as_of`: core's, and in place of what changed later what was before.

`core.past_<table>` has what rows of a table that `keeps_past` said before they changed (`core/past.py`); the
latest day looks for later changes and finds none. What is known today of how a fact ended counts from the day
on which it ended, whenever it was told: of a deal that had been won by a day, it reads
what is known now.
"""

from __future__ import annotations

from pipelines.contracts.model import Contract
from pipelines.contracts.registry import CONTRACTS, FACTS
from pipelines.core.facts.ending import ended
from pipelines.engine import Statement, Table, load_query, quote
from pipelines.engine.slots import Slot


def past(table: str) -> str:
    """The SELECT of the rows of a table that `keeps_past`, as they stood on `$as_of`."""
    contract = CONTRACTS[table]
    slots: dict[str, Slot] = {
        "key": contract.key,
        "core": Table(f"core.{table}"),
        "past": Table(relation(contract)),
        "same": Statement(" and ".join(f"l.{quote(name)} = r.{quote(name)}" for name in contract.key)),
    }
    fact = FACTS.get(table)
    if fact is None or fact.ends is None:
        return load_query("core/queries/row_as_of").filled(**slots)
    condition, day = ended(table, "e")
    over = Statement(f"{condition} and {day} <= $as_of")
    return load_query("core/queries/fact_row_as_of").filled(**slots, over=over)


def relation(contract: Contract) -> str:
    """The relation of what rows of a table said before: its columns, `_since`, `_until` and `_absent`.

    The row was so from the day `_since`, or ever, until the day before `_until`; where it is `_absent`, there
    was none.
    """
    return f"core.past_{contract.table}"
