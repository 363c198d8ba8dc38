"""Further columns that a mapping names: which it may, beside those of the contract.

What a mapping names of customers and accounts is an attribute, whatever it is called. Of persons and deals
few columns are expected beside the contract's, so a name that is nearly one of those is taken for a slip: a
misspelt `closed_on` would be kept under its wrong name, and every deal would stay open.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection

from pipelines.config.yaml import nearest
from pipelines.contracts.model import Contract
from pipelines.errors import ConfigError

# Settings of a source that hold an expression; their columns are no attributes.
SETTINGS = frozenset({"version", "operation", "guest_key"})
# How alike two names are, of 1, from which on one is taken for the other misspelt.
ALIKE = 0.85


def refuse(contract: Contract, name: str, written: Collection[str], at: str) -> None:
    """Refuse a name that no further column of a table may have.

    Parameters
    ----------
    contract : the contract of the canonical table, which has no column of this name.
    name : the name.
    written : every name that the mapping fills.
    at : where it stands, for the message.

    Raises
    ------
    ConfigError
        When the table has no further columns, or the name is taken or nearly that of an unmapped column.
    """
    table = contract.table
    if contract.attributes is None:
        raise ConfigError(
            f"{at}: {table} has no column {name}{nearest(name, contract.names)}"
            f" (its columns: {', '.join(contract.names)})"
        )
    if contract.carries_all:
        _refuse_taken(table, name, SETTINGS, at)
        return
    unmapped = [column for column in contract.names if column not in written]
    alike = difflib.get_close_matches(name.lower(), unmapped, n=1, cutoff=ALIKE)
    if alike:
        raise ConfigError(
            f"{at}: {table} has no column {name}; did you mean {alike[0]}? A further column of {table} needs"
            " a name that is less like it"
        )
    taken = {"as_of_date", *SETTINGS, *contract.taken, *contract.stored}
    _refuse_taken(table, name, {name.lower()} if name.startswith("_") else taken, at)


def _refuse_taken(table: str, name: str, taken: Collection[str], at: str) -> None:
    if name.lower() in taken:
        raise ConfigError(
            f"{at}: the name {name} has a meaning of its own; expected another for a column of {table}"
        )
