"""`lohko diff`: what edited definitions do to today's members, against a git revision."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from lohko.commands.shared import show
from lohko.commands.shared.latest import Latest, latest
from lohko.commands.test import verdict_table, verdicts_of
from pipelines.config.segments import Entity
from pipelines.errors import ConfigError
from pipelines.publish.parts import BY_ENTITY
from pipelines.segments.compare import Change, Flow, compare
from pipelines.segments.definitions import Definitions
from pipelines.segments.model import Segmentation
from pipelines.segments.testing import Verdict
from resources.project import Project
from resources.revision import Revision, at_revision

# Flows that a person is shown of each segmentation; JSON has all.
SHOWN = 12
NOWHERE = "(nowhere)"


@dataclass(frozen=True)
class Touched:
    """What an edit of one segmentation reaches: published tables, and definitions that refer to it."""

    segmentation_id: str
    tables: list[str]
    referred_to_by: list[str]


@dataclass(frozen=True)
class Difference:
    """The edited definitions of a project against those of a revision, on the members of one day."""

    against: str
    commit: str
    as_of_date: date
    currency: str
    changes: list[Change]
    renamed: list[str]
    touched: list[Touched]
    verdicts: list[Verdict]
    faults: list[str]
    remarks: list[str]


def run_diff(project: Project, against: str, sample: int) -> Difference:
    """Compare the definitions as they stand in the project's folder with those of a revision.

    Raises
    ------
    LohkoError
        When there is no such revision, or the warehouse is not there or busy.
    """
    with at_revision(project, against) as revision, latest(project, "diff") as at:
        return _difference(at, revision, sample)


def _difference(at: Latest, revision: Revision, sample: int) -> Difference:
    before = at.load(revision.files, revision.root)
    after = at.load()
    old = {segmentation.id: segmentation for segmentation in before.segmentations}
    new = {segmentation.id: segmentation for segmentation in after.segmentations}
    # What is at fault on one side cannot be compared, and is neither new nor gone.
    unclear = {*before.faults, *after.faults}
    changed = [
        name
        for name in dict.fromkeys([*new, *old])
        if name not in unclear and _version(old.get(name)) != _version(new.get(name))
    ]
    remarks = _remarks(before, revision)
    # Lists and cut points of both sides have the same tables: one side after the other.
    remarks += at.assign(before, [old[name] for name in changed if name in old], "dry_old")
    changes_new = [new[name] for name in changed if name in new]
    remarks += at.assign(after, changes_new, "dry_new")
    return Difference(
        revision.reference,
        revision.commit,
        at.day,
        at.project.config.currency,
        [_compare(at, old.get(name), new.get(name), sample) for name in changed],
        _renamed(old, new, changed),
        [_touched(name, {**old, **new}[name].entity, after.segmentations) for name in changed],
        verdicts_of(at, after, changes_new, "dry_new"),
        [str(fault) for fault in dict.fromkeys(after.faults.values())],
        list(dict.fromkeys(remarks)),
    )


def _version(segmentation: Segmentation | None) -> tuple[str, str] | None:
    return (segmentation.version, segmentation.entity) if segmentation else None


def _compare(at: Latest, old: Segmentation | None, new: Segmentation | None, sample: int) -> Change:
    if old and new and old.entity != new.entity:
        raise ConfigError(
            f"{new.id} segments {new.entity}s, and {old.entity}s before: members of the two cannot be"
            " compared; expected another id for it"
        )
    entity = (new or old).entity  # type: ignore[union-attr]
    return compare(at.con, at.day, old, new, f"dry_old_{entity}", f"dry_new_{entity}", sample=sample)


def _remarks(before: Definitions, revision: Revision) -> list[str]:
    remarks = [
        f"not compared, at fault in {revision.reference}: {revision.told(str(fault).splitlines()[0])}"
        for fault in dict.fromkeys(before.faults.values())
    ]
    return remarks + [
        f"{name} is not in {revision.reference}: its present content is used on both sides"
        for name in revision.untracked
    ]


def _renamed(old: dict[str, Segmentation], new: dict[str, Segmentation], changed: list[str]) -> list[str]:
    """Segmentations of which only names or descriptions differ: nobody moves."""
    return [
        name for name in new if name in old and name not in changed and _words(old[name]) != _words(new[name])
    ]


def _words(segmentation: Segmentation) -> object:
    return segmentation.name, segmentation.definition.description, segmentation.compiled.labels


def _touched(name: str, entity: Entity, segmentations: tuple[Segmentation, ...]) -> Touched:
    reached = {name}
    for segmentation in segmentations:  # each comes after what it refers to
        if segmentation.uses & reached:
            reached.add(segmentation.id)
    return Touched(name, sorted(f"marts.{mart}" for mart in BY_ENTITY[entity]), sorted(reached - {name}))


def diff_json(found: Difference) -> dict[str, Any]:
    """For programs."""
    return asdict(found)


def print_diff(found: Difference) -> None:
    """For a person."""
    show.console.print(
        f"Definitions against {show.text(found.against)} ({found.commit}), {found.as_of_date}\n"
    )
    if not found.changes:
        show.console.print("No definition moves a member.")
    for change in found.changes:
        numbers = ["before", "after", "added", "removed", "unchanged"]
        show.console.print(f"[bold]{show.text(_headline(change, found.currency))}[/]")
        show.console.print(
            show.table(
                "",
                ["segment", *numbers],
                [[show.text(row[0]), *row[1:]] for row in _segment_rows(change)],
                right=numbers,
            )
        )
        if change.flows:
            shown = change.flows[:SHOWN]
            sampled = any(flow.sample for flow in shown)
            show.console.print(
                show.table(
                    "Who moves",
                    ["from", "to", "members", f"{found.currency} in 365d", *(["some"] if sampled else [])],
                    [
                        [
                            *map(show.text, _ends(flow)),
                            show.number(flow.members),
                            show.money(flow.revenue),
                            *([show.text(", ".join(flow.sample))] if sampled else []),
                        ]
                        for flow in shown
                    ],
                    right=["members", f"{found.currency} in 365d"],
                )
            )
            if len(change.flows) > SHOWN:
                show.console.print(f"{SHOWN} of {len(change.flows)} flows shown; --format json has all\n")
    for line in _notes(found):
        show.console.print(show.text(line), highlight=False)
    if found.verdicts:
        show.console.print(verdict_table("Tests", found.verdicts))


def _headline(change: Change, currency: str) -> str:
    name = f"{change.segmentation_name} ({change.segmentation_id})"
    moved = f"{change.moved:,} of {change.members:,} {change.entity}s move"
    worth = "" if change.revenue is None else f", with {show.money(change.revenue, currency)} of 365 days"
    return f"{name}: {change.status}; {moved}{worth}"


def _segment_rows(change: Change) -> list[list[str]]:
    return [
        [
            segment.segment_name,
            show.number(segment.before),
            show.number(segment.after),
            f"+{segment.added:,}" if segment.added else "–",
            f"-{segment.removed:,}" if segment.removed else "–",
            show.number(segment.unchanged),
        ]
        for segment in change.segments
    ]


def _ends(flow: Flow) -> tuple[str, str]:
    return flow.from_segment or NOWHERE, flow.to_segment or NOWHERE


def _notes(found: Difference) -> Iterator[str]:
    for touched in found.touched:
        yield f"{touched.segmentation_id} is published in: {', '.join(touched.tables)}"
        if touched.referred_to_by:
            yield f"{touched.segmentation_id} is referred to by: {', '.join(touched.referred_to_by)}"
    if found.renamed:
        yield f"only names or descriptions differ: {', '.join(found.renamed)}"
    yield from (f"note: {remark}" for remark in found.remarks)


def markdown(found: Difference) -> str:
    """For a pull request: counts and sums only, and ids where a sample was asked for."""
    lines = [f"### Segments against `{_plain(found.against)}`", ""]
    lines += [f"Judged on {found.as_of_date}; the revision is `{found.commit}`.", ""]
    if not found.changes:
        lines += ["No definition moves a member.", ""]
    for change in found.changes:
        lines += [f"#### {_plain(_headline(change, found.currency))}", ""]
        lines += _markdown_table(
            ["segment", "before", "after", "added", "removed", "unchanged"], _segment_rows(change)
        )
        if change.flows:
            flows = [
                [
                    *_ends(flow),
                    show.number(flow.members),
                    show.money(flow.revenue),
                    ", ".join(flow.sample),
                ]
                for flow in change.flows[:SHOWN]
            ]
            heading = ["from", "to", "members", f"{found.currency} in 365d", "some"]
            if not any(flow.sample for flow in change.flows):
                heading, flows = heading[:-1], [row[:-1] for row in flows]
            lines += _markdown_table(heading, flows, words=2)
            if len(change.flows) > SHOWN:
                lines += [f"{SHOWN} of {len(change.flows)} flows.", ""]
    lines += [f"- {_plain(line)}" for line in _notes(found)]
    lines += [f"- **fault:** {_plain(line)}" for fault in found.faults for line in fault.splitlines()]
    if found.verdicts:
        lines += ["", "#### Tests", ""]
        lines += _markdown_table(
            ["verdict", "segmentation", "test", "segment", "expected", "found"],
            [
                [
                    "passed" if verdict.passed else "**failed**",
                    verdict.segmentation_id,
                    verdict.test,
                    verdict.segment_id or "–",
                    verdict.expected,
                    verdict.found,
                ]
                for verdict in found.verdicts
            ],
            words=6,
        )
    return "\n".join(lines).rstrip() + "\n"


def _markdown_table(heading: list[str], rows: list[list[str]], words: int = 1) -> list[str]:
    """The first `words` columns are text, the others numbers."""
    rule = ["---" if i < words else "---:" for i in range(len(heading))]
    body = [[cell if cell.startswith("**") else _plain(cell) for cell in row] for row in rows]
    return [f"| {' | '.join(row)} |" for row in [heading, rule, *body]] + [""]


_MEANT = str.maketrans({sign: f"\\{sign}" for sign in "\\`*_[]<>|#~"})


def _plain(text: str) -> str:
    """Text from a definition: nothing in it is markup, nor a mention that a forge would act on."""
    return " ".join(text.translate(_MEANT).replace("@", "@\N{ZERO WIDTH SPACE}").split())
