"""Whether the sources of one entity say the same of it: told by column and pair of sources, and where.

A value that another source hides is no fault of a row, so nothing is held. Told are counts and places, file
and row; what the sources say may be personal, and stands in no check.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.contracts.keys import decided_by
from pipelines.contracts.registry import CONTRACTS
from pipelines.core import following
from pipelines.engine import Table, load_query, relation_exists, row_count
from pipelines.ingest.quality import CheckResult
from pipelines.refresh.checks import Check, Outcome, facts_of
from pipelines.refresh.ports import Project

if TYPE_CHECKING:
    import duckdb

SAMPLES = 5


def tables(project: Project) -> list[str]:
    """The tables in which rows of several sources are put together."""
    return [
        table
        for table, sources in project.mapped.items()
        if len(sources) > 1 and (CONTRACTS[table].describes or _shared(project, table))
    ]


def _shared(project: Project, table: str) -> bool:
    """Whether a source shares the keys of a table that each source numbers for itself."""
    decides = decided_by(CONTRACTS[table])
    rules = [project.config.sources[source].keys.get(decides) for source in project.mapped[table]]
    return bool(CONTRACTS[table].own_key) and any(rule is not None and rule.same for rule in rules)


def checks_of(project: Project) -> list[Check]:
    """A check for each table of several sources."""
    return [_check(table) for table in tables(project)]


def _check(table: str) -> Check:
    return Check(f"core.{table}", "sources_agree", _told(table))


def _told(table: str) -> str:
    return f"sources that know one key of {table} say the same of it; where not, the first of them counts"


def result(con: duckdb.DuckDBPyConnection, table: str) -> CheckResult:
    """How often sources of a table disagree, as kept when it was brought up, and where."""
    kept = following.disagreement(CONTRACTS[table])
    found: list[tuple[str, str, str, int]] = []
    samples: tuple[str, ...] = ()
    if relation_exists(con, kept):
        columns = load_query("core/queries/disagreement_of_column").filled(disagreement=Table(kept))
        found = con.execute(columns).fetchall()
        places = load_query("core/queries/disagreement_place").filled(disagreement=Table(kept))
        samples = tuple(place for (place,) in con.execute(places, {"samples": SAMPLES}).fetchall())
    told = "; ".join(f"{column}: {one} and {other} on {keys:,}" for column, one, other, keys in found)
    return CheckResult(
        table=table,
        name="sources_agree",
        description=f"{_told(table)} ({told})" if told else _told(table),
        severity="advisory",
        passed=not found,
        unexpected=sum(keys for *_, keys in found),
        elements=row_count(con, f"core.{table}"),
        samples=samples,
    )


def outcome(found: CheckResult) -> Outcome:
    """The same for whoever shows the run."""
    return _check(found.table).outcome(
        found.passed, critical=False, **facts_of(found), told=found.description
    )
