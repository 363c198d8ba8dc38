"""`did(T)` of every canonical table, of customers and of accounts: it finds whose a row is, or is refused."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from shop import EVERYTHING, Shop

from pipelines.config.segments import Entity
from pipelines.contracts.fact import Link
from pipelines.contracts.registry import CONTRACTS, FACTS
from pipelines.core import money
from pipelines.engine import DuckDB
from pipelines.features.catalogue import STANDARD
from pipelines.segments import history
from pipelines.segments.definitions import Definitions, load_definitions
from pipelines.segments.dry import undone

D = date(2024, 6, 30)
ENTITIES: tuple[Entity, ...] = ("customer", "account")
# Ann is a customer, and Kai a person, at the company Acme.
OWNER = {"customer_id": "ann", "contact_id": "kai", "account_id": "acme", "lead_id": "of_kai"}
LINKED = {"order_id": "o", "campaign_id": "m", "line_id": "1", "product_id": "w"}


def paths_of(table: str) -> list[str]:
    """The columns of a table of facts that may say whose a row is, by its contract."""
    paths = [path for paths in FACTS[table].owners.values() for path in paths]
    named = dict.fromkeys(path.column if isinstance(path, Link) else path for path in paths)
    return [column for column in named if CONTRACTS[table].column(column)]


NAMED = [(table, column) for table in FACTS for column in paths_of(table)]


@pytest.fixture(scope="module")
def shop() -> Shop:
    made = Shop(account_id="varchar")
    history.create(made.con)
    made.add("core.accounts", {"account_id": "acme"}, {"account_id": "other"})
    made.add(
        "core.customers",
        {"customer_id": "ann", "account_id": "acme"},
        {"customer_id": "bob", "account_id": None},
    )
    made.add("core.contacts", {"contact_id": "kai", "account_id": "acme"})
    made.add("core.campaigns", {"campaign_id": "m", "start_date": D})
    money.refresh(made.con, money.Terms("EUR", 30, {}, foreign=False))
    made.con.execute("create schema if not exists features")
    made.con.execute(
        "create table features.customer as select $day as as_of_date, unnest(['ann', 'bob']) as customer_id",
        {"day": D},
    )
    made.con.execute(
        "create table features.account as select $day as as_of_date, unnest(['acme', 'other']) as account_id",
        {"day": D},
    )
    return made


def load(folder: Path, condition: str, entity: Entity, mapped: frozenset[str]) -> Definitions:
    (folder / "asked.yaml").write_text(
        f"segmentation: asked\nname: Asked\nkind: audiences\nentity: {entity}\naudiences:\n"
        f'  - {{id: yes_, name: Yes, when: "{condition}"}}\n'
    )
    return load_definitions(folder, STANDARD, mapped=mapped)


def asked(shop: Shop, folder: Path, condition: str, entity: Entity) -> tuple[set[str], list[str]]:
    """Who meets a condition, and what is told besides."""
    found = load(folder, condition, entity, EVERYTHING)
    found.checked()
    plan = found.plan(entity)
    remarks = plan.prepare(DuckDB(shop.con), D)
    rows = shop.con.execute(plan.sql, plan.parameters(D)).fetchall()
    return {member for member, segments in rows if segments}, remarks


def add_row(shop: Shop, table: str, column: str) -> None:
    """A row that counts, of which this column alone says whose it is."""
    contract, fact = CONTRACTS[table], FACTS[table]
    row = {name: LINKED.get(name, "x") for name in contract.required if name not in OWNER}
    row |= {name: LINKED[name] for name in contract.names if name in LINKED}
    row |= {fact.counts.column: fact.counts.values[0]} if fact.counts else {}
    typed = {
        name: kind for name, kind in contract.stored.items() if kind in ("DATE", "TIMESTAMPTZ", "BOOLEAN")
    }
    row |= {name: True if kind == "BOOLEAN" else D for name, kind in typed.items()}
    if column == "lead_id":
        shop.add("core.leads", {"lead_id": "of_kai", "contact_id": "kai"})
    shop.add(f"core.{table}", row | {column: OWNER[column]})


@pytest.mark.parametrize(("table", "column"), NAMED)
def test_a_row_is_found_by_whoever_it_names(shop: Shop, tmp_path: Path, table: str, column: str) -> None:
    with undone(shop.con):
        add_row(shop, table, column)
        assert asked(shop, tmp_path, f"did({table})", "account") == ({"acme"}, [])
        mine, remarks = asked(shop, tmp_path, f"did({table})", "customer")
        of_company, _ = asked(shop, tmp_path, f"account.did({table})", "customer")
    assert of_company == {"ann"}
    # What names its customers is theirs alone; what does not is of all customers of its account.
    if FACTS[table].of_customers and column != "customer_id":
        assert mine == set()
        assert f"did({table}): none of the 1 {table} of accounts" in " ".join(remarks)
    else:
        assert (mine, remarks) == ({"ann"}, [])


@pytest.mark.parametrize("entity", ENTITIES)
@pytest.mark.parametrize("table", CONTRACTS)
def test_what_cannot_be_found_is_refused(tmp_path: Path, table: str, entity: Entity) -> None:
    faults = load(tmp_path, f"did({table})", entity, EVERYTHING).faults
    if table not in FACTS:
        assert f"{table} is not a table of events" in str(faults["asked"])
        return
    assert not faults
    without = load(tmp_path, f"did({table})", entity, EVERYTHING - {"customers"}).faults
    if entity == "customer" and "customer" not in FACTS[table].owners:
        told = str(without["asked"])
        assert "no source of this project maps customers" in told and f"account.did({table}, …)" in told
    else:
        assert not without


@pytest.mark.parametrize("table", [table for table, fact in FACTS.items() if not fact.of_customers])
def test_deals_and_leads_that_reach_no_customer_are_told_of(shop: Shop, tmp_path: Path, table: str) -> None:
    with undone(shop.con):
        add_row(shop, table, "account_id")
        shop.con.execute("update core.customers set account_id = null")
        found = asked(shop, tmp_path, f"did({table})", "customer")
        nothing, quiet = asked(shop, tmp_path, "did(consents)", "customer")
    assert found[0] == set() and "Map customers.account_id" in found[1][0]
    assert (nothing, quiet) == (set(), [])
