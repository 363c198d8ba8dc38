"""Which days a change of core bears on: those from the first on that read the row, before or after."""

from collections.abc import Iterator
from datetime import date

import pytest
from shop import Shop

from pipelines.contracts.registry import CONTRACTS
from pipelines.core import changes, following, marks, merge
from pipelines.engine import DuckDB

MARCH, APRIL, MAY, JUNE = (date(2024, month, 5) for month in (3, 4, 5, 6))
EVERY_DAY = date(1, 1, 1)


@pytest.fixture
def shop() -> Iterator[Shop]:
    made = Shop(age="varchar")
    made.order("o1", "ann", APRIL, {"revenue": 5, "product_id": "bought"})
    made.order("o2", None, MAY, 5)
    for product in ("bought", "new"):
        made.add("core.products", {"product_id": product, "category": "A"})
    for customer, day in (("ann", MAY), ("bob", None)):
        made.add("core.customers", {"customer_id": customer, "created_on": day, "age": "20"})
    made.add("core.campaigns", {"campaign_id": "k", "start_date": MAY})
    made.add("core.campaigns", {"campaign_id": "without contacts", "start_date": JUNE})
    for customer, campaign, day in (("ann", "k", APRIL), ("bob", "k", None), ("cyd", "unknown", None)):
        made.add(
            "core.campaign_contacts",
            {"campaign_id": campaign, "customer_id": customer, "contacted_on": day, "arm": "treatment"},
        )
    made.add("core.interactions", {"interaction_id": "i", "customer_id": "ann", "business_date": MAY})
    made.add("core.accounts", {"account_id": "a", "account_name": "A"})
    made.add("core.consents", {"customer_id": "ann", "channel": "email", "changed_on": APRIL})
    yield made
    made.con.close()


def change(shop: Shop, table: str, edit: str) -> date | None:
    """The first day that an edit of a core table bears on, as core tells it; None where it bears on none."""
    contract, mark = CONTRACTS[table], changes.newest(DuckDB(shop.con))
    content = following.content_of(shop.con, contract)
    shop.con.execute(f"create or replace temp table was as select {content} from core.{table}")
    shop.con.execute(edit)
    following.keep_changed(shop.con, "from was", f"select {content} from core.{table}")
    marks.mark_changed(shop.con, contract)
    found = shop.select("select first_day from ingest.core_change where change_seq > ?", mark)
    assert len(found) < 2
    return (found[0][0] or EVERY_DAY) if found else None


@pytest.mark.parametrize(
    ("table", "edit", "first"),
    [
        ("orders", "update core.orders set status = 'returned' where order_id = 'o1'", APRIL),
        ("orders", f"update core.orders set business_date = '{JUNE}' where order_id = 'o1'", APRIL),
        ("orders", f"update core.orders set business_date = '{MARCH}' where order_id = 'o1'", MARCH),
        ("orders", "delete from core.orders where order_id = 'o2'", MAY),
        ("orders", "delete from core.orders where false", None),
        ("order_lines", "update core.order_lines set revenue = 6 where order_id = 'o1'", APRIL),
        ("order_lines", "update core.order_lines set order_id = 'o1' where order_id = 'o2'", APRIL),
        ("order_lines", "update core.order_lines set order_id = 'no such' where order_id = 'o2'", MAY),
        ("order_lines", "insert into core.order_lines (order_id, line_id) values ('no such', '0')", None),
        ("products", "update core.products set category = 'B' where product_id = 'bought'", EVERY_DAY),
        ("products", "update core.products set category = 'B' where product_id = 'new'", None),
        ("customers", "update core.customers set age = '30' where customer_id = 'ann'", MAY),
        ("customers", "update core.customers set age = '30' where customer_id = 'bob'", EVERY_DAY),
        ("customers", "update core.customers set age = '30'", EVERY_DAY),
        ("campaigns", f"update core.campaigns set start_date = '{JUNE}' where campaign_id = 'k'", MAY),
        ("campaigns", "delete from core.campaigns where campaign_id = 'without contacts'", JUNE),
        ("campaign_contacts", "delete from core.campaign_contacts where customer_id = 'ann'", APRIL),
        ("campaign_contacts", "delete from core.campaign_contacts where customer_id = 'bob'", MAY),
        ("campaign_contacts", "delete from core.campaign_contacts where customer_id = 'cyd'", EVERY_DAY),
        ("interactions", "update core.interactions set channel = 'web'", MAY),
        ("consents", "update core.consents set granted = true", APRIL),
        ("accounts", "update core.accounts set account_name = 'B'", EVERY_DAY),
    ],
)
def test_a_change_bears_on_the_days_from_its_rows_on(
    shop: Shop, table: str, edit: str, first: date | None
) -> None:
    assert change(shop, table, edit) == first


