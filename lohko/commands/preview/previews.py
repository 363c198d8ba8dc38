"""`lohko preview`: what a definition would do, before it is run."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from rich.table import Table

from lohko.commands.shared import show
from lohko.commands.shared.latest import Latest, chosen, latest
from lohko.commands.test import verdict_table, verdicts_of
from pipelines.config.yaml import nearest, read_yaml
from pipelines.errors import ConfigError, UsageError
from pipelines.segments.definitions import Definitions, files_in, read_definition
from pipelines.segments.model import Segmentation
from pipelines.segments.preview import REACHABLE, Funnel, Preview, preview
from pipelines.segments.testing import Verdict
from resources.project import Project

# Overlaps of a segment that a person is shown; JSON has all.
SHOWN = 3


@dataclass(frozen=True)
class Previewed:
    """Previews, what the definitions' own tests say, and remarks."""

    previews: list[Preview]
    verdicts: list[Verdict]
    remarks: list[str]


def run_preview(project: Project, what: str | None, segment: str | None, sample: int) -> Previewed:
    """Preview a segmentation of the project, a definition file, or every definition.

    Raises
    ------
    LohkoError
        When the definition is at fault, there is none of the name, or the warehouse is not there or busy.
    """
    path = _file(what)
    with latest(project, "preview") as at:
        if path is None:
            definitions = at.load()
            wanted = chosen(definitions, what)
        else:
            definitions = at.load(_with(project, path))
            wanted = chosen(definitions, read_definition(path).segmentation)
        if what is None and definitions.faults:
            definitions.checked()
        if segment is not None:
            wanted = [_having(wanted, segment)]
        remarks = at.assign(definitions, wanted)
        return Previewed(
            [_preview(at, definitions, segmentation, segment, sample) for segmentation in wanted],
            verdicts_of(at, definitions, wanted),
            remarks,
        )


def _preview(
    at: Latest, definitions: Definitions, segmentation: Segmentation, segment: str | None, sample: int
) -> Preview:
    plan = definitions.plan(segmentation.entity, {segmentation.id})
    table = f"dry_assigned_{segmentation.entity}"
    return preview(at.con, at.day, plan, segmentation, table, only=segment, sample=sample)


def _file(what: str | None) -> Path | None:
    """The definition file that is meant, if one is; its ending tells, whatever lies in the folder.

    Raises
    ------
    UsageError
        When there is no such file.
    """
    if what is None or not what.endswith((".yaml", ".yml")):
        return None
    path = Path(what).expanduser()
    if not path.is_file():
        raise UsageError(
            f"{what}: no such file; expected a definition as in segments/, or a segmentation's id"
        )
    return path.resolve()


def _with(project: Project, path: Path) -> list[Path]:
    """The project's definitions with this file in the place of the one of the same id."""
    name = read_definition(path).segmentation
    others = [other for other in files_in(project.segments) if other.resolve() != path and _id(other) != name]
    return [*others, path]


def _id(path: Path) -> object:
    try:
        return read_yaml(path).get("segmentation")
    except ConfigError:
        return None


def _having(wanted: list[Segmentation], segment: str) -> Segmentation:
    """The one segmentation that has a segment."""
    found = [
        segmentation
        for segmentation in wanted
        if segment in [label[0] for label in segmentation.compiled.labels]
    ]
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(segmentation.id for segmentation in found)
        raise UsageError(f"segment {segment} is in {names}; name the segmentation too")
    known = [label[0] for segmentation in wanted for label in segmentation.compiled.labels]
    raise UsageError(f"no segment {segment}{nearest(segment, known)} (known: {', '.join(known[:40])})")


def preview_json(found: Previewed) -> dict[str, Any]:
    """The same for programs."""
    return {
        "previews": [asdict(each) for each in found.previews],
        "verdicts": [asdict(each) for each in found.verdicts],
        "remarks": found.remarks,
    }


