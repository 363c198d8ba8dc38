"""What a customer does besides ordering: visits, views, opened e-mails."""

from pipelines.features.feature import COUNT, DATE, ENGAGEMENT, NUMBER, Feature, Fragment, ages_of, windowed

_NEEDS = ("interactions",)


def _count(name: str, unit: str, meaning: str) -> Feature:
    return Feature(name, ENGAGEMENT, unit, COUNT, f"{meaning} in the last 90 days", _NEEDS, default="0")


FRAGMENT = Fragment(
    "interaction",
    features=(
        Feature(
            "last_interaction_date",
            ENGAGEMENT,
            "date",
            DATE,
            "Day of the last interaction; sent e-mails are none",
            _NEEDS,
        ),
        Feature(
            "interaction_recency_days",
            ENGAGEMENT,
            "days",
            COUNT,
            "Days since the last interaction",
            _NEEDS,
            derived="date_diff('day', last_interaction_date, as_of_date)",
        ),
        *windowed(
            "interactions", ENGAGEMENT, "interactions", COUNT, "Interactions; sent e-mails are none", _NEEDS
        ),
        _count("interactions_web_90d", "interactions", "Interactions on the web"),
        _count("interactions_app_90d", "interactions", "Interactions in the app"),
        _count(
            "interactions_email_90d",
            "interactions",
            "E-mails opened and clicked, and what else is of channel email,",
        ),
        _count("products_viewed_90d", "products", "Different products viewed"),
        _count("email_sent_90d", "e-mails", "E-mails sent to the customer"),
        _count("email_opens_90d", "e-mails", "E-mails opened"),
        _count("email_clicks_90d", "e-mails", "Clicks in e-mails"),
        Feature(
            "email_open_rate_90d",
            ENGAGEMENT,
            "ratio",
            NUMBER,
            "Opened over sent e-mails in the last 90 days",
            _NEEDS,
        ),
    ),
    needs=_NEEDS,
    ages=ages_of("interactions", (30, 90, 365)),
)
