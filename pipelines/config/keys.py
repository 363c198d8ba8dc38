"""Whose the keys of a source are: the `keys` part of a source."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from pydantic import BaseModel, ConfigDict, Field, model_validator

from pipelines.contracts.keys import decided_by, numbers_in
from pipelines.contracts.registry import CONTRACTS


class KeyRule(BaseModel):
    """What the keys that a source gives out mean beside those of other sources of the table."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    same: bool = Field(
        default=False,
        description="a key that another source has too is the same thing: what both say is put together",
    )
    prefix: str | None = Field(
        default=None,
        pattern=r"^[!-~]{1,32}$",
        description="put before the keys of the table, and before every mention of them by this source",
    )

    @model_validator(mode="after")
    def _one_of_them(self) -> KeyRule:
        if self.same == (self.prefix is not None):
            raise ValueError("expected either same: true or a prefix, such as prefix: web-")
        return self


def keys_fault(keys: Mapping[str, KeyRule], tables: Collection[str]) -> str | None:
    """What is wrong with the `keys` of a source that maps these tables; None when nothing is.

    Parameters
    ----------
    keys : canonical table -> what the source's keys of it mean.
    tables : the canonical tables the source maps.
    """
    for table, rule in keys.items():
        contract = CONTRACTS.get(table)
        if contract is None:
            return f"keys: {table} is not a canonical table"
        decides = decided_by(contract)
        if decides != table:
            return f"keys: {table} has no keys of its own; say it of {decides}, whose number they hold"
        if rule.same and not contract.own_key:
            return f"keys: sources share the keys of {table} already; leave same: true out"
        if rule.prefix is not None and contract.number is None:
            mentioned = sorted(
                {numbers_in(contract)[name] for name in contract.key if name in numbers_in(contract)}
            )
            return f"keys: {table} has no number of its own; give {' or '.join(mentioned)} the prefix"
        holding = {name for name in tables if name in CONTRACTS and table in _numbers_of(name)}
        if table not in tables and not holding:
            return f"keys: no table of this source has a key of {table}"
    return None


def _numbers_of(table: str) -> Collection[str]:
    return numbers_in(CONTRACTS[table]).values()
