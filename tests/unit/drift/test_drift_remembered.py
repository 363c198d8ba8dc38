"""Attributes are compared with what was known on the baseline day; missing is a category of its own."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from math import nan

import pytest
from drift_base import AS_OF, BASELINE, Base

from pipelines.drift.remembered import TABLE, remember
from pipelines.engine import DuckDB

N = 400
FULL = [float(1000 + (n * 37) % 900) for n in range(N)]
HALVES = ["a" if n % 2 else "b" for n in range(N)]


def known(share: int) -> list[float | None]:
    """The attribute of every customer, where one of so many has it."""
    return [value if n % share == 0 else None for n, value in enumerate(FULL)]


def keep(base: Base, day: date, *, since: date = BASELINE) -> None:
    remember(DuckDB(base.con), day, ["income"], bins=10, since=since)


def verdicts(base: Base) -> dict[tuple[str | None, str | None], tuple[str, int, int]]:
    found = base.con.execute(
        "select segmentation_id, segment_id, verdict, n_baseline, n_current from drift.verdict"
        " where feature = 'income'"
    ).fetchall()
    return {row[:2]: row[2:] for row in found}


@pytest.mark.parametrize(
    ("then", "now", "verdict"),
    [
        (known(1), known(20), "alert"),
        (known(20), known(1), "alert"),
        (known(1), [nan] * N, "alert"),
        ([nan] * N, known(1), "alert"),
        (known(1), known(1), "ok"),
        (known(2), known(2), "ok"),
        ([nan] * N, [nan] * N, "ok"),
    ],
)
def test_what_was_known_then_is_compared_though_the_crm_says_otherwise_now(
    base: Base, then: Sequence[float | None], now: Sequence[float | None], verdict: str
) -> None:
    base.day(BASELINE, {"income": then}, {"half": HALVES})
    keep(base, BASELINE)
    base.con.execute("delete from features.customer")
    for day in (BASELINE, AS_OF):  # the CRM of today stands in every past day that is computed again
        base.day(day, {"income": now})
    base.con.execute(
        "insert into segments.assignment select ?, segmentation_id, segment_id, entity_kind, entity_id"
        " from segments.assignment",
        [AS_OF],
    )
    base.measure("income", minimum_n=100)
    found = verdicts(base)
    assert {group: told[0] for group, told in found.items()} == dict.fromkeys(
        [(None, None), ("half", "a"), ("half", "b")], verdict
    )
    assert found[None, None][1:] == (N, N) and found["half", "a"][1:] == (N // 2, N // 2)
    assert base.con.execute("select count(*) from drift.verdict where not isfinite(psi)").fetchone() == (0,)


def test_kept_counts_give_what_the_rows_themselves_give(base: Base) -> None:
    for day, values in ((BASELINE, known(3)), (AS_OF, [value and value * 1.3 for value in known(2)])):
        base.day(day, {"income": values}, {"half": HALVES})
    base.measure("income", minimum_n=100)
    columns = "segmentation_id, segment_id, psi, p_value, n_baseline, n_current, verdict"
    read = f"select {columns} from drift.verdict where feature = 'income' order by all"
    of_rows = base.con.execute(read).fetchall()
    keep(base, BASELINE)
    base.measure("income", minimum_n=100)
    assert base.con.execute(read).fetchall() == of_rows and len(of_rows) == 3


def test_a_day_is_kept_once_and_old_days_go(base: Base) -> None:
    for day in (BASELINE, AS_OF):
        base.day(day, {"income": FULL})
        keep(base, day)
        keep(base, day)
    days = "select as_of_date, sum(customers) from drift.remembered group by 1 order by 1"
    assert base.con.execute(days).fetchall() == [(BASELINE, N), (AS_OF, N)]
    keep(base, AS_OF, since=AS_OF)
    assert base.con.execute(f"select distinct as_of_date from {TABLE}").fetchall() == [(AS_OF,)]
