"""Great Expectations on the incoming batch, by SQL inside DuckDB: cost follows the batch, not the history."""

from __future__ import annotations

import logging
import os
import re
import warnings
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pipelines.config.gx_catalogue import QUERY
from pipelines.config.project import Source
from pipelines.config.quality import FaultLimits
from pipelines.contracts.model import Check, Contract, Severity
from pipelines.engine import columns_of, insert_rows, load_query, qualified, quote, row_count, transaction
from pipelines.errors import ConfigError
from pipelines.ingest.expected import PLACE, PREFIX
from pipelines.ingest.mapping import Mapping

if TYPE_CHECKING:
    import duckdb

SAMPLES = 5
_WRAPPERS = frozenset({"MetricResolutionError", "ProgrammingError", "OperationalError", "DBAPIError"})


@dataclass(frozen=True)
class CheckResult:
    """What one check found in one table: counts, and where up to five of the rows stand; never values.

    `detail` is what the reason of a rejection adds to the counts, such as the names of columns.
    """

    table: str
    name: str
    description: str
    severity: Severity
    passed: bool
    unexpected: int
    elements: int
    samples: tuple[str, ...] = ()
    detail: str = ""

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


def checks_of(
    contract: Contract, mapped: Collection[str], source: Source, own: Sequence[Check] = ()
) -> list[Check]:
    """Every check on a batch of a source: the contract's, the source's limits, the project's own.

    Parameters
    ----------
    contract : the contract of the canonical table.
    mapped : the columns that the source maps.
    own : the project's own checks of the table.
    """
    return [
        *checks_for(contract, mapped, source.fail_share),
        *fault_limits(source.quality),
        *own,
    ]


def fault_limits(limits: FaultLimits) -> list[Check]:
    """A check for each further limit on rows with a fault that a source sets."""
    found = []
    if limits.warn_share is not None:
        found.append(
            Check(
                "few_faults",
                "ExpectColumnValuesToBeNull",
                {"column": "_fault_reason", "mostly": 1 - limits.warn_share},
                f"at most {limits.warn_share:.1%} of the rows have a fault",
            )
        )
    if limits.warn_count is not None:
        found.append(_at_most("few_faults_counted", limits.warn_count, "advisory"))
    if limits.fail_count is not None:
        found.append(_at_most("rows_without_fault_counted", limits.fail_count, "critical"))
    return found


def _at_most(name: str, count: int, severity: Severity) -> Check:
    # The library knows shares only. Beyond the limit every faulty row is unexpected, up to it none is.
    query = (
        "select _file_id, _row from {batch} where _fault_reason is not null"
        f" qualify count(*) over () > {count}"
    )
    arguments = {"unexpected_rows_query": query}
    return Check(name, QUERY, arguments, f"at most {count:,} rows have a fault", severity)


def validate(con: duckdb.DuckDBPyConnection, mapping: Mapping, checks: Sequence[Check]) -> list[CheckResult]:
    """Run the suite on the staged batch of a mapping; the faulty rows' places come with each result.

    Raises
    ------
    ConfigError, RuntimeError
        As `validate_table`.
    """
    if mapping.operation is not None and not row_count(con, mapping.judged):
        return [_nothing_to_judge(mapping, check) for check in checks]
    return validate_table(con, mapping.judged, mapping.contract.table, checks, PLACE)


