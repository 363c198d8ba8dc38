"""The contract of `rates`: one row a currency and day, the rate to the project's currency."""

from pipelines.contracts.model import Column, Contract

CONTRACT = Contract(
    table="rates",
    description="What one unit of a currency is worth in the project's currency, day by day.",
    grain="one row per currency and day",
    key=("currency", "day"),
    # A rate says nothing of the days before it, so a late one makes no earlier day be computed again.
    event="day",
    columns=(
        Column("currency", "VARCHAR", "ISO 4217 code, as orders write it", required=True),
        Column("day", "DATE", "The business day the rate is of", unit="date", required=True),
        Column(
            "rate",
            "DECIMAL(18,8)",
            "The project's currency for one unit of this one",
            unit="project currency per unit",
            required=True,
            minimum=0.00000001,
        ),
    ),
)
