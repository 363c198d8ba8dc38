"""Why a customer or account changed segment, for `lohko explain`: by the definitions of then, where they were
others.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from lohko.commands.shared import show
from lohko.commands.shared.latest import LOCK_TIMEOUT, Latest, latest
from pipelines.config.yaml import nearest, read_yaml
from pipelines.contracts.registry import CONTRACTS
from pipelines.core import following
from pipelines.engine import DuckDB, Table, load_query, relation_exists
from pipelines.errors import ConfigError, UsageError
from pipelines.features.kinds import KINDS
from pipelines.segments.definitions import Definitions, files_in
from pipelines.segments.versions import in_force
from pipelines.segments.why import Value, Who, Why, explain_changes, survivor
from resources.project import Project


@dataclass(frozen=True)
class Explained:
    """Whose changes they are (the survivor, where a customer was merged), and why each came.

    `origins` say which source gave each value, where several sources tell of customers or accounts.
    """

    who: Who
    changes: list[Why]
    origins: list[dict[str, Any]]


def explain_why(
    project: Project,
    who: Who,
    segment: str | None,
    start: date | None,
    end: date | None,
    *,
    patient: bool = True,
) -> Explained:
    """The changes of a customer or account from `start` to `end`, by default all that are recorded.

    Parameters
    ----------
    segment : a segment, a segmentation, or both with a dot.
    patient : whether to wait for a warehouse that is held.

    Raises
    ------
    LohkoError
        When the warehouse is not there or busy, or there is no such segment.
    """
    with latest(project, "explain", LOCK_TIMEOUT if patient else 0.0) as at:
        whom = Who("customer", survivor(at.con, who.id)) if who.entity == "customer" else who
        origins = _origins(at, whom)
        if not relation_exists(at.con, "segments.membership_event"):
            return Explained(whom, [], origins)
        wanted = _segments(at, segment) if segment else None
        changes = explain_changes(
            at.con,
            whom,
            start or date.min,
            end or date.max,
            project.recipe,
            _Versions(at).load,
            wanted,
        )
        return Explained(whom, changes, origins)


def _origins(at: Latest, who: Who) -> list[dict[str, Any]]:
    """Which source gave each value of the member, and where it stands; nothing where one source tells."""
    contract = CONTRACTS[KINDS[who.entity].crm]
    view = following.provenance(contract)
    if not relation_exists(at.con, view):
        return []
    query = load_query(Path(__file__).parent / "queries" / "origin_of_value.sql")
    filled = query.filled(provenance=Table(view), key=contract.key)
    return DuckDB(at.con).rows(filled, {"id": who.id})


def _segments(at: Latest, written: str) -> Collection[tuple[str, str]]:
    """The recorded segments that a name stands for."""
    known = at.con.execute(
        "select distinct segmentation_id, segment_id from segments.membership_event"
    ).fetchall()
    found = [label for label in known if written in (label[0], label[1], f"{label[0]}.{label[1]}")]
    if not found:
        names = sorted({f"{a}.{b}" for a, b in known} | {a for a, _ in known})
        raise UsageError(f"no segment {written} was ever recorded{nearest(written, names)}")
    return found


class _Versions:
    """Definitions as they are, and as they were: `segments.definition` keeps every version."""

    def __init__(self, at: Latest) -> None:
        self.at = at
        self.now = at.load()
        self.found: dict[frozenset[tuple[str, str]], Definitions] = {}

    def load(self, segmentation: str, version: str, day: date) -> Definitions | None:
        """The definitions of a day, where `segmentation` has this version; None where it cannot be had.

        Every definition is taken as it was in force then: another version of what one refers to would make
        another one of it.
        """
        if _has(self.now, segmentation, version):
            return self.now
        of_then = {
            segmentation.id: segmentation.version for segmentation in in_force(self.at.con, day).values()
        }
        wanted = frozenset((of_then | {segmentation: version}).items())
        if wanted not in self.found:
            self.found[wanted] = self._of_then(wanted)
        definitions = self.found[wanted]
        return definitions if _has(definitions, segmentation, version) else None

    def _of_then(self, wanted: Collection[tuple[str, str]]) -> Definitions:
        """With the contents of these versions in the place of today's, as far as they are kept."""
        rows = self.at.con.execute(
            "select segmentation_id, content from segments.definition where (segmentation_id,"
            " definition_version) in (select unnest($ids::varchar[]), unnest($versions::varchar[]))",
            {"ids": [name for name, _ in wanted], "versions": [version for _, version in wanted]},
        ).fetchall()
        kept = {name for name, _ in rows}
        others = [path for path in files_in(self.at.project.segments) if _id(path) not in kept]
        with TemporaryDirectory(prefix="lohko-definition-") as folder:
            paths = []
            for name, content in rows:
                paths.append(Path(folder) / f"{name}.yaml")
                paths[-1].write_text(json.dumps(_as_written(json.loads(content))), encoding="utf-8")
            return self.at.load([*others, *paths])


