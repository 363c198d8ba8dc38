"""Who is a customer: whoever has ordered, was contacted, or stands in the CRM."""

from pipelines.core.facts import known
from pipelines.engine import Statement, load_fragment
from pipelines.features.feature import COUNT, DATE, FLAG, LIFECYCLE, Ageing, Feature, Fragment, ages_of

FRAGMENT = Fragment(
    "person",
    features=(
        Feature("in_crm", LIFECYCLE, "", FLAG, "Stands in the customers source", ("customers",)),
        Feature(
            "customer_since_date",
            LIFECYCLE,
            "date",
            DATE,
            "First day known: in the CRM or by a purchase",
            derived="least(_created_on, first_purchase_date)",
            also=("customers",),
        ),
        Feature(
            "tenure_days",
            LIFECYCLE,
            "days",
            COUNT,
            "Days since customer_since_date",
            grows=True,
            derived="date_diff('day', least(_created_on, first_purchase_date), as_of_date)",
            also=("customers",),
        ),
    ),
    ages=(
        Ageing("features.customer_day"),
        Ageing("core.customers", "created_on"),
        *ages_of("campaign_contacts"),
    ),
    hidden=(("_created_on", DATE, None),),
    text=load_fragment("features/families/person").filled(known=Statement(known("customers", "r"))),
)
