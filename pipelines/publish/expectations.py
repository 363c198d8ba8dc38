"""What a project expects of its marts: judged before they are published, and kept with those of batches.

Great Expectations reads committed data, so the marts are built first and judged then. A failed critical
expectation stops the publication; what was published before stays.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from pipelines.engine import load_step, transaction
from pipelines.errors import InvariantError
from pipelines.ingest import quality
from pipelines.ingest.expected import Suite
from pipelines.ingest.quality import CheckResult
from pipelines.publish.marts import table_of

if TYPE_CHECKING:
    import duckdb

# Under this name a mart's results stand among those of sources, with no batch.
SOURCE = "marts"
NO_BATCH = 0


def mart_columns(mart: str) -> Collection[str] | None:
    """The columns a mart's SELECT names; None where it takes all of another table."""
    names = load_step(f"publish/marts/{mart}").columns
    return None if "*" in names else names


def suites_of(suites: Sequence[Suite], mart: str) -> list[Suite]:
    """The suites for one mart."""
    return [suite for suite in suites if suite.kind == "mart" and suite.table == mart]


def judge_marts(con: duckdb.DuckDBPyConnection, suites: Sequence[Suite], run_id: str) -> list[CheckResult]:
    """Judge every mart that a suite is for, and keep the results as those of this run.

    A step that runs again within its run replaces them.
    """
    marts = dict.fromkeys(suite.table for suite in suites if suite.kind == "mart")
    results: list[CheckResult] = []
    for mart in marts:
        checks = [check for suite in suites_of(suites, mart) for check in suite.checks]
        results += quality.validate_table(con, table_of(mart), mart, checks)
    if marts:
        with transaction(con):
            con.execute(
                "delete from quality.result where source = ? and batch_seq = ? and run_id = ?",
                [SOURCE, NO_BATCH, run_id],
            )
            quality.store(con, NO_BATCH, SOURCE, run_id, results)
    return results


def assert_expected(con: duckdb.DuckDBPyConnection) -> None:
    """Publication checks again for itself that no critical expectation failed when the marts were made.

    That run may have been another one: it ended there, and somebody publishes by hand.

    Raises
    ------
    InvariantError
        Naming each; nothing is published.
    """
    failed = con.execute(
        "select table_name, check_name, unexpected_count, element_count from quality.result"
        " where source = ? and batch_seq = ? and run_id = (select run_id from marts.run)"
        " and severity = 'critical' and not passed order by all",
        [SOURCE, NO_BATCH],
    ).fetchall()
    if failed:
        told = "; ".join(f"{mart}.{name}: {bad} of {rows}" for mart, name, bad, rows in failed)
        raise InvariantError(
            f"the marts are not as the project expects: {told}. Nothing was published; what was published"
            " before stays. Correct the data or the expectation, and run again"
        )
