"""The arms of campaigns: whoever is in both of one, addressed and held back, spoils the comparison."""

from __future__ import annotations

from pipelines.contracts.registry import fact_of
from pipelines.engine import Engine, load_query

TABLE = "campaign_contacts"


def in_both(engine: Engine) -> int:
    """How many customers, contacts and accounts are in both arms of a campaign, a campaign each."""
    counts = fact_of(TABLE).counts
    query = load_query("core/queries/owner_in_both_arms").sql
    (row,) = engine.rows(query, {"blank": counts.blank if counts else None})
    return int(row["owners"])
