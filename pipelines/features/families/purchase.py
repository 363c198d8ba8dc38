"""What a customer bought, and when: lifecycle, RFM, value, and the rhythm of purchases."""

from pipelines.features.feature import COUNT, DATE, MONEY, NUMBER, Ageing, Feature, Fragment, windowed

LIFECYCLE, RFM, VALUE, BEHAVIOUR = "lifecycle", "rfm", "value", "behaviour"

FRAGMENT = Fragment(
    "purchase",
    features=(
        Feature("first_purchase_date", LIFECYCLE, "date", DATE, "Day of the first purchase"),
        Feature("last_purchase_date", LIFECYCLE, "date", DATE, "Day of the last purchase"),
        Feature(
            "recency_days",
            RFM,
            "days",
            COUNT,
            "Days since the last purchase",
            derived="date_diff('day', last_purchase_date, as_of_date)",
        ),
        Feature(
            "purchase_days_lifetime",
            RFM,
            "days",
            COUNT,
            "Days with a purchase, ever",
            grows=True,
            default="0",
        ),
        *windowed("purchase_days", RFM, "days", COUNT, "Days with a purchase"),
        Feature("orders_lifetime", RFM, "orders", COUNT, "Completed orders, ever", grows=True, default="0"),
        *windowed("orders", RFM, "orders", COUNT, "Completed orders"),
        Feature("revenue_lifetime", VALUE, "currency", MONEY, "Net revenue, ever", grows=True, default="0"),
        *windowed("revenue", VALUE, "currency", MONEY, "Net revenue"),
        Feature(
            "margin_365d",
            VALUE,
            "currency",
            MONEY,
            "Margin in the last 365 days: from line costs, or margin_rate",
            derived="case when first_purchase_date is null then cast(0 as decimal(18, 4)) else _margin_365d end",
        ),
        Feature(
            "average_order_value_365d",
            VALUE,
            "currency",
            NUMBER,
            "Net revenue per order in the last 365 days",
        ),
        Feature(
            "lines_per_order_365d",
            BEHAVIOUR,
            "lines",
            NUMBER,
            "Lines per order in the last 365 days (lines, not units: units differ between products)",
            ("order_lines",),
        ),
        Feature(
            "discount_share_365d",
            BEHAVIOUR,
            "share",
            NUMBER,
            "Discount as a share of the price before discount",
        ),
        Feature(
            "coupon_share_365d",
            BEHAVIOUR,
            "share",
            NUMBER,
            "Value of redeemed coupons as a share of revenue",
        ),
        Feature("purchase_gap_days_mean", BEHAVIOUR, "days", NUMBER, "Mean days between purchase days, ever"),
        Feature(
            "purchase_gap_days_sd",
            BEHAVIOUR,
            "days",
            NUMBER,
            "Standard deviation of those gaps: irregularity",
        ),
        Feature(
            "recency_in_gaps",
            BEHAVIOUR,
            "ratio",
            NUMBER,
            "recency_days over the customer's own mean gap",
            derived="cast(date_diff('day', last_purchase_date, as_of_date) * _gaps as double)"
            " / nullif(_gap_days, 0)",
        ),
    ),
    ages=(Ageing("features.customer_day", windows=(30, 90, 365)),),
    hidden=(("_margin_365d", MONEY, None), ("_gaps", COUNT, None), ("_gap_days", COUNT, None)),
)
