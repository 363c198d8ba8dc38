"""The contract of `contacts`: one row a person at an account."""

from pipelines.contracts.model import Column, Contract, Reference

CONTRACT = Contract(
    table="contacts",
    description="Persons at accounts: their role, and what they may be sent. Names and addresses stay out.",
    grain="one row per contact",
    key=("contact_id",),
    number="contact_id",
    entity="account",
    known_from="created_on",
    keeps_past=True,
    columns=(
        Column("contact_id", "VARCHAR", "The person's id", required=True),
        Column("account_id", "VARCHAR", "The company the person works for", required=True),
        Column("role", "VARCHAR", "Role or job title"),
        Column("decision_maker", "BOOLEAN", "Whether the person decides on purchases"),
        Column("email_consent", "BOOLEAN", "May be sent e-mail; empty is not known, and not a yes"),
        Column("phone_consent", "BOOLEAN", "May be called; empty is not known, and not a yes"),
        Column("post_consent", "BOOLEAN", "May be sent letters; empty is not known, and not a yes"),
        Column("created_on", "DATE", "First day the CRM knew the person", unit="date"),
    ),
    references=(Reference("account_id", "accounts", "account_id"),),
)
