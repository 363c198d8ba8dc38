"""Which features add up: the sum over all entities is the total of what they count, each thing once.

Counts of what is somebody's alone do, such as orders, deals and their worth. What is counted at each company
where a person stands does not (contacts, touches, leads of a contact), nor do different things counted
(campaigns, channels, days), shares, ratios and ages. Of a project's own features none is said to.
"""

from __future__ import annotations

from collections.abc import Mapping

from pipelines.contracts.fact import Entity

_SPANS = ("30d", "90d", "365d")
ADDITIVE: Mapping[Entity, frozenset[str]] = {
    "customer": frozenset(
        {
            *("orders_lifetime", "revenue_lifetime", "margin_365d", "returns_365d"),
            *(f"{name}_{span}" for name in ("orders", "revenue", "interactions") for span in _SPANS),
            *("interactions_web_90d", "interactions_app_90d", "interactions_email_90d"),
            *("email_sent_90d", "email_opens_90d", "email_clicks_90d", "touches_365d"),
            *("tickets_90d", "complaints_90d", "open_tickets"),
        }
    ),
    "account": frozenset(
        {
            *("open_opportunities", "open_opportunity_value", "weighted_opportunity_value"),
            *("won_365d", "lost_365d", "won_value_365d", "opportunities_without_rate"),
            *("members", "orders_90d", "orders_365d", "revenue_lifetime"),
            *(f"revenue_{span}" for span in _SPANS),
        }
    ),
}


def is_additive(entity: Entity, name: str) -> bool:
    """Whether the sum of a feature over all entities is a total."""
    return name in ADDITIVE[entity]
