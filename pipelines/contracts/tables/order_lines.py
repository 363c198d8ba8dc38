"""The contract of `order_lines`: one row a product in an order."""

from pipelines.contracts.fact import OWNED_BY_ORDER, Amounts, Counted, Fact, Link
from pipelines.contracts.model import Check, Column, Contract, Reference
from pipelines.contracts.money import PARTS, VAT_IS_A_SHARE

CONTRACT = Contract(
    table="order_lines",
    description="Lines of orders: what was bought, for how much.",
    grain="one row per order and line",
    key=("order_id", "line_id"),
    own_key=("order_id",),
    occurrence="line_id",
    large=True,
    fact=Fact(
        day="business_date",
        owners=OWNED_BY_ORDER,
        counts=Counted("status", ("completed",)),
        links=(
            Link(
                "order_id",
                "orders",
                "order_id",
                ("customer_id", "account_id", "business_date", "ordered_at", "store_id", "channel", "status"),
                required=True,
            ),
            Link("product_id", "products", "product_id", ("category", "subcategory", "brand")),
        ),
        amounts=Amounts(("revenue", "discount", "coupon_discount", "cost"), terms=("rates", "vat_rates")),
        purchase=True,
        hidden=tuple(column.name for column in PARTS),
    ),
    columns=(
        Column("order_id", "VARCHAR", "The order the line belongs to", required=True),
        Column("line_id", "VARCHAR", "Tells the lines of one order apart", required=True),
        Column("product_id", "VARCHAR", "What was bought"),
        Column(
            "quantity",
            "DECIMAL(18,4)",
            "Units as the source counts them (pieces, litres, gallons): never summed across products",
            unit="source units",
        ),
        Column("revenue", "DECIMAL(18,4)", "Net revenue of the line", unit="currency", required=True),
        Column("discount", "DECIMAL(18,4)", "The seller's own discount", unit="currency", default="0"),
        Column("coupon_discount", "DECIMAL(18,4)", "Value of redeemed coupons", unit="currency", default="0"),
        Column("cost", "DECIMAL(18,4)", "Cost of the goods, where known", unit="currency"),
        *PARTS,
    ),
    references=(
        Reference("product_id", "products", "product_id"),
        Reference("order_id", "orders", "order_id"),
    ),
    checks=(
        VAT_IS_A_SHARE,
        Check(
            "quantity_above_zero",
            "ExpectColumnValuesToNotBeInSet",
            {"column": "quantity", "value_set": [0]},
            "no line has quantity 0",
            needs=("quantity",),
        ),
        Check(
            "quantity_plausible",
            "ExpectColumnValuesToBeBetween",
            {"column": "quantity", "min_value": -1000, "max_value": 1000},
            "a line counts at most 1,000 units (fuel and weighed goods count otherwise)",
            needs=("quantity",),
        ),
        Check(
            "revenue_above_zero",
            "ExpectColumnValuesToNotBeInSet",
            {"column": "revenue", "value_set": [0]},
            "no line has revenue 0",
        ),
        Check(
            "coupon_within_revenue",
            "ExpectColumnPairValuesAToBeGreaterThanB",
            {"column_A": "revenue", "column_B": "coupon_discount", "or_equal": True},
            "coupons do not exceed the line's revenue",
            needs=("coupon_discount",),
        ),
    ),
)