def test_a_new_owner_bears_on_the_days_of_what_it_owns_though_it_came_later(shop: Shop) -> None:
    """Facts of an account are found through its contacts and customers, whatever day these are of."""
    event = {"kind": "ticket", "contact_id": "paul", "received_on": APRIL}
    shop.add("core.feedback", {"feedback_id": "f", **event})
    arrives = "insert into core.contacts (contact_id, account_id, created_on) values"
    assert change(shop, "contacts", f"{arrives} ('quinn', 'a', '{JUNE}')") == JUNE
    assert change(shop, "contacts", f"{arrives} ('paul', 'a', '{JUNE}')") == APRIL
    assert (
        change(shop, "contacts", "update core.contacts set account_id = 'b' where contact_id = 'paul'")
        == APRIL
    )
    bought = "insert into core.customers (customer_id, account_id, created_on) values"
    shop.order("o3", "dan", MARCH, 5)
    assert change(shop, "customers", f"{bought} ('eve', 'a', '{JUNE}')") == JUNE
    assert change(shop, "customers", f"{bought} ('dan', null, '{JUNE}')") == JUNE
    assert (
        change(shop, "customers", "update core.customers set account_id = 'a' where customer_id = 'dan'")
        == MARCH
    )


def test_a_new_owner_of_what_looks_its_day_up_in_vain_bears_on_every_day(shop: Shop) -> None:
    shop.con.execute("drop table core.campaigns")
    moves = "update core.customers set account_id = 'a' where customer_id ="
    assert change(shop, "customers", f"{moves} 'ann'") == EVERY_DAY


def test_a_large_table_that_is_rebuilt_and_a_column_that_comes_bear_on_every_day(shop: Shop) -> None:
    for table in ("orders", "customers"):
        contract, mark = CONTRACTS[table], changes.newest(DuckDB(shop.con))
        before = merge._keep_before(shop.con, contract)
        shop.alter(table, "add column further varchar")
        merge._mark_rebuilt(shop.con, contract, before)
        assert changes.since(DuckDB(shop.con), {EVERY_DAY: mark}) == {EVERY_DAY}, table


def test_a_small_table_that_is_rebuilt_as_it_was_bears_on_no_day(shop: Shop) -> None:
    contract, mark = CONTRACTS["customers"], changes.newest(DuckDB(shop.con))
    merge._mark_rebuilt(shop.con, contract, merge._keep_before(shop.con, contract))
    assert changes.newest(DuckDB(shop.con)) == mark


def test_marks_are_asked_by_day_and_table_and_only_those_that_came_since(shop: Shop) -> None:
    shop.changed("orders", APRIL)
    mark = changes.newest(DuckDB(shop.con))
    marks = {MAY: mark, JUNE: mark}
    assert changes.since(DuckDB(shop.con), marks) == set()
    shop.changed("contacts", JUNE)
    assert changes.since(DuckDB(shop.con), marks) == {JUNE}
    assert changes.since(DuckDB(shop.con), marks, without=["contacts"]) == set()
    assert changes.since(DuckDB(shop.con), {MAY: 0, JUNE: mark + 1}) == {MAY}


def test_no_more_marks_are_kept_than_tell_something(shop: Shop) -> None:
    for day in (APRIL, JUNE, MAY, MAY, MARCH, MAY, None, JUNE, APRIL):
        shop.changed("orders", day)
    found = shop.select("select first_day from ingest.core_change where table_name = 'orders' order by 1")
    assert found == [(APRIL,), (None,)]
