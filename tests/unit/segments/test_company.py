"""Customers judged by their company: its features, its segments, what it did; today's and that of then."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from deliveries import Deliveries, source
from test_calls import D, Market

from pipelines.contracts.registry import CONTRACTS
from pipelines.core.absent import create_absent
from pipelines.engine import DuckDB
from pipelines.features.catalogue import STANDARD
from pipelines.segments import history
from pipelines.segments.definitions import load_definitions

LATER = date(2024, 7, 10)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Market:
    return Market(tmp_path_factory.mktemp("market"))


@pytest.fixture
def market(shared: Market, tmp_path: Path) -> Market:
    """Ann and Bob at A (10 persons), Cyd at B (20 persons), Dan at none; a size of companies."""
    shared.begin(tmp_path)
    shared.rule("big", "employees > 15", "account")
    shared.rule("fresh", "recency_days < 10")
    shared.rule("lively", "any_member(where: in_segment('fresh.yes_'))", "account")
    return shared


@pytest.mark.parametrize(
    ("condition", "who"),
    [
        ("account.employees > 5", {"ann", "bob", "cyd"}),
        ("Account.Employees > 15", {"cyd"}),
        ("account.employees is null", {"dan"}),
        ("account.in_segment('big.yes_')", {"cyd"}),
        ("account.in_segment('big.yes_') or account.in_segment('big.no_')", {"ann", "bob", "cyd"}),
        # Whoever has no company meets neither a condition on it nor its opposite.
        ("not account.employees > 15", {"ann", "bob"}),
        ("not account.in_segment('big.yes_')", {"ann", "bob"}),
        ("account.in_segment('lively.yes_')", {"ann", "bob"}),
        ("account.did(opportunities, where: outcome = 'won')", {"ann", "bob"}),
        ("account.did_not(opportunities, where: outcome = 'won', within: 90d)", {"cyd"}),
        ("account.did(orders, within: 90d) and not in_segment('fresh.yes_')", {"bob"}),
        ("account.industry = 'account.in_segment(' or account.employees = 20", {"cyd"}),
        ("days_since(account.as_of_date) = 0", {"ann", "bob", "cyd"}),
    ],
)
def test_a_customer_is_judged_by_the_company(market: Market, condition: str, who: set[str]) -> None:
    assert market.holds(condition) == who


@pytest.mark.parametrize(
    ("condition", "fault"),
    [
        ("account.emploees > 5", "emploees is not a feature of the catalogue; did you mean employees?"),
        ("account.employees = 'x'", "account.employees is a number of persons, compared with text 'x'"),
        ("account.in_segment(1)", "account.in_segment takes one quoted text, such as account.in_segment("),
        ("account.in_segment('fresh.yes_')", "fresh divides customers, and account.… asks of accounts"),
        (
            "in_segment('big.yes_')",
            "big divides accounts, and this segmentation divides customers; their company's is"
            " account.in_segment('…')",
        ),
        ("firm.employees > 5", "firm.employees is not a feature of the catalogue; expected a name without"),
        ("did(orders, where: account.employees > 5)", "account.employees is not a column of orders"),
    ],
)
def test_what_is_wrong_is_told(market: Market, condition: str, fault: str) -> None:
    assert fault in market.fault(condition)


def test_accounts_have_no_company(market: Market) -> None:
    assert "account.employees is not a feature" in market.fault("account.employees > 5", "account")


def test_a_project_without_accounts_refuses_the_word(market: Market) -> None:
    mapped = CONTRACTS.keys() - {"accounts"}
    for condition in ("account.employees > 5", "account.in_segment('big.yes_')", "account.did(orders)"):
        told = market.fault(condition, mapped=mapped)
        assert "asks for the company of a customer, and no source of this project maps accounts" in told


def test_a_company_that_asks_for_those_who_ask_for_it_is_a_circle(market: Market) -> None:
    market.rule("ring", "any_member(where: in_segment('asked.yes_'))", "account")
    assert "refers to itself in a cycle: asked -> ring -> asked" in market.fault(
        "account.in_segment('ring.yes_')"
    )


def test_what_is_read_is_known_for_holds_and_publication(market: Market) -> None:
    market.rule("asked", "account.employees > 5 and account.did(leads)")
    (found,) = (one for one in market.load().segmentations if one.id == "asked")
    assert found.account_features == {"employees"} and found.features == frozenset()
    assert found.tables >= {"accounts", "customers", "leads", "contacts"} and found.asks_company


def test_an_earlier_day_reads_the_company_of_then(tmp_path: Path) -> None:
    made = Deliveries(
        tmp_path,
        {
            "crm": source({"customers": {"customer_id": "id", "account_id": "firm"}}),
            "firms": source({"accounts": {"account_id": "id"}}),
        },
    )
    history.create(made.con)
    made.today = D
    made.land("firms", ["id", "north", "south", "self"])
    made.land("crm", ["id,firm", "ann,north", "bob,south", "self,", "dan,"])
    made.refresh()
    made.today = LATER
    made.land("crm", ["id,firm", "ann,south", "dan,north"])
    made.refresh()
    create_absent(made.con, made.tables)
    made.con.execute(
        "create schema features; create table features.customer as"
        " select unnest([$first, $last]) as as_of_date, customer_id from core.customers;",
        {"first": D, "last": LATER},
    )
    made.con.execute(
        "create table features.account as select unnest([$first, $last]) as as_of_date, account_id,"
        " case account_id when 'north' then 10 when 'south' then 20 else 1 end as employees"
        " from core.accounts",
        {"first": D, "last": LATER},
    )
    folder = tmp_path / "segments"
    folder.mkdir()
    (folder / "asked.yaml").write_text(
        "segmentation: asked\nname: Asked\nkind: audiences\naudiences:\n"
        "  - {id: small, name: Small, when: account.employees = 1}\n"
        "  - {id: north, name: North, when: account.employees = 10}\n"
        "  - {id: south, name: South, when: account.employees = 20}\n"
    )
    plan = load_definitions(folder, STANDARD).plan("customer")
    found = {day: dict(made.con.execute(plan.sql, plan.parameters(day)).fetchall()) for day in (D, LATER)}
    assert found[D] == {"ann": ["north"], "bob": ["south"], "self": ["small"], "dan": []}
    assert found[LATER] == {"ann": ["south"], "bob": ["south"], "self": ["small"], "dan": ["north"]}
    assert plan.prepare(DuckDB(made.con), D) == []
