"""The contract of `opportunities`: one row a deal that may be won or lost."""

from pipelines.contracts.fact import OF_PRIMARY, Amounts, Ending, Fact, Link
from pipelines.contracts.model import Check, Column, Contract, Reference

OF_LEAD = Link("lead_id", "leads", "lead_id", ("account_id",))
OF_PERSON_OF_LEAD = Link("lead_id", "leads", "lead_id", ("contact_id",), then=OF_PRIMARY)
CONTRACT = Contract(
    table="opportunities",
    description="Deals in the sales pipeline, open, won or lost.",
    grain="one row per opportunity",
    key=("opportunity_id",),
    number="opportunity_id",
    own_key=("opportunity_id",),
    event="opened_on",
    attributes="named",
    # What facts say besides; a customer is whoever the account says.
    taken=("happened", "ended_on", "customer_id"),
    keeps_past=True,
    fact=Fact(
        day="opened_on",
        owners={"account": ("account_id", OF_LEAD, OF_PERSON_OF_LEAD)},
        else_from=(Link("lead_id", "leads", "lead_id", ("source", "campaign_id")),),
        ends=Ending(
            "closed_on",
            "outcome",
            ends=("won", "lost"),
            before="open",
            blank="open",
            blank_with_day="open",
        ),
        amounts=Amounts(("value",), terms=("rates",)),
    ),
    columns=(
        Column("opportunity_id", "VARCHAR", "The opportunity's id", required=True),
        Column(
            "account_id",
            "VARCHAR",
            "The company; empty: that of its lead, or of the lead's contact. Without any the deal is nobody's"
            " and counts in totals",
        ),
        Column("lead_id", "VARCHAR", "The lead it came from"),
        Column(
            "opened_on",
            "DATE",
            "The day it was opened; without one a decided deal is of its closing day, another of none",
            unit="date",
        ),
        Column(
            "closed_on",
            "DATE",
            "The day it was won or lost; says nothing of a deal that is open",
            unit="date",
        ),
        Column("stage", "VARCHAR", "Stage of the pipeline, in the source's own words"),
        Column(
            "outcome",
            "VARCHAR",
            "Whether it is decided",
            allowed=("open", "won", "lost"),
            default="'open'",
        ),
        Column("value", "DECIMAL(18,4)", "Expected or agreed value", unit="the row's currency", minimum=0),
        Column("currency", "VARCHAR", "ISO 4217 code of the value; the project's where empty"),
        Column("probability", "DOUBLE", "Chance of winning it", unit="share", minimum=0, maximum=1),
        Column("source", "VARCHAR", "Where it came from: web, fair, referral, …; empty: as its lead says"),
        Column("campaign_id", "VARCHAR", "The campaign that brought it; empty: that of its lead"),
    ),
    references=(
        Reference("account_id", "accounts", "account_id"),
        Reference("lead_id", "leads", "lead_id"),
        Reference("campaign_id", "campaigns", "campaign_id"),
    ),
    checks=(
        Check(
            "account_named",
            "ExpectColumnValuesToNotBeNull",
            {"column": "account_id"},
            "a deal names its account; one that does not is its lead's, or else in no account's features",
            needs=("account_id",),
        ),
        Check(
            "opening_day_known",
            "ExpectColumnValuesToNotBeNull",
            {"column": "opened_on"},
            "a deal has the day it was opened; an open one without it is in no day",
            needs=("opened_on",),
        ),
        Check(
            "closed_after_opened",
            "ExpectColumnPairValuesAToBeGreaterThanB",
            {"column_A": "closed_on", "column_B": "opened_on", "or_equal": True},
            "an opportunity is closed on or after the day it was opened",
            needs=("closed_on",),
        ),
        Check(
            "closed_when_decided",
            "UnexpectedRowsExpectation",
            {
                "unexpected_rows_query": "select opportunity_id from {batch} where _fault_reason is null"
                " and (coalesce(outcome, 'open') = 'open') = (closed_on is not null)"
            },
            "what is won or lost has a day of closing, and nothing else has one",
            needs=("outcome", "closed_on"),
        ),
    ),
)
