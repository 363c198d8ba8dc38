"""Every canonical table by name, and those of them that hold facts."""

from __future__ import annotations

from pipelines.contracts.fact import Fact
from pipelines.contracts.model import Contract
from pipelines.contracts.tables import (
    accounts,
    campaign_contacts,
    campaign_offers,
    campaign_responses,
    campaigns,
    consents,
    contacts,
    customer_merges,
    customers,
    feedback,
    interactions,
    leads,
    opportunities,
    order_lines,
    orders,
    products,
    rates,
    spend,
    survey_answers,
    vat_rates,
)

CONTRACTS: dict[str, Contract] = {
    module.CONTRACT.table: module.CONTRACT
    for module in (
        customer_merges,  # first: the tables after it count for whom it says
        orders,
        order_lines,
        customers,
        products,
        campaigns,
        campaign_contacts,
        campaign_responses,
        campaign_offers,
        spend,
        accounts,
        contacts,
        leads,
        opportunities,
        interactions,
        survey_answers,
        feedback,
        consents,
        rates,
        vat_rates,
    )
}
FACTS: dict[str, Fact] = {
    table: contract.fact for table, contract in CONTRACTS.items() if contract.fact is not None
}


def fact_of(table: str) -> Fact:
    """What the rows of a table mean as facts.

    Raises
    ------
    ValueError
        The table has no facts: it is misspelt, not in `CONTRACTS`, or its contract has no `fact`.
    """
    if table in FACTS:
        return FACTS[table]
    todo = (
        "give its contract a `fact`" if table in CONTRACTS else "list its contract in CONTRACTS, in this file"
    )
    raise ValueError(
        f"{table} is no table of facts: {todo}, pipelines/contracts (tables of facts: {', '.join(FACTS)})"
    )
