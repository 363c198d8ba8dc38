"""Accounts from the file to the published tables, `lohko segments`, `explain` and `replay`."""

from __future__ import annotations

import pytest
from fixtures.shop import Shelf, Shop

pytestmark = pytest.mark.alone

DAYS = ("2026-03-29", "2026-03-30")
# C001 alone is G0, everybody else G1; the account C001 has no customer, and the id of one.
ACCOUNTS = "number,branch,since\nG0,Retail,\nG1,Energy,\nC001,Retail,2026-03-01\n"
SOURCE = """
  companies:
    files: data/accounts.csv
    delivery: snapshot
    tables:
      accounts:
        account_id: number
        industry: branch
        created_on: since
"""
PLAN = """
segmentation: plan
name: Plan
entity: account
kind: rules
segments:
  - {id: nobody, name: Nobody known, when: members = 0, description: No customer}
  - {id: lost, name: Lost, when: "all_members(where: in_segment('lifecycle.lapsed'))"}
  - {id: near, name: Near, when: recency_days <= 3}
otherwise: {id: rest, name: Rest}
"""
DESKS = """
segmentation: desks
name: Desks
kind: rules
segments:
  - {id: busy, name: Busy, when: account.recency_days <= 3}
  - {id: shops, name: Shops, when: "account.industry = 'Retail' and account.in_segment('plan.lost')"}
otherwise: {id: rest, name: Rest}
"""
BACK = "9001,C001,2026-03-30 10:00:00,web,completed,20.00,0"


@pytest.fixture
def company(shelf: Shelf) -> Shop:
    """Run for the first day; on the second, the only customer of G0 is back."""
    return shelf.at("company", with_accounts, shelf.new)


def with_accounts(shop: Shop) -> None:
    (shop.root / "data" / "accounts.csv").write_text(ACCOUNTS)
    (shop.root / "segments" / "plan.yaml").write_text(PLAN)
    (shop.root / "segments" / "desks.yaml").write_text(DESKS)
    shop.edit(
        "        customer_id: id\n",
        "        customer_id: id\n        account_id: if(id = 'C001', 'G0', 'G1')\n",
    )
    (shop.root / "project.yaml").write_text((shop.root / "project.yaml").read_text() + SOURCE)
    ran(shop, DAYS[0])
    shop.deliver("orders-late.csv", BACK)


def ran(shop: Shop, day: str) -> None:
    ended = shop.lohko("run", "--as-of", day, "--json")
    assert ended.code == 0, ended.err


def test_accounts_are_explained_by_what_their_customers_did(company: Shop) -> None:
    ran(company, DAYS[1])
    before = company.tables("segments", "features", "core")
    told = company.lohko("explain", "G0", "--json")
    assert told.code == 0, told.err
    facts = told.json
    assert (facts["entity"], facts["account_id"], facts["also_account"]) == ("account", "G0", False)
    assert [(s["segment_id"], s["entered_date"], s["left_date"]) for s in facts["segments"]] == [
        ("near", DAYS[1], None),
        ("lost", DAYS[0], DAYS[1]),
    ]
    values = {one["name"]: one["value"] for one in facts["features"]}
    assert (values["industry"], values["members"], values["recency_days"]) == ("Retail", 1, 0)
    second, first = facts["changes"]
    assert (first["reason"], second["reason"]) == ("first day", "conditions")
    assert [(one["segment_id"], one["text"], one["became"]) for one in second["flips"]] == [
        ("lost", "all_members(where: in_segment('lifecycle.lapsed'))", False),
        ("near", "recency_days <= 3", True),
    ]
    (value,) = second["flips"][1]["values"]
    assert value["name"] == "recency_days" and value["before"] > 90 and value["after"] == 0
    assert company.tables("segments", "features", "core") == before
    shown = company.lohko("explain", "G0").out
    assert "Account G0" in shown and "near when: recency_days <= 3 became true" in shown


def test_a_customer_is_explained_by_what_the_company_did(company: Shop) -> None:
    ran(company, DAYS[1])
    told = company.lohko("explain", "C001", "--from", DAYS[1], "--json")
    assert told.code == 0, told.err
    (change,) = (one for one in told.json["changes"] if one["segmentation_id"] == "desks")
    assert (change["left"], change["entered"], change["reason"]) == (["shops"], ["busy"], "conditions")
    (busy,) = (one for one in change["flips"] if one["segment_id"] == "busy")
    (value,) = busy["values"]
    assert value["name"] == "account.recency_days" and value["before"] > 90 and value["after"] == 0


def test_an_id_of_both_is_told_as_the_customer_and_says_so(company: Shop) -> None:
    both = company.lohko("explain", "C001")
    assert "Customer C001" in both.out and "C001 is a customer and an account" in both.out
    account = company.lohko("explain", "C001", "--entity", "account")
    assert "Account C001" in account.out and "Nobody known" in account.out
    assert "is a customer and an account" not in account.out
    customer = company.lohko("explain", "C001", "--entity", "customer", "--json").json
    assert (customer["customer_id"], customer["also_account"]) == ("C001", False)
    for words, says in (
        (("G0", "--entity", "customer"), "no customer G0 is published"),
        (("C002", "--entity", "account"), "no account C002 is published"),
        (("C002", "--entity", "shop"), "expected customer or account"),
    ):
        ended = company.lohko("explain", *words)
        assert (ended.code, says in ended.err) == (2, True), ended.err


