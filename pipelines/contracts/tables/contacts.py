"""The contract of `contacts`: one row a person at an account; a person may stand at several."""

from pipelines.contracts.model import Column, Contract, Reference

CONTRACT = Contract(
    table="contacts",
    description="Persons at accounts: their role, and what they may be sent. Names and addresses stay out.",
    grain="one row per contact and account; of a contact without account one row",
    key=("contact_id", "account_id"),
    number="contact_id",
    # A person who moves is told by the company where they are now, never by the one that they left.
    together=("contact_id",),
    primary="primary_account",
    attributes="named",
    # What `marts.contact` says of a person besides.
    taken=("is_primary", "reachable_email", "reachable_phone", "reachable_post", "effective_at"),
    entity="account",
    known_from="created_on",
    keeps_past=True,
    columns=(
        Column("contact_id", "VARCHAR", "The person's id", required=True),
        Column(
            "account_id",
            "VARCHAR",
            "A company the person works for; empty where there is none. One who stands at several has a row"
            " for each, and the latest file that names a person says all of them",
            required=True,
            default="''",
        ),
        Column(
            "primary_account",
            "BOOLEAN",
            "Whether this is the company that what belongs to one account counts at; where no row says so, or"
            " several do, the first of them by its id",
        ),
        Column("role", "VARCHAR", "Role or job title at that company"),
        Column("decision_maker", "BOOLEAN", "Whether the person decides on that company's purchases"),
        Column("email_consent", "BOOLEAN", "May be sent e-mail; empty is not known, and not a yes"),
        Column("phone_consent", "BOOLEAN", "May be called; empty is not known, and not a yes"),
        Column("post_consent", "BOOLEAN", "May be sent letters; empty is not known, and not a yes"),
        Column("created_on", "DATE", "First day the CRM knew the person", unit="date"),
    ),
    references=(Reference("account_id", "accounts", "account_id"),),
)
