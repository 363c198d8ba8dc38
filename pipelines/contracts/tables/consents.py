"""The contract of `consents`: one row a consent given or withdrawn."""

from pipelines.contracts.fact import Fact
from pipelines.contracts.model import Column, Contract

CONTRACT = Contract(
    table="consents",
    description="Consents as they were given and withdrawn; the latest day of a customer and channel holds.",
    grain="one row per customer, channel and day",
    key=("customer_id", "channel", "changed_on"),
    event="changed_on",
    fact=Fact(day="changed_on"),
    columns=(
        Column("customer_id", "VARCHAR", "Who gave or withdrew it, as orders write it", required=True),
        Column(
            "channel",
            "VARCHAR",
            "What it is for",
            required=True,
            allowed=("email", "sms", "phone", "post", "push"),
        ),
        Column("granted", "BOOLEAN", "Given (true) or withdrawn (false)", required=True),
        Column("changed_on", "DATE", "The day it was given or withdrawn", unit="date", required=True),
    ),
)
