"""How many ids of uploaded lists are members of the day, and how many only look different."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from pipelines.core import forms
from pipelines.core.coverage import told
from pipelines.engine import Engine, Statement, Table, load_query
from pipelines.engine.slots import Slot
from pipelines.segments.model import KEY, Segmentation
from pipelines.segments.plan import ensure_read

COVERAGE = "segments.list_coverage"
COLUMNS = {
    "segmentation_id": "varchar not null",
    "segment_id": "varchar not null",
    "entity_kind": "varchar not null",
    "ids": "bigint not null",
    "known_ids": "bigint not null",
}


@dataclass(frozen=True)
class Listed:
    """An uploaded list: its ids, how many are members of the day, and by what the others differ from such."""

    segmentation: str
    segment: str
    entity: str
    ids: int
    known: int
    kinds: str = ""


def create(engine: Engine) -> None:
    """Create what is known of lists, where it is missing."""
    engine.ensure(COVERAGE, COLUMNS)


def measure(engine: Engine, day: date, segmentations: Sequence[Segmentation]) -> list[Listed]:
    """Measure the lists of segmentations as they were brought in for a day; nothing is kept of others."""
    create(engine)
    ensure_read(engine)
    found = [
        of_list for segmentation in segmentations for of_list in _of_segmentation(engine, day, segmentation)
    ]
    with engine.transaction():
        engine.delete(COVERAGE)
        engine.insert(COVERAGE, [(it.segmentation, it.segment, it.entity, it.ids, it.known) for it in found])
    return found


def _of_segmentation(engine: Engine, day: date, segmentation: Segmentation) -> Iterator[Listed]:
    if not segmentation.compiled.lists:
        return
    entity = segmentation.entity
    names: dict[str, Slot] = {"key": KEY[entity], "features": Table(f"features.{entity}")}
    asked = {"day": day, "id": segmentation.id}
    covered = engine.rows(load_query("segments/queries/covered_list").filled(**names), asked)
    kinds: list[dict[str, Any]] = []
    if any(row["known"] < row["listed"] for row in covered):
        alike_listed = load_query("segments/queries/alike_listed").filled(
            **names,
            form={"form": Statement(forms.form("id"))},
            kind={"kind": Statement(forms.kind("l.id", "m.id"))},
        )
        kinds = engine.rows(alike_listed, asked)
    for row in covered:
        of_list = [kind for kind in kinds if kind["segment_id"] == row["segment_id"]]
        yield Listed(segmentation.id, row["segment_id"], entity, row["listed"], row["known"], told(of_list))
