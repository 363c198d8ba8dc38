"""Great Expectations on the incoming batch, by SQL inside DuckDB: cost follows the batch, not the history."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipelines.contracts.model import Check, Contract, Severity
from pipelines.ingest.mapping import Mapping
from pipelines.steps import row_count

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True)
class CheckResult:
    """What one check found in one batch; counts only, never values."""

    table: str
    name: str
    description: str
    severity: Severity
    passed: bool
    unexpected: int
    elements: int

    @property
    def percent(self) -> float:
        return 100 * self.unexpected / self.elements if self.elements else 0.0


def checks_for(contract: Contract, mapped: Collection[str], max_bad_share: float) -> list[Check]:
    """The suite of one mapped table: generated from its contract, plus the contract's own checks.

    Parameters
    ----------
    mapped : the columns the source maps; a check that needs another is left out.
    max_bad_share : share of rows (0..1) that may have a fault before the batch is rejected.
    """
    generated = [
        Check(
            "has_rows",
            "ExpectTableRowCountToBeBetween",
            {"min_value": 1},
            "the batch is not empty",
            severity="critical",
        ),
        Check(
            "rows_without_fault",
            "ExpectColumnValuesToBeNull",
            {"column": "_fault_reason", "mostly": 1 - max_bad_share},
            f"at most {max_bad_share:.1%} of the rows have a missing, unreadable or forbidden value",
            severity="critical",
        ),
    ]
    generated += [
        Check(
            f"{name}_not_null",
            "ExpectColumnValuesToNotBeNull",
            {"column": name, "mostly": 1 - max_bad_share},
            f"{name} is given",
            severity="critical",
        )
        for name in contract.required
    ]
    return generated + [check for check in contract.checks if set(check.needs) <= set(mapped)]


def validate(con: duckdb.DuckDBPyConnection, mapping: Mapping, checks: Sequence[Check]) -> list[CheckResult]:
    """Run the suite on the staged batch of a mapping.

    Raises
    ------
    RuntimeError
        When Great Expectations could not evaluate a check: a bug, never a verdict on the data.
    """
    if mapping.operation is not None and not row_count(con, mapping.judged):
        return [_nothing_to_judge(mapping, check) for check in checks]
    gx = _great_expectations()
    schema, table = mapping.judged.split(".")
    from sqlalchemy.pool import StaticPool

    from pipelines.ingest import gx_dialect

    gx_dialect.register()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its own deprecations are not the user's
        context = gx.get_context(mode="ephemeral")
        context.variables.progress_bars = {"globally": False, "metric_calculations": False}
        source = context.data_sources.add_sql(
            "warehouse",
            connection_string=gx_dialect.URL,
            kwargs={"creator": lambda: gx_dialect.BorrowedConnection(con), "poolclass": StaticPool},
        )
        batch = (
            source.add_table_asset(table, table_name=table, schema_name=schema)
            .add_batch_definition_whole_table("batch")
            .get_batch()
        )
        suite = gx.ExpectationSuite(
            name=table,
            expectations=[
                getattr(gx.expectations, check.expectation)(**check.arguments, meta={"check": check.name})
                for check in checks
            ],
        )
        outcome = batch.validate(
            suite, result_format={"result_format": "BASIC", "partial_unexpected_count": 0}
        )
    rows = row_count(con, mapping.judged)
    by_name = {result.expectation_config.meta["check"]: result for result in outcome.results}
    return [_result(mapping, check, by_name[check.name], rows) for check in checks]


def _result(mapping: Mapping, check: Check, outcome: Any, rows: int) -> CheckResult:
    details: dict[str, Any] = outcome.result
    if not details:
        raise RuntimeError(f"Great Expectations could not evaluate {check.name}: {outcome.exception_info}")
    observed = details.get("observed_value", 0)
    unexpected = details.get("unexpected_count", observed if isinstance(observed, int) else 0)
    elements = details.get("element_count", rows)
    if check.expectation == "ExpectTableRowCountToBeBetween":
        unexpected = int(not outcome.success)
    return CheckResult(
        table=mapping.contract.table,
        name=check.name,
        description=check.description,
        severity=check.severity,
        passed=bool(outcome.success),
        unexpected=int(unexpected or 0),
        elements=int(elements or 0),
    )


def _nothing_to_judge(mapping: Mapping, check: Check) -> CheckResult:
    """A change feed may bring deletions alone: no row of it claims anything."""
    return CheckResult(mapping.contract.table, check.name, check.description, check.severity, True, 0, 0)


def _great_expectations() -> Any:
    """Import Great Expectations: seconds, so only when a batch has come; quietly, and without telemetry."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    logging.getLogger("great_expectations").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import great_expectations
    return great_expectations


def store(
    con: duckdb.DuckDBPyConnection, seq: int, source: str, run_id: str, results: Sequence[CheckResult]
) -> None:
    """Append the results to `quality.result`."""
    for r in results:
        con.execute(
            "insert into quality.result values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                seq,
                source,
                r.table,
                r.name,
                r.description,
                r.severity,
                r.passed,
                r.unexpected,
                r.elements,
                r.percent,
                run_id,
            ],
        )


def stored(con: duckdb.DuckDBPyConnection, source: str, seq: int | None = None) -> list[CheckResult]:
    """The results of one batch of a source; by default its newest judged one."""
    found = con.execute(
        "select table_name, check_name, description, severity, passed, unexpected_count, element_count"
        " from quality.result where source = $source and batch_seq ="
        " coalesce($seq, (select max(batch_seq) from quality.result where source = $source))",
        {"source": source, "seq": seq},
    ).fetchall()
    return [CheckResult(*row) for row in found]
