"""The contract of `orders`: one row an order, basket or invoice."""

from pipelines.contracts.fact import OWNED_BY_ORDER, Amounts, Counted, Fact, Link
from pipelines.contracts.model import Check, Column, Contract, Derived, Reference
from pipelines.contracts.money import PARTS, VAT_IS_A_SHARE

CONTRACT = Contract(
    table="orders",
    description="Orders, one row each; money stands on the lines where there are lines.",
    grain="one row per order",
    key=("order_id",),
    number="order_id",
    own_key=("order_id",),
    event="business_date",
    watermark="ordered_at",
    # The session's time zone is the project's: the cast gives the business date.
    derived=(Derived("business_date", "cast(ordered_at as date)"),),
    large=True,
    fact=Fact(
        day="business_date",
        owners=OWNED_BY_ORDER,
        counts=Counted("status", ("completed",)),
        amounts=Amounts(
            ("revenue", "discount", "coupon_discount"),
            lines=Link("order_id", "order_lines", "order_id", ("line_id", "product_id", "quantity", "cost")),
            terms=("rates", "vat_rates"),
        ),
        purchase=True,
        core_only=("currency", "country"),
        hidden=tuple(column.name for column in PARTS),
    ),
    columns=(
        Column("order_id", "VARCHAR", "The order's id, as the source writes it", required=True),
        Column("customer_id", "VARCHAR", "Who ordered; empty for a guest, who counts in totals only"),
        Column(
            "account_id",
            "VARCHAR",
            "The company it was ordered for; empty: that of the customer. Its money counts there alone",
        ),
        Column(
            "ordered_at",
            "TIMESTAMPTZ",
            "When it was ordered; a time without zone is taken in the project's",
            unit="instant",
            required=True,
        ),
        Column("store_id", "VARCHAR", "Shop or site"),
        Column("channel", "VARCHAR", "Sales channel"),
        Column(
            "status",
            "VARCHAR",
            "Only completed orders are purchases",
            allowed=("completed", "cancelled", "returned"),
            default="'completed'",
        ),
        Column(
            "revenue", "DECIMAL(18,4)", "Net revenue; counts where the order has no lines", unit="currency"
        ),
        Column(
            "discount",
            "DECIMAL(18,4)",
            "Discount given; counts where the order has no lines",
            unit="currency",
        ),
        Column(
            "coupon_discount",
            "DECIMAL(18,4)",
            "Paid with coupons; counts where the order has no lines",
            unit="currency",
        ),
        Column("currency", "VARCHAR", "ISO 4217 code of the order's amounts; empty: the project's"),
        Column("country", "VARCHAR", "Country whose VAT the order bears"),
        *PARTS,
    ),
    references=(Reference("account_id", "accounts", "account_id"),),
    checks=(
        VAT_IS_A_SHARE,
        Check(
            "customer_known",
            "ExpectColumnValuesToNotBeNull",
            {"column": "customer_id", "mostly": 0.5},
            "at least half of the orders name their customer",
            needs=("customer_id",),
        ),
    ),
)
