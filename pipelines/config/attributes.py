"""What a project says of attributes: their type, age and origin, and whether they may be missing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

ORIGINS = ("observed", "declared", "inferred")
Origin = Literal["observed", "declared", "inferred"]
AttributeType = Literal["text", "integer", "number", "date", "timestamp", "boolean"]


class AttributeRule(BaseModel):
    """What is known about one attribute. Expressions read the columns of `core.customers`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: AttributeType | None = Field(
        default=None, description="what its values are read as; one that is none is unknown, and told"
    )
    as_of: str | None = Field(default=None, description="expression: the day the value is of")
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


def rules_of(rules: Mapping[str, AttributeRule], table: str) -> dict[str, AttributeRule]:
    """The rules of one table's attributes, by their names there.

    A rule is of `customers` unless its name says the table: `accounts.segment_code`.
    """
    split = {name: name.rpartition(".") for name in rules}
    return {split[name][2]: rule for name, rule in rules.items() if (split[name][0] or "customers") == table}
