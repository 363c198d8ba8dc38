"""ROI, first form: attributed cost, revenue, margin and ROI, a segment and month, a segment and campaign.

Membership is that of the day before (intent to treat): what a campaign did to a customer's segment must not
decide in which segment it is counted. Without a control group the figures say what was sold along with a
campaign, not what it caused; every row is labelled so.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from pipelines.core.facts import with_facts
from pipelines.engine import Engine, load_step

STEPS = (
    *("roi/touch", "roi/contact", "roi/attribution"),
    *("roi/segment_month", "roi/segment_campaign", "roi/left_out"),
)


def compute_roi(engine: Engine, as_of: date, *, margin_rate: float | None, contact_cost: Decimal) -> None:
    """Rebuild the tables of `roi` as of the end of a day.

    Parameters
    ----------
    as_of : the business day at whose end everything is counted.
    margin_rate : margin as a share of revenue where lines carry no cost; None leaves margin and ROI unknown.
    contact_cost : what one contact costs where the contact itself does not say, in the project's currency.
    """
    parameters = {"as_of": as_of, "margin_rate": margin_rate, "contact_cost": contact_cost}
    with engine.transaction():
        for step in (with_facts(load_step(name)) for name in STEPS):
            engine.store(step.table, step.sql, step.store, parameters)
