"""A shop whose sources deliver in every way, run for three days: deleted, merged and guest, to the cent.

Orders and lines come by change feeds, the CRM as a full snapshot a day, merges as they happen.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import pytest
from fixtures.shop import Shop

pytestmark = pytest.mark.alone

D = Decimal
PROJECT = """
project: Every delivery
timezone: Europe/Helsinki
currency: EUR
today: 2026-03-31
sources:
  orders:
    files: data/orders*.csv
    delivery: changes
    operation: {column: op, delete: [D]}
    guest_key: lower(trim(mail))
    max_bad_share: 0.5
    tables:
      orders:
        order_id: id
        customer_id: customer
        ordered_at: ordered
        status: state
  lines:
    files: data/lines*.csv
    delivery: changes
    operation: {column: op, delete: [D]}
    tables:
      order_lines: {order_id: id, line_id: line, revenue: amount}
  crm:
    files: data/crm*.csv
    delivery: snapshot
    max_deleted_share: 0.5
    tables:
      customers: {customer_id: id, created_on: since}
  merges:
    files: data/merges*.csv
    tables:
      customer_merges: {old_id: old, new_id: new, merged_on: day}
"""
SEGMENTS = """
segmentation: buyers
name: Buyers
kind: rules
segments:
  - {id: repeat, name: Repeat buyers, when: orders_lifetime >= 2}
  - {id: once, name: Bought once, when: orders_lifetime = 1}
