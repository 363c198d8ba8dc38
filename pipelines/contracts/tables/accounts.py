"""The contract of `accounts`: one row a company that buys, with its firmographics."""

from pipelines.contracts.model import Column, Contract, Reference

CONTRACT = Contract(
    table="accounts",
    description="Companies that buy or may buy, with their firmographics.",
    grain="one row per account",
    key=("account_id",),
    number="account_id",
    attributes="all",
    entity="account",
    known_from="created_on",
    keeps_past=True,
    columns=(
        Column("account_id", "VARCHAR", "The company's id", required=True),
        Column("account_name", "VARCHAR", "Its name"),
        Column("industry", "VARCHAR", "Branch of business, in the source's own classes"),
        Column("annual_revenue", "DECIMAL(18,4)", "The company's own turnover a year", "currency", minimum=0),
        Column("employees", "BIGINT", "How many people it employs", "persons", minimum=0),
        Column("country", "VARCHAR", "Country of its seat"),
        Column("region", "VARCHAR", "Region within the country"),
        Column(
            "credit_rating",
            "VARCHAR",
            "Credit rating, on the rating agency's scale",
            dated_by="credit_rating_date",
        ),
        Column("credit_rating_date", "DATE", "Day of that rating; ratings age", unit="date"),
        Column("parent_account_id", "VARCHAR", "The company it belongs to"),
        Column("created_on", "DATE", "First day the CRM knew the account", unit="date"),
    ),
    references=(Reference("parent_account_id", "accounts", "account_id"),),
)
