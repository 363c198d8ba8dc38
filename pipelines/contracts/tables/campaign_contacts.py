"""The contract of `campaign_contacts`: one row a touch, or somebody whom a campaign held back."""

from pipelines.contracts.fact import OWNED_BY_ANYONE, Counted, Fact, Link
from pipelines.contracts.model import Column, Contract, Reference, owner_of

_OWNERS = ("customer_id", "contact_id", "account_id")
# What tells touches apart that have no number; nothing where a row does not say whose it is.
_MADE = (
    f"campaign_id || ' ' || {owner_of(*_OWNERS).sql}"
    " || concat_ws(' ', '', 'on ' || cast(contacted_on as varchar), 'by ' || channel)"
)

CONTRACT = Contract(
    table="campaign_contacts",
    description=(
        "Touches: whom a campaign addressed, each time it did, and whom it held back as its control group."
    ),
    grain="one row per touch",
    key=("touch_id",),
    number="touch_id",
    own_key=("touch_id",),
    one_of=_OWNERS,
    fact=Fact(
        day="contacted_on",
        owners=OWNED_BY_ANYONE,
        else_day=Link("campaign_id", "campaigns", "campaign_id", ("start_date",)),
        counts=Counted("arm", ("treatment",), blank="treatment"),
    ),
    columns=(
        Column("campaign_id", "VARCHAR", "The campaign", required=True),
        Column("customer_id", "VARCHAR", "The customer who was addressed"),
        Column("contact_id", "VARCHAR", "The person at an account who was"),
        Column("account_id", "VARCHAR", "The company, where it is known and the person is not"),
        Column("contacted_on", "DATE", "The day; the campaign's first day where unknown", unit="date"),
        Column("channel", "VARCHAR", "How: email, letter, phone, visit, …, in the source's own words"),
        Column(
            "arm",
            "VARCHAR",
            "Addressed, or held back to compare with: the control group costs nothing and is not contacted",
            allowed=("treatment", "control"),
            default="'treatment'",
        ),
        Column("cost", "DECIMAL(18,4)", "Cost of the touch; project's where unknown", unit="currency"),
        Column(
            "touch_id",
            "VARCHAR",
            "The touch's id; without one the campaign, whose it is, day and channel tell touches apart",
            required=True,
            otherwise=_MADE,
        ),
    ),
    references=(
        Reference("campaign_id", "campaigns", "campaign_id"),
        Reference("contact_id", "contacts", "contact_id"),
        Reference("account_id", "accounts", "account_id"),
    ),
)
