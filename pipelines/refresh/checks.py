"""Checks of a refresh: what is checked is declared once, and each stage says how it came out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pipelines.errors import InvariantError
from pipelines.ingest.quality import CheckResult


@dataclass(frozen=True)
class Check:
    """A check on a table; one that blocks keeps everything downstream from being done when it fails."""

    table: str
    name: str
    description: str | None
    blocking: bool = False

    def outcome(self, passed: bool, *, critical: bool = True, **facts: object) -> Outcome:
        """How it came out; `facts` are counts and messages, never personal values."""
        return Outcome(self, passed, critical, facts)


@dataclass(frozen=True)
class Outcome:
    """How a check came out: critical ones are errors, the others warnings."""

    check: Check
    passed: bool
    critical: bool = True
    facts: Mapping[str, object] = field(default_factory=dict)

    @property
    def is_broken(self) -> bool:
        """Whether it keeps everything downstream from being done."""
        return self.check.blocking and self.critical and not self.passed

    def __str__(self) -> str:
        facts = ", ".join(f"{name}: {value}" for name, value in self.facts.items())
        return f"{self.check.table} {self.check.name} ({facts})"


def facts_of(found: CheckResult) -> dict[str, object]:
    """Counts of a judged check, and where up to five of the rows stand."""
    facts: dict[str, object] = {
        "unexpected": found.unexpected,
        "rows": found.elements,
        "percent": round(found.percent, 4),
    }
    if found.samples:
        facts["samples"] = list(found.samples)
    return facts


def refuse_broken(outcomes: Iterable[Outcome]) -> None:
    """Stop a refresh when a check failed that blocks what follows.

    Raises
    ------
    InvariantError
        Naming each such check and what it told.
    """
    broken = [outcome for outcome in outcomes if outcome.is_broken]
    if broken:
        told = "; ".join(map(str, broken))
        raise InvariantError(
            f"an invariant does not hold: {told}. Nothing was published; the previous publication stays."
            " `lohko status` shows the state"
        )
