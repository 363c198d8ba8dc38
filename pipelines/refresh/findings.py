"""Findings: what a refresh evaluated. The control store keeps them, and turns them into incidents."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

# The subject is the segmentation, or its file's name; of every other kind that holds, it is a source.
HELD_SEGMENTATION = "held_segmentation"
# Tables of the source are held: another source says the same key of something else.
SHARED_KEYS = "shared_keys"
# The kind of what a failed test of a definition is told as; its subject is the segmentation.
DEFINITION_TEST = "definition_test"


@dataclass(frozen=True)
class Finding:
    """What a run evaluated; `ok` means evaluated and fine. `message` carries counts, never personal data."""

    kind: str
    subject: str
    ok: bool
    severity: str
    message: str


class Kinded(Protocol):
    """A finding or an incident."""

    @property
    def kind(self) -> str: ...

    @property
    def severity(self) -> str: ...


def holds(told: Kinded) -> bool:
    """Whether this holds a source or segmentation: it stays at its last good state, or is too old."""
    kinds = ("rejected_batch", "failed_source", SHARED_KEYS, HELD_SEGMENTATION, DEFINITION_TEST)
    return told.kind in kinds or (told.kind == "stale_source" and told.severity == "critical")
