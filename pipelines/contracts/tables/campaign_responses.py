"""The contract of `campaign_responses`: one row a response, such as a redeemed coupon."""

from pipelines.contracts.fact import Fact
from pipelines.contracts.model import Column, Contract, Reference

CONTRACT = Contract(
    table="campaign_responses",
    description="Responses to campaigns: redeemed coupons, clicks on an offer.",
    grain="one row per campaign, customer, day and offer",
    key=("campaign_id", "customer_id", "responded_on", "offer_id"),
    event="responded_on",
    fact=Fact(day="responded_on"),
    columns=(
        Column("campaign_id", "VARCHAR", "The campaign", required=True),
        Column("customer_id", "VARCHAR", "Who responded", required=True),
        Column("responded_on", "DATE", "The day of the response", unit="date", required=True),
        Column("offer_id", "VARCHAR", "The coupon or offer", required=True, default="''"),
    ),
    references=(Reference("campaign_id", "campaigns", "campaign_id"),),
)
