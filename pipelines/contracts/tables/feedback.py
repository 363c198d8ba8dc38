"""The contract of `feedback`: one row a ticket, rating or review."""

from pipelines.contracts.fact import OWNED_BY_PERSON, Ending, Fact
from pipelines.contracts.model import Check, Column, Contract, Reference

CONTRACT = Contract(
    table="feedback",
    description="What customers tell us: tickets, NPS and CSAT scores, reviews.",
    grain="one row per ticket, score or review",
    key=("feedback_id",),
    number="feedback_id",
    own_key=("feedback_id",),
    event="received_on",
    fact=Fact(day="received_on", owners=OWNED_BY_PERSON, ends=Ending("closed_on")),
    columns=(
        Column("feedback_id", "VARCHAR", "The ticket's or rating's id", required=True),
        Column(
            "kind",
            "VARCHAR",
            "What it is; NPS runs from 0 to 10, CSAT and reviews from 1 to 5",
            required=True,
            allowed=("ticket", "nps", "csat", "review"),
        ),
        Column("customer_id", "VARCHAR", "Whose it is, as orders write it; empty where anonymous"),
        Column("contact_id", "VARCHAR", "The person at the account, where known"),
        Column("received_on", "DATE", "The day it came", unit="date", required=True),
        Column("closed_on", "DATE", "The day a ticket was solved", unit="date"),
        Column("channel", "VARCHAR", "How it came"),
        Column("topic", "VARCHAR", "What it is about: delivery, invoice, quality, …"),
        Column("score", "DOUBLE", "The score, where there is one", unit="points"),
        Column("complaint", "BOOLEAN", "Whether it is a complaint"),
    ),
    references=(Reference("contact_id", "contacts", "contact_id"),),
    checks=(
        Check(
            "score_within_scale",
            "UnexpectedRowsExpectation",
            {
                "unexpected_rows_query": "select feedback_id from {batch} where _fault_reason is null"
                " and ((kind = 'nps' and score not between 0 and 10)"
                " or (kind in ('csat', 'review') and score not between 1 and 5))"
            },
            "an NPS score lies between 0 and 10, a CSAT score or review between 1 and 5",
            needs=("score",),
        ),
        Check(
            "closed_after_received",
            "ExpectColumnPairValuesAToBeGreaterThanB",
            {"column_A": "closed_on", "column_B": "received_on", "or_equal": True},
            "a ticket is closed on or after the day it came",
            needs=("closed_on",),
        ),
    ),
)
