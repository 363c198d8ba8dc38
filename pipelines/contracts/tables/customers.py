"""The contract of `customers`: one row a customer of the CRM."""

from pipelines.contracts.model import Column, Contract, Reference

CONTRACT = Contract(
    table="customers",
    description="Customers known to the CRM; every further column is an attribute segments can use.",
    grain="one row per customer",
    key=("customer_id",),
    number="customer_id",
    attributes="all",
    entity="customer",
    known_from="created_on",
    keeps_past=True,
    columns=(
        Column("customer_id", "VARCHAR", "The customer's id, as orders write it", required=True),
        Column("created_on", "DATE", "First day the CRM knew the customer", unit="date"),
        Column("account_id", "VARCHAR", "The company the customer buys for"),
    ),
    references=(Reference("account_id", "accounts", "account_id"),),
)
