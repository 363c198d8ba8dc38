"""What must hold of a day for it to be recorded, and once more for it to be published.

Accounting, keys and the bridge are of what the day was computed from; exclusivity is of what was appended.
Recording asks in the transaction that appends the day. Publication asks again: marts can be made and
published by hand, after the run that found core or a past day at fault.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import TYPE_CHECKING

from pipelines.core.state import repeated_keys
from pipelines.engine import DuckDB
from pipelines.errors import InvariantError
from pipelines.ingest.batch import unbalanced
from pipelines.publish.bridge import READY, bridge_faults
from pipelines.segments.history import assert_exclusive
from pipelines.segments.replay import missing_days

if TYPE_CHECKING:
    import duckdb


def assert_recordable(con: duckdb.DuckDBPyConnection, day: date, exclusive: Sequence[str]) -> None:
    """Refuse a day that was appended in the open transaction when one invariant does not hold.

    Parameters
    ----------
    exclusive : the segmentations whose segments exclude each other.

    Raises
    ------
    InvariantError
        Naming everything that is broken; the caller's transaction takes the day back.
    """
    broken = [*_accounting(con), *_keys(con), *_exclusivity(con, day, exclusive), *_bridge(con, day)]
    if broken:
        raise InvariantError(f"{day} was not recorded: {'; '.join(broken)}")


def assert_publishable(
    con: duckdb.DuckDBPyConnection, day: date, exclusive: Sequence[str], months: int
) -> None:
    """Refuse to publish a day when core, the record or the past days that it is measured by are not sound.

    Where the bridge leads is asked when the marts are built, of which it is one.

    Parameters
    ----------
    exclusive : the segmentations whose segments exclude each other.
    months : how many months of past days are needed.

    Raises
    ------
    InvariantError
        Naming everything that is broken.
    """
    broken = [*_accounting(con), *_keys(con), *_exclusivity(con, day, exclusive)]
    broken += [f"the past day {past} is not replayed" for past in missing_days(DuckDB(con), day, months)]
    if broken:
        raise InvariantError(
            f"{day} was not published: {'; '.join(broken)}. What was published before stays; run everything"
        )


def _accounting(con: duckdb.DuckDBPyConnection) -> Iterator[str]:
    for source, seq, account in unbalanced(con):
        yield (
            f"batch {seq} of source {source} does not add up: {account.table} has {account.landed} rows"
            f" landed, {account.accepted} accepted, {account.quarantined} quarantined,"
            f" {account.repeated} repeated, {account.conflicting} conflicting,"
            f" {account.superseded} superseded, {account.deleted} deleted"
        )


def _keys(con: duckdb.DuckDBPyConnection) -> Iterator[str]:
    for table, repeated in repeated_keys(con).items():
        yield f"core.{table}: {repeated} rows repeat a key; expected every key once"


def _exclusivity(con: duckdb.DuckDBPyConnection, day: date, exclusive: Sequence[str]) -> Iterator[str]:
    try:
        assert_exclusive(con, day, exclusive)
    except InvariantError as fault:
        yield str(fault)


def _bridge(con: duckdb.DuckDBPyConnection, day: date) -> list[str]:
    """The features that customers were segmented by add up to what core and the sources say."""
    customers = "features.customer where as_of_date = $day"
    return bridge_faults(con, READY["revenue_bridge"], READY["revenue_day"], customers, day)
