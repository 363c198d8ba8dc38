"""The contract of `campaign_offers`: one row a product that an offer of a campaign is for."""

from pipelines.contracts.model import Check, Column, Contract, Reference

CONTRACT = Contract(
    table="campaign_offers",
    description="Coupons and offers of campaigns, and the products they are for.",
    grain="one row per campaign, offer and product",
    key=("campaign_id", "offer_id", "product_id"),
    columns=(
        Column("campaign_id", "VARCHAR", "The campaign", required=True),
        Column("offer_id", "VARCHAR", "The coupon or offer", required=True),
        Column("product_id", "VARCHAR", "A product it is for", required=True, default="''"),
    ),
    references=(Reference("campaign_id", "campaigns", "campaign_id"),),
    checks=(
        Check(
            "offer_in_one_campaign",
            "UnexpectedRowsExpectation",
            {
                "unexpected_rows_query": "select offer_id from {batch} where _fault_reason is null"
                " group by offer_id having count(distinct campaign_id) > 1"
            },
            "an offer belongs to one campaign (otherwise a redemption's campaign decides)",
        ),
    ),
)
