"""What happens to a company that sells to persons and to firms, as the files that its systems send.

Three systems take orders (a shop, a web shop, a stall that numbers as the shop does), two know customers (a
CRM and a club), and customers, contacts and accounts are linked. What may go wrong on the way does: rows come
late, files are sent again with other contents, orders are returned, customers merge and part again, days and
arms are left blank.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import date, timedelta
from typing import NamedTuple

from deliveries import FEED, source

VERSIONED = FEED | {"version": "cast(v as int)"}
SNAPSHOT = {"delivery": "snapshot", "max_deleted_share": 1}
PERSON_AT = {"contact_id": "contact_id", "account_id": "account_id", "decision_maker": "decision_maker"}
PERSON = {"customer_id": "id", "account_id": "account", "created_on": "since"}
ORDER = {
    "order_id": "id",
    "customer_id": "customer",
    "ordered_at": "at",
    "status": "state",
    "currency": "currency",
    "revenue": "amount",
}
LINE = {
    "order_id": "id",
    "line_id": "line",
    "product_id": "product",
    "revenue": "amount",
    "discount": "discount",
    "cost": "cost",
}


# Its lines have no number: what is scanned twice is told twice, and exports overlap.
SCANNED = {column: LINE[column] for column in ("order_id", "product_id", "revenue")}
OF_THE_STALL = {"orders": {"prefix": "k-"}}


def same(*columns: str) -> dict[str, str]:
    """Columns that their source calls as Lohko does."""
    return {column: column for column in columns}


SOURCES = {
    "merges": source({"customer_merges": {"old_id": "old", "new_id": "new"}}, **VERSIONED),
    "shop": source({"orders": ORDER | same("store_id", "channel", "account_id")}),
    "web": source({"orders": ORDER}, **FEED),
    "till": source({"order_lines": LINE}),
    "stall": source({"orders": ORDER}, keys=OF_THE_STALL),
    "scanner": source({"order_lines": SCANNED}, keys=OF_THE_STALL),
    "crm": source({"customers": PERSON}, **SNAPSHOT),
    "club": source({"customers": PERSON}),
    "firms": source({"accounts": same("account_id", "industry", "created_on")}, **SNAPSHOT),
    "people": source({"contacts": PERSON_AT | same("primary_account", "created_on", "mood")}),
    "cards": source({"contacts": PERSON_AT}, **FEED),
    "deals": source(
        {
            "opportunities": same("opportunity_id", "account_id", "opened_on", "closed_on", "outcome")
            | same("value", "currency", "stage", "probability", "lead_id", "source", "rival")
        }
    ),
    "leads": source(
        {
            "leads": same("lead_id", "account_id", "contact_id", "created_on", "converted_on", "status")
            | same("source")
        }
    ),
    "ads": source({"campaigns": same("campaign_id", "start_date", "end_date")}),
    "touches": source(
        {
            "campaign_contacts": same("campaign_id", "customer_id", "contact_id", "account_id")
            | same("contacted_on", "channel", "arm", "cost", "touch_id")
        }
    ),
    "answers": source(
        {
            "campaign_responses": same("campaign_id", "customer_id", "contact_id", "account_id")
            | same("responded_on", "offer_id")
        }
    ),
    "clicks": source(
        {
            "interactions": same("interaction_id", "customer_id", "contact_id", "occurred_at")
            | same("channel", "interaction_type", "product_id")
        }
    ),
    "tickets": source(
        {
            "feedback": same("feedback_id", "kind", "customer_id", "contact_id", "received_on", "closed_on")
            | same("score", "complaint")
        }
    ),
    "consents": source(
        {
            "consents": same("customer_id", "contact_id", "channel", "purpose", "granted", "changed_on"),
        }
    ),
    "goods": source({"products": same("product_id", "category")}, **SNAPSHOT),
    "bank": source({"rates": same("currency", "day", "rate")}),
}
# How often a system sends something, beside the others.
OFTEN = ("shop", "till", "web")


class Delivery(NamedTuple):
    """A file of a source: its name, its lines with the header first, and the verdict it gets."""

    source: str
    name: str
    lines: list[str]
    accepted: bool


class World:
    """Everything that is random; the same seed sends the same files."""

    def __init__(self, seed: int, today: date) -> None:
        self.rng = random.Random(seed)
        self.today = today
        self.versions = 0
        self.sent: dict[str, list[str]] = {}  # source -> names of its files

    def first(self) -> list[Delivery]:
        """What each system sends first: enough for every table to have rows."""
        return [self._file(name, self.rng.randrange(4, 9)) for name in SOURCES]

    def next(self, files: int) -> list[Delivery]:
        """Files of some systems; about every fourth one replaces an earlier one, every eighth is refused."""
        found = []
        for _ in range(files):
            name = self.rng.choice([*SOURCES, *OFTEN])
            again = self.rng.choice(self.sent[name]) if self.rng.random() < 0.25 else None
            rejected = self.rng.random() < 0.125
            found.append(self._file(name, self.rng.randrange(1, 6), again, not rejected))
        return found

    def _file(self, name: str, rows: int, again: str | None = None, accepted: bool = True) -> Delivery:
        made = self.sent.setdefault(name, [])
        path = again or f"{name}-{len(made)}.csv"
        if again is None:
            made.append(path)
        drawn = [self._row(name) for _ in range(rows)]
        # Of one key one row a file: what two of them would mean is not asked here.
        found = [*{tuple(row.values())[: KEYS.get(name, 1)]: row for row in drawn}.values()]
        found = drawn if name in ALIKE else found
        lines = [",".join("" if value is None else str(value) for value in row.values()) for row in found]
        return Delivery(name, path, [",".join(found[0]), *lines], accepted)

    def _row(self, name: str) -> dict[str, object]:
        return ROWS[name](self)

    def day(self, back: int = 150, ahead: int = 4) -> date:
        """A day, most often of the last weeks; sometimes long ago, sometimes still to come."""
        back = 420 if self.rng.random() < 0.1 else back
        return self.today - timedelta(days=self.rng.randrange(-ahead, back))

    def one(self, *values: object) -> object:
        return self.rng.choice(values)

    def an(self, letter: str, most: int, *, blank: bool = True) -> str | None:
        """An id, or none; the last ids are known to nobody else."""
        return self.rng.choice([*(f"{letter}{n}" for n in range(most)), *([None] if blank else [])])

    def version(self) -> int:
        """Versions rise, but for those that come late."""
        self.versions += 1
        return max(self.versions - self.rng.choice([0, 0, 0, 7]), 0)


def _at(day: date, hour: object) -> str:
    return f"{day} {hour}:30:00"


def _order(world: World, key: str) -> dict[str, object]:
    return {
        "id": key,
        "customer": world.an("c", 10),
        "at": _at(world.day(), world.one("00", "09", "23")),
        "state": world.one("completed", "completed", "completed", "cancelled", "returned"),
        "currency": world.one(None, None, "EUR", "SEK"),
        "amount": world.one(None, "12.50", "80.00", "-20.00"),
    }


def _shop(world: World) -> dict[str, object]:
    row = _order(world, f"s{world.rng.randrange(30)}")
    return (
        row
        | {"store_id": world.one("n", "m", None), "channel": world.one("web", "shop", None)}
        | {"account_id": world.one(None, None, None, "a0", "c3")}
    )


def _web(world: World) -> dict[str, object]:
    row = _order(world, f"w{world.rng.randrange(15)}")
    return row | {"op": world.one("I", "U", "U", "D")}


def _line(world: World) -> dict[str, object]:
    return {
        "id": world.one(f"s{world.rng.randrange(30)}", f"s{world.rng.randrange(30)}", "w1", "unknown"),
        "line": world.one("1", "2"),
        "product": world.an("p", 5),
        "amount": world.one("10.00", "49.90", "5.25", "-7.00"),
        "discount": world.one(None, "0.50"),
        "cost": world.one(None, "4.00"),
    }


def _scanned(world: World) -> dict[str, object]:
    return {
        "id": f"s{world.rng.randrange(6)}",
        "product": world.an("p", 3),
        "amount": world.one("10.00", "5.25"),
    }


def _merge(world: World) -> dict[str, object]:
    old, new = world.rng.sample([*(f"c{n}" for n in range(10)), "k1"], 2)
    return {"old": old, "new": new, "v": world.version(), "op": world.one("I", "U", "D")}


def _person(world: World) -> dict[str, object]:
    return {
        "id": world.one(*[f"c{n}" for n in range(12)], "k1"),
        "account": world.one(None, "a0", "a1", "a2", "c3"),
        "since": world.one(None, world.day(300)),
    }


def _person_at(world: World) -> dict[str, object]:
    """Somebody at a company: now at one, now at several, then at none."""
    return {
        "contact_id": world.an("k", 5, blank=False),
        "account_id": world.one(None, "a0", "a0", "a1", "a2", "c3"),
        "decision_maker": world.one(None, "true", "false"),
    }


def _deal(world: World) -> dict[str, object]:
    opened, outcome = world.day(), world.one("open", "won", "lost")
    closed = world.one(None, opened + timedelta(days=world.rng.randrange(90)))
    return {
        "opportunity_id": f"d{world.rng.randrange(10)}",
        "account_id": world.one("a0", "a1", "a2", "c3", "a9", None),
        "opened_on": world.one(opened, opened, opened, None),
        "closed_on": closed,
        "outcome": outcome,
        "value": world.one(None, "100", "250"),
        "currency": world.one(None, "EUR", "SEK"),
        "stage": world.one("offer", "talk"),
        "probability": world.one(None, "0.5"),
        "lead_id": world.one(None, f"l{world.rng.randrange(10)}"),
        "source": world.one(None, "fair"),
        "rival": world.one(None, "acme"),
    }


def _lead(world: World) -> dict[str, object]:
    created, status = world.day(), world.one("new", "working", "converted")
    return {
        "lead_id": f"l{world.rng.randrange(10)}",
        "account_id": world.one(None, "a0", "a1"),
        "contact_id": world.an("k", 6),
        "created_on": world.one(created, created, created, None),
        "converted_on": world.one(None, created + timedelta(days=world.rng.randrange(60))),
        "status": status,
        "source": world.one(None, "web"),
    }


def _campaign(world: World) -> dict[str, object]:
    start = world.day()
    return {"campaign_id": world.an("g", 3, blank=False), "start_date": start, "end_date": start}


def _owner(world: World) -> dict[str, object]:
    """Whose a touch or a response is: most often a customer, sometimes nobody, which is no row."""
    owner: dict[str, object] = {"customer_id": None, "contact_id": None, "account_id": None}
    named = world.one(*["customer_id"] * 3, *["contact_id"] * 2, "account_id", None)
    ids = {"customer_id": world.an("c", 11), "contact_id": world.an("k", 6), "account_id": world.an("a", 3)}
    return owner | ({str(named): ids[str(named)]} if named else {})


def _touch(world: World) -> dict[str, object]:
    said = {
        "touch_id": world.one(None, None, f"t{world.rng.randrange(12)}"),
        "campaign_id": world.an("g", 4, blank=False),  # g3 is a campaign of which nothing is known
        "contacted_on": world.one(None, world.day()),
        "channel": world.one(None, "email", "letter"),
    }
    return (
        said | _owner(world) | {"arm": world.one(None, "treatment", "control"), "cost": world.one(None, "2")}
    )


def _consent(world: World) -> dict[str, object]:
    # The contact k1 is the customer k1 as well.
    who = world.one(*["customer_id"] * 3, "contact_id")
    return {
        "customer_id": world.one(world.an("c", 10), "k1") if who == "customer_id" else None,
        "contact_id": world.an("k", 4) if who == "contact_id" else None,
        "channel": world.one("email", "sms"),
        "changed_on": world.day(),
        "granted": world.one("true", "false"),
        "purpose": world.one(None, "marketing", "News"),
    }


def _click(world: World) -> dict[str, object]:
    return {
        "interaction_id": f"i{world.rng.randrange(40)}",
        "customer_id": world.an("c", 10),
        "contact_id": world.an("k", 6),
        "occurred_at": _at(world.day(), world.one("00", "12")),
        "channel": world.one("web", "app", "email"),
        "interaction_type": world.one("visit", "sent", "open", None),
        "product_id": world.an("p", 5),
    }


def _ticket(world: World) -> dict[str, object]:
    received = world.day()
    return {
        "feedback_id": f"f{world.rng.randrange(20)}",
        "kind": world.one("ticket", "csat"),
        "customer_id": world.an("c", 10),
        "contact_id": world.an("k", 6),
        "received_on": received,
        "closed_on": world.one(None, received + timedelta(days=world.rng.randrange(40))),
        "score": world.one(None, "1", "4"),
        "complaint": world.one(None, "true", "false"),
    }


ROWS: dict[str, Callable[[World], dict[str, object]]] = {
    "merges": _merge,
    "shop": _shop,
    "web": _web,
    "till": _line,
    "stall": lambda world: _order(world, f"s{world.rng.randrange(8)}"),
    "scanner": _scanned,
    "crm": lambda world: (
        _person(world) | {"town": world.one(None, "Turku", "Oulu"), "age": world.one("20", "40")}
    ),
    "club": lambda world: (
        _person(world) | {"town": world.one(None, "Vaasa", "Oulu"), "tier": world.one(None, "gold", "tin")}
    ),
    "firms": lambda world: {
        "account_id": world.one("a0", "a1", "a2", "c3"),
        "industry": world.one(None, "steel", "paper"),
        "created_on": world.one(None, world.day(300)),
    },
    "people": lambda world: (
        _person_at(world)
        | {"primary_account": world.one(None, "true"), "created_on": world.one(None, world.day(300))}
        | {"mood": world.one(None, "glad", " sad ")}
    ),
    "cards": lambda world: _person_at(world) | {"op": world.one("I", "U", "D")},
    "deals": _deal,
    "leads": _lead,
    "ads": _campaign,
    "touches": _touch,
    "answers": lambda world: {
        "campaign_id": world.an("g", 4, blank=False),
        "responded_on": world.day(),
        "offer_id": world.one("x", "y"),
        **_owner(world),
    },
    "clicks": _click,
    "tickets": _ticket,
    "consents": _consent,
    "goods": lambda world: {
        "product_id": world.an("p", 4, blank=False),
        "category": world.one("A", "B", None),
    },
    "bank": lambda world: {"currency": "SEK", "day": world.day(), "rate": world.one("0.09", "0.1", "0.11")},
}
# How many columns of a file, from its first, make the key.
KEYS = {
    "people": 2,
    "cards": 2,
    "till": 2,
    "touches": 7,
    "answers": 6,
    "consents": 6,
    "bank": 2,
}
# Of these rows that are alike are each a thing of its own.
ALIKE = frozenset({"scanner", "consents"})
