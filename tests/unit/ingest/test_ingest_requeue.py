"""Replay and verdicts by hand, beside core: what is judged again is written down once, as it is now."""

from __future__ import annotations

from operator import itemgetter

import pytest
from ingest_desk import HEADER, ORDERS, Desk, order, shop

from pipelines.core.requeue import Requeued, requeue
from pipelines.ingest import decision
from pipelines.ingest.quarantine import Wanted, faulty_rows, reasons, rejected_batches

BAD = "".join(f"o{number},c1,someday,10.00\n" for number in range(5, 8))
MENDED = shop(orders=ORDERS | {"ordered_at": "replace(at, 'someday', '2024-05-09')"})


@pytest.fixture
def refused(desk: Desk) -> Desk:
    """Two accepted rows, and a batch of which three rows in four have no day."""
    assert desk.hand_in("a.csv", HEADER + order(1) + order(2)).status == "accepted"
    assert desk.hand_in("b.csv", HEADER + order(3, "2024-05-20") + BAD).status == "rejected"
    return desk


def replayed(desk: Desk) -> Requeued:
    return requeue(desk.con, {"shop": MENDED}, "shop", "run-2")


def test_a_batch_judged_again_is_written_down_as_it_is_now_and_once(refused: Desk) -> None:
    checks = (
        "select table_name, check_name, count(*) as n from quality.result where batch_seq = 2 group by all"
    )
    refused.con.execute("create schema segments")
    refused.con.execute("create table segments.snapshot_day as select unnest(['recorded', 'replayed']) basis")
    before = refused.rows(f"from ({checks}) order by all")
    found = replayed(refused)
    assert (found.before, found.after) == ({"orders": 3}, {})
    assert [(one.batch_seq, one.status) for one in found.validated] == [(2, "accepted")]
    (batch,) = refused.rows(
        "select status, reason, first_business_date from ingest.batch where batch_seq = 2"
    )
    assert (batch["status"], batch["reason"], str(batch["first_business_date"])) == (
        "accepted",
        None,
        "2024-05-09",
    )
    # The mended mapping reads a column by an expression, and what that makes of it is judged too.
    read = {"table_name": "orders", "check_name": "mapped_values_read", "n": 1}
    by_name = itemgetter("table_name", "check_name")
    assert refused.rows(f"from ({checks}) order by all") == sorted([*before, read], key=by_name)
    assert refused.values("select run_id from quality.result where batch_seq = 2 group by all") == ["run-2"]
    assert refused.values("select sum(rows) from ingest.volume_day where batch_seq = 2") == [4]
    assert refused.values("select order_id from core.orders order by all") == [
        f"o{n}" for n in (1, 2, 3, 5, 6, 7)
    ]
    assert refused.values("from segments.snapshot_day") == ["recorded"], "replayed days are computed again"


def test_rows_and_batches_stand_until_their_file_is_sent_again(refused: Desk) -> None:
    def told() -> tuple[int, int, int]:
        listed = reasons(refused.con, Wanted())
        every = reasons(refused.con, Wanted(everything=True))
        kept = rejected_batches(refused.con)
        return sum(row["rows"] for row in listed), sum(row["rows"] for row in every), len(kept)

    assert told() == (3, 3, 1)
    assert refused.hand_in("c.csv", HEADER + order(8) + order(9)).status == "accepted"
    assert told() == (3, 3, 1), "another file is another file"
    assert refused.hand_in("b.csv", HEADER + order(3)).status == "accepted"
    assert told() == (0, 3, 0)


@pytest.mark.parametrize(
    ("wanted", "count"),
    [
        (Wanted(source="shop", table="orders", batch=2), 3),
        (Wanted(source="web"), 0),
        (Wanted(table="customers"), 0),
        (Wanted(reason="missing"), 0),
        (Wanted(batch=1), 0),
    ],
)
def test_rows_are_found_by_what_is_asked_for(refused: Desk, wanted: Wanted, count: int) -> None:
    found = faulty_rows(refused.con, wanted, {"shop": refused.source}, 9)
    assert [row["value"] for row in found] == [{"at": "someday"}] * count


def test_a_file_of_the_same_name_in_another_source_is_another_file(refused: Desk) -> None:
    """Verdicts and lists go by source and path."""
    refused.con.execute(
        "insert into ingest.batch by name select * replace (9 as batch_seq, 'web' as source,"
        " 'accepted' as status) from ingest.batch where batch_seq = 2"
    )
    refused.con.execute(
        "insert into ingest.file by name select * replace (9 as batch_seq, 99 as file_id,"
        " 'web' as source, true as current) from ingest.file where batch_seq = 2"
    )
    assert sum(row["rows"] for row in reasons(refused.con, Wanted())) == 3
    assert [row["batch_seq"] for row in rejected_batches(refused.con)] == [2]
    assert decision.accept(refused.con, 2) == "shop"
    assert refused.values(
        "select source from ingest.file where current and path like '%b.csv' order by 1"
    ) == [
        "shop",
        "web",
    ]


def test_what_a_person_took_out_stays_out_when_the_source_is_replayed(refused: Desk) -> None:
    decision.reject(refused.con, 1)
    assert [one.batch_seq for one in replayed(refused).validated] == [2]
    assert refused.values("select status from ingest.batch order by batch_seq") == ["rejected", "accepted"]
