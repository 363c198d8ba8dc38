"""The contract of `campaigns`: one row a campaign."""

from pipelines.contracts.model import Check, Column, Contract

CONTRACT = Contract(
    table="campaigns",
    description="Campaigns and the days they run.",
    grain="one row per campaign",
    key=("campaign_id",),
    number="campaign_id",
    own_key=("campaign_id",),
    columns=(
        Column("campaign_id", "VARCHAR", "The campaign's id", required=True),
        Column("campaign_name", "VARCHAR", "Name for people"),
        Column("campaign_type", "VARCHAR", "Kind of campaign; earlier ones of its kind are compared with it"),
        Column("start_date", "DATE", "First day", unit="date", required=True),
        Column("end_date", "DATE", "Last day", unit="date", required=True),
    ),
    checks=(
        Check(
            "ends_after_start",
            "ExpectColumnPairValuesAToBeGreaterThanB",
            {"column_A": "end_date", "column_B": "start_date", "or_equal": True},
            "a campaign ends on or after its first day",
            severity="critical",
        ),
    ),
)
