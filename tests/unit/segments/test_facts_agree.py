"""However facts are counted, the count is the same: a feature, `did()` and a feature of the project's own.

The rows are random: blanks, references to nothing, days to come, deals and leads whose closing day and
outcome say different things. Tables come from the contracts, so a new one is counted without a further line.
"""

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from shop import EVERYTHING, Shop

from pipelines.config.features import Features
from pipelines.contracts.registry import CONTRACTS, FACTS
from pipelines.engine import DuckDB, rows
from pipelines.features.catalogue import catalogue
from pipelines.segments import history
from pipelines.segments.definitions import load_definitions

D = date(2024, 6, 30)
SEEDS = range(4)
MOST = 4
CUSTOMERS = {"c1": "acme", "c2": "acme", "c3": "bolt", "c4": None, "c5": "unknown", "c6": "acme"}
ACCOUNTS = ("acme", "bolt", "crux", "c4")
# A person may stand at several companies, or at none.
CONTACTS = {
    "k1": ("acme",),
    "k2": ("bolt", "crux", "acme"),
    "k3": ("unknown", ""),
    "k4": ("",),
    "k5": ("c4", "crux"),
}
PRIMARY = {("k2", "crux")}
IDS = {
    "customer_id": [*CUSTOMERS, "nobody", None],
    "account_id": [*ACCOUNTS, "unknown", None],
    "contact_id": [*CONTACTS, "unknown", None],
    "campaign_id": ["m1", "m2", "m3", "unknown", None],
    "product_id": ["p1", "p2", "unknown", None],
}
ACTIVE = "lower(coalesce(interaction_type, '')) not in ('sent', 'delivered', 'bounce', 'bounced')"
YEAR = "> date '2023-07-01'"
# Table, condition, days, and the standard features of customers and of accounts that count the same.
ASKED: list[tuple[str, str | None, int | None, str | None, str | None]] = [
    *((table, None, days, None, None) for table in FACTS for days in (None, 365)),
    ("orders", None, 365, "orders_365d", "orders_365d"),
    ("orders", "status = 'returned'", 365, "returns_365d", None),
    ("campaign_contacts", None, 365, "touches_365d", "touches_365d"),
    ("campaign_contacts", "arm = 'control'", None, None, None),
    ("campaign_contacts", f"contacted_on {YEAR}", None, None, None),
    ("interactions", ACTIVE, 365, "interactions_365d", None),
    ("feedback", "kind = 'ticket'", 90, "tickets_90d", None),
    ("feedback", "kind = 'ticket' and closed_on is null", None, "open_tickets", None),
    ("leads", None, 90, None, "leads_90d"),
    (
        *("leads", f"status = 'converted' and coalesce(converted_on, created_on) {YEAR}", None),
        *(None, "leads_converted_365d"),
    ),
    ("leads", "status = 'converted' and converted_on is null", None, None, None),
    ("opportunities", "outcome = 'open'", None, None, "open_opportunities"),
    (
        *("opportunities", f"outcome = 'won' and coalesce(closed_on, opened_on) {YEAR}", None),
        *(None, "won_365d"),
    ),
    (
        *("opportunities", f"outcome = 'lost' and coalesce(closed_on, opened_on) {YEAR}", None),
        *(None, "lost_365d"),
    ),
    ("opportunities", "closed_on is null", 365, None, None),
    ("opportunities", "source = 'web'", None, None, None),
    ("orders", "account_id is not null", 365, None, None),
]


def random_rows(rng: random.Random, table: str, count: int) -> Iterator[dict[str, Any]]:
    """Rows of a table with all that its contract lets through, and what it warns of."""
    contract, seen = CONTRACTS[table], set[tuple[Any, ...]]()
    for number in range(count):
        row = {column.name: value(rng, table, column, number) for column in contract.columns}
        if contract.one_of and not any(row[name] for name in contract.one_of):
            continue  # it would not leave quarantine
        for derived in contract.derived:
            row[derived.name] = (
                row[contract.watermark or ""].date()
                if derived.type == "DATE"
                else ", ".join(f"{name} {row[name]}" for name in derived.parts if row[name])
            )
        key = tuple(row[name] for name in contract.key)
        if key not in seen:
            seen.add(key)
            yield row


