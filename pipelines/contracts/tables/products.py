"""The contract of `products`: one row a product."""

from pipelines.contracts.model import Check, Column, Contract

CONTRACT = Contract(
    table="products",
    description="Products and their categories.",
    grain="one row per product",
    key=("product_id",),
    number="product_id",
    columns=(
        Column("product_id", "VARCHAR", "The product's id, as order lines write it", required=True),
        Column("category", "VARCHAR", "The level at which preferences are measured"),
        Column("subcategory", "VARCHAR", "A finer level"),
        Column("brand", "VARCHAR", "Brand"),
    ),
    checks=(
        Check(
            "category_known",
            "ExpectColumnValuesToNotBeNull",
            {"column": "category", "mostly": 0.95},
            "at least 95 % of the products have a category",
            needs=("category",),
        ),
    ),
)
