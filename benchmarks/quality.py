"""What judging a batch costs: 1.47 million rows, 15 expectations, against an empty and a long history.

    python benchmarks/quality.py --rows 1470000

Prints seconds beyond the import of Great Expectations; each figure is the best of three.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from datetime import date

import duckdb

from pipelines.config.project import Source
from pipelines.config.quality import VolumeLimits
from pipelines.contracts.model import Check
from pipelines.contracts.registry import CONTRACTS
from pipelines.engine import connect
from pipelines.ingest import ledger, quality, volume
from pipelines.ingest.mapping import Mapping, parse_mapping

COLUMNS = ["order_id", "customer_id", "ordered_at", "channel", "revenue", "discount"]
TARGET = 2.0
EXPECTATIONS = 15
OWN = [
    Check("expect_a", "ExpectColumnValuesToBeBetween", {"column": "revenue", "min_value": 0}, ""),
    Check("expect_b", "ExpectColumnValuesToBeBetween", {"column": "discount", "max_value": 1e6}, ""),
    Check("expect_c", "ExpectColumnValuesToBeInSet", {"column": "channel", "value_set": ["web", "shop"]}, ""),
    Check("expect_d", "ExpectColumnValuesToNotBeNull", {"column": "channel"}, ""),
    Check("expect_e", "ExpectColumnValuesToMatchRegex", {"column": "order_id", "regex": r"^o\d+$"}, ""),
    Check("expect_f", "ExpectColumnValueLengthsToBeBetween", {"column": "order_id", "max_value": 12}, ""),
    Check("expect_g", "ExpectColumnMeanToBeBetween", {"column": "revenue", "min_value": 1}, ""),
    Check("expect_h", "ExpectColumnMaxToBeBetween", {"column": "revenue", "max_value": 1e6}, ""),
    Check("expect_i", "ExpectColumnSumToBeBetween", {"column": "discount", "min_value": 0}, ""),
    Check(
        "expect_j",
        "UnexpectedRowsExpectation",
        {"unexpected_rows_query": "select _file_id, _row from {batch} where discount > revenue"},
        "",
    ),
]


def staged(con: duckdb.DuckDBPyConnection, rows: int, history_days: int) -> Mapping:
    """A batch of one day's orders, and days of earlier files in the small tables of volumes."""
    ledger.create(con)
    source = Source.model_validate({"files": "*", "tables": {"orders": {name: name for name in COLUMNS}}})
    mapping = parse_mapping("shop", source, "orders", COLUMNS)
    con.execute(
        "create or replace table stage.shop__orders as select 2::bigint as _batch_seq,"
        " 1000000::bigint as _file_id, i as _row, 'o' || i as order_id, 'c' || i % 90000 as customer_id,"
        " timestamptz '2026-03-02 12:00+00' as ordered_at, null::varchar as store_id,"
        " if(i % 3 = 0, 'shop', 'web') as channel, 'completed' as status,"
        " (i % 997 + 1)::decimal(18, 4) as revenue, (i % 7 / 10)::decimal(18, 4) as discount,"
        " null::decimal(18, 4) as coupon_discount, date '2026-03-02' as business_date,"
        f" null::varchar as _fault_reason from range({rows}) t(i)"
    )
    con.execute(
        "insert into ingest.batch values (1, 'shop', 'r', now(), 'accepted', null, 1, false, null),"
        " (2, 'shop', 'r', now(), 'staged', null, 1, false, null)"
    )
    con.execute(
        f"insert into ingest.file select i, 'shop', 'd' || i, 1, 1, 'x', 1, {rows}, true"
        f" from range({history_days}) t(i)"
    )
    con.execute(f"insert into ingest.file values (1000000, 'shop', 'new', 1, 1, 'x', 2, {rows}, false)")
    con.execute(
        "insert into ingest.volume_day select 1, i, 'shop', 'orders',"
        f" date '2026-03-01' - i::integer, {rows} from range({history_days}) t(i)"
    )
    return mapping


def best_of_three(work: Callable[[], object]) -> float:
    seconds = []
    for _ in range(3):
        began = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - began)
    return min(seconds)


def checks_of(mapping: Mapping) -> list[Check]:
    """Fifteen: what the contract has, filled up with a project's own."""
    return [*quality.checks_for(mapping.contract, mapping.mapped, 0.01), *OWN][:EXPECTATIONS]


def measure(rows: int, history_days: int) -> tuple[float, float]:
    """Seconds of the expectations, and of the volumes, for one batch."""
    with connect(config={"threads": 2}) as con:
        mapping = staged(con, rows, history_days)
        checks = checks_of(mapping)
        assert len(checks) == EXPECTATIONS and CONTRACTS["orders"] is mapping.contract  # noqa: S101
        judged = best_of_three(lambda: quality.validate(con, mapping, checks))

        def volumes() -> None:
            volume.record(con, 2, [mapping])
            volume.volume_checks(con, 2, "shop", ["orders"], VolumeLimits(), through=date(2026, 3, 2))

        return judged, best_of_three(volumes)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_470_000)
    rows = parser.parse_args().rows
    began = time.perf_counter()
    measure(10, 1)
    print(f"import and first use: {time.perf_counter() - began:.2f} s")
    for days in (0, 365, 3650):
        judged, volumes = measure(rows, days)
        verdict = "met" if judged + volumes <= TARGET else "missed"
        print(
            f"{rows:,} rows, {days:,} days of history: {EXPECTATIONS} expectations {judged:.2f} s,"
            f" volumes {volumes:.2f} s; target {TARGET:g} s: {verdict}"
        )


if __name__ == "__main__":
    main()
