"""The contract of `spend`: one row a fixed marketing cost of a day."""

from pipelines.contracts.model import Check, Column, Contract, Reference

CONTRACT = Contract(
    table="spend",
    description="Fixed marketing costs a day; what one contact costs stands in `campaign_contacts`.",
    grain="one row per day, campaign and channel",
    key=("spent_on", "campaign_id", "channel"),
    own_key=("spent_on", "campaign_id", "channel"),
    event="spent_on",
    columns=(
        Column("spent_on", "DATE", "The day the cost belongs to", unit="date", required=True),
        Column(
            "campaign_id",
            "VARCHAR",
            "The campaign it is for; an empty text where none",
            required=True,
            default="''",
        ),
        Column(
            "channel",
            "VARCHAR",
            "The channel it is for; an empty text where none",
            required=True,
            default="''",
        ),
        Column("cost", "DECIMAL(18,4)", "What it cost", unit="currency", required=True, minimum=0),
    ),
    references=(Reference("campaign_id", "campaigns", "campaign_id"),),
    checks=(
        Check(
            "campaign_or_channel",
            "UnexpectedRowsExpectation",
            {
                "unexpected_rows_query": "select spent_on from {batch} where _fault_reason is null"
                " and campaign_id = '' and channel = ''"
            },
            "a cost names its campaign or its channel",
        ),
    ),
)
