"""The age and origin of customer attributes, where a source gives them."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

ORIGINS = ("observed", "declared", "inferred")
Origin = Literal["observed", "declared", "inferred"]


class AttributeRule(BaseModel):
    """What is known about one attribute. Expressions read the columns of `core.customers`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    as_of: str | None = Field(default=None, description="expression: the day the value is of")
    origin: str | None = Field(
        default=None, description="observed, declared or inferred, or an expression that gives one of them"
    )
    expires_after: str | None = Field(
        default=None, pattern=r"^[1-9]\d{0,4}d$", description="age after which the value counts as unknown"
    )

    @property
    def expires_days(self) -> int | None:
        return int(self.expires_after[:-1]) if self.expires_after else None
