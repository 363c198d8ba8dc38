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
from pipelines.engine import qualified, quote, transaction
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
        }
        days = [Judged(*row) for row in con.execute(_VOLUME, here).fetchall()]
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


def _unjudged(judged: int) -> str:
    return "" if judged else f" (not judged: fewer than {MINIMUM_WEEKDAYS} same weekdays of history)"


def _values(
    con: duckdb.DuckDBPyConnection, table: str, here: dict[str, object], limits: VolumeLimits
) -> CheckResult:
    """Column by column: the share of missing values, and the level of figures, against the same weekdays."""
    found = con.execute(_VALUES, here).fetchall()
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


# What counts as delivered: files that are current in accepted batches, and those of the batch itself. A batch
# that replaces a file of another stands for what is left of that one too.
_DELIVERED = """
mine as (select path from ingest.file where batch_seq = $seq),
touched as (
    select distinct batch_seq from ingest.file
    where source = $source and (batch_seq = $seq or path in (select path from mine))
),
file as (
    select f.file_id, case when t.batch_seq is null then f.batch_seq else $seq end as delivery
    from ingest.file as f
    join ingest.batch as b on b.batch_seq = f.batch_seq
    left join touched as t on t.batch_seq = f.batch_seq
    where f.source = $source and (
        f.batch_seq = $seq
        or (f.current and b.status = 'accepted' and f.path not in (select path from mine))
    )
),
"""

_VOLUME = f"""
with {_DELIVERED}
delivered as (
    select business_date, delivery, sum(rows) as rows
    from ingest.volume_day join file using (file_id)
    where table_name = $table and not list_contains(cast($closed as date[]), business_date)
    group by all
),
day as (
    select business_date, cast(max(rows) as bigint) as rows, bool_or(delivery = $seq) as mine
    from delivered group by all
),
span as (
    select
        least(
            min(business_date) filter (delivery = $seq),
            max(business_date) filter (delivery <> $seq) + 1
        ) as first_date,
        -- LEAST passes over a NULL, and a batch without a day has no last one.
        case when bool_or(delivery = $seq)
            then least(max(business_date) filter (delivery = $seq), $through)
        end as last_date
    from delivered
),
wanted as (
    select cast(unnest(generate_series(first_date, last_date, interval 1 day)) as date) as business_date
    from span
),
compared as (
    select w.business_date, before.rows
    from wanted as w
    join day as before
        on before.business_date < w.business_date
        and date_diff('day', before.business_date, w.business_date) % 7 = 0
        and before.business_date >= w.business_date - cast(7 * $weekdays as integer)
)
select w.business_date, coalesce(any_value(d.rows), 0) as rows, median(c.rows) as expected,
    count(c.rows) as weekdays
from wanted as w
left join day as d on d.business_date = w.business_date
left join compared as c on c.business_date = w.business_date
where not list_contains(cast($closed as date[]), w.business_date)
    -- Of the days in between, those that nothing ever brought.
    and coalesce(d.mine, true)
group by w.business_date
having count(c.rows) >= {MINIMUM_WEEKDAYS}
order by w.business_date
"""

_VALUES = f"""
with {_DELIVERED}
day as (
    select business_date, column_name, delivery, sum(rows) as rows, sum(nulls) / sum(rows) as null_share,
        sum(mean * (rows - nulls)) / nullif(sum(if(mean is null, 0, rows - nulls)), 0) as mean,
        sum(median * (rows - nulls)) / nullif(sum(if(mean is null, 0, rows - nulls)), 0) as median,
        sum(p90 * (rows - nulls)) / nullif(sum(if(mean is null, 0, rows - nulls)), 0) as p90
    from ingest.volume_column join file using (file_id)
    where table_name = $table
        and not list_contains(cast($closed as date[]), business_date) and business_date <= $through
    group by business_date, column_name, delivery
    having sum(rows) >= {MINIMUM_ROWS}
    qualify row_number() over (
        partition by business_date, column_name order by sum(rows) desc, delivery desc
    ) = 1
),
figure as (
    unpivot (
        select business_date, column_name, delivery, null_share as "share of missing values", mean,
            median, p90 as "90th percentile"
        from day
    )
    on "share of missing values", mean, median, "90th percentile" into name figure value value
)
select f.business_date, f.column_name, f.figure, f.value, median(before.value) as usual
from figure as f
join figure as before
    on before.column_name = f.column_name and before.figure = f.figure
    and before.business_date < f.business_date
    and date_diff('day', before.business_date, f.business_date) % 7 = 0
    and before.business_date >= f.business_date - cast(7 * $weekdays as integer)
where f.delivery = $seq
group by f.business_date, f.column_name, f.figure, f.value
having count(*) >= {MINIMUM_WEEKDAYS}
order by f.business_date, f.column_name, f.figure
"""