def validate_table(
    con: duckdb.DuckDBPyConnection,
    target: str,
    shown: str,
    checks: Sequence[Check],
    place: tuple[str, ...] = (),
) -> list[CheckResult]:
    """Run checks on one committed table.

    Parameters
    ----------
    checks : the checks to run.
    target : the table, `schema.name`.
    shown : the name under which results are kept.
    place : columns that tell where a row came from; without them, results have no samples.

    Raises
    ------
    ConfigError
        When an expectation of the project's own cannot be evaluated. What DuckDB says is left out: it quotes
        values.
    RuntimeError
        When a check of a contract cannot be evaluated: a bug, never a verdict on the data.
    """
    have = {name for name, _ in columns_of(con, target)}
    rows = row_count(con, target)
    able = [check for check in checks if not _is_own(check) or set(check.needs) <= have]
    found = _evaluate(con, target, able, place if set(place) <= have else ()) if able else {}
    results = []
    for check in checks:
        if check.name in found:
            results.append(_result(con, target, shown, check, found[check.name], rows))
        else:
            lacks = ", ".join(sorted(set(check.needs) - have))
            told = f"{check.description} (there is no column {lacks})"
            results.append(CheckResult(shown, check.name, told, check.severity, False, rows, rows))
    return results


def _is_own(check: Check) -> bool:
    """Whether the project wrote it: only then may a column be absent, an attribute that a file lacks."""
    return check.name.startswith(PREFIX)


def _evaluate(
    con: duckdb.DuckDBPyConnection, target: str, checks: Sequence[Check], place: tuple[str, ...]
) -> dict[str, Any]:
    """Check name -> what Great Expectations found."""
    gx = _great_expectations()
    schema, table = target.split(".")
    from sqlalchemy.dialects import postgresql
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
        # It writes patterns (LIKE, regular expressions) only for dialects it knows; ours speaks PostgreSQL's.
        source.get_execution_engine().dialect_module = postgresql
        batch = (
            source.add_table_asset(table, table_name=table, schema_name=schema)
            .add_batch_definition_whole_table("batch")
            .get_batch()
        )
        suite = gx.ExpectationSuite(name=table, expectations=[_built(gx, check) for check in checks])
        form: dict[str, Any] = {"result_format": "BASIC", "partial_unexpected_count": 0}
        if place:
            form |= {"unexpected_index_column_names": list(place), "return_unexpected_index_query": True}
        outcome = batch.validate(suite, result_format=form)
    return {result.expectation_config.meta["check"]: result for result in outcome.results}


def _built(gx: Any, check: Check) -> Any:
    """The library's own object; it refuses values that no expectation of the kind can have."""
    try:
        return getattr(gx.expectations, check.expectation)(**check.arguments, meta={"check": check.name})
    except ValueError as fault:
        raise ConfigError(
            f"expectations: {check.name.removeprefix(PREFIX)} ({check.expectation}):"
            f" {' '.join(str(fault).split())}"
        ) from None


def _result(
    con: duckdb.DuckDBPyConnection, target: str, shown: str, check: Check, outcome: Any, rows: int
) -> CheckResult:
    details: dict[str, Any] = outcome.result
    if _faults(outcome):
        if "Query interrupted" in str(outcome.exception_info):
            raise KeyboardInterrupt  # Great Expectations takes Ctrl-C within a statement for a fault of it
        if not _is_own(check):
            raise RuntimeError(
                f"Great Expectations could not evaluate {check.name}: {outcome.exception_info}"
            )
        raise ConfigError(
            f"expectations: {check.name.removeprefix(PREFIX)} of {shown} cannot be evaluated: do its values"
            f" fit the type of its column? ({check.expectation}, {_fault_kind(outcome)})"
        )
    passed = bool(outcome.success)
    samples: tuple[str, ...] = ()
    elements = details.get("element_count", rows)
    if check.expectation == QUERY:
        unexpected = details["observed_value"]
        if unexpected:
            samples = _samples(con, check.arguments["unexpected_rows_query"].format(batch=qualified(target)))
    elif "element_count" in details:
        unexpected = details.get("unexpected_count", 0)
        # Its query of the places leaves a row_condition out, and would name rows that are not meant.
        if unexpected and "row_condition" not in check.arguments:
            samples = _samples(con, _places(target, check, details))
    else:
        unexpected = int(not passed)  # a figure of the whole table is right or wrong
    return CheckResult(
        table=shown,
        name=check.name,
        description=check.description,
        severity=check.severity,
        passed=passed,
        unexpected=int(unexpected or 0),
        elements=int(elements or 0),
        samples=samples,
    )