def value(rng: random.Random, table: str, column: Any, number: int) -> Any:
    """A value of a column: sometimes blank, of a day to come, or naming nothing that is there."""
    if not column.required and rng.random() < 0.25:
        return None
    day = D + timedelta(days=rng.choice([-800, -400, -364, -100, -89, -30, -1, 0, 1, 40]))
    if column.type == "DATE":
        return day
    if column.type == "TIMESTAMPTZ":
        return datetime.combine(day, time(9), tzinfo=UTC)
    if column.type == "BOOLEAN":
        return rng.random() < 0.5
    if column.type != "VARCHAR":
        return rng.randrange(1, 5)
    if column.allowed:
        return rng.choice(column.allowed)
    if column.name == "interaction_type":
        return rng.choice(["visit", "sent", "Bounce"])
    if column.name == "purpose":
        return rng.choice(["marketing", "news"])
    found = IDS.get(column.name, [])
    if column.name == "lead_id" and table != "leads":
        found = [f"lead_id{i}" for i in range(60)]
    if column.name == "source":
        found = ["web", "fair"]
    if column.name == "order_id" and table == "order_lines":
        found = [f"order_id{i}" for i in range(60)]
    if found and (column.name,) != CONTRACTS[table].key:
        return rng.choice([name for name in found if name or not column.required])
    return f"{column.name}{number}"


def random_market(seed: int) -> Shop:
    rng = random.Random(seed)
    shop = Shop(account_id="varchar")
    add = shop.add
    for customer, account in CUSTOMERS.items():
        add("core.customers", {"customer_id": customer, "account_id": account})
    for account in ACCOUNTS:
        add("core.accounts", {"account_id": account})
    for contact, account in ((contact, account) for contact, at in CONTACTS.items() for account in at):
        primary = True if (contact, account) in PRIMARY else None
        add("core.contacts", {"contact_id": contact, "account_id": account, "primary_account": primary})
    for number, start in enumerate((D - timedelta(days=400), D - timedelta(days=30), D + timedelta(days=9))):
        add("core.campaigns", {"campaign_id": f"m{number + 1}", "start_date": start, "end_date": start})
    with shop.together():
        for table in FACTS:
            for row in random_rows(rng, table, 50):
                shop.add(f"core.{table}", row)
    return shop


def custom_features(entity: str) -> list[dict[str, Any]]:
    return [
        {
            "name": f"n{i}",
            "from": table,
            "aggregate": "count",
            "window": f"{days}d" if days else "ever",
            "entity": entity,
            "meaning": "m",
        }
        | ({"where": where} if where else {})
        for i, (table, where, days, *_) in enumerate(ASKED)
        if entity == "account" or FACTS[table].of_customers
    ]


def write_definitions(folder: Path, entity: str) -> None:
    """For each question one audience a count: at least one, at least two, …"""
    audiences = []
    for i, (table, where, days, *_) in enumerate(ASKED):
        for least in range(1, MOST + 1):
            asked = [table, f"at_least: {least}"]
            asked += [f"where: {where}"] if where else []
            asked += [f"within: {days}d"] if days else []
            audiences.append(
                f"  - id: n{i}_{least}\n    name: n{i}_{least}\n    when: >-\n      did({', '.join(asked)})\n"
            )
    (folder / f"{entity}.yaml").write_text(
        f"segmentation: {entity}\nname: x\nentity: {entity}\nkind: audiences\naudiences:\n"
        + "".join(audiences)
    )


def counted_by_did(shop: Shop, folder: Path, settings: Features) -> dict[tuple[str, str], Counter[str]]:
    """Entity and member -> question -> how many, as far as `MOST`."""
    folder.mkdir()
    for entity in ("customer", "account"):
        write_definitions(folder, entity)
    features = {
        "customer": catalogue("customer", EVERYTHING, [], settings),
        "account": catalogue("account", EVERYTHING, [], settings),
    }
    definitions = load_definitions(folder, features)
    definitions.checked()
    found: dict[tuple[str, str], Counter[str]] = {}
    for entity in ("customer", "account"):
        plan = definitions.plan(entity)
        plan.prepare(DuckDB(shop.con), D)
        for member, audiences in shop.con.execute(plan.sql, plan.parameters(D)).fetchall():
            found[entity, member] = Counter(name.split("_")[0] for name in audiences)
    return found


