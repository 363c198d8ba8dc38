"""How a deal or lead ended: its outcome decides, for features and `did()`, companies and their customers.

Sales systems put the day on which a deal is expected to close where the closing day belongs.
"""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from shop import EVERYTHING, Shop

from pipelines.engine import DuckDB, rows
from pipelines.features.catalogue import catalogue
from pipelines.segments import history
from pipelines.segments.definitions import load_definitions

D = date(2024, 6, 30)
OPENED, TOMORROW = date(2024, 5, 2), D + timedelta(days=1)
DEALS = {
    "lost_undated": ("lost", None),
    "won_undated": ("won", None),
    "open_overdue": ("open", D - timedelta(days=20)),
    "open_expected": ("open", D + timedelta(days=20)),
    "blank_overdue": (None, D - timedelta(days=20)),
    "won_tomorrow": ("won", TOMORROW),
    "lost_today": ("lost", D),
}
LEADS = {
    "converted_undated": ("converted", None),
    "converted_tomorrow": ("converted", TOMORROW),
    "working_dated": ("working", D),
    "blank_dated": (None, D),
    "blank": (None, None),
}
# The same without the day on which they began.
UNOPENED = {"unopened_lost": ("lost", D), "unopened_open": ("open", D), "unopened_undated": ("won", None)}
UNCREATED = {
    "uncreated_converted": ("converted", D),
    "uncreated_blank": (None, D),
    "uncreated_new": ("new", D),
}
CALLS = {
    "won": "did(opportunities, where: outcome = 'won')",
    "lost": "did(opportunities, where: outcome = 'lost')",
    "open": "did(opportunities, where: outcome = 'open')",
    "closed": "did(opportunities, where: closed_on is not null)",
    "converted": "did(leads, where: status = 'converted')",
}


@pytest.fixture(scope="module")
def shop() -> Shop:
    """Every deal and lead at a company of its own, with one customer."""
    made = Shop(account_id="varchar")
    history.create(made.con)
    for name in (*DEALS, *LEADS, *UNOPENED, *UNCREATED):
        made.add("core.accounts", {"account_id": name})
        made.add("core.customers", {"customer_id": f"c_{name}", "account_id": name})
    for name, (outcome, closed) in (DEALS | UNOPENED).items():
        opened = None if name in UNOPENED else OPENED
        key = {"opportunity_id": name, "account_id": name, "opened_on": opened, "value": 10}
        made.add("core.opportunities", key | {"closed_on": closed, "outcome": outcome})
    for name, (status, converted) in (LEADS | UNCREATED).items():
        created = None if name in UNCREATED else OPENED
        key = {"lead_id": name, "account_id": name, "created_on": created}
        made.add("core.leads", key | {"converted_on": converted, "status": status})
    # Of no account: nobody's, and nobody else's.
    nobody = {"opportunity_id": "nobody", "opened_on": OPENED, "closed_on": D, "outcome": "won", "value": 10}
    made.add("core.opportunities", nobody)
    return made


def by_features(shop: Shop, day: date) -> dict[str, set[str]]:
    """Company -> which features say something of its deal or lead."""
    shop.compute(day)
    named = {
        "won": "won_365d",
        "lost": "lost_365d",
        "open": "open_opportunities",
        "converted": "leads_converted_365d",
    }
    found = rows(shop.con, "from features.account where as_of_date = ?", [day])
    return {row["account_id"]: {name for name, feature in named.items() if row[feature]} for row in found}


def by_did(shop: Shop, folder: Path, entity: Any, day: date) -> dict[str, set[str]]:
    audiences = "".join(f'  - {{id: {name}, name: {name}, when: "{call}"}}\n' for name, call in CALLS.items())
    (folder / "asked.yaml").write_text(
        f"segmentation: asked\nname: x\nentity: {entity}\nkind: audiences\naudiences:\n{audiences}"
    )
    known = {
        "customer": catalogue("customer", EVERYTHING, []),
        "account": catalogue("account", EVERYTHING, []),
    }
    definitions = load_definitions(folder, known)
    definitions.checked()
    plan = definitions.plan(entity)
    plan.prepare(DuckDB(shop.con), day)
    return {
        member: set(asked) for member, asked in shop.con.execute(plan.sql, plan.parameters(day)).fetchall()
    }


EXPECTED = {
    "lost_undated": {"lost"},
    "won_undated": {"won"},
    "open_overdue": {"open"},
    "open_expected": {"open"},
    "blank_overdue": {"open"},
    "won_tomorrow": {"open"},
    "lost_today": {"lost", "closed"},
    "converted_undated": {"converted"},
    "converted_tomorrow": set[str](),
    "working_dated": set[str](),
    "blank_dated": {"converted"},
    "blank": set[str](),
    "unopened_lost": {"lost", "closed"},
    "unopened_open": set[str](),
    "unopened_undated": set[str](),
    "uncreated_converted": {"converted"},
    "uncreated_blank": {"converted"},
    "uncreated_new": set[str](),
}


def test_the_outcome_decides_and_never_the_day_alone(shop: Shop, tmp_path: Path) -> None:
    assert by_features(shop, D) == {name: said - {"closed"} for name, said in EXPECTED.items()}
    assert by_did(shop, tmp_path, "account", D) == EXPECTED
    of_customers = by_did(shop, tmp_path, "customer", D)
    assert of_customers == {f"c_{name}": said for name, said in EXPECTED.items()}


def test_a_day_that_has_come_ends_what_was_decided_for_it(shop: Shop, tmp_path: Path) -> None:
    later = EXPECTED | {"won_tomorrow": {"won", "closed"}, "converted_tomorrow": {"converted"}}
    assert by_features(shop, TOMORROW) == {name: said - {"closed"} for name, said in later.items()}
    assert by_did(shop, tmp_path, "account", TOMORROW) == later


def test_what_ended_on_an_unknown_day_counts_from_the_day_it_began(shop: Shop, tmp_path: Path) -> None:
    before = by_features(shop, OPENED - timedelta(days=1))
    assert (before["won_undated"], before["lost_undated"]) == (set(), set())
    then = by_features(shop, OPENED)
    assert (then["won_undated"], then["lost_undated"], then["won_tomorrow"]) == ({"won"}, {"lost"}, {"open"})
    found = rows(
        shop.con, "from features.account where account_id = 'won_undated' and as_of_date = ?", [OPENED]
    )
    assert (found[0]["last_won_date"], found[0]["won_value_365d"], found[0]["open_opportunity_value"]) == (
        *(OPENED, 10),
        0,
    )
