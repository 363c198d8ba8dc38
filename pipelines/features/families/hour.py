"""At which hour a customer buys."""

from pipelines.features.feature import BEHAVIOUR, COUNT, Ageing, Feature, Fragment

FRAGMENT = Fragment(
    "hour",
    features=(
        Feature(
            "preferred_hour",
            BEHAVIOUR,
            "hour",
            COUNT,
            "Hour of most orders in 365 days, 0 to 23, in the project's time zone; of equals the earlier;"
            " orders at exactly midnight, as of days without a time, are left out",
        ),
    ),
    ages=(Ageing("features.customer_day", windows=(365,)),),
)
