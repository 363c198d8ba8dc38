"""Which segmentations read an attribute that a source no longer brings: they stay as they were."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from pipelines.config.attributes import rules_of
from pipelines.features.families.distance import NEEDED
from pipelines.features.kinds import KINDS
from pipelines.ingest.filled import Loss, losses
from pipelines.refresh.context import Refresh
from pipelines.segments.model import Segmentation


def lost_to(refresh: Refresh, segmentations: Iterable[Segmentation]) -> dict[str, str]:
    """Segmentation -> the attribute it reads that is no longer there, where, and what to do.

    A project may say of an attribute that nothing waits for it: `required: false`.
    """
    found = [loss for loss in losses(refresh.con, list(refresh.project.mapped)) if _waits(refresh, loss)]
    lost = {entity: _by_feature(found, kind.crm) for entity, kind in KINDS.items()}
    of_contacts = _by_feature(found, "contacts")
    held = {}
    for segmentation in segmentations:
        asked = [lost[segmentation.entity].get(name.lower()) for name in sorted(segmentation.features)]
        asked += [lost["customer"].get(name.lower()) for name in sorted(segmentation.member_features)]
        asked += [lost["account"].get(name.lower()) for name in sorted(segmentation.account_features)]
        asked += [of_contacts.get(name.lower()) for name in sorted(segmentation.contact_columns)]
        reasons = [_reason(loss) for loss in asked if loss is not None]
        if reasons:
            held[segmentation.id] = "; ".join(dict.fromkeys(reasons))
    return held


def _waits(refresh: Refresh, loss: Loss) -> bool:
    rules = rules_of(refresh.project.config.attributes, loss.table)
    said = {name.lower(): rule.required for name, rule in rules.items()}
    return said.get(loss.column) is not False


def _by_feature(found: Sequence[Loss], table: str) -> Mapping[str, Loss]:
    """What is lost of a table, by each feature that is read from it, in lower case."""
    lost = {loss.column: loss for loss in found if loss.table == table}
    located = [lost[name] for name in NEEDED if name in lost]
    return lost | ({"distance_km": located[0]} if located else {})


def _reason(loss: Loss) -> str:
    setting = loss.column if loss.table == "customers" else f"{loss.table}.{loss.column}"
    return (
        f"it reads {loss.column}, and {loss.told}. Send the file with it, take {loss.column} out of the"
        f" definition, or set attributes.{setting}.required: false where it may be missing"
    )
