"""The verdicts of a run: the tests of the day's definitions, kept so that publishing can ask for them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

from pipelines.engine import DuckDB, insert_rows, relation_exists, transaction
from pipelines.segments.dry import recorded_members
from pipelines.segments.model import Segmentation
from pipelines.segments.testing import Verdict, evaluate_tests

if TYPE_CHECKING:
    import duckdb

TABLE = """
create table if not exists segments.test_verdict (
    as_of_date date not null, segmentation_id varchar not null, test varchar not null, segment_id varchar,
    passed boolean not null, expected varchar not null, found varchar not null
)
"""


def judge_day(
    con: duckdb.DuckDBPyConnection, day: date, segmentations: Sequence[Segmentation]
) -> list[Verdict]:
    """Judge the tests of all definitions on the day as it was assigned, and keep the verdicts of that day.

    Ids of examples are not kept.
    """
    verdicts = [
        verdict
        for segmentation in segmentations
        for verdict in evaluate_tests(
            DuckDB(con), day, segmentation, recorded_members(segmentation, day), segmentations
        )
    ]
    with transaction(con):
        con.execute(TABLE)
        con.execute("delete from segments.test_verdict where as_of_date = ?", [day])
        found = [
            (
                day,
                verdict.segmentation_id,
                verdict.test,
                verdict.segment_id,
                verdict.passed,
                verdict.expected,
                verdict.found,
            )
            for verdict in verdicts
        ]
        insert_rows(con, "segments.test_verdict", found)
    return verdicts


def failed_on(con: duckdb.DuckDBPyConnection, day: date) -> dict[str, str]:
    """Segmentation -> which of its tests failed on the day; none where all passed or none was judged."""
    if not relation_exists(con, "segments.test_verdict"):
        return {}
    found = con.execute(
        "select segmentation_id, string_agg(test || coalesce(' of ' || segment_id, '') || ': expected '"
        " || expected || ', found ' || found, '; ' order by rowid)"
        " from segments.test_verdict where as_of_date = ? and not passed group by segmentation_id",
        [day],
    ).fetchall()
    return dict(found)
