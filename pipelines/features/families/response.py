"""How a customer responded to past campaigns."""

from pipelines.features.feature import COUNT, DATE, ENGAGEMENT, NUMBER, Feature, Fragment, ages_of

_CONTACTS = ("campaign_contacts",)
_RESPONSES = ("campaign_contacts", "campaign_responses")
# They say the day of contacts that have none of their own.
_CAMPAIGNS = ("campaigns",)

FRAGMENT = Fragment(
    "response",
    features=(
        Feature(
            "campaigns_contacted_365d",
            ENGAGEMENT,
            "campaigns",
            COUNT,
            "Campaigns that addressed the customer in 365 days",
            _CONTACTS,
            also=_CAMPAIGNS,
            default="0",
        ),
        Feature(
            "campaigns_responded_365d",
            ENGAGEMENT,
            "campaigns",
            COUNT,
            "Campaigns responded to in 365 days",
            _RESPONSES,
            also=_CAMPAIGNS,
            default="0",
        ),
        Feature(
            "response_rate_365d",
            ENGAGEMENT,
            "share",
            NUMBER,
            "Of the campaigns that addressed the customer in 365 days, the share responded to",
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
    ),
    needs=_CONTACTS,
    ages=(*ages_of("campaign_contacts", (365,)), *ages_of("campaign_responses", (365,))),
)
