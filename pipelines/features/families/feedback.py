"""What a customer says of us: scores, tickets, complaints."""

from collections.abc import Mapping
from dataclasses import replace
from typing import get_args

from pipelines.config.features import Scored
from pipelines.features.feature import COUNT, DATE, FEEDBACK, NUMBER, TEXT, Feature, Fragment, ages_of

_NEEDS = ("feedback",)

FRAGMENT = Fragment(
    "feedback",
    features=(
        Feature("nps_latest", FEEDBACK, "points", NUMBER, "Latest NPS score, 0 to 10", _NEEDS),
        Feature(
            "nps_group",
            FEEDBACK,
            "",
            TEXT,
            "promoter (9 and 10), passive (7 and 8) or detractor, by the latest NPS score",
            _NEEDS,
        ),
        Feature("csat_latest", FEEDBACK, "points", NUMBER, "Latest CSAT score, 1 to 5", _NEEDS),
        Feature(
            "tickets_90d", FEEDBACK, "tickets", COUNT, "Tickets in the last 90 days", _NEEDS, default="0"
        ),
        Feature(
            "complaints_90d",
            FEEDBACK,
            "complaints",
            COUNT,
            "Complaints in the last 90 days",
            _NEEDS,
            default="0",
        ),
        Feature(
            "open_tickets", FEEDBACK, "tickets", COUNT, "Tickets not solved by the day", _NEEDS, default="0"
        ),
        Feature("last_complaint_date", FEEDBACK, "date", DATE, "Day of the last complaint", _NEEDS),
    ),
    needs=_NEEDS,
    ages=ages_of("feedback", (90,)),
    parameters={f"{kind}_expires_days": None for kind in get_args(Scored)},
)


def expiring(days: Mapping[str, int]) -> Fragment:
    """The same where scores expire: kind of feedback -> the greatest age in days at which a score counts."""
    # Of an age of N days counts as much as in a window of N days and one.
    windows = tuple(sorted({90, *(length + 1 for length in days.values())}))
    expire = {f"{kind}_expires_days": length for kind, length in days.items()}
    return replace(FRAGMENT, ages=ages_of("feedback", windows), parameters={**FRAGMENT.parameters, **expire})