def disagreements(seed: int, folder: Path) -> Sequence[tuple[Any, ...]]:
    shop = random_market(seed)
    history.create(shop.con)
    settings = Features.model_validate(
        {"custom": [*custom_features("customer"), *custom_features("account")]}
    )
    shop.compute(D, settings=settings)
    did = counted_by_did(shop, folder / "segments", settings)
    wrong = []
    for entity in ("customer", "account"):
        members = rows(shop.con, f"from features.{entity} where as_of_date = ? order by all", [D])
        assert {row[f"{entity}_id"] for row in members} == {name for of, name in did if of == entity}
        for row in members:
            for i, (table, where, days, of_customer, of_account) in enumerate(ASKED):
                counts = {"did": did[entity, row[f"{entity}_id"]][f"n{i}"]}
                if f"n{i}" in row:
                    counts["custom"] = min(row[f"n{i}"], MOST)
                standard = of_customer if entity == "customer" else of_account
                if standard:
                    counts[standard] = min(row[standard], MOST)
                if len(set(counts.values())) > 1:
                    wrong.append((entity, row[f"{entity}_id"], table, where, days, counts))
    return wrong


@pytest.mark.parametrize("seed", SEEDS)
def test_a_feature_did_and_a_custom_feature_count_the_same_facts(seed: int, tmp_path: Path) -> None:
    assert disagreements(seed, tmp_path) == []


def test_a_contact_counts_by_its_day_unless_it_is_held_back() -> None:
    shop = Shop()
    shop.add("core.campaigns", {"campaign_id": "m", "start_date": D, "end_date": D})
    for customer, campaign, day, arm in (
        ("blank_arm", "m", None, None),
        ("held_back", "m", None, "control"),
        ("dated", "unknown", D, "treatment"),
        ("undated", "unknown", None, "treatment"),
    ):
        key = {"campaign_id": campaign, "customer_id": customer}
        shop.add("core.campaign_contacts", key | {"contacted_on": day, "arm": arm})
    found = shop.features(D)
    contacted = {name: known["campaigns_contacted_365d"] for name, known in found.items()}
    # Who was never contacted on any day is not a customer by that.
    assert contacted == {"blank_arm": 1, "held_back": 0, "dated": 1}
    assert shop.features(D - timedelta(days=1)).keys() == set()


def test_the_random_rows_hold_what_could_be_counted_differently() -> None:
    """Without these the property would hold of any code."""
    shops = [random_market(seed) for seed in SEEDS]
    for question in (
        "campaign_contacts where arm is null",
        "campaign_contacts where campaign_id = 'unknown' and contacted_on is not null",
        "campaign_contacts where contacted_on is null",
        "opportunities where outcome = 'lost' and closed_on is null",
        "opportunities where outcome = 'won' and closed_on is null",
        f"opportunities where outcome = 'open' and closed_on < date '{D}'",
        f"opportunities where outcome = 'won' and closed_on > date '{D}' and opened_on <= date '{D}'",
        "leads where status = 'converted' and converted_on is null",
        f"leads where status = 'working' and converted_on <= date '{D}'",
        f"feedback where closed_on > date '{D}' and received_on <= date '{D}'",
        "interactions where customer_id is null and contact_id is not null",
        "order_lines anti join core.orders using (order_id)",
        "opportunities where account_id is null and lead_id in (select lead_id from core.leads"
        " where account_id is null and contact_id in ('k2', 'k5'))",
        "feedback where customer_id is null and contact_id = 'k2'",
        "feedback where customer_id = 'c1' and contact_id = 'k2'",
        "orders where account_id is not null and customer_id = 'c4'",
        "orders where account_id is not null and customer_id is null",
    ):
        assert any(shop.select(f"from core.{question}") for shop in shops), question
