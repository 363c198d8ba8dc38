"""Tests of definitions on five customers, every verdict checked by hand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import duckdb
import pytest
from population import RULES, D, empty_population, fill, load
from portable import faults

from pipelines.engine import DuckDB, relation_exists
from pipelines.errors import ConfigError
from pipelines.segments.definitions import Definitions
from pipelines.segments.dry import assigned, members_of, undone
from pipelines.segments.testing import Verdict, evaluate_tests

# new: a, b; near: c; away: d, e (of whom nothing is known).
PEOPLE = {
    "a": {"recency_days": 1, "preferred_store": "north", "revenue_365d": 10, "in_crm": True},
    "b": {"recency_days": 10, "preferred_store": "north", "revenue_365d": 12, "in_crm": False},
    "c": {"recency_days": 11, "preferred_store": "south", "revenue_365d": 50, "in_crm": True},
    "d": {"recency_days": 31, "preferred_store": "south", "revenue_365d": 52, "in_crm": False},
    "e": {},
}
AUDIENCES = """
segmentation: groups
name: Groups
kind: audiences
audiences:
  - {id: crm, name: CRM, when: in_crm}
  - {id: recent, name: Recent, when: recency_days <= 10}
"""


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with empty_population() as con:
        fill(con, D, PEOPLE)
        yield con


class Portable(DuckDB):
    """DuckDB that is asked nothing but what Spark answers alike."""

    def rows(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        assert faults(sql) == []
        return super().rows(sql, parameters)


def verdicts(
    con: duckdb.DuckDBPyConnection, folder: Path, text: str, tests: str, *more: str
) -> list[Verdict]:
    """The verdicts of the first definition's tests."""
    found = load(folder, f"{text}\ntests: {tests}\n", *more)
    one = next(s for s in found if s.definition.tests is not None)
    with undone(con):
        assigned(con, Definitions(tuple(found)).plan("customer"), D)
        return evaluate_tests(Portable(con), D, one, members_of(one), found)


def failed(found: list[Verdict]) -> list[tuple[str, str | None, str]]:
    return [(one.test, one.segment_id, one.found) for one in found if not one.passed]


