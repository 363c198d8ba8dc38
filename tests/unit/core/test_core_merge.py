"""Core merged batch by batch equals core rebuilt, and says whose features changed."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from core_history import Batch, History, Row
from fixtures.seeds import SEED
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from pipelines.contracts.registry import CONTRACTS
from pipelines.core import merge
from pipelines.core.merge import _latest, refresh
from pipelines.engine import columns_of

ROWS = st.lists(
    st.builds(Row, order=st.integers(1, 3), who=st.integers(1, 3), what=st.sampled_from([0, 1, 2, 2, -1])),
    min_size=1,
    max_size=4,
)
BATCHES = st.lists(
    st.tuples(
        st.builds(
            Batch,
            source=st.sampled_from(["shop", "lines"]),
            file=st.integers(0, 20),
            rows=ROWS,
            accepted=st.sampled_from([True, True, True, True, False]),
        ),
        st.sampled_from([True, True, True, False]),  # whether core is brought up before the next one
    ),
    min_size=1,
    max_size=4,
)
SETTINGS = settings(
    max_examples=6, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)


@pytest.fixture
def history(tmp_path: Path) -> Iterator[History]:
    made = History(tmp_path)
    yield made
    made.con.close()


@SETTINGS
@given(BATCHES)
def test_merged_batch_by_batch_is_the_same_as_rebuilt(batches: list[tuple[Batch, bool]]) -> None:
    check_merged(batches)


@pytest.mark.slow
@seed(SEED)
@settings(SETTINGS, derandomize=False, database=None, max_examples=60)
@given(BATCHES)
def test_merged_batch_by_batch_is_the_same_as_rebuilt_many_times(batches: list[tuple[Batch, bool]]) -> None:
    check_merged(batches)


def check_merged(batches: list[tuple[Batch, bool]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        history = History(Path(folder))
        # Both tables have been built once, so that what follows can be merged.
        history.land(orders((1, 1, 0), (2, 2, 1), file=0))
        history.land(lines((1, 1, 0), (2, 1, 1), (3, 1, 1), file=0))
        history.refresh()
        history.take_dirty()
        before = history.purchases()
        for one, bring_up in batches:
            history.land(one)
            if not bring_up:
                continue
            history.refresh()
            dirty, after = history.take_dirty(), history.purchases()
            changed = {c for c in {*before, *after} if before.get(c) != after.get(c)}
            assert changed <= dirty or None in dirty, "a customer's orders changed and nobody was told"
            before = after
        history.refresh()
        assert history.core() == history.rebuild()
        history.con.close()


def orders(*rows: tuple[int, int, int], file: int = 1, accepted: bool = True) -> Batch:
    return Batch("shop", file, [Row(*row) for row in rows], accepted)


def lines(*rows: tuple[int, int, int], file: int = 1) -> Batch:
    return Batch("lines", file, [Row(*row) for row in rows], True)


def test_a_second_batch_is_merged_and_not_rebuilt(history: History) -> None:
    history.land(orders((1, 1, 0)))
    assert history.refresh()["orders"].how == "rebuilt"
    history.land(orders((2, 2, 0), file=2))
    assert history.refresh()["orders"].how == "merged"
    assert history.refresh()["orders"].how == "unchanged"


def test_an_order_that_moves_touches_the_old_owner_and_the_new_one_and_no_other(history: History) -> None:
    history.land(orders((1, 1, 0), (2, 3, 0)))
    history.refresh()
    history.take_dirty()
    history.land(orders((1, 2, 0), file=2))
    history.refresh()
    assert history.take_dirty() == {"c1", "c2"}


def test_a_late_line_touches_the_customer_of_its_order(history: History) -> None:
    history.land(orders((1, 1, 0), (2, 2, 0)))
    history.land(lines((1, 1, 5)))
    history.refresh()
    history.take_dirty()
    history.land(lines((2, 1, 5), file=2))
    assert history.refresh()["order_lines"].how == "merged"
    assert history.take_dirty() == {"c2"}


def test_a_rebuild_touches_everyone(history: History) -> None:
    history.land(orders((1, 1, 0)))
    history.refresh()
    assert None in history.take_dirty()


def test_the_last_row_of_a_key_in_the_latest_batch_wins(history: History) -> None:
    history.land(orders((1, 1, 0), (1, 2, 0)))
    history.land(orders((2, 1, 0), (2, 3, 0), (2, 2, 0), file=2))
    history.refresh()
    assert [row[5] for row in history.core()["orders"]] == ["c2", "c2"]
    history.land(orders((1, 3, 0), file=3))
    history.refresh()
    assert [row[5] for row in history.core()["orders"]] == ["c2", "c3"]


def test_a_file_handed_in_again_takes_back_what_it_no_longer_says(history: History) -> None:
    history.land(orders((1, 1, 0), (2, 1, 0)))
    history.refresh()
    history.land(orders((2, 2, 0)))
    assert history.refresh()["orders"].how == "rebuilt"
    assert [row[4:6] for row in history.core()["orders"]] == [("o2", "c2")]


def test_a_batch_that_missed_its_merge_enters_though_a_rejected_one_came_after_it(history: History) -> None:
    history.land(orders((1, 1, 0)))
    history.refresh()
    history.land(orders((2, 1, 0), file=2))
    history.land(orders((3, 1, 0), file=3, accepted=False))
    history.refresh()
    assert [row[4] for row in history.core()["orders"]] == ["o1", "o2"]


def test_a_correction_with_a_fault_leaves_the_good_version(history: History) -> None:
    history.land(orders((1, 1, 0)))
    history.refresh()
    history.land(orders((1, 2, -1), (2, 2, 0), file=2))
    history.refresh()
    assert [row[4:6] for row in history.core()["orders"]] == [("o1", "c1"), ("o2", "c2")]


def test_a_table_that_no_source_maps_is_empty_and_has_the_contracts_columns(history: History) -> None:
    history.refresh()
    for table, contract in CONTRACTS.items():
        merged = refresh(history.con, contract, [])
        assert (merged.rows, merged.duplicate_keys) == (0, 0)
        names = {name: kind.split("(")[0] for name, kind in columns_of(history.con, f"core.{table}")}
        expected = {column.name: column.type.split("(")[0] for column in contract.columns}
        assert {name: names[name] for name in expected} == {
            name: "TIMESTAMP WITH TIME ZONE" if kind == "TIMESTAMPTZ" else kind
            for name, kind in expected.items()
        }
        assert contract.stored.keys() <= names.keys()


def test_a_table_whose_source_was_taken_out_of_the_project_is_emptied(history: History) -> None:
    history.land(orders((1, 1, 0)))
    history.refresh()
    history.take_dirty()
    assert refresh(history.con, CONTRACTS["orders"], []).rows == 0
    assert history.take_dirty() == {None}
    assert history.refresh()["orders"].rows == 1  # and comes back with it


@pytest.mark.parametrize("rebuilt", [False, True])
def test_a_key_that_stands_twice_is_detected(
    history: History, monkeypatch: pytest.MonkeyPatch, rebuilt: bool
) -> None:
    history.land(orders((1, 1, 0)))
    history.refresh()
    if rebuilt:
        history.con.execute("drop table core.orders")
    # Every row wins, as if the merge did not choose one a key.
    monkeypatch.setattr(merge, "_latest", lambda *words: _latest(*words).split(" qualify ")[0])
    history.land(orders((3, 1, 0), (3, 1, 1), file=2))
    found = history.refresh()["orders"]
    assert (found.how, found.duplicate_keys) == ("rebuilt" if rebuilt else "merged", 1)
