"""Columns that orders and their lines share: what may stand in an amount beside revenue, and the VAT rate.

Each counts only where the source says that its amounts hold it (`sources.NAME.amounts`).
"""

from pipelines.contracts.model import Check, Column

PARTS = (
    Column("shipping", "DECIMAL(18,4)", "Shipping charged; not revenue", unit="order currency"),
    Column(
        "gift_card_sold",
        "DECIMAL(18,4)",
        "Value of gift cards sold; a debt to the holder, not revenue",
        unit="order currency",
    ),
    Column(
        "gift_card_redeemed",
        "DECIMAL(18,4)",
        "Paid with gift cards; a means of payment, not a discount",
        unit="order currency",
    ),
    Column("deposit", "DECIMAL(18,4)", "Deposits on bottles, crates and the like", unit="order currency"),
    Column(
        "vat_rate",
        "DECIMAL(18,8)",
        "VAT as a share of the net amount: 0.24 for 24 %",
        unit="share",
        minimum=0,
    ),
)

VAT_IS_A_SHARE = Check(
    "vat_rate_is_a_share",
    "ExpectColumnValuesToBeBetween",
    {"column": "vat_rate", "max_value": 1},
    "a VAT rate is a share of the net amount (0.24), not a percentage (24)",
    severity="critical",
    needs=("vat_rate",),
)
