"""Who is a customer: whoever has ordered, was contacted, or stands in the CRM."""

from pipelines.features.feature import COUNT, DATE, FLAG, LIFECYCLE, Ageing, Feature, Fragment

# Contacts of campaigns with their day.
CONTACTED = (
    "(select c.customer_id, coalesce(c.contacted_on, g.start_date) as contacted_on"
    " from core.campaign_contacts as c"
    " inner join core.campaigns as g on g.campaign_id = c.campaign_id)"
)

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
        Ageing(CONTACTED, "contacted_on"),
    ),
    hidden=(("_created_on", DATE, None),),
)
