"""`lohko quarantine` on a shop: look, mend, replay, decide; nothing is counted twice and nothing is lost."""

from __future__ import annotations

import datetime as dt
import getpass
from typing import Any

import pytest
from fixtures.shop import Shelf, Shop

from resources.locks import hold

pytestmark = pytest.mark.alone

# Amounts with a currency sign: the mapping must be mended to read them. Fifty good rows keep the share of
# faults of the first file below the limit that this shop sets.
DAY = "2026-03-30 12:00:00"
BAD = [f'90{n},C00{n},{DAY},web,paid,"€ 10,50","0,00"' for n in (1, 2)]
GOOD = [f'91{n:02},C00{1 + n % 9},{DAY},web,paid,"10,00","0,00"' for n in range(50)]
AMOUNT = "revenue: amount "
MENDED = "revenue: replace(replace(amount, '€ ', ''), ',', '.') "


def lenient(shop: Shop) -> None:
    shop.edit("    files: data/orders*.csv\n", "    files: data/orders*.csv\n    max_bad_share: 0.2\n")


def accounting(shop: Shop) -> list[tuple[Any, ...]]:
    with shop.warehouse() as con:
        return con.execute(
            "select b.batch_seq, status, rows_landed, rows_accepted, rows_quarantined, rows_repeated"
            " from ingest.batch b join ingest.batch_table t using (batch_seq)"
            " where b.source = 'shop_orders' order by 1"
        ).fetchall()


def orders(shop: Shop, like: str) -> int:
    with shop.warehouse() as con:
        row = con.execute("select count(*) from core.orders where order_id like ?", [like]).fetchone()
    assert row
    return int(row[0])


@pytest.fixture
def faulty(shelf: Shelf) -> Shop:
    """A second file of orders with two rows whose amount cannot be read, in an accepted batch."""

    def deliver(shop: Shop) -> None:
        lenient(shop)
        shop.deliver("orders-2.csv", *BAD, *GOOD)
        assert shop.lohko("run", "--json").code == 0

    return shelf.at("faulty", deliver)


def test_list_counts_by_reason_and_names_the_files(faulty: Shop) -> None:
    facts = faulty.lohko("quarantine", "list", "--json").json
    (row,) = facts["reasons"]
    assert (row["source"], row["table_name"], row["reason"], row["column_name"]) == (
        "shop_orders",
        "orders",
        "not_number",
        "revenue",
    )
    assert (row["rows"], row["batch_status"]) == (2, "accepted")
    assert row["first_file"] == row["last_file"] == "data/orders-2.csv"
    assert facts["rejected_batches"] == []
    shown = faulty.lohko("quarantine", "list").out
    assert "not_number" in shown and "€" not in shown, "counts only"
    assert faulty.lohko("quarantine", "list", "--reason", "missing", "--json").json["reasons"] == []
    assert faulty.lohko("quarantine", "list", "--source", "crm", "--json").json["reasons"] == []


def test_show_gives_the_rows_with_their_values(faulty: Shop) -> None:
    found = faulty.lohko("quarantine", "show", "--json").json
    assert [row["value"] for row in found] == [{"amount": "€ 10,50"}] * 2
    assert [(row["file"], row["row_number"]) for row in found] == [
        ("data/orders-2.csv", 2),
        ("data/orders-2.csv", 3),
    ]
    assert found[0]["content"]["customer"] == "C001"
    shown = faulty.lohko("quarantine", "show", "--limit", 1)
    assert shown.code == 0 and "€ 10,50" in shown.out and "--limit" in shown.out
    with faulty.warehouse() as con:
        told = con.execute("select string_agg(message, ' ') from marts.incident").fetchone()
    assert told == (None,)