def _faults(outcome: Any) -> list[dict[str, Any]]:
    """What the library caught while it judged: one entry, or one for each figure it tried."""
    info = dict(outcome.exception_info or {})
    entries = [info] if "raised_exception" in info else list(info.values())
    return [entry for entry in entries if entry.get("raised_exception")]


def _fault_kind(outcome: Any) -> str:
    """The class of the fault, without its message, which may quote a value of the data."""
    kinds = re.findall(r"\b(\w+(?:Error|Exception))\b", str(_faults(outcome)))
    return next((kind for kind in kinds if kind not in _WRAPPERS), "unknown fault")


def _places(target: str, check: Check, details: dict[str, Any]) -> str:
    """A query of the unexpected rows' places; empty where the library gives none."""
    if not details.get("unexpected_index_query"):
        return ""  # a mart: its rows stand in no file
    if check.expectation == "ExpectCompoundColumnsToBeUnique":  # the library's own does not bind
        key = [quote(column) for column in check.arguments["column_list"]]
        empty = " and ".join(f"{part} is null" for part in key)
        return (
            f"select _file_id, _row from {qualified(target)} where not ({empty})"
            f" qualify count(*) over (partition by {', '.join(key)}) > 1"
        )
    return str(details["unexpected_index_query"])


def _samples(con: duckdb.DuckDBPyConnection, query: str) -> tuple[str, ...]:
    """Where the first few rows of a query stand: `file:row`; none where it returns no places."""
    query = query.strip().rstrip(";")
    if not query:
        return ()
    columns = {row[0] for row in con.execute(f"describe {query}").fetchall()}
    if not set(PLACE) <= columns:
        return ()
    found = con.execute(
        f"with places as (select distinct _file_id, _row from ({query})"
        f" order by _file_id, _row limit {SAMPLES})"
        " select path, _row from places join ingest.file on file_id = _file_id order by _file_id, _row"
    ).fetchall()
    return tuple(f"{path}:{row}" for path, row in found)


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


@dataclass(frozen=True)
class Reason:
    """Why rows of a batch went to quarantine, how many, and where up to five of them stand."""

    table: str
    reason: str
    column: str
    rows: int
    samples: tuple[str, ...]


def reasons(con: duckdb.DuckDBPyConnection, seq: int | None) -> list[Reason]:
    """The reasons of a batch's quarantine, the most frequent first; none without a batch."""
    query = load_query("ingest/queries/reason_of_quarantine")
    found = con.execute(query.sql, {"seq": seq, "samples": SAMPLES}).fetchall()
    return [Reason(table, reason, column, rows, tuple(at)) for table, reason, column, rows, at in found]


def store(
    con: duckdb.DuckDBPyConnection, seq: int, source: str, run_id: str, results: Sequence[CheckResult]
) -> None:
    """Append the results to `quality.result`, and the places to `quality.sample`.

    Parameters
    ----------
    seq : the number of the batch.
    results : what the checks found.
    """
    with transaction(con):
        judged = [
            (
                *(seq, source, r.table, r.name, r.description, r.severity, r.passed),
                *(r.unexpected, r.elements, r.percent, run_id),
            )
            for r in results
        ]
        insert_rows(con, "quality.result", judged)
        places = [
            (seq, source, r.table, r.name, position, sample)
            for r in results
            for position, sample in enumerate(r.samples, 1)
        ]
        insert_rows(con, "quality.sample", places)


def stored(con: duckdb.DuckDBPyConnection, source: str, seq: int | None = None) -> list[CheckResult]:
    """The results of one batch of a source; by default its newest judged one."""
    query = load_query("ingest/queries/quality_result")
    found = con.execute(query.sql, {"source": source, "seq": seq}).fetchall()
    return [replace(CheckResult(*row[:7]), samples=tuple(row[7] or ())) for row in found]
