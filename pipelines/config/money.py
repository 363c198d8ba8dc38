"""What amounts mean: the parts a source's amounts hold beside revenue, VAT, and the age of exchange rates."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Included = Literal["shipping", "gift_card_sold", "deposit", "discount", "coupon_discount"]
Reduced = Literal["gift_card_redeemed"]
Rate = Annotated[Decimal, Field(ge=0, le=1, max_digits=10, decimal_places=8)]


class Amounts(BaseModel):
    """What the amounts of one source hold. Without it they are net revenue, and nothing is taken out."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    vat: Literal["row", "country"] | Rate | None = Field(
        default=None,
        description="amounts hold VAT: at the rate of their own row (vat_rate), of the order's country and"
        " day (vat_rates), or at this rate; without it amounts are net of VAT",
    )
    include: list[Included] = Field(
        default_factory=list, description="columns of the same row that the amount still holds: taken out"
    )
    reduced_by: list[Reduced] = Field(
        default_factory=list, description="columns of the same row the amount was reduced by: added again"
    )


class Currencies(BaseModel):
    """How amounts in other currencies are converted."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    max_rate_age_days: int = Field(
        default=7, ge=0, le=366, description="how much older than the order's day a rate may be"
    )
