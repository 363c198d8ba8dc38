"""Consents: whatever the order of files, rows and merges, the latest day holds, and on it a withdrawal."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple

import pytest
from deliveries import Deliveries, source
from fixtures.seeds import seeds

from pipelines.core.absent import create_absent
from pipelines.core.facts import resolved
from pipelines.engine import load_fragment, load_query

DAY = date(2024, 5, 10)
HEAD = "customer,contact,channel,purpose,granted,day"
SOURCES = {
    "merges": source({"customer_merges": {"old_id": "old", "new_id": "new"}}),
    "crm": source({"customers": {"customer_id": "id", "account_id": "account"}}),
    "people": source(
        {
            "contacts": {
                "contact_id": "id",
                "account_id": "account",
                "email_consent": "mail",
                "created_on": "'2024-01-01'",
            }
        }
    ),
    "said": source(
        {
            "consents": {
                "customer_id": "customer",
                "contact_id": "contact",
                "channel": "channel",
                "purpose": "purpose",
                "granted": "granted",
                "changed_on": "day",
            }
        }
    ),
}


class Said(NamedTuple):
    """A row of a file of consents."""

    customer: str
    contact: str
    channel: str
    purpose: str
    granted: bool
    day: date

    @property
    def line(self) -> str:
        return ",".join((*self[:4], str(self.granted).lower(), str(self.day)))


Standing = dict[tuple[str, str, str], bool]


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Deliveries]:
    made = Deliveries(tmp_path, SOURCES)
    made.refresh()
    create_absent(made.con, made.tables)
    yield made
    made.con.close()


def of_customers(shop: Deliveries, day: date = DAY) -> Standing:
    sql = resolved(load_fragment("features/families/standing_consent").sql, "customer")
    return {(a, b, c): d for a, b, c, d in shop.con.execute(sql, {"as_of": day}).fetchall()}


def of_contacts(shop: Deliveries, day: date = DAY) -> Standing:
    sql = load_query("core/queries/contact_consent").sql
    return {(a, b, c): d for a, b, c, d in shop.con.execute(sql, {"as_of": day}).fetchall()}


def mailable(shop: Deliveries, day: date = DAY) -> dict[str, bool | None]:
    sql = resolved("select contact_id, email_consent from known.contacts", "account")
    return dict(shop.con.execute(sql, {"as_of": day}).fetchall())


def land(shop: Deliveries, *said: Said | str) -> None:
    shop.land("said", [HEAD, *(row if isinstance(row, str) else row.line for row in said)])
    shop.refresh()


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (["a,,email,,true,2024-05-01"], {("a", "email", "marketing"): True}),
        (["a,,email,,true,2024-05-01", "a,,email,,false,2024-05-02"], {("a", "email", "marketing"): False}),
        (["a,,email,,false,2024-05-01", "a,,email,,true,2024-05-02"], {("a", "email", "marketing"): True}),
        (["a,,email,,true,2024-05-01", "a,,email,,false,2024-05-01"], {("a", "email", "marketing"): False}),
        (["a,,email,,false,2024-05-01", "a,,email,,true,2024-05-01"], {("a", "email", "marketing"): False}),
        (["a,,email,,false,2024-05-01", "a,,email,,true,2024-05-11"], {("a", "email", "marketing"): False}),
        (["a,,email,,true,2024-05-11"], {}),
        (
            ["a,,email,News,true,2024-05-01", "a,,email,news,false,2024-05-02", "a,,email,,true,2024-05-01"],
            {("a", "email", "news"): False, ("a", "email", "marketing"): True},
        ),
        (["a,,sms,,true,2024-05-01"], {("a", "sms", "marketing"): True}),
    ],
)
def test_the_latest_day_holds_and_on_it_a_withdrawal(
    shop: Deliveries, rows: list[str], expected: Standing
) -> None:
    land(shop, *rows)
    assert of_customers(shop) == expected
    (account,) = shop.rows("from ingest.batch_table")
    assert account["rows_accepted"] == len(rows) and account["rows_conflicting"] == 0


def test_a_consent_without_purpose_is_for_marketing_and_one_of_nobody_is_quarantined(
    shop: Deliveries,
) -> None:
    land(shop, "a,,email,,true,2024-05-01", ",,email,,true,2024-05-01", ",k,email,,true,2024-05-01")
    assert shop.rows("select customer_id, contact_id, purpose from core.consents order by all") == [
        {"customer_id": "a", "contact_id": None, "purpose": "marketing"},
        {"customer_id": None, "contact_id": "k", "purpose": "marketing"},
    ]
    (kept_out,) = shop.rows("select reason, column_name from quarantine.row")
    assert kept_out == {"reason": "missing", "column_name": "customer_id or contact_id"}


@pytest.mark.parametrize(
    ("undated", "rows", "expected"),
    [
        ("true", [], True),
        ("true", [",k,email,,false,2024-05-01"], False),
        ("false", [",k,email,,true,2024-05-01"], True),
        ("", [",k,email,,true,2024-05-01"], True),
        ("true", [",k,email,,false,2024-05-11"], True),
        ("true", [",k,email,news,false,2024-05-01"], True),
        ("true", [",k,sms,,false,2024-05-01"], True),
        ("true", ["k,,email,,false,2024-05-01"], False),  # the same person as a customer
        ("true", [",k,email,,true,2024-05-01", "k,,email,,false,2024-05-01"], False),
        ("true", ["k,,email,,true,2024-05-01", ",k,email,,false,2024-05-01"], False),
        ("true", ["k,,email,,false,2024-05-01", ",k,email,,true,2024-05-02"], True),
        ("true", ["other,,email,,false,2024-05-01"], True),
    ],
)
def test_what_a_contact_said_on_a_day_outweighs_the_column_without_one(
    shop: Deliveries, undated: str, rows: list[str], expected: bool
) -> None:
    shop.land("people", ["id,account,mail", f"k,acme,{undated}"])
    shop.land("crm", ["id,account", "k,acme", "other,acme"])
    if rows:
        shop.land("said", [HEAD, *rows])
    shop.refresh()
    assert mailable(shop) == {"k": expected}


def test_who_has_the_id_of_a_contact_elsewhere_is_somebody_else(shop: Deliveries) -> None:
    shop.land("people", ["id,account,mail", "7,acme,true"])
    shop.land("crm", ["id,account", "7,other"])
    land(shop, "7,,email,,false,2024-05-01", ",7,email,,true,2024-05-02")
    assert mailable(shop) == {"7": True}
    assert of_customers(shop) == {("7", "email", "marketing"): False}


class Drawn:
    """A random company: what everybody said, who was merged, and whom contacts are."""

    def __init__(self, seed: int) -> None:
        self.rng = rng = random.Random(seed)
        customers, contacts = ["c0", "c1", "c2", "k0", "k1"], ["k0", "k1", "k2"]
        self.said = [
            Said(
                *((rng.choice(customers), "") if rng.random() < 0.6 else ("", rng.choice(contacts))),
                rng.choice(["email", "sms"]),
                rng.choice(["", "marketing", "News", "news"]),
                rng.random() < 0.6,
                DAY - timedelta(days=rng.choice([-1, 0, 0, 1, 1, 2])),
            )
            for _ in range(rng.randrange(4, 25))
        ]
        self.account = {name: rng.choice(["acme", "other"]) for name in (*customers, *contacts)}
        self.of_contact = {name: rng.choice(["acme", "other"]) for name in contacts}
        # No circles: whoever is merged goes to one later in the list.
        self.merged = {
            old: rng.choice(customers[i + 1 :]) for i, old in enumerate(customers[:-1]) if rng.random() < 0.4
        }

    def survivor(self, customer: str) -> str:
        while customer in self.merged:
            customer = self.merged[customer]
        return customer

    def is_known(self, customer: str) -> bool:
        return customer.startswith(("c", "k0", "k1"))

    def person(self, contact: str) -> str | None:
        """The customer that a contact is: of the same id, in the same account."""
        customer = self.survivor(contact)
        # Of merged customers the row of the survivor counts.
        same = self.is_known(customer) and self.account[customer] == self.of_contact[contact]
        return customer if same else None

    def standing(self, whose: dict[str, set[int]]) -> Standing:
        """By brute force: the rows of each, by channel and purpose; the latest day, all of it granted."""
        found: Standing = {}
        for name, rows in whose.items():
            said = [self.said[i] for i in rows if self.said[i].day <= DAY]
            for key in {(row.channel, (row.purpose or "marketing").lower()) for row in said}:
                asked = [r for r in said if (r.channel, (r.purpose or "marketing").lower()) == key]
                last = max(row.day for row in asked)
                found[(name, *key)] = all(row.granted for row in asked if row.day == last)
        return found

    def customers(self) -> Standing:
        whose: dict[str, set[int]] = {}
        for i, row in enumerate(self.said):
            name = self.survivor(row.customer) if row.customer else self.person(row.contact)
            if name:
                whose.setdefault(name, set()).add(i)
        return self.standing(whose)

    def contacts(self) -> Standing:
        whose: dict[str, set[int]] = {}
        for i, row in enumerate(self.said):
            if row.contact:
                whose.setdefault(row.contact, set()).add(i)
            for contact in self.of_contact if row.customer else ():
                if self.person(contact) == self.survivor(row.customer):
                    whose.setdefault(contact, set()).add(i)
        return self.standing(whose)

    def files(self) -> list[tuple[str, list[str]]]:
        lines = [row.line for row in self.said] * self.rng.choice([1, 2])
        self.rng.shuffle(lines)
        made = [
            (
                "crm",
                ["id,account", *(f"{name},{self.account[name]}" for name in self.account if name != "k2")],
            )
        ]
        made.append(("people", ["id,account,mail", *(f"{n},{a}," for n, a in self.of_contact.items())]))
        made += [("merges", ["old,new", f"{old},{new}"]) for old, new in self.merged.items()]
        while lines:
            taken = self.rng.randrange(1, len(lines) + 1)
            made.append(("said", [HEAD, *lines[:taken]]))
            lines = lines[taken:]
        self.rng.shuffle(made)
        return made


@pytest.mark.parametrize("seed", seeds(4, 60))
def test_random_consents_with_merges_in_any_order_say_what_plain_python_says(
    shop: Deliveries, seed: int
) -> None:
    drawn = Drawn(seed)
    for name, lines in drawn.files():
        shop.land(name, lines)
        if drawn.rng.random() < 0.5:
            shop.refresh()
    shop.refresh()
    assert of_customers(shop) == drawn.customers()
    assert of_contacts(shop) == drawn.contacts()
    kept = shop.core()
    assert kept == shop.rebuild()
