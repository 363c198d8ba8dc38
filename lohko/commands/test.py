"""`lohko test`: the tests of the definitions, on the features of the latest day."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

import typer
from rich.table import Table

from lohko.commands.shared import show
from lohko.commands.shared.latest import Latest, chosen, latest
from lohko.commands.shared.options import ByName, Json, load, print_fault
from pipelines.engine import DuckDB
from pipelines.errors import ConfigError
from pipelines.segments.definitions import Definitions
from pipelines.segments.dry import members_of
from pipelines.segments.model import Segmentation
from pipelines.segments.testing import Verdict, evaluate_tests
from resources.project import Project

FAILED = 4


@dataclass(frozen=True)
class Tested:
    """What was tested on which day, and what could not be because its definition is at fault."""

    day: date
    verdicts: list[Verdict]
    untested: list[str]
    faults: list[ConfigError]
    remarks: list[str]

    @property
    def exit_code(self) -> int:
        """A faulty definition counts for more than a failed test: it was not tested at all."""
        if self.faults:
            return ConfigError.exit_code
        return 0 if all(verdict.passed for verdict in self.verdicts) else FAILED


def test(context: typer.Context, segmentation: ByName = None, json: Json = False) -> None:
    """Run the tests in segments/*.yaml on the features of the latest day."""
    tested = run_tests(load(context), segmentation)
    if json:
        show.print_json(tested_json(tested))
    else:
        print_tested(tested)
        for fault in tested.faults:
            print_fault(fault)
    if tested.exit_code:
        raise typer.Exit(tested.exit_code)


def run_tests(project: Project, name: str | None) -> Tested:
    """Judge the tests of one segmentation, or of all.

    Raises
    ------
    LohkoError
        See `latest` and `chosen`.
    """
    with latest(project, "test") as at:
        definitions = at.load()
        wanted = chosen(definitions, name)
        tested = [segmentation for segmentation in wanted if segmentation.definition.tests is not None]
        remarks = at.assign(definitions, tested)
        return Tested(
            at.day,
            verdicts_of(at, definitions, tested),
            [segmentation.id for segmentation in wanted if segmentation.definition.tests is None],
            [] if name else list(dict.fromkeys(definitions.faults.values())),
            remarks,
        )


def verdicts_of(
    at: Latest, definitions: Definitions, segmentations: list[Segmentation], table: str = "dry_assigned"
) -> list[Verdict]:
    """The verdicts on members that `Latest.assign` has judged."""
    return [
        verdict
        for segmentation in segmentations
        for verdict in evaluate_tests(
            DuckDB(at.con),
            at.day,
            segmentation,
            members_of(segmentation, f"{table}_{segmentation.entity}"),
            definitions.segmentations,
        )
    ]


def tested_json(tested: Tested) -> dict[str, Any]:
    """The same for programs."""
    return {
        "as_of_date": tested.day,
        "passed": tested.exit_code == 0,
        "verdicts": [asdict(verdict) for verdict in tested.verdicts],
        "without_tests": tested.untested,
        "faults": [str(fault) for fault in tested.faults],
        "remarks": tested.remarks,
    }


def print_tested(tested: Tested) -> None:
    """The same for a person."""
    if tested.verdicts:
        show.console.print(verdict_table(f"Tests of definitions, {tested.day}", tested.verdicts))
    for verdict in tested.verdicts:
        for line in verdict.ids:
            show.console.print(f"{verdict.segmentation_id}: example {show.text(line)}", highlight=False)
    for remark in tested.remarks:
        show.console.print(f"[yellow]note:[/] {show.text(remark)}", highlight=False)
    if tested.untested:
        show.console.print(f"without tests: {', '.join(tested.untested)}", highlight=False)
    failed = sum(not verdict.passed for verdict in tested.verdicts)
    if tested.verdicts:
        show.console.print(
            f"{len(tested.verdicts)} tests: {len(tested.verdicts) - failed} passed, {failed} failed"
        )


def verdict_table(title: str, verdicts: list[Verdict]) -> Table:
    """One row a test."""
    return show.table(
        title,
        ["verdict", "segmentation", "test", "segment", "expected", "found"],
        [
            [
                "[green]passed[/]" if verdict.passed else "[red]failed[/]",
                verdict.segmentation_id,
                verdict.test,
                verdict.segment_id or "–",
                show.text(verdict.expected),
                show.text(verdict.found),
            ]
            for verdict in verdicts
        ],
    )
