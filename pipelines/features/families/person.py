"""Who is a customer: whoever has ordered, was contacted, or stands in the CRM."""

from pipelines.contracts.registry import FACTS
from pipelines.features.feature import COUNT, DATE, FLAG, LIFECYCLE, Ageing, Feature, Fragment, ages_of

# Any fact makes a customer known of whom the CRM says no day.
_FIRST_FACTS = tuple(
    Ageing(first.relation, first.day)
    for table, fact in FACTS.items()
    if fact.of_customers and not fact.purchase
    for first in ages_of(table)[:1]
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
        Ageing("core.delivered_customers", "delivered_on"),
        Ageing("core.past_customers", "_until"),
        *_FIRST_FACTS,
    ),
    hidden=(("_created_on", DATE, None),),
    shared=("known_customer",),
)