def test_an_account_that_comes_is_told_as_new(company: Shop) -> None:
    (company.root / "data" / "accounts.csv").write_text(ACCOUNTS + "G7,Energy,2026-03-30\n")
    ran(company, DAYS[1])
    (change,) = company.lohko("explain", "G7", "--json").json["changes"]
    assert (change["entered"], change["reason"]) == (["nobody"], "new account")
    assert "was no account the day before" in company.lohko("explain", "G7").out


def test_an_account_that_left_is_explained_by_its_stays(company: Shop) -> None:
    (company.root / "data" / "accounts.csv").write_text(ACCOUNTS.replace("C001,Retail,2026-03-01\n", ""))
    ran(company, DAYS[1])
    told = company.lohko("explain", "C001", "--entity", "account", "--json")
    assert told.code == 0, told.err
    facts = told.json
    assert (facts["is_gone"], facts["features"], facts["as_of_date"]) == (True, [], DAYS[1])
    stays = [(stay["segment_id"], stay["entered_date"], stay["left_date"]) for stay in facts["segments"]]
    assert stays == [("nobody", *DAYS)]
    left, first = facts["changes"]
    assert (left["left"], left["entered"], left["reason"]) == (["nobody"], [], "no account any more")
    assert first["reason"] == "first day"
    shown = company.lohko("explain", "C001", "--entity", "account").out
    assert "is no account any more" in shown
    assert company.lohko("explain", "C001", "--json").json["entity"] == "customer", "who is there comes first"


def test_a_change_is_explained_by_the_definitions_of_its_day_and_what_they_referred_to(company: Shop) -> None:
    ran(company, DAYS[1])
    company.edit("recency_days > 90", "recency_days > 900", "segments/lifecycle.yaml")
    company.edit("recency_days <= 3", "recency_days <= 1", "segments/plan.yaml")
    (change,) = company.lohko("explain", "G0", "--from", DAYS[1], "--json").json["changes"]
    assert change["reason"] == "conditions" and change["flips"][1]["text"] == "recency_days <= 3"
    assert change["version"] == change["version_before"]


def test_what_was_taken_out_is_left_for_that_reason(company: Shop) -> None:
    for name in ("desks", "plan"):  # desks refers to plan
        (company.root / "segments" / f"{name}.yaml").unlink()
    ran(company, DAYS[1])
    (change,) = company.lohko("explain", "G0", "--from", DAYS[1], "--json").json["changes"]
    assert (change["left"], change["entered"], change["reason"]) == (["lost"], [], "definition removed")
    assert "the segmentation was taken out" in company.lohko("explain", "G0").out


def test_a_replay_of_accounts_gives_what_was_recorded(company: Shop) -> None:
    ran(company, DAYS[1])
    before = company.tables("segments", "features", "core")
    for known in ("then", "now"):
        ended = company.lohko(
            *("replay", "-s", "plan", "--from", DAYS[0], "--to", DAYS[1], "--every", "day"),
            *("--known", known, "--json"),
        )
        assert ended.code == 0, ended.err
        sizes = {(row["day"], row["segment_id"]): (row["size"], row["recorded"]) for row in ended.json}
        assert sizes == {
            (DAYS[0], "nobody"): (1, 1),
            (DAYS[0], "lost"): (1, 1),
            (DAYS[0], "near"): (1, 1),
            (DAYS[0], "rest"): (0, 0),
            (DAYS[1], "nobody"): (1, 1),
            (DAYS[1], "lost"): (0, 0),
            (DAYS[1], "near"): (2, 2),
            (DAYS[1], "rest"): (0, 0),
        }
    assert company.tables("segments", "features", "core") == before


def test_a_replay_of_customers_by_their_company_gives_what_was_recorded(company: Shop) -> None:
    ran(company, DAYS[1])
    for known in ("then", "now"):
        ended = company.lohko(
            *("replay", "-s", "desks", "--from", DAYS[0], "--to", DAYS[1], "--every", "day"),
            *("--known", known, "--json"),
        )
        assert ended.code == 0, ended.err
        sizes = [(row["segment_id"], row["size"] > 0, row["size"] == row["recorded"]) for row in ended.json]
        assert ("shops", True, True) in sizes and ("busy", True, True) in sizes
        assert all(same for _, _, same in sizes)


def test_accounts_are_published_beside_customers(company: Shop) -> None:
    ran(company, DAYS[1])
    rows = company.lohko("segments", "-s", "plan", "--json").json
    assert [(row["entity_kind"], row["segment_id"], row["members"], row["change"]) for row in rows] == [
        ("account", "nobody", 1, 0),
        ("account", "lost", 0, -1),
        ("account", "near", 2, 1),
        ("account", "rest", 0, 0),
    ]
    shown = company.lohko("segments").out
    assert shown.index("(lifecycle), 2026") < shown.index("(plan), accounts, 2026")
    report = (company.root / "published" / "current" / "report.html").read_text()
    assert '<section id="accounts">' in report
    assert company.lohko("roi", "-s", "plan").code == 2, "campaigns are measured by segments of customers"
    macro = f"marts.membership_as_of('plan', '{DAYS[0]}') where segment_id = 'lost'"
    lost = company.lohko("query", f"select entity_kind, entity_id from {macro}", "--json").json
    assert lost == [{"entity_kind": "account", "entity_id": "G0"}]
