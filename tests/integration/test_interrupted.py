"""A run that somebody stops says so and ends with 130, wherever it is; what was published stands."""

from __future__ import annotations

import signal
import threading

import duckdb
import pytest
from fixtures.patience import PATIENCE
from fixtures.shop import Shop

from lohko.commands.shared.options import is_interruption
from pipelines.engine import connect


@pytest.mark.parametrize(
    ("number", "stage"), [(signal.SIGINT, "segments and their history"), (signal.SIGTERM, "ingest")]
)
def test_a_signal_ends_a_run_with_130_and_without_a_traceback(
    shop: Shop, number: signal.Signals, stage: str
) -> None:
    before = shop.published()
    with shop.start("run") as process:
        assert process.stderr is not None
        told = ""
        while stage not in told:
            line = process.stderr.readline()
            assert line, told
            told += line
        process.send_signal(number)
        told += process.stderr.read()
        code = process.wait(timeout=PATIENCE)
    assert (code, "Traceback" in told, "interrupted: the previous publication stays" in told) == (
        130,
        False,
        True,
    ), told
    last = shop.control.last_run()
    assert last is not None and (last.status, last.message) == ("failed", "the run was interrupted")
    assert shop.published() == before
    ended = shop.lohko("run", "--json")
    assert ended.code == 0, ended.err


def test_what_duckdb_makes_of_a_signal_is_known_also_where_it_is_wrapped() -> None:
    # Ctrl-C within a statement; no other thread can send it there, so that it is made here.
    by_signal = RuntimeError("Query interrupted")
    with connect() as con:
        timer = threading.Timer(0.2, con.interrupt)
        timer.start()
        with pytest.raises(duckdb.InterruptException) as by_hand:
            con.execute("select count(*) from range(1000000) a, range(1000000) b where a.range * b.range < 0")
        timer.join()
    for fault in (by_signal, by_hand.value):
        assert is_interruption(fault)
        with pytest.raises(ValueError, match="evaluated") as wrapped:
            raise ValueError("cannot be evaluated") from fault
        assert is_interruption(wrapped.value)
        fault.__context__ = wrapped.value  # as Dagster leaves it: in a circle
        assert is_interruption(wrapped.value)
    circle = ValueError("x")
    circle.__context__ = ValueError("y")
    circle.__context__.__context__ = circle
    assert not is_interruption(circle)
    assert not is_interruption(RuntimeError("Query failed")) and not is_interruption(ValueError("x"))
