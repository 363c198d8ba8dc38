"""`segments.standing`: who stands where at the end of the day before the one that is judged.

Conditions with `exit` or `dwell_days` read it. Of recorded days it is what the record says, of played days
what the day before gave. It tells of one day alone, and is no state.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import date

from pipelines.engine import Engine, Statement, literal, load_query
from pipelines.segments.model import Segmentation

TABLE = "segments.standing"
COLUMNS = {
    "segmentation_id": "varchar",
    "entity_id": "varchar",
    "segment_id": "varchar",
    "entered_date": "date",
}


@contextmanager
def stood_before(engine: Engine, day: date, segmentations: Sequence[Segmentation]) -> Iterator[None]:
    """Let it say who stood in these segmentations before a day, as long as the context lasts.

    Of every entity: accounts are judged by the segments of their customers too.
    """
    kinds = ", ".join(
        f"({literal(segmentation.id)}, {literal(segmentation.entity)})" for segmentation in segmentations
    )
    judged = f"(segmentation_id, entity_kind) in ({kinds})" if kinds else "false"
    engine.store(TABLE, _before(judged, literal(day)), "view", {})
    yield
    # A block that fails leaves it: the next day replaces it.
    engine.drop(TABLE)


def stand_before(engine: Engine, day: date, only: Collection[str] | None = None) -> None:
    """Make it a table of who stood where before a day, of everyone or of some members.

    Whatever was called so is replaced; call it where that is undone.
    """
    engine.drop(TABLE)
    engine.ensure(TABLE, COLUMNS)
    if not engine.columns("segments.membership"):
        return
    judged = "true" if only is None else "list_contains($only, entity_id)"
    told = {"day": day, "only": None if only is None else list(only)}
    engine.store(TABLE, _before(judged, "$day"), "append", told, fits=True)


def stand_on(engine: Engine, day: date, places: str) -> None:
    """Bring it to the end of a played day.

    Parameters
    ----------
    day : the day that was played.
    places : the SELECT of `segmentation_id, segment_id, entity_id` that it gave.
    """
    standing = load_query("segments/queries/standing_member").filled(places=Statement(places))
    engine.store(TABLE, standing, "replace", {"day": day})


def _before(judged: str, day: str) -> str:
    return load_query("segments/queries/member_before").filled(judged=Statement(judged), day=Statement(day))
