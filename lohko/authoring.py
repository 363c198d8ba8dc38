"""The commands for whoever writes a project: check, test, preview and compare definitions; their schema."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lohko import show
from lohko.options import ByName, Json, load, print_fault
from pipelines.errors import ConfigError, LohkoError, SourceError, UsageError

if TYPE_CHECKING:
    from pipelines.segments.model import Segmentation
    from resources.project import Project


def check(context: typer.Context, json: Json = False) -> None:
    """Validate configuration, mappings and definitions without running anything."""
    faults: list[LohkoError] = []
    try:
        project = load(context)
        faults, segmentations, remark = _faults(project)
    except LohkoError as wrong:  # nothing else can be checked
        faults = [wrong]
    if json:
        show.print_json({"ok": not faults, "faults": [str(fault) for fault in faults]})
    else:
        for fault in faults:
            print_fault(fault)
    if faults:
        raise typer.Exit(max(faults, key=lambda f: not isinstance(f, SourceError)).exit_code)
    if not json:
        names = ", ".join(one.id for one in segmentations)
        show.console.print(
            f"{project.root}: ok. {len(project.config.sources)} sources; segmentations: {names}"
        )
        if remark:
            show.console.print(remark)


def _faults(project: Project) -> tuple[list[LohkoError], list[Segmentation], str]:
    """Every fault of a project whose project.yaml can be read; its segmentations; a remark on their ids."""
    from lohko.checking import check_configuration, check_sources, mapping_faults
    from lohko.checking_ids import reused_ids

    # Files are not read by mappings that are wrong themselves.
    if wrong := mapping_faults(project):
        return [*wrong], [], ""
    faults = check_sources(project)
    try:
        segmentations = check_configuration(project)
        reused, remark = reused_ids(project, segmentations)
    except LohkoError as fault:
        return [*faults, fault], [], ""
    return [*faults, *reused], segmentations, remark


def test(context: typer.Context, segmentation: ByName = None, json: Json = False) -> None:
    """Judge the tests that stand in segments/*.yaml, on the features of the latest day."""
    from lohko.testing import print_tested, run_tests, tested_json

    tested = run_tests(load(context), segmentation)
    if json:
        show.print_json(tested_json(tested))
    else:
        print_tested(tested)
        for fault in tested.faults:
            print_fault(fault)
    if tested.exit_code:
        raise typer.Exit(tested.exit_code)


def preview(
    context: typer.Context,
    what: Annotated[
        str | None, typer.Argument(help="A segmentation, or a definition's file. Default: every definition.")
    ] = None,
    segment: Annotated[str | None, typer.Option(help="Only this segment.")] = None,
    sample: Annotated[int, typer.Option(help="Members to name in each segment.", min=0, max=100)] = 5,
    json: Json = False,
) -> None:
    """What a definition would do today: sizes, what each condition keeps, overlaps. Nothing is recorded."""
    from lohko.preview import preview_json, print_preview, run_preview

    found = run_preview(load(context), what, segment, sample)
    if json:
        show.print_json(preview_json(found))
    else:
        print_preview(found)


def diff(
    context: typer.Context,
    against: Annotated[str, typer.Option(help="A git revision.")] = "HEAD",
    format: Annotated[str, typer.Option(help="text, json or markdown.")] = "text",
    sample: Annotated[int, typer.Option(help="Members to name in each flow.", min=0, max=100)] = 0,
) -> None:
    """Who moves, and with what revenue, when the edited definitions are run: against a git revision."""
    from lohko.diff import diff_json, markdown, print_diff, run_diff

    if format not in ("text", "json", "markdown"):
        raise UsageError(f"--format {format}: expected text, json or markdown")
    found = run_diff(load(context), against, sample)
    if format == "json":
        show.print_json(diff_json(found))
    elif format == "markdown":
        sys.stdout.write(markdown(found))
    else:
        print_diff(found)
        for fault in found.faults:
            print_fault(ConfigError(fault))
    if found.faults:
        raise typer.Exit(ConfigError.exit_code)


def schema(
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write it to this file.")] = None,
) -> None:
    """The JSON schema of segments/*.yaml, for editors that complete and check while you type."""
    from pipelines.config.schema import segments_schema

    if output is None:
        sys.stdout.write(segments_schema())
        return
    try:
        output.write_text(segments_schema(), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{output} cannot be written: {error.strerror}") from None
    show.console.print(
        f"Wrote {show.text(output)}. The first line of a file in segments/ then is, with the way to it:\n"
        "  # yaml-language-server: $schema=../segments.schema.json",
        highlight=False,
    )
