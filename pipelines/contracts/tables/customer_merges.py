"""The contract of `customer_merges`: one row a customer id that was merged into another."""

from pipelines.contracts.model import Column, Contract

CONTRACT = Contract(
    table="customer_merges",
    description="Customer ids merged into others: what the old id did counts for the surviving customer.",
    grain="one row per id that was merged away",
    key=("old_id",),
    columns=(
        Column(
            "old_id",
            "VARCHAR",
            "The id that is no longer a customer of its own",
            required=True,
            number_of="customers",
        ),
        Column(
            "new_id",
            "VARCHAR",
            "The customer it was merged into, who may be merged on",
            required=True,
            number_of="customers",
        ),
        Column("merged_on", "DATE", "The day of the merge", unit="date"),
    ),
)
