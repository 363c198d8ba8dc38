"""What no honest row holds, as SQL over typed columns: absurd amounts, days outside time, hidden characters.

Each is a fault of its row and leaves for quarantine, so that nothing after it meets a sum that no column
holds, a date that no program represents, or a customer's twin whose id looks the same.
"""

from __future__ import annotations

from pipelines.contracts.model import Column, Contract
from pipelines.engine import literal, quote

MONEY = "DECIMAL(18,4)"
# The largest amount of one row, where its contract states no bound; and of a batch, added up without sign:
# half of what MONEY holds.
LARGEST = 10**12
LARGEST_SUM = 5 * 10**13

# An event before 1900 or from 9999 on stands for "unknown". Another day may: 0001-01-01 and 9999-12-31 mean
# "always" and "open" in many systems, and are the ends of what can be represented.
_EVENTS = ("1900-01-01", "9998-12-31")
_DAYS = ("0001-01-01", "9999-12-31")

# Control characters, and what marks text without a shape of its own: soft hyphens, spaces of no width,
# directions, byte order marks. The two joiners that Persian and Indic words are written with are allowed.
_INVISIBLE = (
    r"[\p{Cc}\x{ad}\x{61c}\x{180e}\x{200b}\x{200e}\x{200f}\x{202a}-\x{202e}\x{2060}-\x{206f}\x{feff}]"
)
_PLAIN = "[ -~]*"


def told(reason: str, column: Column) -> str:
    """A fault as it stands in `_fault`, as SQL: `reason|column`."""
    return literal(f"{reason}|{column.name}")


def faults(column: Column, contract: Contract) -> list[str]:
    """The branches of a CASE that name what is wrong with a typed column: `reason|column`."""
    name = quote(column.name)
    if column.type == MONEY:
        return [
            f"when {name} {beyond} then {told(reason, column)}"
            for stated, beyond, reason in (
                (column.minimum, f"< -{LARGEST}", "below_minimum"),
                (column.maximum, f"> {LARGEST}", "above_maximum"),
            )
            if stated is None
        ]
    if column.type in ("DATE", "TIMESTAMPTZ"):
        return [f"when {_outside(name, column, contract)} then {told('date_out_of_range', column)}"]
    if column.type == "VARCHAR" and column.name.endswith("_id"):
        return [f"when {_has_invisible(name)} then {told('invisible_character', column)}"]
    return []


def _outside(name: str, column: Column, contract: Contract) -> str:
    is_event = column.type == "TIMESTAMPTZ" or column.name in (contract.event, contract.watermark)
    first, last = _EVENTS if is_event else _DAYS
    if column.type == "TIMESTAMPTZ":
        # In UTC, so that no time zone changes what is a fault.
        begin, end = literal(f"{first} 00:00+00"), literal(f"{last} 24:00+00")
        return f"{name} not between timestamptz {begin} and timestamptz {end}"
    return f"{name} not between date {literal(first)} and date {literal(last)}"


def _has_invisible(name: str) -> str:
    """Printable ASCII, which nearly every id is, is told twice as fast."""
    return (
        f"not regexp_full_match({name}, {literal(_PLAIN)}) and regexp_matches({name}, {literal(_INVISIBLE)})"
    )
