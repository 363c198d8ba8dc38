"""Where a customer buys."""

from pipelines.features.feature import BEHAVIOUR, COUNT, TEXT, Ageing, Feature, Fragment

FRAGMENT = Fragment(
    "store",
    features=(
        Feature("preferred_store", BEHAVIOUR, "", TEXT, "Store with the most orders in 365 days"),
        Feature("stores_365d", BEHAVIOUR, "stores", COUNT, "Stores bought at in 365 days", default="0"),
    ),
    ages=(Ageing("features.customer_day", windows=(365,)),),
)