def _has(definitions: Definitions, segmentation: str, version: str) -> bool:
    return any(
        standing.id == segmentation and standing.version == version for standing in definitions.segmentations
    )


def _id(path: Path) -> object:
    try:
        return read_yaml(path).get("segmentation")
    except ConfigError:
        return None


def _as_written(content: dict[str, Any]) -> dict[str, Any]:
    """A kept definition as a file has it: without its tests, and without what was not said."""
    written = {name: _without_nothing(value) for name, value in content.items() if name != "tests"}
    for score in written.get("scores", {}).values():
        if "cuts" in score:
            score.pop("bins", None)
    return {name: value for name, value in written.items() if value is not None}


def _without_nothing(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nothing(item) for name, item in value.items() if item is not None}
    return [_without_nothing(item) for item in value] if isinstance(value, list) else value


def print_why(changes: list[Why]) -> None:
    """For a person: a line a change, and under it what it came from."""
    show.console.print("[bold]Changes[/]" if changes else "No change is recorded in the range.")
    for change in changes:
        came = ", ".join(change.left) or "nowhere"
        goes = ", ".join(change.entered) or "nowhere"
        version = f"version {change.version}"
        if change.version_before not in (None, change.version):
            version = f"definition edited, version {change.version_before} -> {change.version}"
        show.console.print(
            show.text(f"{change.day}  {change.segmentation_id}: {came} -> {goes}  ({version})"),
            highlight=False,
        )
        for line in _lines(change):
            show.console.print(f"            {show.text(line)}", highlight=False)
    show.console.print("")


_REASONS = {
    "first day": "the first recorded day: where they stood",
    "new customer": "was no customer the day before",
    "new account": "was no account the day before",
    "no customer any more": "is no customer any more",
    "no account any more": "is no account any more",
    "known then": "recorded with data known then",
}


def _lines(why: Why) -> list[str]:
    lines = [
        f"{_of(flip.segment_id, flip.role)}{flip.text} became {str(flip.became).lower()}{_both(flip.values)}"
        for flip in why.flips
    ]
    if why.reason in _REASONS:
        lines.append(_REASONS[why.reason] + (f"; {why.detail}" if why.detail else ""))
    elif why.detail:
        lines.append(why.detail)
    for cut in why.cut_points:
        moved = "unchanged" if cut.before == cut.after else f"-> {_points(cut.after)}"
        lines.append(
            f"{cut.name}: {cut.value.name} {_value(cut.value.before)} -> {_value(cut.value.after)};"
            f" cut points {_points(cut.before)} {moved}"
        )
    return lines


def _of(segment: str | None, role: str) -> str:
    return f"{segment} {role}: " if segment else f"{role}: "


def _both(values: list[Value]) -> str:
    if not values:
        return ""
    named = [
        f"{'' if len(values) == 1 else value.name + ' '}{_value(value.before)} -> {_value(value.after)}"
        for value in values
    ]
    return f" ({', '.join(named)})"


def _points(values: list[str | None]) -> str:
    return ", ".join("–" if value is None else value for value in values)


def _value(value: Any) -> str:
    if value is None:
        return "unknown"
    return f"{value:.6g}" if isinstance(value, float) else str(value)
