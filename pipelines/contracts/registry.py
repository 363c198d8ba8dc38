"""Every canonical table by name."""

from __future__ import annotations

from pipelines.contracts.model import Contract
from pipelines.contracts.tables import (
    campaign_contacts,
    campaign_offers,
    campaign_responses,
    campaigns,
    customers,
    order_lines,
    orders,
    products,
    rates,
    vat_rates,
)

CONTRACTS: dict[str, Contract] = {
    module.CONTRACT.table: module.CONTRACT
    for module in (
        orders,
        order_lines,
        customers,
        products,
        campaigns,
        campaign_contacts,
        campaign_responses,
        campaign_offers,
        rates,
        vat_rates,
    )
}
