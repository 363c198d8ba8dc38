"""The record is committed with its invariants, or not at all: what breaks one leaves nothing of the day."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
from fixtures.alone import refresh
from fixtures.patience import PATIENCE
from fixtures.shop import Shelf, Shop

from pipelines.core import merge, state
from pipelines.engine import DuckDB
from pipelines.errors import InvariantError
from pipelines.refresh import segments
from pipelines.segments import evaluate, history, replay
from pipelines.segments.model import Segmentation

pytestmark = pytest.mark.alone
RAN, NEXT = date(2026, 3, 29), date(2026, 3, 30)
GOOD = '9001,C001,2026-03-29 12:00:00,web,paid,"900,00","0,00"'
# What differs by nature between two runs of the same days.
BY_NATURE = frozenset({"run_id", "recorded_at", "first_seen_at"})


@pytest.fixture
def due(shelf: Shelf) -> Shop:
    """A shop that has run, with a new order that moves a customer and the cut points of the tiers."""
    return with_order(shelf)


def with_order(shelf: Shelf) -> Shop:
    shop = shelf.ran()
    shop.deliver("orders-2.csv", GOOD)
    return shop


def lose_a_row(con: duckdb.DuckDBPyConnection) -> None:
    """A row of a batch is nowhere."""
    con.execute("update ingest.batch_table set rows_accepted = rows_accepted - 1 where batch_seq = 1")


def repeat_a_key(con: duckdb.DuckDBPyConnection) -> None:
    """An order stands twice in core, and whoever wrote it counted so."""
    con.execute("insert into core.orders from core.orders where order_id = '9001'")
    con.execute("insert into ingest.core_repeated values ('orders', 1)")


def never_bought(con: duckdb.DuckDBPyConnection) -> None:
    """Customers have less revenue in their features than in core."""
    con.execute("update features.customer_state set revenue_lifetime = 0 where revenue_lifetime > 0")


def leave_a_customer_out(con: duckdb.DuckDBPyConnection) -> None:
    """A customer is in no segment."""
    con.execute("update segments.current_customer set lifecycle = null where entity_id = 'C001'")


def stay_in_two_segments(con: duckdb.DuckDBPyConnection) -> None:
    """A customer stays in a second segment of a segmentation, and another customer nowhere."""
    con.execute(
        "create temp table stays as select entity_id, segment_id, row_number() over (order by entity_id) as n"
        " from segments.membership where left_date is null and segmentation_id = 'lifecycle'"
    )
    con.execute(
        "update segments.membership as m set entity_id = 'C002' from stays as s where n = 1"
        " and s.entity_id = m.entity_id and m.segmentation_id = 'lifecycle' and left_date is null"
    )


Patch = Callable[[duckdb.DuckDBPyConnection], None]
PATCHES: dict[Patch, str] = {
    lose_a_row: "batch 1 of source .* does not add up",
    repeat_a_key: "core.orders: 1 rows repeat a key",
    never_bought: "customer_revenue is .* expected equal figures",
    leave_a_customer_out: "segmentation lifecycle .* but 39 memberships",
    stay_in_two_segments: "segmentation lifecycle .* open stays",
}


def spoil(monkeypatch: pytest.MonkeyPatch, patch: Patch) -> None:
    """Patch the data when the day is appended and about to be checked."""
    check = segments.assert_recordable

    def spoiling(con: duckdb.DuckDBPyConnection, day: date, exclusive: Any) -> None:
        patch(con)
        check(con, day, exclusive)

    monkeypatch.setattr(segments, "assert_recordable", spoiling)


@pytest.mark.parametrize("day", [RAN, NEXT], ids=["the same day again", "the next day"])
@pytest.mark.parametrize("patch", PATCHES, ids=lambda patch: patch.__name__)
def test_a_day_that_breaks_an_invariant_leaves_nothing_and_the_next_good_run_is_as_if_it_had_not_been(
    due: Shop, shelf: Shelf, monkeypatch: pytest.MonkeyPatch, patch: Patch, day: date
) -> None:
    before, published = due.tables("segments", "roi", "drift", "marts"), due.published()
    with monkeypatch.context() as spoilt:
        spoil(spoilt, patch)
        with pytest.raises(InvariantError, match=PATCHES[patch]):
            refresh(due.project, day)
    assert due.tables("segments", "roi", "drift", "marts") == before
    assert due.published() == published
    assert refresh(due.project, day) is not None
    after = due.tables("segments", "roi", "drift", without=BY_NATURE)
    undisturbed = with_order(shelf)
    assert refresh(undisturbed.project, day) is not None
    assert after == undisturbed.tables("segments", "roi", "drift", without=BY_NATURE)


TESTS = Path(__file__).parents[1]
KILLED = """
import os, signal, sys
from datetime import date
from pathlib import Path
from fixtures.alone import refresh
from pipelines.refresh import segments
from resources.project import Project
# The day is appended, and nothing of it is committed but the cut points that it was evaluated by.
segments.assert_recordable = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
refresh(Project.load(Path(sys.argv[1])), date.fromisoformat(sys.argv[2]))
"""


def kill_before_the_commit(shop: Shop, day: date) -> None:
    command = [sys.executable, "-c", KILLED, str(shop.root), day.isoformat()]
    code = os.environ | {"PYTHONPATH": os.pathsep.join([str(TESTS.parent), str(TESTS)])}
    assert subprocess.run(command, env=code, check=False, timeout=PATIENCE).returncode == -signal.SIGKILL


def cut_points(shop: Shop) -> list[tuple[Any, ...]]:
    return shop.tables("segments")["segments.cut_point"]


@pytest.mark.parametrize("day", [RAN, NEXT], ids=["the same day again", "the next day"])
def test_a_day_that_is_killed_before_it_is_recorded_leaves_nothing_when_the_record_is_opened_again(
    due: Shop, shelf: Shelf, day: date
) -> None:
    before = due.tables("segments", "roi", "drift", "marts")
    kill_before_the_commit(due, day)
    assert cut_points(due) != before["segments.cut_point"], "it was killed when they had been written"
    with due.warehouse() as con:
        history.create(con)
    assert due.tables("segments", "roi", "drift", "marts") == before
    kill_before_the_commit(due, day)
    assert refresh(due.project, day) is not None
    after = due.tables("segments", "roi", "drift", without=BY_NATURE)
    undisturbed = with_order(shelf)
    assert refresh(undisturbed.project, day) is not None
    assert after == undisturbed.tables("segments", "roi", "drift", without=BY_NATURE)


def count_twice_before(monkeypatch: pytest.MonkeyPatch, latest: date) -> None:
    """Whoever is judged on a past day counts twice."""
    judge = evaluate.evaluate

    def twice(segmentation: Segmentation) -> Segmentation:
        result = segmentation.compiled.result
        doubled = replace(result, sql=f"unnest([{result.sql}, {result.sql}])")
        return replace(segmentation, compiled=replace(segmentation.compiled, result=doubled))

    def evaluating(engine: Any, day: date, entity: Any, everything: Any, held: Any = None) -> Any:
        judged = [twice(found) for found in everything] if day < latest else everything
        return judge(engine, day, entity, judged, held)

    monkeypatch.setattr(evaluate, "evaluate", evaluating)


def test_a_past_day_that_cannot_be_replayed_stops_publication_and_leaves_nothing_of_that_day(
    due: Shop, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    published = due.published()
    due.edit("recency_days > 45", "recency_days > 40", "segments/lifecycle.yaml")
    with monkeypatch.context() as spoilt:
        count_twice_before(spoilt, NEXT)
        told = r"segments.snapshot_day replayed .*2026-03-30 is recorded, but .* rows evaluated"
        with pytest.raises(InvariantError, match=told):
            refresh(due.project, NEXT)
    assert due.published() == published
    with due.warehouse() as con:
        engine, months = DuckDB(con), due.project.config.roi.months
        first, missing = (
            replay.needed_days(engine, NEXT, months)[0],
            replay.missing_days(engine, NEXT, months),
        )
        assert first in missing, "what stood of it was computed by the former definition"
        kept = con.execute("select distinct as_of_date from segments.replayed").fetchall()
        assert not {(day,) for day in missing}.intersection(kept)
    assert refresh(due.project, NEXT) is not None
    after = due.tables("segments", "roi", "drift", without=BY_NATURE | {"revision"})
    undisturbed = with_order(shelf)
    undisturbed.edit("recency_days > 45", "recency_days > 40", "segments/lifecycle.yaml")
    for _ in range(2):
        assert refresh(undisturbed.project, NEXT) is not None
    assert after == undisturbed.tables("segments", "roi", "drift", without=BY_NATURE | {"revision"})


def test_a_key_that_came_in_twice_is_refused_until_core_is_rebuilt(
    due: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    latest = merge._latest
    due.deliver("orders-2.csv", GOOD, GOOD)
    with monkeypatch.context() as broken:
        broken.setattr(merge, "_latest", lambda *words: str(latest(*words)).split(" qualify ")[0])
        with pytest.raises(InvariantError, match="unique_key"):
            refresh(due.project, NEXT)
        with due.warehouse() as con:
            assert state.repeated_keys(con) == {"orders": 1}
        # Nothing new has come: what stands twice still does.
        with pytest.raises(InvariantError, match="unique_key"):
            refresh(due.project, NEXT)
    assert refresh(due.project, NEXT) is not None
    with due.warehouse() as con:
        assert state.repeated_keys(con) == {}
        assert con.execute("select count(*) from core.orders where order_id = '9001'").fetchone() == (1,)
