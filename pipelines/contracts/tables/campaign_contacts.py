"""The contract of `campaign_contacts`: one row a customer a campaign chose."""

from pipelines.contracts.fact import Counted, Fact, Link
from pipelines.contracts.model import Column, Contract, Reference

CONTRACT = Contract(
    table="campaign_contacts",
    description="Which customers a campaign addressed, and which it held back as its control group.",
    grain="one row per campaign and customer",
    key=("campaign_id", "customer_id"),
    own_key=("campaign_id", "customer_id"),
    fact=Fact(
        day="contacted_on",
        else_day=Link("campaign_id", "campaigns", "campaign_id", ("start_date",)),
        counts=Counted("arm", ("treatment",), blank="treatment"),
    ),
    columns=(
        Column("campaign_id", "VARCHAR", "The campaign", required=True),
        Column("customer_id", "VARCHAR", "Who was addressed", required=True),
        Column("contacted_on", "DATE", "The day; the campaign's first day where unknown", unit="date"),
        Column(
            "arm",
            "VARCHAR",
            "Addressed, or held back to compare with: the control group costs nothing and is not contacted",
            allowed=("treatment", "control"),
            default="'treatment'",
        ),
        Column("cost", "DECIMAL(18,4)", "Cost of the contact; project's where unknown", unit="currency"),
    ),
    references=(Reference("campaign_id", "campaigns", "campaign_id"),),
)
