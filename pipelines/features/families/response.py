"""How a customer, or the people of an account, responded to past campaigns."""

from sqlglot import exp

from pipelines.contracts.fact import Entity
from pipelines.engine import Statement, load_fragment
from pipelines.features.feature import COUNT, DATE, ENGAGEMENT, NUMBER, Feature, Fragment, ages_of

_CONTACTS = ("campaign_contacts",)
_RESPONSES = ("campaign_contacts", "campaign_responses")
# They say the day of touches that have none of their own.
_CAMPAIGNS = ("campaigns",)


def _features(whom: str) -> tuple[Feature, ...]:
    def counted(name: str, unit: str, meaning: str, needs: tuple[str, ...]) -> Feature:
        return Feature(name, ENGAGEMENT, unit, COUNT, meaning, needs, also=_CAMPAIGNS, default="0")

    return (
        counted("touches_365d", "touches", f"Times campaigns addressed {whom} in 365 days", _CONTACTS),
        counted(
            "campaigns_contacted_365d", "campaigns", f"Campaigns that addressed {whom} in 365 days", _CONTACTS
        ),
        counted("campaigns_responded_365d", "campaigns", "Campaigns responded to in 365 days", _RESPONSES),
        Feature(
            "response_rate_365d",
            ENGAGEMENT,
            "share",
            NUMBER,
            f"Of the campaigns that addressed {whom} in 365 days, the share responded to",
            _RESPONSES,
            also=_CAMPAIGNS,
        ),
        Feature(
            "last_response_date",
            ENGAGEMENT,
            "date",
            DATE,
            "Day of the last response to a campaign",
            _RESPONSES,
            also=_CAMPAIGNS,
        ),
    )


def _fragment(entity: Entity, whom: str) -> Fragment:
    """The same SELECT of either entity; of accounts it counts what their customers and contacts did too."""
    return Fragment(
        "response",
        features=_features(whom),
        needs=_CONTACTS,
        ages=(*ages_of("campaign_contacts", (365,)), *ages_of("campaign_responses", (365,))),
        text=None if entity == "customer" else _of(entity),
        entity=entity,
    )


def _of(entity: Entity) -> str:
    """The SELECT with the id of another entity in the place of the customer's."""
    tree = Statement(load_fragment("features/families/response").sql).tree.copy()
    for name in tree.find_all(exp.Identifier):
        if name.this == "customer_id":
            name.set("this", f"{entity}_id")
    return tree.sql(dialect="duckdb")


FRAGMENT = _fragment("customer", "the customer")
OF_ACCOUNTS = _fragment("account", "the account, its customers or contacts")