def test_a_row_replayed_after_the_mapping_was_mended_enters_core_and_is_counted_once(faulty: Shop) -> None:
    before = accounting(faulty)
    assert before[-1][2:] == (52, 50, 2, 0) and orders(faulty, "90%") == 0
    faulty.edit(AMOUNT, MENDED)
    replayed = faulty.lohko("quarantine", "requeue", "shop_orders", "--json").json
    assert replayed == {"before": {"orders": 2}, "after": {}, "validated": []}
    assert orders(faulty, "90%") == 2
    assert accounting(faulty) == [*before[:-1], (*before[-1][:2], 52, 52, 0, 0)]
    core = faulty.tables("core")
    again = faulty.lohko("quarantine", "requeue", "shop_orders")
    assert again.code == 0 and "Nothing of shop_orders" in again.out
    assert faulty.lohko("run", "--json").code == 0
    assert faulty.tables("core") == core, "the next run adds nothing"
    assert faulty.lohko("quarantine", "list", "--json").json["reasons"] == []
    assert faulty.lohko("query", "--json", "from marts.quarantine_reason").json == []
    query = "select orders from marts.revenue_day where business_date = '2026-03-30'"
    (day,) = faulty.lohko("query", query, "--json").json
    with faulty.warehouse() as con:
        landed = con.execute(
            "select count(*) from core.orders where business_date = '2026-03-30' and status = 'completed'"
        ).fetchone()
    assert landed == (day["orders"],)


def test_replaying_without_a_fix_changes_nothing(faulty: Shop) -> None:
    ledgers = faulty.tables("ingest", "quarantine", "core")
    ended = faulty.lohko("quarantine", "requeue", "shop_orders")
    assert ended.code == 0 and "2 rows were in quarantine, 2 are" in ended.out
    # The table is made again, so its days are to be looked at again; what they hold is the same.
    again = ("ingest.dirty_day", "ingest.core_change", "ingest.covered_column")
    to_do: dict[str, list[tuple[object, ...]]] = {table: [] for table in again}
    assert faulty.tables("ingest", "quarantine", "core") | to_do == ledgers | to_do


def test_rows_of_a_file_that_was_sent_again_no_longer_stand(faulty: Shop) -> None:
    faulty.deliver("orders-2.csv", *[row.replace("€ ", "") for row in BAD], *GOOD)
    assert faulty.lohko("run", "--json").code == 0
    assert faulty.lohko("quarantine", "list", "--json").json["reasons"] == []
    assert faulty.lohko("quarantine", "list", "--all", "--json").json["reasons"][0]["rows"] == 2
    assert orders(faulty, "90%") == 2


@pytest.fixture
def refused(shelf: Shelf) -> Shop:
    """A second file of orders whose batch was rejected: two bad rows of three."""

    def deliver(shop: Shop) -> None:
        shop.deliver("orders-2.csv", *BAD, GOOD[0])
        assert shop.lohko("run", "--json").code == 5

    return shelf.at("refused", deliver)


def newest(shop: Shop) -> int:
    return int(accounting(shop)[-1][0])


def test_a_rejected_batch_is_judged_again_when_the_mapping_was_mended(refused: Shop) -> None:
    (listed,) = refused.lohko("quarantine", "list", "--json").json["rejected_batches"]
    assert listed["batch_seq"] == newest(refused) and listed["first_file"] == "data/orders-2.csv"
    refused.edit(AMOUNT, MENDED)
    replayed = refused.lohko("quarantine", "requeue", "shop_orders", "--json").json
    assert replayed["validated"] == [{"batch": newest(refused), "status": "accepted"}]
    assert accounting(refused)[-1][1:] == ("accepted", 3, 3, 0, 0)
    ended = refused.lohko("run", "--json")
    assert ended.code == 0 and ended.json["runs"][0]["held"] == []
    assert orders(refused, "9%") == 3
    assert refused.lohko("status", "--json").json["incidents"] == []


