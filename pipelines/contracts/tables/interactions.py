"""The contract of `interactions`: one row a contact with us that is no order."""

from pipelines.contracts.fact import OWNED_BY_PERSON, Fact
from pipelines.contracts.model import Column, Contract, Derived, Reference

CONTRACT = Contract(
    table="interactions",
    description="What people do besides ordering: visits, opened e-mails, clicks, calls.",
    grain="one row per interaction",
    key=("interaction_id",),
    number="interaction_id",
    own_key=("interaction_id",),
    event="business_date",
    watermark="occurred_at",
    # The session's time zone is the project's: the cast gives the business date.
    derived=(Derived("business_date", "cast(occurred_at as date)"),),
    fact=Fact(day="business_date", owners=OWNED_BY_PERSON),
    columns=(
        Column("interaction_id", "VARCHAR", "The interaction's id", required=True),
        Column("customer_id", "VARCHAR", "Whose it is, as orders write it; empty for an unknown visitor"),
        Column("contact_id", "VARCHAR", "The person at the account, where known"),
        Column(
            "occurred_at",
            "TIMESTAMPTZ",
            "When it happened; a time without zone is taken in the project's",
            unit="instant",
            required=True,
        ),
        Column(
            "channel",
            "VARCHAR",
            "Where it happened",
            required=True,
            allowed=("web", "app", "email", "shop", "phone", "chat", "event", "other"),
        ),
        Column("interaction_type", "VARCHAR", "What was done: visit, view, sent, open, click, …"),
        Column("device", "VARCHAR", "Desktop, phone, tablet, till, …"),
        Column("product_id", "VARCHAR", "The product it was about"),
        Column("campaign_id", "VARCHAR", "The campaign it belongs to"),
    ),
    references=(
        Reference("contact_id", "contacts", "contact_id"),
        Reference("product_id", "products", "product_id"),
        Reference("campaign_id", "campaigns", "campaign_id"),
    ),
)
