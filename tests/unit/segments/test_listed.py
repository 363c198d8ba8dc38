"""How many ids of a list are members of the day, and what is told of the others."""

from __future__ import annotations

from pathlib import Path

import pytest
from population import FEATURES, D, empty_population, fill

from pipelines.engine import DuckDB, rows
from pipelines.refresh.coverage import _of_list
from pipelines.segments import listed
from pipelines.segments.definitions import load_definitions
from pipelines.segments.listed import Listed

LISTED = """
segmentation: uploads
name: Uploads
kind: lists
segments:
  - {id: up, name: Up, file: up.csv}
  - {id: all, name: All, file: all.csv}
"""
MEMBERS = {"007": {}, "008": {}, "Päivi": {}}


def measured(folder: Path, ids: list[str]) -> dict[str, Listed]:
    con = empty_population()
    fill(con, D, MEMBERS)
    (folder / "uploads.yaml").write_text(LISTED, encoding="utf-8")
    for name, members in (("up", ids), ("all", [*MEMBERS])):
        (folder / f"{name}.csv").write_text("\n".join(["customer_id", *members]), encoding="utf-8")
    found = load_definitions(folder, {"customer": FEATURES}, {}, root=folder)
    segmentations = list(found.checked())
    found.plan().prepare(DuckDB(con), D)
    of_day = {of_list.segment: of_list for of_list in listed.measure(DuckDB(con), D, segmentations)}
    kept = rows(con, "from segments.list_coverage order by segment_id")
    assert {row["segment_id"]: (row["ids"], row["known_ids"]) for row in kept} == {
        name: (of_list.ids, of_list.known) for name, of_list in of_day.items()
    }
    listed.measure(DuckDB(con), D, [])
    assert not rows(con, "from segments.list_coverage")
    return of_day


@pytest.mark.parametrize(
    ("ids", "known", "kinds", "passes"),
    [
        (["007", "008"], 2, "", True),
        (["7", "8"], 0, "leading zeros (2)", False),
        (["stranger", "none"], 0, "", False),
        (["007", "008", "stranger"], 2, "", False),
        (["007", "008", "päivi"], 2, "letter case (1)", False),
        (["007", "008", "Pa\u0308ivi"], 3, "", True),
        (["007", "008", "7"], 2, "leading zeros (1)", False),
    ],
)
def test_a_list_is_told_unless_nearly_all_of_it_are_members(
    tmp_path: Path, ids: list[str], known: int, kinds: str, passes: bool
) -> None:
    found = measured(tmp_path, ids)
    up = found["up"]
    assert (up.ids, up.known, up.kinds) == (len(ids), known, kinds)
    assert (found["all"].known, found["all"].kinds) == (3, "")
    check = _of_list(up)
    assert check.passed is passes
    assert (check.unexpected, check.elements) == (len(ids) - known, len(ids))
    assert ("matches nobody" in check.description) is (known == 0)
    assert not any(identifier in check.description for identifier in ids)


def test_one_in_ten_may_be_missing() -> None:
    assert _of_list(Listed("uploads", "up", "customer", 10, 9)).passed
    assert not _of_list(Listed("uploads", "up", "customer", 20, 17)).passed
