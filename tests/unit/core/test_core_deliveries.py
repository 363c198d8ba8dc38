"""Deletes, versions and merges: what each kind of delivery does to core."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from deliveries import FEED, ORDERS, Deliveries, source

from pipelines.config.project import ProjectConfig, Source
from pipelines.core.identity import refused

Make = Callable[..., Deliveries]
HEAD = "id,customer,day"
FEED_HEAD = "id,customer,day,op"
SHOP = {"shop": source({"orders": ORDERS})}
MERGED = SHOP | {
    "merges": source({"customer_merges": {"old_id": "old", "new_id": "new"}}, **FEED),
    "crm": source({"customers": {"customer_id": "id"}}, delivery="snapshot", max_deleted_share=1),
    "contacts": source({"campaign_contacts": {"campaign_id": "campaign", "customer_id": "customer"}}),
}


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    with ExitStack() as stack:

        def start(sources: dict[str, Source]) -> Deliveries:
            made = Deliveries(tmp_path, sources)
            stack.callback(made.con.close)
            return made

        yield start


def test_a_key_missing_in_the_newest_snapshot_is_gone(make: Make) -> None:
    shop = make({"shop": source({"orders": ORDERS}, delivery="snapshot")})
    shop.land("shop", [HEAD, "o1,a,2024-05-01", "o2,b,2024-05-01"])
    shop.refresh()
    shop.take_dirty()
    shop.land("shop", [HEAD, "o2,b,2024-05-01"])
    assert shop.refresh()["orders"].how == "merged"
    assert shop.orders() == {"o2": "b"}
    assert shop.take_dirty() == {"a"}  # b's row came again and says what it said
    (counted,) = shop.rows("select keys_before, keys_vanished from ingest.batch_deletion where batch_seq = 2")
    assert counted == {"keys_before": 2, "keys_vanished": 1}
    assert shop.core() == shop.rebuild()


def test_of_snapshots_that_come_together_the_last_one_counts_and_the_others_are_superseded(
    make: Make,
) -> None:
    shop = make({"shop": source({"orders": ORDERS}, delivery="snapshot")})
    shop.land("shop", [HEAD, "o1,a,2024-05-01", "o2,b,2024-05-01"], [HEAD, "o2,c,2024-05-01"])
    shop.refresh()
    assert shop.orders() == {"o2": "c"}
    (found,) = shop.rows("select rows_landed, rows_accepted, rows_superseded from ingest.batch_table")
    assert found == {"rows_landed": 3, "rows_accepted": 1, "rows_superseded": 2}


def test_a_snapshot_that_lacks_most_keys_is_rejected_until_a_person_accepts_it(make: Make) -> None:
    shop = make({"shop": source({"orders": ORDERS}, delivery="snapshot", max_deleted_share=0.5)})
    shop.land("shop", [HEAD, *(f"o{n},a,2024-05-01" for n in range(4))])
    shop.land("shop", [HEAD, "o1,a,2024-05-01", "o2,a,2024-05-01"])  # half of them: just allowed
    seq = shop.land("shop", [HEAD, "o9,a,2024-05-01"])
    shop.refresh()
    assert shop.orders() == {"o1": "a", "o2": "a"}
    shop.accept(seq)
    shop.refresh()
    assert shop.orders() == {"o9": "a"}
    shop.withdraw(seq)
    assert shop.refresh()["orders"].how == "rebuilt"
    assert shop.orders() == {"o1": "a", "o2": "a"}


def test_a_change_feed_deletes_by_key_alone_and_its_account_adds_up(make: Make) -> None:
    shop = make({"shop": source({"orders": ORDERS}, **FEED)})
    shop.land("shop", [FEED_HEAD, "o1,a,2024-05-01,I", "o2,b,2024-05-01,I"])
    shop.refresh()
    shop.take_dirty()
    shop.land("shop", [FEED_HEAD, "o1,,,D", "o3,c,2024-05-02,I", "o3,,,D", "o4,d,never,I", ",,,D"])
    assert shop.refresh()["orders"].how == "merged"
    assert shop.orders() == {"o2": "b"}
    assert shop.take_dirty() == {"a"}
    (found,) = shop.rows(
        "from ingest.batch_table join ingest.batch_deletion using (batch_seq) where batch_seq = 2"
    )
    assert found["rows_landed"] == 5 and found["rows_accepted"] == 0
    assert (found["rows_deleted"], found["rows_superseded"], found["rows_quarantined"]) == (2, 1, 2)
    shop.land("shop", [FEED_HEAD, "o1,e,2024-05-03,I"])
    shop.refresh()
    assert shop.orders() == {"o1": "e", "o2": "b"}
    assert shop.core() == shop.rebuild()


@pytest.mark.parametrize("late_first", [False, True])
def test_the_highest_version_wins_whatever_the_order_of_arrival(make: Make, late_first: bool) -> None:
    shop = make({"shop": source({"orders": ORDERS}, version="cast(v as integer)", **FEED)})
    files = [
        [f"{FEED_HEAD},v", "o1,a,2024-05-01,U,9", "o2,a,2024-05-01,U,1"],
        [f"{FEED_HEAD},v", "o1,b,2024-05-01,U,10", "o2,,,D,3", "o2,c,2024-05-01,U,2"],
    ]
    for lines in reversed(files) if late_first else files:
        shop.land("shop", lines)
        shop.refresh()
    assert shop.orders() == {"o1": "b"}
    assert shop.core() == shop.rebuild()


def test_a_version_of_text_is_an_instant_and_one_that_cannot_be_read_is_quarantined(make: Make) -> None:
    shop = make({"shop": source({"orders": ORDERS}, version="at")})
    at = ("2024-05-01T10:00:00Z", "2024-05-01 12:00", "soon", "")  # the second is 09:00 UTC in Helsinki
    shop.land(
        "shop", [f"{HEAD},at", *(f"o1,{who},2024-05-01,{t}" for who, t in zip("abcd", at, strict=True))]
    )
    shop.refresh()
    assert shop.orders() == {"o1": "a"}
    assert [row["reason"] for row in shop.rows("from quarantine.row order by row_number")] == [
        "not_version",
        "missing",
    ]


def test_a_key_that_one_source_deletes_stays_as_another_has_it(make: Make) -> None:
    shared = {"orders": {"same": True}}
    shop = make({"web": source({"orders": ORDERS}, **FEED), "till": source({"orders": ORDERS}, keys=shared)})
    shop.land("till", [HEAD, "o1,t,2024-05-01", "o2,t,2024-05-01"])
    shop.land("web", [FEED_HEAD, "o1,w,2024-05-01,I"])
    shop.refresh()
    assert shop.orders() == {"o1": "w", "o2": "t"}
    shop.land("web", [FEED_HEAD, "o1,,,D", "o2,,,D"])
    shop.refresh()
    assert shop.orders() == {"o1": "t", "o2": "t"}
    assert shop.core() == shop.rebuild()


def merged(make: Make, *merges: str) -> Deliveries:
    shop = make(MERGED)
    shop.land("shop", [HEAD, "o1,a,2024-05-01", "o2,b,2024-05-02", "o3,c,2024-05-03", "o4,,2024-05-03"])
    shop.land("crm", ["id,town", "b,Oulu", "a,Turku", "c,Vaasa"])
    shop.land("contacts", ["campaign,customer", "g1,a", "g1,b", "g2,a"])
    shop.land("merges", ["old,new,op", *(f"{one},I" for one in merges)])
    shop.refresh()
    shop.take_dirty()
    return shop


def test_a_merge_moves_orders_contacts_and_the_crm_to_the_survivor(make: Make) -> None:
    shop = merged(make, "a,b")
    assert shop.orders() == {"o1": "b", "o2": "b", "o3": "c", "o4": None}
    assert shop.rows("select customer_id, town from core.customers order by 1") == [
        {"customer_id": "b", "town": "Oulu"},
        {"customer_id": "c", "town": "Vaasa"},
    ]
    contacts = shop.con.execute("select campaign_id, customer_id from core.campaign_contacts order by all")
    # Two were addressed, of whom one is left: these are two touches.
    assert contacts.fetchall() == [("g1", "b"), ("g1", "b"), ("g2", "b")]


def test_a_late_merge_extends_the_chain_and_tells_both_customers(make: Make) -> None:
    shop = merged(make, "a,b")
    shop.land("merges", ["old,new,op", "b,c,I"])
    assert shop.refresh()["orders"].how == "merged"
    assert set(shop.orders().values()) == {"c", None}
    assert shop.take_dirty() == {"b", "c"}
    assert shop.core() == shop.rebuild()


def test_an_order_of_an_id_merged_long_ago_counts_for_the_survivor(make: Make) -> None:
    shop = merged(make, "a,b", "b,c")
    shop.land("shop", [HEAD, "o9,a,2024-05-09"])
    assert shop.refresh()["orders"].how == "merged"
    assert shop.orders()["o9"] == "c"
    assert shop.take_dirty() == {"c"}


def test_a_merge_taken_back_gives_both_customers_what_was_theirs(make: Make) -> None:
    shop = merged(make, "a,b")
    shop.land("merges", ["old,new,op", "a,,D"])
    shop.refresh()
    assert shop.orders() == {"o1": "a", "o2": "b", "o3": "c", "o4": None}
    assert shop.take_dirty() == {"a", "b"}
    assert len(shop.core()["customers"]) == 3 and len(shop.core()["campaign_contacts"]) == 3
    assert shop.core() == shop.rebuild()


def test_merges_in_a_circle_are_refused_and_counted_and_the_others_are_followed(make: Make) -> None:
    shop = merged(make, "a,b", "b,a", "x,x", "c,d")
    assert refused(shop.con) == 3
    assert shop.orders() == {"o1": "a", "o2": "b", "o3": "d", "o4": None}
    assert shop.rows("from quarantine.row") == [], "no row of a circle is wrong by itself"
    shop.land("merges", ["old,new,op", "b,,D"])
    shop.refresh()
    assert refused(shop.con) == 1
    assert shop.orders() == {"o1": "b", "o2": "b", "o3": "d", "o4": None}


def test_a_long_chain_ends_at_its_last_customer(make: Make) -> None:
    shop = make(MERGED)
    shop.land("shop", [HEAD, "o1,n0,2024-05-01"])
    shop.land("merges", ["old,new,op", *(f"n{i},n{i + 1},I" for i in range(33))])
    shop.refresh()
    assert shop.orders() == {"o1": "n33"} and refused(shop.con) == 0


def test_a_merge_that_came_while_orders_were_not_brought_up_is_not_lost(make: Make) -> None:
    shop = merged(make, "a,b")
    for line in ("b,c,I", "c,d,I"):
        shop.land("merges", ["old,new,op", line])
        only = {table: t for table, t in shop.sources.items() if table == "merges"}
        Deliveries.refresh(_alone(shop, only))  # the run dies after the first table
    shop.refresh()
    assert set(shop.orders().values()) == {"d", None}
    assert shop.take_dirty() == {"b", "c", "d"}
    assert shop.core() == shop.rebuild()


def _alone(shop: Deliveries, sources: dict[str, Source]) -> Deliveries:
    """The same warehouse, seen with some of its sources."""
    alone = Deliveries.__new__(Deliveries)
    alone.con, alone.folder, alone.sources, alone.written = shop.con, shop.folder, sources, shop.written
    return alone


def test_a_project_without_merges_keeps_nothing_beside_its_core(make: Make) -> None:
    shop = make(SHOP)
    shop.land("shop", [HEAD, "o1,a,2024-05-01"])
    shop.refresh()
    assert shop.rows("select table_name from duckdb_tables() where table_name like 'known%'") == []


def test_taking_merges_out_of_the_project_gives_everyone_back(make: Make) -> None:
    shop = merged(make, "a,b")
    shop.sources = SHOP
    shop.refresh()
    assert shop.orders()["o1"] == "a"
    assert shop.take_dirty() == {None}
    assert shop.rows("select table_name from duckdb_tables() where table_name = 'known__orders'") == []


def test_guests_are_keyed_by_a_hash_and_never_by_what_they_typed(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOHKO_GUEST_SALT", "0123456789abcdef")
    shop = make({"shop": source({"orders": ORDERS}, guest_key="lower(trim(mail))")})
    lines = [
        "o1,,2024-05-01,Ann@x.fi ",
        "o2,,2024-05-02,ann@x.fi",
        "o3,c,2024-05-02,ann@x.fi",
        "o4,,2024-05-02,",
    ]
    shop.land("shop", [f"{HEAD},mail", *lines])
    shop.refresh()
    found = shop.orders()
    assert found["o1"] == found["o2"] and str(found["o1"]).startswith("guest-")
    assert (found["o3"], found["o4"]) == ("c", None)
    assert "x.fi" not in str(shop.core())
    monkeypatch.setenv("LOHKO_GUEST_SALT", "fedcba9876543210")
    assert shop.refresh()["orders"].how == "rebuilt"
    assert shop.orders()["o1"] != found["o1"]


def test_guests_are_not_keyed_without_a_salt(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOHKO_GUEST_SALT", "short")
    shop = make({"shop": source({"orders": ORDERS}, guest_key="mail")})
    with pytest.raises(Exception, match=r"LOHKO_GUEST_SALT, and it has 5"):
        shop.land("shop", [f"{HEAD},mail", "o1,,2024-05-01,a"])


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        ({"delivery": "changes"}, "needs operation"),
        ({"operation": {"column": "op", "delete": ["D"]}}, "belongs to delivery: changes"),
        ({"delivery": "snapshot", "version": "at"}, "version does not go with"),
        ({"delivery": "snapshot", "playback": {"by": "day"}}, "playback does not go with"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(settings: dict[str, object], fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        source({"orders": ORDERS}, **settings)


def test_sources_whose_rows_are_compared_whole_have_all_a_version_or_none() -> None:
    consents = {"customer_id": "c", "channel": "'email'", "granted": "ok", "changed_on": "day"}
    sources = {
        "a": source({"orders": ORDERS, "consents": consents}, version="v"),
        "b": source({"consents": consents}),
    }
    with pytest.raises(ValueError, match="by b without"):
        ProjectConfig(project="p", timezone="UTC", currency="EUR", sources=sources)


def test_the_account_of_a_batch_that_is_replaced_in_part_keeps_all_its_rows(make: Make) -> None:
    shop = make(SHOP)
    names = ["x.csv", "y.csv"]
    shop.land("shop", [HEAD, "o1,a,2024-05-01", "o2,a,never"], [HEAD, "o3,c,2024-05-01"], names=names)
    shop.refresh()
    shop.land("shop", [HEAD, "o1,b,2024-05-01"], names=["x.csv"])
    assert shop.refresh()["orders"].how == "rebuilt"
    assert shop.orders() == {"o1": "b", "o3": "c"}
    account = shop.rows("select rows_landed, rows_accepted, rows_quarantined from ingest.batch_table")
    assert [tuple(row.values()) for row in account] == [(3, 2, 1), (1, 1, 0)]


def test_an_older_batch_accepted_by_hand_enters_core_and_does_not_undo_a_newer_file(make: Make) -> None:
    shop = make(SHOP)
    shop.land("shop", [HEAD, "o1,a,2024-05-01"])
    late = shop.land("shop", [HEAD, "o2,old,2024-05-01"], accepted=False, names=["x.csv"])
    other = shop.land("shop", [HEAD, "o4,d,2024-05-01"], accepted=False)
    shop.land("shop", [HEAD, "o2,new,2024-05-01", "o3,c,2024-05-01"], names=["x.csv"])
    shop.refresh()
    shop.accept(other)
    assert shop.refresh()["orders"].how == "rebuilt"
    assert shop.orders() == {"o1": "a", "o2": "new", "o3": "c", "o4": "d"}
    shop.accept(late)
    shop.refresh()
    assert shop.orders()["o2"] == "new"