def print_preview(found: Previewed) -> None:
    """The same for a person."""
    for each in found.previews:
        show.console.print(f"[bold]{_headline(each)}[/]")
        show.console.print(_sizes(each))
        if not each.channels:
            show.console.print(
                f"Reach unknown: no source says which {each.entity}s may be contacted (table consents).\n"
            )
        if each.cut_points:
            show.console.print(_cuts(each))
        for funnel in each.funnels:
            show.console.print(_funnel(each, funnel))
        if each.overlaps:
            show.console.print(_overlaps(each))
    if found.verdicts:
        show.console.print(verdict_table("Tests", found.verdicts))
    for verdict in found.verdicts:
        for line in verdict.ids:
            show.console.print(f"{verdict.segmentation_id}: example {show.text(line)}", highlight=False)
    for remark in found.remarks:
        show.console.print(f"[yellow]note:[/] {show.text(remark)}", highlight=False)


def _headline(preview: Preview) -> str:
    recorded = any(segment.recorded is not None for segment in preview.segments)
    name = show.text(f"{preview.segmentation_name} ({preview.segmentation_id})")
    return f"{name}, {preview.members:,} {preview.entity}s on {preview.as_of_date}" + (
        "" if recorded else ", not recorded yet"
    )


def _sizes(preview: Preview) -> Table:
    channels = [name.removeprefix(REACHABLE) for name in preview.channels]
    numbers = ["size", "share", "now", *channels]
    return show.table(
        "",
        ["segment", *numbers, "some members"],
        [
            [
                show.text(segment.segment_name),
                show.number(segment.size),
                show.percent(segment.share),
                "–" if segment.recorded is None else show.number(segment.recorded),
                *(show.number(count) for count in segment.reachable.values()),
                show.text(", ".join(segment.sample)) or "–",
            ]
            for segment in preview.segments
        ],
        right=numbers,
    )


def _cuts(preview: Preview) -> Table:
    rows = []
    for (name, feature), group in groupby(preview.cut_points, key=lambda row: (row["name"], row["feature"])):
        values = [show.text(row["value"]) if row["value"] is not None else "–" for row in group]
        rows.append([name, feature, ", ".join(values)])
    return show.table("Cut points of the day", ["of", "feature", "values"], rows)


def _funnel(preview: Preview, funnel: Funnel) -> Table:
    """The steps in their order; alternatives are indented, each counted alone."""
    names = {segment.segment_id: segment.segment_name for segment in preview.segments}
    where = names.get(funnel.segment_id or "", preview.segmentation_name)
    rows = [["every member", "", show.number(preview.members), ""]]
    for step in funnel.steps:
        text = show.text(step.text)
        if step.either:
            rows.append([f"    or: {text}", show.number(step.alone), "", ""])
        else:
            rows.append([text, show.number(step.alone), show.number(step.left), show.number(step.dropped)])
    if funnel.elsewhere:
        rows.append(["in another segment before it, or excluded", "", "", show.number(funnel.elsewhere)])
    if funnel.kept_in:
        rows.append(["stays by exit or dwell", show.number(funnel.kept_in), "", ""])
    if funnel.elsewhere is not None and funnel.kept_in is not None:
        size = funnel.holds - funnel.elsewhere + funnel.kept_in
        rows.append(["[bold]in the segment[/]", "", f"[bold]{size:,}[/]", ""])
    return show.table(
        f"{show.text(where)}: {funnel.role}",
        ["condition", "alone", "left", "dropped"],
        rows,
        right=["alone", "left", "dropped"],
    )


def _overlaps(preview: Preview) -> Table:
    names = {segment.segment_id: segment.segment_name for segment in preview.segments}
    rows = []
    for segment, group in groupby(preview.overlaps, key=lambda o: o.segment_id):
        others = [other for other in group if other.other_segmentation_id != preview.segmentation_id]
        rows += [
            [
                show.text(names.get(segment, segment)),
                show.text(f"{other.other_segmentation_id}.{other.other_segment_id}"),
                show.number(other.shared),
                show.number(other.other_size),
                f"{other.jaccard:.2f}",
            ]
            for other in others[:SHOWN]
        ]
    return show.table(
        "Overlap with today's other segments",
        ["segment", "with", "shared", "of", "Jaccard"],
        rows,
        right=["shared", "of", "Jaccard"],
    )
