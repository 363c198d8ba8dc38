"""The record is committed with its invariants, or not at all: what breaks one leaves nothing of the day."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import duckdb
import pytest
from fixtures.alone import refresh
from fixtures.shop import Shelf, Shop

from pipelines.core import merge
from pipelines.errors import InvariantError
from pipelines.refresh import segments

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
            assert merge.repeated_keys(con) == {"orders": 1}
        # Nothing new has come: what stands twice still does.
        with pytest.raises(InvariantError, match="unique_key"):
            refresh(due.project, NEXT)
    assert refresh(due.project, NEXT) is not None
    with due.warehouse() as con:
        assert merge.repeated_keys(con) == {}
        assert con.execute("select count(*) from core.orders where order_id = '9001'").fetchone() == (1,)
