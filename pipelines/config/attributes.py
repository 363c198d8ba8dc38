"""What a project says of attributes: their type, age and origin, and whether they may be missing."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from pipelines.contracts.registry import CONTRACTS

ORIGINS = ("observed", "declared", "inferred")
Origin = Literal["observed", "declared", "inferred"]
AttributeType = Literal["text", "integer", "number", "date", "timestamp", "boolean"]


class AttributeRule(BaseModel):
    """What is known about one attribute. Expressions read the columns of its table in core."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: AttributeType | None = Field(
        default=None, description="what its values are read as; one that is none is unknown, and told"
    )
    as_of: str | None = Field(
        default=None,
        description="expression: the day the value is of; before it, and without one, the value is unknown",
    )
    origin: str | None = Field(
        default=None, description="observed, declared or inferred, or an expression that gives one of them"
    )
    expires_after: str | None = Field(
        default=None, pattern=r"^[1-9]\d{0,4}d$", description="age after which the value counts as unknown"
    )

    required: bool | None = Field(
        default=None,
        description="true: a batch without it is rejected; false: no definition waits for it when it is gone",
    )

    @property
    def expires_days(self) -> int | None:
        return int(self.expires_after[:-1]) if self.expires_after else None


# Tables of whose attributes a day, an age and an origin can be said: their attributes are features.
DATED_TABLES = ("customers", "accounts")


def rules_of(rules: Mapping[str, AttributeRule], table: str) -> dict[str, AttributeRule]:
    """The rules of one table's attributes, by their names there.

    A rule is of `customers` unless its name says the table: `accounts.segment_code`.
    """
    split = {name: name.rpartition(".") for name in rules}
    return {split[name][2]: rule for name, rule in rules.items() if (split[name][0] or "customers") == table}


def with_days(
    rules: Mapping[str, AttributeRule], mapped: Mapping[str, Collection[str]]
) -> dict[str, AttributeRule]:
    """The rules, with the days that contracts know: of a column whose day some source maps.

    Parameters
    ----------
    rules : those of project.yaml, by name.
    mapped : canonical table -> the columns of it that some source maps.
    """
    found = dict(rules)
    written = {name.lower(): name for name in rules}
    for table in DATED_TABLES:
        for column in CONTRACTS[table].columns:
            if column.dated_by and column.dated_by in mapped.get(table, ()):
                name = written.get(f"{table}.{column.name}", f"{table}.{column.name}")
                rule = rules.get(name, AttributeRule())
                found[name] = rule if rule.as_of else rule.model_copy(update={"as_of": column.dated_by})
    return found
