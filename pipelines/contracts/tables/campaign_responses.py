"""The contract of `campaign_responses`: one row a response, such as a redeemed coupon."""

from pipelines.contracts.fact import OWNED_BY_ANYONE, Fact
from pipelines.contracts.model import Column, Contract, Reference, owner_of

_OWNERS = ("customer_id", "contact_id", "account_id")

CONTRACT = Contract(
    table="campaign_responses",
    description="Responses to campaigns: redeemed coupons, clicks on an offer.",
    grain="one row per campaign, customer, contact or account, day and offer",
    key=("campaign_id", "owner", "responded_on", "offer_id"),
    event="responded_on",
    derived=(owner_of(*_OWNERS),),
    one_of=_OWNERS,
    fact=Fact(day="responded_on", owners=OWNED_BY_ANYONE),
    columns=(
        Column("campaign_id", "VARCHAR", "The campaign", required=True),
        Column("customer_id", "VARCHAR", "The customer who responded"),
        Column("contact_id", "VARCHAR", "The person at an account who did"),
        Column("account_id", "VARCHAR", "The company, where it is known and the person is not"),
        Column("responded_on", "DATE", "The day of the response", unit="date", required=True),
        Column("offer_id", "VARCHAR", "The coupon or offer", required=True, default="''"),
    ),
    references=(
        Reference("campaign_id", "campaigns", "campaign_id"),
        Reference("contact_id", "contacts", "contact_id"),
        Reference("account_id", "accounts", "account_id"),
    ),
)
