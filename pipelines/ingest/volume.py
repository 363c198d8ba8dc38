"""How much a source brings a day, against the same weekdays before: half a file and a missing day show.

Ratios and expected days, never exact counts. Every staged batch adds what it brings a day to
`ingest.volume_day` and `ingest.volume_column`, small tables with a row a file and day (and column), and is
judged on them alone: the cost follows the batch, not the history.

What a day brought is its largest delivery: a late row adds little to a day, a file that is sent again repeats
it. A corrected file counts with the rest of the delivery it corrects.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date
from math import sqrt
from typing import TYPE_CHECKING

from pipelines.config.quality import VolumeLimits
from pipelines.contracts.registry import CONTRACTS
from pipelines.engine import load_query, qualified, quote, transaction
from pipelines.ingest.mapping import Mapping
from pipelines.ingest.quality import SAMPLES, CheckResult

if TYPE_CHECKING:
    import duckdb

# With fewer same weekdays a median says little; the day is not judged.
MINIMUM_WEEKDAYS = 4
# A count of n varies by its square root: closer than three of them is chance, whatever the ratio.
# Of the larger count, because a median of small counts is itself chance, and all of a long history is judged.
CHANCE = 3
# Shares and quantiles of fewer rows are not compared.
MINIMUM_ROWS = 100

CHECKS = {
    "volume_same_weekday": "each day has about as many rows as the same weekdays before",
    "days_complete": "no day is missing that the same weekdays before make expected",
    "values_same_weekday": "missing values and the level of figures are as on the same weekdays before",
}
COLLAPSED = "volume_not_collapsed"


@dataclass(frozen=True)
class Judged:
    """One day of a table: its rows, and those of the same weekdays before."""

    day: date
    rows: int
    expected: float
    weekdays: int

    @property
    def beyond_chance(self) -> bool:
        return abs(self.rows - self.expected) > CHANCE * sqrt(max(self.rows, self.expected))

    def outside(self, low: float, high: float) -> bool:
        """Whether the ratio lies outside, by more than chance."""
        return self.beyond_chance and not low * self.expected <= self.rows <= high * self.expected

    @property
    def told(self) -> str:
        share = f"{self.rows / self.expected:.0%}" if self.expected else "?"
        return f"{self.day}: {self.rows:,} rows, {share} of the median of {self.weekdays} weekdays"


def specs(tables: Collection[str], limits: VolumeLimits) -> list[tuple[str, str, str]]:
    """Table, name and description of every volume check of a source; declared before any data is there."""
    found = []
    for table in tables:
        if not dated(table, tables):
            continue
        found += [(table, name, description) for name, description in CHECKS.items()]
        if limits.reject_below is not None:
            found.append((table, COLLAPSED, _collapsed_told(limits.reject_below)))
    return found


def _collapsed_told(share: float) -> str:
    return f"no day has less than {share:.0%} of the rows of the same weekdays before"


def dated(table: str, tables: Collection[str]) -> bool:
    """Whether rows of a table have a day: their own, or lines that of the order in the same row."""
    contract = CONTRACTS.get(table)
    return bool(contract and contract.event) or (table == "order_lines" and "orders" in tables)


def record(con: duckdb.DuckDBPyConnection, seq: int, mappings: Sequence[Mapping]) -> None:
    """Add what a staged batch brings a day; a batch recorded before is recorded anew."""
    tables = [mapping.contract.table for mapping in mappings]
    with transaction(con):
        for table in ("ingest.volume_day", "ingest.volume_column"):
            con.execute(f"delete from {table} where batch_seq = ?", [seq])
        for mapping in mappings:
            if dated(mapping.contract.table, tables):
                _record(con, seq, mapping)


def _record(con: duckdb.DuckDBPyConnection, seq: int, mapping: Mapping) -> None:
    table, event = mapping.contract.table, mapping.contract.event
    rows = f"{qualified(mapping.stage)} as s"
    day = f"s.{quote(event)}" if event else 's."business_date"'
    if event is None:
        orders = qualified(f"stage.{mapping.source}__orders")
        rows = f"{orders} as s join {qualified(mapping.stage)} as l using (_file_id, _row)"
        day = f"s.{quote(CONTRACTS['orders'].event or '')}"
    values = "l" if event is None else "s"
    good = f"{values}._fault_reason is null and {day} is not null"
    here: dict[str, object] = {"seq": seq, "source": mapping.source, "table": table}
    con.execute(
        f"insert into ingest.volume_day select $seq, _file_id, $source, $table, {day}, count(*)"
        f" from {rows} where {good} group by all",
        here,
    )
    for column, numeric in _key_columns(mapping):
        value = f"{values}.{quote(column)}"
        figures = "null, null, null"
        if numeric:
            number = f"cast({value} as double)"
            figures = f"avg({number}), quantile_cont({number}, 0.5), quantile_cont({number}, 0.9)"
        con.execute(
            f"insert into ingest.volume_column select $seq, _file_id, $source, $table, {day}, $column,"
            f" count(*), count(*) - count({value}), {figures} from {rows} where {good} group by all",
            here | {"column": column},
        )


def _key_columns(mapping: Mapping) -> list[tuple[str, bool]]:
    """The mapped columns of the contract that may be empty or hold a figure; ids and times say nothing."""
    return [
        (column.name, column.type.startswith("DECIMAL"))
        for column in mapping.contract.columns
        if column.name in mapping.mapped
        and (column.type.startswith("DECIMAL") or (column.type == "VARCHAR" and not column.required))
    ]


def volume_checks(
    con: duckdb.DuckDBPyConnection,
    seq: int,
    source: str,
    tables: Collection[str],
    limits: VolumeLimits,
    *,
    through: date | None = None,
    closed: Collection[date] = (),
) -> list[CheckResult]:
    """The volume checks of a recorded batch.

    Parameters
    ----------
    seq : the number of the batch.
    tables : the canonical tables of the batch.
    limits : the source's limits, as configured.
    through : the last day that has ended; what came of later days is not whole yet and is not judged.
    closed : days without business: not expected, and no measure for others.
    """
    results: list[CheckResult] = []
    for table in tables:
        if not dated(table, tables):
            continue
        here = {
            "seq": seq,
            "source": source,
            "table": table,
            "through": through or date.max,
            "closed": sorted(closed),
            "weekdays": limits.weekdays,
            "minimum": MINIMUM_WEEKDAYS,
        }
        days = [Judged(*row) for row in con.execute(_of_delivered("volume_of_day"), here).fetchall()]
        results.append(_volume(table, [volume_day for volume_day in days if volume_day.rows], limits))
        results.append(_missing(table, days))
        results.append(_values(con, table, here, limits))
        if limits.reject_below is not None:
            results.append(
                _collapsed(table, [volume_day for volume_day in days if volume_day.rows], limits.reject_below)
            )
    return results


def _volume(table: str, days: Sequence[Judged], limits: VolumeLimits) -> CheckResult:
    odd = [volume_day for volume_day in days if volume_day.outside(limits.low, limits.high)]
    return _checked(table, "volume_same_weekday", days, odd)


def _missing(table: str, days: Sequence[Judged]) -> CheckResult:
    gone = [volume_day for volume_day in days if volume_day.rows == 0 and volume_day.beyond_chance]
    return _checked(table, "days_complete", days, gone)


def _collapsed(table: str, days: Sequence[Judged], share: float) -> CheckResult:
    odd = [volume_day for volume_day in days if volume_day.outside(share, float("inf"))]
    result = _checked(table, COLLAPSED, days, odd, _collapsed_told(share))
    return replace(result, severity="critical")


def _checked(
    table: str, name: str, days: Sequence[Judged], odd: Sequence[Judged], told: str | None = None
) -> CheckResult:
    judged = len(days)
    return CheckResult(
        table=table,
        name=name,
        description=(told or CHECKS[name]) + _unjudged(judged),
        severity="advisory",
        passed=not odd,
        unexpected=len(odd),
        elements=judged,
        samples=tuple(volume_day.told for volume_day in odd[-SAMPLES:]),
    )


def was_judged(result: CheckResult) -> bool:
    """Whether there was anything to compare with; results that are not of volumes were always judged."""
    return result.name not in {*CHECKS, COLLAPSED} or result.elements > 0


def _unjudged(judged: int) -> str:
    return "" if judged else f" (not judged: fewer than {MINIMUM_WEEKDAYS} same weekdays of history)"


def _values(
    con: duckdb.DuckDBPyConnection, table: str, here: dict[str, object], limits: VolumeLimits
) -> CheckResult:
    """Column by column: the share of missing values, and the level of figures, against the same weekdays."""
    found = con.execute(_of_delivered("figure_of_day"), here | {"minimum_rows": MINIMUM_ROWS}).fetchall()
    odd = []
    for day, column, figure, value, usual in found:
        if figure == "share of missing values":
            if abs(value - usual) > limits.null_shift:
                odd.append(f"{day}: {figure} of {column} {value:.0%}, usually {usual:.0%}")
        elif not _within(value, usual, limits.value_ratio):
            odd.append(f"{day}: {figure} of {column} {_times(value, usual)} the usual")
    return CheckResult(
        table=table,
        name="values_same_weekday",
        description=CHECKS["values_same_weekday"] + _unjudged(len(found)),
        severity="advisory",
        passed=not odd,
        unexpected=len(odd),
        elements=len(found),
        samples=tuple(odd[-SAMPLES:]),
    )


def _within(value: float, usual: float, ratio: float) -> bool:
    """Whether two figures are within a factor of each other; a figure around 0 has no factor."""
    if usual == 0:
        return True
    return 1 / ratio <= value / usual <= ratio


def _times(value: float, usual: float) -> str:
    return f"{value / usual:.2g} times"


def _of_delivered(name: str) -> str:
    """A query over the files that count as delivered."""
    delivered_file = load_query("ingest/queries/delivered_file")
    return load_query(f"ingest/queries/{name}").filled(delivered_file=delivered_file)
