"""The contract of `leads`: one row an enquiry that may become a customer."""

from pipelines.contracts.fact import OF_CONTACT, Ending, Fact
from pipelines.contracts.model import Check, Column, Contract, Reference

CONTRACT = Contract(
    table="leads",
    description="Enquiries and prospects, before there is an opportunity.",
    grain="one row per lead",
    key=("lead_id",),
    number="lead_id",
    own_key=("lead_id",),
    event="created_on",
    attributes="named",
    # What facts say besides; a customer is whoever the account says.
    taken=("happened", "ended_on", "customer_id"),
    keeps_past=True,
    fact=Fact(
        day="created_on",
        owners={"account": ("account_id", OF_CONTACT)},
        ends=Ending(
            "converted_on",
            "status",
            ends=("converted",),
            before="working",
            blank="new",
            blank_with_day="converted",
        ),
    ),
    columns=(
        Column("lead_id", "VARCHAR", "The lead's id", required=True),
        Column("account_id", "VARCHAR", "The company, where it is known already"),
        Column("contact_id", "VARCHAR", "The person, where known already"),
        Column(
            "created_on",
            "DATE",
            "The day it came in; without one a converted lead is of that day, another of no day",
            unit="date",
        ),
        Column("source", "VARCHAR", "Where it came from: web, fair, referral, …"),
        Column("campaign_id", "VARCHAR", "The campaign that brought it"),
        Column(
            "status",
            "VARCHAR",
            "Where it stands; empty: converted where it has the day, new otherwise",
            allowed=("new", "working", "qualified", "converted", "disqualified"),
        ),
        Column("converted_on", "DATE", "The day it became an opportunity", unit="date"),
    ),
    references=(
        Reference("account_id", "accounts", "account_id"),
        Reference("contact_id", "contacts", "contact_id"),
        Reference("campaign_id", "campaigns", "campaign_id"),
    ),
    checks=(
        Check(
            "day_known",
            "ExpectColumnValuesToNotBeNull",
            {"column": "created_on"},
            "a lead has the day it came in; one that was not converted is without it in no day",
            needs=("created_on",),
        ),
        Check(
            "converted_after_created",
            "ExpectColumnPairValuesAToBeGreaterThanB",
            {"column_A": "converted_on", "column_B": "created_on", "or_equal": True},
            "a lead is converted on or after the day it came in",
            needs=("converted_on",),
        ),
    ),
)
