"""Every canonical table by name."""

from __future__ import annotations

from pipelines.contracts.model import Contract
from pipelines.contracts.tables import (
    campaign_contacts,
    campaign_offers,
    campaign_responses,
    campaigns,
    customer_merges,
    customers,
    order_lines,
    orders,
    products,
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
    )
}