otherwise: {id: none, name: Never bought}
"""
HEADS = {"orders": "id,customer,mail,ordered,state,op", "lines": "id,line,amount,op", "crm": "id,since,town"}
HEADS["merges"] = "old,new,day"
# Day -> source -> lines. On the 30th a1 and a2 are found to be one, and the CRM lacks b1, who bought, and n1,
# who never did.
DAYS: dict[str, dict[str, list[str]]] = {
    "2026-03-28": {
        "orders": [
            "1,a1,,2026-03-27 10:00,completed,I",
            "2,a2,,2026-03-28 10:00,completed,I",
            "3,b1,,2026-03-28 11:00,completed,I",
            "4,c1,,2026-03-28 12:00,completed,I",
            "5,, Guest@Example.com,2026-03-28 13:00,completed,I",
            "6,c1,,2026-03-28 14:00,cancelled,I",
            "7,c1,,some day,completed,I",
        ],
        "lines": [
            "1,1,10.00,I",
            "2,1,20.10,I",
            "3,1,30.25,I",
            "4,1,40.00,I",
            "4,2,0.99,I",
            "5,1,5.05,I",
            "6,1,7,I",
        ],
        "crm": [
            "a1,2026-01-01,Turku",
            "a2,2026-01-02,Oulu",
            "b1,2026-01-03,Vaasa",
            "c1,2026-01-04,Pori",
            "n1,2026-01-05,Kemi",
        ],
        "merges": ["x8,x9,2026-03-01"],
    },
    "2026-03-29": {
        # Order 4 is deleted with its lines, line 1 of order 3 corrected, and the guest is back.
        "orders": [
            "4,,,,,D",
            "8,,guest@example.com ,2026-03-29 09:00,completed,I",
            "9,,,2026-03-29 09:30,completed,I",
        ],
        "lines": ["4,1,,D", "4,2,,D", "3,1,31.00,U", "8,1,6.00,I", "9,1,2.50,I"],
        "crm": [
            "a1,2026-01-01,Turku",
            "a2,2026-01-02,Oulu",
            "b1,2026-01-03,Vaasa",
            "c1,2026-01-04,Pori",
            "n1,2026-01-05,Kemi",
        ],
    },
    "2026-03-30": {
        "orders": ["10,a2,,2026-03-30 08:00,completed,I"],
        "lines": ["10,1,100.00,I"],
        "crm": ["a1,2026-01-01,Turku", "a2,2026-01-02,Oulu", "c1,2026-01-04,Pori"],
        "merges": ["a2,a1,2026-03-30"],
    },
}


READ = {
    "orders": "select order_id, customer_id from core.orders order by cast(order_id as integer)",
    "lines": "select order_id, line_id, revenue from core.order_lines order by all",
    "customers": "select customer_id, town from core.customers order by all",
    "map": "from core.customer_id_map order by all",
    "features": "select customer_id, orders_lifetime, revenue_lifetime from marts.customer order by all",
    "membership": "select entity_id, segment_id, entered_date::varchar, left_date::varchar"
    " from marts.membership order by all",
    "bridge": "select step, amount from marts.revenue_bridge where source = '(all)' and amount <> 0"
    " order by position",
    "revenue": "select cast(sum(orders) as bigint), cast(sum(guest_orders) as bigint), sum(guest_revenue),"
    " sum(revenue) from marts.revenue_day",
    "batches": "select source, rows_landed, rows_accepted, rows_quarantined, rows_repeated,"
    " rows_conflicting, rows_superseded, rows_deleted, keys_vanished from marts.batch order by batch_seq",
    "deletions": "select batch_seq, keys_before, keys_vanished from ingest.batch_deletion"
    " where source = 'crm' order by all",
    "crm": "select status from ingest.batch where source = 'crm' order by batch_seq",
}


def facts_of(shop: Shop) -> dict[str, Any]:
    """What the warehouse, the status and the report say."""
    with shop.warehouse() as con:
        found: dict[str, Any] = {name: con.execute(sql).fetchall() for name, sql in READ.items()}
    report = (shop.project.current / "report.html").read_text()
    found["report"] = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", report))
    found["status"] = re.sub(r" +", " ", shop.lohko("status").out)
    return found


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """What stood there after each day; and when, after them, a broken snapshot had been replayed."""
    shop = Shop(tmp_path_factory.mktemp("every") / "shop")
    for folder, name, text in (("", "project.yaml", PROJECT), ("segments", "buyers.yaml", SEGMENTS)):
        (shop.root / folder).mkdir(parents=True, exist_ok=True)
        (shop.root / folder / name).write_text(text)
    (shop.root / "data").mkdir()
    found = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOHKO_GUEST_SALT", "sixteen characters")
        for day, delivered in DAYS.items():
            for source, lines in delivered.items():
                shop.deliver(f"{source}-{day}.csv", *lines, header=HEADS[source])
            ended = shop.lohko("run", "--as-of", day, "--json")
            assert (ended.code, ended.json["runs"][-1]["held"]) == (0, []), ended.err
            found[day] = facts_of(shop)
        shop.deliver("crm-2026-03-31.csv", "a2,2026-01-02,Oulu", header=HEADS["crm"])
        assert shop.lohko("run", "--json").code == 5
        found["refused"] = facts_of(shop)
        shop.edit("max_deleted_share: 0.5", "max_deleted_share: 0.9")
        assert shop.lohko("quarantine", "requeue", "crm").code == 0
        found["replayed"] = facts_of(shop)
    return found


def guest(facts: dict[str, dict[str, Any]]) -> str:
    (key,) = {who for _, who in facts["2026-03-30"]["orders"] if who and who.startswith("guest-")}
    return str(key)


def test_a_feed_deletes_corrects_and_keys_guests_by_what_they_typed(facts: dict[str, dict[str, Any]]) -> None:
    who = guest(facts)
    first = [("1", "a1"), ("2", "a2"), ("3", "b1"), ("4", "c1"), ("5", who), ("6", "c1")]
    assert facts["2026-03-28"]["orders"] == first
    second = [one for one in first if one[0] != "4"] + [("8", who), ("9", None)]
    assert facts["2026-03-29"]["orders"] == second
    assert {line[0]: line[2] for line in facts["2026-03-29"]["lines"]} == {
        "1": D("10.00"),
        "2": D("20.10"),
        "3": D("31.00"),
        "5": D("5.05"),
        "6": D("7.00"),
        "8": D("6.00"),
        "9": D("2.50"),
    }


def test_the_survivor_carries_the_history_of_both(facts: dict[str, dict[str, Any]]) -> None:
    last = facts["2026-03-30"]
    assert dict(last["orders"]) == dict(facts["2026-03-29"]["orders"]) | {"2": "a1", "10": "a1"}
    assert last["map"] == [("a2", "a1"), ("x8", "x9")]
    assert last["features"] == [
        ("a1", 3, D("130.10")),
        ("b1", 1, D("31.00")),
        ("c1", 0, D("0")),
        (guest(facts), 2, D("11.05")),
    ]


def test_who_vanishes_from_the_snapshot_is_gone_and_a_buyer_stays_for_the_orders(
    facts: dict[str, dict[str, Any]],
) -> None:
    before = [("a1", "Turku"), ("a2", "Oulu"), ("b1", "Vaasa"), ("c1", "Pori"), ("n1", "Kemi")]
    assert facts["2026-03-28"]["customers"] == facts["2026-03-29"]["customers"] == before
    assert facts["2026-03-30"]["customers"] == [("a1", "Turku"), ("c1", "Pori")]


def test_memberships_tell_who_left_and_who_counts_for_whom(facts: dict[str, dict[str, Any]]) -> None:
    assert facts["2026-03-30"]["membership"] == [
        ("a1", "once", "2026-03-28", "2026-03-30"),
        ("a1", "repeat", "2026-03-30", None),
        ("a2", "once", "2026-03-28", "2026-03-30"),
        ("b1", "once", "2026-03-28", None),
        ("c1", "none", "2026-03-29", None),
        ("c1", "once", "2026-03-28", "2026-03-29"),
        (guest(facts), "once", "2026-03-28", "2026-03-29"),
        (guest(facts), "repeat", "2026-03-29", None),
        ("n1", "none", "2026-03-28", "2026-03-30"),
    ]


def test_the_bridge_leads_from_all_that_was_said_to_net_revenue(facts: dict[str, dict[str, Any]]) -> None:
    assert facts["2026-03-30"]["bridge"] == [
        ("gross", D("252.89")),
        ("superseded", D("-71.24")),  # lines 1 of order 3 as first said, and both of order 4
        ("not_completed", D("-7.00")),
        ("net_revenue", D("174.65")),
        ("guests", D("-2.50")),
        ("customer_revenue", D("172.15")),
    ]
    assert facts["2026-03-30"]["revenue"] == [(7, 3, D("13.55"), D("174.65"))]


def test_deletions_are_in_the_account_in_status_and_in_the_report(facts: dict[str, dict[str, Any]]) -> None:
    last = facts["2026-03-30"]
    assert all(landed == sum(parts[:6]) for _, landed, *parts in last["batches"])
    gone = {
        (source, deleted, vanished) for source, *_, deleted, vanished in last["batches"] if deleted + vanished
    }
    assert gone == {("orders", 1, 0), ("lines", 2, 0), ("crm", 0, 2)}
    assert "quarantined + repeated + deleted" in last["status"]
    assert "lines order_lines 13 11 0 0 2 0" in last["status"]
    assert "crm customers 13 13 0 0 0 2" in last["status"]
    assert "deleted" not in facts["2026-03-28"]["status"], "nothing was deleted yet"
    assert "unaccounted" not in last["report"] and "+ Deleted" in last["report"]
    assert "lines.order_lines 3 3 13 11 0 0 2 0 0 balances" in last["report"]


def test_the_report_counts_guests_and_tells_the_keyed_ones_apart(facts: dict[str, dict[str, Any]]) -> None:
    last = facts["2026-03-30"]
    assert "3 of 7 orders name no customer. They brought 13.55 of 174.65 EUR" in last["report"]
    assert "11.05 of it is of guests whom a key tells apart" in last["report"]
    assert "example.com" not in last["report"].lower() + str(last).lower()


def test_a_refused_snapshot_changes_nothing_and_replayed_it_counts_once(
    facts: dict[str, dict[str, Any]],
) -> None:
    before, refused, after = facts["2026-03-30"], facts["refused"], facts["replayed"]
    assert refused["customers"] == before["customers"] and refused["crm"][-1] == ("rejected",)
    assert after["crm"][-1] == ("accepted",)
    assert after["deletions"][-1][1:] == (3, 2) and len(after["deletions"]) == len(after["crm"])
    assert after["customers"] == [("a1", "Oulu")], "the only one in the snapshot counts for the survivor"
    assert after["orders"] == before["orders"]
