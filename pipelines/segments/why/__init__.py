"""Why a customer or account changed segment: the record's events, and what the definition says of the days.

`model` has what is told, `record` the events, `alone` the features of the one member as of the days around,
`flips` the conditions that changed, and `told` puts them together. Features are computed again from what is
known now; where that no longer leads to what was recorded, it is said. Call everything within `dry.undone`:
the relations of features are replaced by the member's own.
"""

from pipelines.segments.why.model import CutPoints, Flip, Reason, Value, Who, Why
from pipelines.segments.why.record import survivor
from pipelines.segments.why.told import LoadVersion, explain_changes

__all__ = [
    "CutPoints",
    "Flip",
    "LoadVersion",
    "Reason",
    "Value",
    "Who",
    "Why",
    "explain_changes",
    "survivor",
]
