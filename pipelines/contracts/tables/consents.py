"""The contract of `consents`: one row a consent given or withdrawn."""

from pipelines.contracts.fact import OWNED_BY_PERSON, Fact
from pipelines.contracts.model import Column, Contract, Reference, owner_of

_OWNERS = ("customer_id", "contact_id")

CONTRACT = Contract(
    table="consents",
    description=(
        "Consents as they were given and withdrawn, each for a channel and a purpose. The latest day holds;"
        " of what is said on one day a withdrawal outweighs every consent, so that both are kept."
    ),
    grain="one row per customer or contact, channel, purpose, day and whether it was given",
    key=("owner", "channel", "purpose", "changed_on", "granted"),
    event="changed_on",
    derived=(owner_of(*_OWNERS),),
    one_of=_OWNERS,
    fact=Fact(day="changed_on", owners=OWNED_BY_PERSON, of_person=True),
    columns=(
        Column("customer_id", "VARCHAR", "The customer who gave or withdrew it, as orders write it"),
        Column("contact_id", "VARCHAR", "The person at an account who did"),
        Column(
            "channel",
            "VARCHAR",
            "Through what it allows to address them",
            required=True,
            allowed=("email", "sms", "phone", "post", "push"),
        ),
        Column(
            "purpose",
            "VARCHAR",
            "What for, in any word: marketing, newsletter, research, …; capitals or not is the same",
            required=True,
            default="'marketing'",
        ),
        Column("granted", "BOOLEAN", "Given (true) or withdrawn (false)", required=True),
        Column("changed_on", "DATE", "The day it was given or withdrawn", unit="date", required=True),
    ),
    references=(Reference("contact_id", "contacts", "contact_id"),),
)