def test_sizes_of_every_segment_and_of_one(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    found = verdicts(con, tmp_path, RULES, "{min_size: 2, max_size: {new: 2, away: 1}}")
    assert [(one.test, one.segment_id, one.passed) for one in found] == [
        ("min_size", "new", True),
        ("max_size", "new", True),
        ("min_size", "near", False),
        ("min_size", "away", True),
        ("max_size", "away", False),
    ]
    assert failed(found) == [("min_size", "near", "1"), ("max_size", "away", "2")]


def test_shares_are_of_all_members(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    found = verdicts(con, tmp_path, RULES, "{min_share: {near: 0.2}, max_share: {'*': 0.2, away: 0.4}}")
    assert failed(found) == [("max_share", "new", "0.4")]
    assert [one.segment_id for one in found if one.passed] == ["near", "near", "away"]


def test_a_segment_of_nobody_has_size_nought(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    nobody = RULES.replace("recency_days <= 30", "recency_days = 5")
    assert failed(verdicts(con, tmp_path, nobody, "{min_size: 1}")) == [("min_size", "near", "0")]


def test_once_is_of_exclusive_segments_and_may_be_asked_of_audiences(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    assert not failed(verdicts(con, tmp_path, RULES, "{every_customer_once: true}"))
    # d and e are in no audience, a in both.
    assert failed(verdicts(con, tmp_path, AUDIENCES, "{every_customer_once: true}")) == [
        ("every_customer_once", None, "2 in none, 1 in several")
    ]


def test_examples_name_who_is_elsewhere_and_who_is_no_customer(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    tests = "{examples: {new: {in: [a, c, 7], out: [b, d]}, near: {in: [c]}}}"
    new, near = verdicts(con, tmp_path, RULES, tests)
    assert near.passed and not near.ids
    assert not new.passed and new.found == "2 of 5 match; 1 are no customer of the day"
    assert new.ids == (
        "c: in near, expected in new",
        f"7: no customer on {D}, expected in new",
        "b: in new, expected not in new",
    )
    assert not any(one.split(":")[0] in new.message.split() for one in new.ids)


def test_an_id_that_is_no_customer_is_not_out_of_a_segment(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    (found,) = verdicts(con, tmp_path, RULES, "{examples: {new: {out: [nobody]}}}")
    assert not found.passed and found.ids == (f"nobody: no customer on {D}, expected not in new",)


def test_a_forbidden_feature_is_found_through_a_reference(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    outer = AUDIENCES.replace("when: in_crm}", "when: \"in_segment('cycle.new')\"}")
    used = verdicts(con, tmp_path, outer, "{must_not_use: [in_crm, Recency_Days]}", RULES)
    assert failed(used) == [("must_not_use", None, "recency_days read")]
    # The same, where only the segmentation that is referred to reads it.
    only = outer.replace("recency_days <= 10", "revenue_365d > 0")
    assert failed(verdicts(con, tmp_path, only, "{must_not_use: [recency_days]}", RULES))
    assert not failed(verdicts(con, tmp_path, only, "{must_not_use: [in_crm]}", RULES))


def test_a_score_reads_its_feature(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    scores = """
segmentation: rfm
name: RFM
kind: scores
scores: {m: {feature: revenue_365d, bins: 2}}
segments: [{id: much, name: Much, when: m = 2}]
otherwise: {id: rest, name: Rest}
outside: {id: out, name: Out}
"""
    assert failed(verdicts(con, tmp_path, scores, "{must_not_use: [revenue_365d]}"))


def test_a_stand_in_is_found_by_association(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    tests = "{must_not_use: [preferred_store, revenue_365d, in_crm], proxy_below: 0.5}"
    found = [one for one in verdicts(con, tmp_path, RULES, tests) if one.test == "proxy_below"]
    # Stores by segment: new 2 north; near 1 south; away 1 south. phi^2 = 1, less 2*1/3;
    # the room is min(3 - 4/3, 2 - 1/3) - 1 = 2/3: the root of 1/2.
    assert [(one.passed, one.found) for one in found] == [
        (False, "0.707"),
        # Revenue, of mean 31: 800 + 361 + 441 lie between, 2 within: 1 - 2/1604 * 3/1 is 0.998 squared.
        (False, "0.998"),
        # In the CRM: one of each of new's two, near's yes, away's no: phi^2 = 1/2 < 2/3.
        (True, "0.000"),
    ]


def test_of_audiences_each_is_measured_alone(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    tests = "{must_not_use: [preferred_store], proxy_below: 0.9}"
    found = [one for one in verdicts(con, tmp_path, AUDIENCES, tests) if one.test == "proxy_below"]
    assert [(one.segment_id, one.passed) for one in found] == [("crm", True), ("recent", False)]


def test_what_nobody_has_cannot_be_measured_and_says_so(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    tests = "{must_not_use: [last_purchase_date, preferred_category], proxy_below: 0.1}"
    found = [one for one in verdicts(con, tmp_path, RULES, tests) if one.test == "proxy_below"]
    assert [one.passed for one in found] == [True, True]
    assert found[0].found == "not measurable: it does not vary"
    assert found[1].found == "not measurable: there is no preferred_category in this project"


@pytest.mark.parametrize(
    ("tests", "place", "what"),
    [
        ("{min_size: {nwe: 1}}", "tests.min_size.nwe", "cycle has no segment nwe; did you mean new"),
        ("{examples: {off: {in: [a]}}}", "tests.examples.off", "(known: new, near, away)"),
        ("{examples: {new: {}}}", "tests.examples.new", "names nobody"),
        ("{examples: {new: {in: [a], out: [a]}}}", "tests.examples.new", "under both"),
        ("{must_not_use: [recency_dayz]}", "tests.must_not_use.0", "did you mean recency_days"),
        ("{proxy_below: 0.3}", "tests", "proxy_below needs must_not_use"),
        ("{min_size: 5, max_size: 3}", "tests", "min_size lies above max_size"),
        ("{max_share: 3}", "tests.max_share", "less than or equal to 1"),
        ("{min_size: true}", "tests.min_size", "valid dictionary"),
        ("{min_sise: 3}", "tests.min_sise", "did you mean min_size"),
    ],
)
def test_a_test_that_tests_nothing_is_refused(tmp_path: Path, tests: str, place: str, what: str) -> None:
    with pytest.raises(ConfigError) as fault:
        load(tmp_path, f"{RULES}tests: {tests}\n")
    assert f"{tmp_path / 'one.yaml'}:" in str(fault.value)
    assert place in str(fault.value) and what in str(fault.value)


def test_tests_are_no_part_of_the_version(tmp_path: Path) -> None:
    (without,) = load(tmp_path, RULES)
    (tested,) = load(tmp_path, RULES + "tests: {min_size: 1}\n")
    assert tested.version == without.version


def test_judging_leaves_nothing_behind(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    tables = "select schema_name, table_name from duckdb_tables() order by all"
    before = con.execute(tables).fetchall()
    verdicts(con, tmp_path, RULES, "{min_size: 1}")
    assert con.execute(tables).fetchall() == before
    assert not relation_exists(con, "segments.cut_point")
