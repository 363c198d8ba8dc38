"""A batch from files to its verdict: accounting, quarantine, rejection, replacement, interruption."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from functools import partial
from pathlib import Path

import pytest
from ingest_desk import HEADER, Desk, order, shop

from pipelines.config.delivery import Operation
from pipelines.contracts.registry import CONTRACTS
from pipelines.core.merge import refresh
from pipelines.ingest import batch, ledger
from pipelines.ingest.reading import prepare
from pipelines.ingest.source import mappings_of
from resources.landing import new_files


def core(desk: Desk, column: str = "order_id", table: str = "orders") -> list[object]:
    mappings = [m for m in mappings_of(desk.con, "shop", desk.source) if m.contract.table == table]
    refresh(desk.con, CONTRACTS[table], mappings)
    return desk.values(f"select {column} from core.{table} order by all")


def test_every_landed_row_is_accounted_for_once(desk: Desk) -> None:
    bad = order(3, amount="much") + order(4, day="someday")
    desk.write("a.csv", HEADER + order(1) + order(2) + bad + order(5) * 3)
    desk.write("b.csv", HEADER + order(1, amount="11"))  # a later file corrects
    outcome = desk.run()
    (account,) = outcome.accounts
    assert (account.landed, account.accepted, account.quarantined) == (8, 3, 2)
    assert (account.repeated, account.conflicting, account.superseded) == (2, 0, 1)
    assert account.adds_up and outcome.status == "accepted"
    assert core(desk, "revenue") == [Decimal(10), Decimal(10), Decimal(11)]


def test_quarantine_says_file_row_reason_and_column(desk: Desk) -> None:
    desk.hand_in("a.csv", HEADER + order(1) + order(2) + order(3, amount="much"))
    (row,) = desk.rows("select file, row_number, reason, column_name, content from quarantine.row")
    assert row["file"] == str(desk.folder / "a.csv")
    assert (row["row_number"], row["reason"], row["column_name"]) == (4, "not_number", "revenue")
    assert '"amount":"much"' in row["content"]


def test_a_batch_with_too_many_faults_is_rejected_and_core_does_not_see_it(desk: Desk) -> None:
    desk.hand_in("a.csv", HEADER + order(1))
    outcome = desk.hand_in("b.csv", HEADER + order(2) + order(3, day="x") + order(4, day="x"))
    assert outcome.status == "rejected" and outcome.held
    assert "rows_without_fault: 2 of 3 rows" in outcome.message
    assert core(desk) == ["o1"]
    assert desk.run().status == "rejected"  # nothing new, and still held
    assert desk.hand_in("c.csv", HEADER + order(5)).status == "accepted"
    assert core(desk) == ["o1", "o5"]
    assert desk.hand_in("b.csv", HEADER + order(2) + order(3)).status == "accepted"
    assert core(desk) == ["o1", "o2", "o3", "o5"]


@pytest.mark.parametrize("mended", [True, False])
def test_a_good_file_of_a_rejected_batch_enters_when_the_bad_one_is_corrected_or_taken_away(
    desk: Desk, mended: bool
) -> None:
    desk.write("a.csv", HEADER + order(1))
    desk.write("b.csv", HEADER + order(2, day="x") + order(3, day="x"))
    assert desk.run().status == "rejected"
    assert desk.run().status == "rejected"  # nothing was mended: nothing is judged again
    if mended:
        desk.write("b.csv", HEADER + order(2))
    else:
        (desk.folder / "b.csv").unlink()
    assert desk.run().status == "accepted"
    assert core(desk) == (["o1", "o2"] if mended else ["o1"])
    assert desk.run().status == "unchanged"
    assert desk.values("select count(*) from raw.shop where id = 'o1'") == [2]  # the rejected row is kept


def test_a_corrected_file_of_a_rejected_batch_replaces_nothing_and_is_merged(desk: Desk) -> None:
    desk.hand_in("a.csv", HEADER + order(1))
    core(desk)
    desk.hand_in("b.csv", HEADER + order(2, day="x"))
    desk.hand_in("b.csv", HEADER + order(2))
    mappings = mappings_of(desk.con, "shop", desk.source)
    assert refresh(desk.con, CONTRACTS["orders"], mappings).how == "merged"
    assert core(desk) == ["o1", "o2"]


def feed(tmp_path: Path, **settings: object) -> Desk:
    return Desk(tmp_path, shop().model_copy(update=settings))


def test_a_batch_of_deletions_alone_is_accepted_and_judged_on_nothing(tmp_path: Path) -> None:
    operation = Operation(column="amount", delete=["D"])
    columns = {"order_id": "id", "customer_id": "customer", "ordered_at": "at"}
    desk = feed(tmp_path, delivery="changes", operation=operation, tables={"orders": columns})
    desk.hand_in("a.csv", HEADER + order(1) + order(2))
    outcome = desk.hand_in("b.csv", HEADER + "o1,,,D\n")
    assert outcome.status == "accepted" and all(result.elements == 0 for result in outcome.results)
    assert (outcome.accounts[0].accepted, outcome.accounts[0].deleted) == (0, 1)
    outcome = desk.hand_in("c.csv", HEADER + "o2,,,D\n" + order(3, day="x"))
    assert outcome.status == "rejected"  # its one row that claims anything is faulty
    assert core(desk) == ["o2"]
    desk.con.close()


def test_a_snapshot_that_shrinks_absurdly_is_rejected_and_says_by_how_much(tmp_path: Path) -> None:
    desk = feed(tmp_path, delivery="snapshot")
    desk.hand_in("a.csv", HEADER + "".join(order(n) for n in range(5)))
    outcome = desk.hand_in("a.csv", HEADER + order(1) + order(2))
    assert outcome.status == "rejected" and "orders.keys_kept: 3 of 5 rows" in outcome.message
    assert core(desk) == [f"o{n}" for n in range(5)]
    desk.hand_in("a.csv", HEADER + "".join(order(n) for n in range(3)))
    assert core(desk) == ["o0", "o1", "o2"]
    desk.con.close()


def test_taking_a_rejected_file_away_releases_the_source(desk: Desk) -> None:
    desk.hand_in("a.csv", HEADER + order(1))
    assert desk.hand_in("b.csv", HEADER + order(2, day="x")).held
    (desk.folder / "b.csv").unlink()
    outcome = desk.run()
    assert (outcome.status, outcome.batch_seq) == ("unchanged", 1)
    assert all(result.passed for result in outcome.results)
    assert core(desk) == ["o1"]


def test_a_changed_file_replaces_all_that_it_brought(desk: Desk) -> None:
    desk.hand_in("a.csv", HEADER + order(1) + order(2))
    desk.hand_in("b.csv", HEADER + order(3))
    assert core(desk) == ["o1", "o2", "o3"]
    desk.hand_in("a.csv", HEADER + order(2, amount="12"))
    assert core(desk) == ["o2", "o3"]  # o1 vanished from its file
    assert core(desk, "revenue") == [Decimal(10), Decimal(12)]


def test_a_changed_file_that_is_rejected_replaces_nothing(desk: Desk) -> None:
    desk.hand_in("a.csv", HEADER + order(1) + order(2))
    assert desk.hand_in("a.csv", HEADER + order(1, day="x")).status == "rejected"
    assert core(desk) == ["o1", "o2"]


def test_the_same_file_is_not_loaded_twice(desk: Desk) -> None:
    desk.hand_in("a.csv", HEADER + order(1))
    assert desk.run().status == "unchanged"
    desk.write("a.csv", HEADER + order(1))  # written again with the same content
    assert desk.run().status == "unchanged"
    assert desk.values("select count(*) from raw.shop") == [1]


def test_an_interrupted_batch_is_discarded_and_loaded_again(desk: Desk) -> None:
    desk.hand_in("a.csv", HEADER + order(1))
    files = new_files([desk.write("b.csv", HEADER + order(2))], ledger.known_files(desk.con, "shop"))
    readings = [prepare(desk.con, file.path, None, desk.folder) for file in files]
    mappings = partial(mappings_of, desk.con, "shop", desk.source)
    batch.stage_batch(desk.con, "shop", files, readings, mappings, "r")
    assert core(desk) == ["o1"]  # staged is not accepted
    outcome = desk.run()
    assert (outcome.status, outcome.batch_seq) == ("accepted", 2)
    assert core(desk) == ["o1", "o2"]
    assert desk.values("select count(*) from raw.shop") == [2]
    assert desk.values("select count(*) from ingest.file") == [2]


def test_a_batch_accepted_and_not_merged_before_the_next_one_is_not_lost(desk: Desk) -> None:
    core(desk)
    desk.hand_in("a.csv", HEADER + order(1))
    desk.hand_in("b.csv", HEADER + order(2))
    desk.hand_in("c.csv", HEADER + order(3, day="x"))  # rejected; its rows stand in the stage
    assert core(desk) == ["o1", "o2"]


def test_the_earliest_business_date_of_a_batch_is_kept(desk: Desk) -> None:
    desk.hand_in("a.csv", HEADER + order(1, day="2024-05-03") + order(2, day="2024-04-30"))
    assert desk.values("select first_business_date from ingest.batch") == [date(2024, 4, 30)]


def test_a_source_that_never_brought_a_file_has_failed(desk: Desk) -> None:
    outcome = desk.run()
    assert outcome.status == "failed" and "has never brought a usable file" in outcome.message


def test_an_expression_that_fails_on_a_value_holds_the_source_and_tells_no_value(tmp_path: Path) -> None:
    written = {"order_id": "id", "customer_id": "customer", "ordered_at": "strptime(at, '%Y-%m-%d %H:%M')"}
    desk = Desk(tmp_path, shop(orders=written))
    outcome = desk.hand_in("a.csv", HEADER + order(1) + order(2, day="Smith"))
    assert outcome.status == "failed" and "try_strptime" in outcome.message
    assert "Smith" not in outcome.message
    assert desk.left_behind() == 0
    desk.con.close()


def test_a_new_column_passes_through(tmp_path: Path) -> None:
    desk = Desk(tmp_path, shop(customers={"customer_id": "id"}))
    desk.hand_in("a.csv", "id,city\n1,Turku\n2,Oulu\n")
    assert core(desk, "city", "customers") == ["Oulu", "Turku"]
    desk.hand_in("b.csv", "id,tier,city\n2,gold,Espoo\n3,,Vaasa\n")
    assert core(desk, "(customer_id, city, tier)", "customers") == [
        ("1", "Turku", None),
        ("2", "Espoo", "gold"),
        ("3", "Vaasa", None),
    ]
    desk.con.close()


def test_an_attribute_that_was_never_filled_takes_the_type_it_gets(tmp_path: Path) -> None:
    desk = Desk(tmp_path, shop(customers={"customer_id": "id"}))
    desk.write_parquet("a.parquet", "select 1 as id, null::integer as city, 5 as visits")
    assert desk.run().status == "accepted"
    assert core(desk, "city", "customers") == [None]
    desk.write_parquet("b.parquet", "select 2 as id, 'Oulu' as city, 5000000000 as visits")
    assert desk.run().status == "accepted"
    assert core(desk, "(city, visits)", "customers") == [("Oulu", 5_000_000_000), (None, 5)]
    desk.con.close()


def test_a_large_parquet_file_is_typed_completely_and_adds_up(tmp_path: Path) -> None:
    """DuckDB 2.0.0 misreads rows inserted from Parquet inside an explicit transaction; see batch.py."""
    desk = Desk(tmp_path, shop())
    path = desk.write_parquet(
        "a.parquet",
        "select 'o' || i as id, 'c' || i % 9973 as customer,"
        " timestamp '2024-05-01' + to_minutes(i % 90000) as at,"
        " cast(i % 1000 + i / 7 as decimal(18, 4)) as amount, i as further from range(300_000) t(i)",
    )
    outcome = desk.run()
    assert (outcome.status, outcome.accounts[0].accepted) == ("accepted", 300_000)
    core(desk)
    facts = "count(*), count(distinct {}), count(distinct {}), sum({}), min({}), max({})"
    at = "timezone('Europe/Helsinki', ordered_at)"
    in_file = facts.format("id", "customer", "amount", '"at"', '"at"')
    in_core = facts.format("order_id", "customer_id", "revenue", at, at)
    assert (
        desk.con.execute(f"select {in_core} from core.orders").fetchall()
        == desk.con.execute(f"select {in_file} from read_parquet('{path}')").fetchall()
    )
    desk.con.close()


@pytest.mark.parametrize(
    ("first", "then"),
    [
        ("17850 as id", "17850.7 as id"),
        ("7 as id", "'007' as id"),
        ("1.25::decimal(9,2) as id", "1.255 as id"),
    ],
)
def test_a_changed_type_fails_loudly_and_is_never_cast_in_silence(
    tmp_path: Path, first: str, then: str
) -> None:
    desk = Desk(tmp_path, shop(customers={"customer_id": "id"}))
    desk.write_parquet("a.parquet", f"select {first}")
    assert desk.run().status == "accepted"
    before = desk.left_behind()
    desk.write_parquet("b.parquet", f"select {then}")
    outcome = desk.run()
    assert outcome.status == "failed" and "b.parquet: column id is" in outcome.message
    assert desk.left_behind() == before
    desk.con.close()
