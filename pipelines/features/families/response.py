"""How a customer responded to past campaigns."""

from pipelines.features.feature import COUNT, DATE, ENGAGEMENT, NUMBER, Feature, Fragment, ages_of

_RESPONSES = ("campaigns", "campaign_contacts", "campaign_responses")

FRAGMENT = Fragment(
    "response",
    features=(
        Feature(
            "campaigns_contacted_365d",
            ENGAGEMENT,
            "campaigns",
            COUNT,
            "Campaigns that addressed the customer in 365 days",
            ("campaigns", "campaign_contacts"),
            default="0",
        ),
        Feature(
            "campaigns_responded_365d",
            ENGAGEMENT,
            "campaigns",
            COUNT,
            "Campaigns responded to in 365 days",
            _RESPONSES,
            default="0",
        ),
        Feature(
            "response_rate_365d",
            ENGAGEMENT,
            "share",
            NUMBER,
            "Of the campaigns that addressed the customer in 365 days, the share responded to",
            _RESPONSES,
        ),
        Feature(
            "last_response_date",
            ENGAGEMENT,
            "date",
            DATE,
            "Day of the last response to a campaign",
            _RESPONSES,
        ),
    ),
    needs=("campaigns", "campaign_contacts"),
    ages=(*ages_of("campaign_contacts", (365,)), *ages_of("campaign_responses", (365,))),
)
