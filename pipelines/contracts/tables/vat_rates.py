"""The contract of `vat_rates`: one row a country and day from which its VAT rate holds."""

from pipelines.contracts.model import Check, Column, Contract

CONTRACT = Contract(
    table="vat_rates",
    description="VAT rates of countries, each from the day it holds until the next one.",
    grain="one row per country and first day",
    key=("country", "valid_from"),
    event="valid_from",
    columns=(
        Column("country", "VARCHAR", "The country, as orders write it", required=True),
        Column("valid_from", "DATE", "First day the rate holds", unit="date", required=True),
        Column(
            "rate",
            "DECIMAL(18,8)",
            "VAT as a share of the net amount: 0.24 for 24 %",
            unit="share",
            required=True,
            minimum=0,
        ),
    ),
    checks=(
        Check(
            "rate_is_a_share",
            "ExpectColumnValuesToBeBetween",
            {"column": "rate", "max_value": 1},
            "a rate is a share of the net amount (0.24), not a percentage (24)",
            severity="critical",
        ),
    ),
)