def test_a_batch_accepted_by_hand_enters_with_the_next_run_though_a_newer_one_came_first(
    refused: Shop,
) -> None:
    seq = newest(refused)
    refused.deliver("orders-3.csv", GOOD[1])
    assert refused.lohko("run", "--json").code == 0
    assert orders(refused, "9100") == 0 and orders(refused, "9101") == 1
    ended = refused.lohko("quarantine", "accept", seq, "--why", "two rows are known to be bad")
    assert ended.code == 0 and f"batch {seq} of shop_orders is accepted" in ended.out
    assert refused.lohko("run", "--json").code == 0
    assert orders(refused, "9100") == 1 and orders(refused, "90%") == 0
    landed, accepted, kept_out, superseded = next(row[2:] for row in accounting(refused) if row[0] == seq)
    assert (landed, accepted, kept_out, superseded) == (3, 1, 2, 0)
    (decision,) = refused.lohko("quarantine", "list", "--json").json["decisions"]
    assert (decision["batch_seq"], decision["decision"], decision["why"]) == (
        seq,
        "accept",
        "two rows are known to be bad",
    )
    assert decision["decided_by"] == getpass.getuser()
    assert dt.datetime.fromisoformat(decision["decided_at"]).tzinfo == dt.UTC


def test_a_batch_rejected_by_hand_leaves_core_and_what_it_replaced_counts_again(shop: Shop) -> None:
    shop.deliver("orders-2.csv", GOOD[0])
    assert shop.lohko("run", "--json").code == 0
    shop.deliver("orders-2.csv", GOOD[1])
    assert shop.lohko("run", "--json").code == 0
    assert (orders(shop, "9100"), orders(shop, "9101")) == (0, 1)
    assert shop.lohko("quarantine", "reject", newest(shop), "--why", "sent by mistake").code == 0
    assert shop.lohko("run", "--json").code == 5
    assert (orders(shop, "9100"), orders(shop, "9101")) == (1, 0)
    replayed = shop.lohko("quarantine", "requeue", "shop_orders", "--json").json
    assert replayed["validated"] == [], "what a person rejected is not accepted by replaying"


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (("accept", 99, "--why", "x"), ("no batch 99",)),
        (("accept", 1, "--why", "x"), ("batch 1 is accepted", "expected one that is rejected")),
        (("reject", 1, "--why", " "), ("--why is empty",)),
        (("reject", 1), ("--why",)),
        (("requeue", "shop_order"), ("no source shop_order; did you mean shop_orders",)),
        (("list", "--source", "x"), ("no source x",)),
    ],
)
def test_wrong_words_end_with_code_2_and_decide_nothing(
    shop: Shop, words: tuple[object, ...], parts: tuple[str, ...]
) -> None:
    ended = shop.lohko("quarantine", *words)
    assert ended.code == 2 and "Traceback" not in ended.err
    assert all(part in ended.err for part in parts), ended.err
    assert shop.control.decisions() == []
    assert {row[1] for row in accounting(shop)} == {"accepted"}


def test_a_decision_that_cannot_be_written_down_is_not_taken(
    refused: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_words: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr("resources.control.ControlStore.record_decision", full)
    with pytest.raises(OSError, match="no space"):
        refused.lohko("quarantine", "accept", newest(refused), "--why", "x")
    assert accounting(refused)[-1][1] == "rejected"


def test_it_waits_for_a_run_and_names_it(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lohko.commands.quarantine.LOCK_TIMEOUT", 0.1)
    with hold(shop.project.state / "run.lock", "lohko run", timeout=1):
        ended = shop.lohko("quarantine", "requeue", "shop_orders")
        assert ended.code == 6 and "lohko run" in ended.err
    with hold(shop.project.warehouse_path.with_suffix(".lock"), "core", timeout=1):
        assert shop.lohko("quarantine", "list").code == 6


def test_looking_before_the_first_run_makes_nothing(new_shop: Shop) -> None:
    ended = new_shop.lohko("quarantine", "list")
    assert ended.code == 4 and "nothing has been ingested yet" in ended.err
    assert not new_shop.project.warehouse_path.exists()
