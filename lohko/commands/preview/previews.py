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
            [_preview(at, definitions, one, segment, sample) for one in wanted],
            verdicts_of(at, definitions, wanted),
            remarks,
        )


def _preview(
    at: Latest, definitions: Definitions, one: Segmentation, segment: str | None, sample: int
) -> Preview:
    plan = definitions.plan(one.entity, {one.id})
    table = f"dry_assigned_{one.entity}"
    return preview(at.con, at.day, plan, one, table, only=segment, sample=sample)


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
    others = [one for one in files_in(project.segments) if one.resolve() != path and _id(one) != name]
    return [*others, path]


def _id(path: Path) -> object:
    try:
        return read_yaml(path).get("segmentation")
    except ConfigError:
        return None


def _having(wanted: list[Segmentation], segment: str) -> Segmentation:
    """The one segmentation that has a segment."""
    found = [one for one in wanted if segment in [label[0] for label in one.compiled.labels]]
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(one.id for one in found)
        raise UsageError(f"segment {segment} is in {names}; name the segmentation too")
    known = [label[0] for one in wanted for label in one.compiled.labels]
    raise UsageError(f"no segment {segment}{nearest(segment, known)} (known: {', '.join(known[:40])})")


def preview_json(found: Previewed) -> dict[str, Any]:
    """The same for programs."""
    return {
        "previews": [asdict(one) for one in found.previews],
        "verdicts": [asdict(one) for one in found.verdicts],
        "remarks": found.remarks,
    }


def print_preview(found: Previewed) -> None:
    """The same for a person."""
    for one in found.previews:
        show.console.print(f"[bold]{_headline(one)}[/]")
        show.console.print(_sizes(one))
        if not one.channels:
            show.console.print(
                f"Reach unknown: no source says which {one.entity}s may be contacted (table consents).\n"
            )
        if one.cut_points:
            show.console.print(_cuts(one))
        for funnel in one.funnels:
            show.console.print(_funnel(one, funnel))
        if one.overlaps:
            show.console.print(_overlaps(one))
    if found.verdicts:
        show.console.print(verdict_table("Tests", found.verdicts))
    for verdict in found.verdicts:
        for line in verdict.ids:
            show.console.print(f"{verdict.segmentation_id}: example {show.text(line)}", highlight=False)
    for remark in found.remarks:
        show.console.print(f"[yellow]note:[/] {show.text(remark)}", highlight=False)


def _headline(one: Preview) -> str:
    recorded = any(segment.recorded is not None for segment in one.segments)
    name = show.text(f"{one.segmentation_name} ({one.segmentation_id})")
    return f"{name}, {one.members:,} {one.entity}s on {one.as_of_date}" + (
        "" if recorded else ", not recorded yet"
    )


def _sizes(one: Preview) -> Table:
    channels = [name.removeprefix(REACHABLE) for name in one.channels]
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
            for segment in one.segments
        ],
        right=numbers,
    )


def _cuts(one: Preview) -> Table:
    rows = []
    for (name, feature), group in groupby(one.cut_points, key=lambda row: (row["name"], row["feature"])):
        values = [show.text(row["value"]) if row["value"] is not None else "–" for row in group]
        rows.append([name, feature, ", ".join(values)])
    return show.table("Cut points of the day", ["of", "feature", "values"], rows)


def _funnel(one: Preview, funnel: Funnel) -> Table:
    """The steps in their order; alternatives are indented, each counted alone."""
    names = {segment.segment_id: segment.segment_name for segment in one.segments}
    where = names.get(funnel.segment_id or "", one.segmentation_name)
    rows = [["every member", "", show.number(one.members), ""]]
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


def _overlaps(one: Preview) -> Table:
    names = {segment.segment_id: segment.segment_name for segment in one.segments}
    rows = []
    for segment, group in groupby(one.overlaps, key=lambda o: o.segment_id):
        others = [other for other in group if other.other_segmentation_id != one.segmentation_id]
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
