"""`lohko check` reads the rules of `attributes:` before a run, as far as the columns are known."""

from __future__ import annotations

from pathlib import Path

import pytest

from lohko.commands.check.configuration import check_definitions, mapping_faults
from lohko.commands.init import create
from pipelines.config.attributes import DATED_TABLES
from pipelines.contracts.registry import CONTRACTS
from pipelines.errors import ConfigError
from resources.project import Project


def project(folder: Path, rules: str) -> Project:
    """The starter, whose customers have country and newsletter as attributes, with rules from line 46 on."""
    create(folder)
    path = folder / "project.yaml"
    text = path.read_text().rstrip("\n")
    path.write_text(f"{text}\nattributes:\n{rules}\n")
    return Project.load(folder)


def line(folder: Path, of: str) -> int:
    lines = (folder / "project.yaml").read_text().splitlines()
    return next(number for number, text in enumerate(lines, 1) if text.startswith(of))


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("{as_of: max(registered)}", "country.as_of: 'max(registered)' holds an aggregate"),
        ("{as_of: registered +}", "country.as_of: 'registered +' is not an SQL expression"),
        ("{as_of: today()}", "country.as_of: 'today()' holds the clock"),
        ("{origin: 'lowr(newsletter)'}", "country.origin: 'lowr(newsletter)' calls lowr"),
        ("{expires_after: 9d}", "country: expires_after needs as_of"),
    ],
)
def test_what_is_no_expression_is_told_without_a_file(tmp_path: Path, rule: str, expected: str) -> None:
    shop = project(tmp_path / "shop", f"  newsletter: {{origin: declared}}\n  country: {rule}")
    (shop.root / "data" / "customers.csv").unlink()
    (fault,) = mapping_faults(shop)
    at = line(shop.root, "  country:")
    assert str(fault).startswith(f"{shop.root}/project.yaml:{at}: attributes.{expected}")


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ("  countri: {origin: declared}", "attributes.countri: customers have no attribute countri; did you"),
        ("  country: {as_of: registerd}", "attributes.country.as_of: 'registerd' names \"?registerd"),
        (
            "  country: {as_of: \"date_diff('day', country, created_on)\"}",
            r"country\.as_of: .* does not fit",
        ),
    ],
)
def test_names_and_types_are_told_when_the_customers_files_are_there(
    tmp_path: Path, rules: str, expected: str
) -> None:
    shop = project(tmp_path / "shop", rules)
    assert mapping_faults(shop) == []
    with pytest.raises(ConfigError, match=expected) as told:
        check_definitions(shop)
    assert f"{shop.root}/project.yaml:{line(shop.root, rules[:8])}: " in str(told.value)


def test_rules_that_hold_are_not_refused(tmp_path: Path) -> None:
    rules = (
        "  Country: {as_of: created_on, expires_after: 365d}\n"
        "  newsletter: {origin: \"case when newsletter = 'yes' then 'declared' end\"}"
    )
    shop = project(tmp_path / "shop", rules)
    assert mapping_faults(shop) == []
    assert [one.id for one in check_definitions(shop)] == ["lifecycle", "value_tier"]


def test_a_name_that_may_still_come_is_not_refused(tmp_path: Path) -> None:
    """Of two sources of customers one has brought nothing yet: its columns are not known."""
    shop = project(tmp_path / "shop", "  city: {origin: declared}")
    path = shop.root / "project.yaml"
    second = "  more:\n    files: data/more.csv\n    tables: {customers: {customer_id: id}}\n"
    path.write_text(path.read_text().replace("sources:\n", f"sources:\n{second}", 1))
    shop = Project.load(shop.root)
    assert mapping_faults(shop) == []
    check_definitions(shop)
    (shop.root / "data" / "more.csv").write_text("id,town\nC1,Turku\n")
    with pytest.raises(ConfigError, match="no attribute city"):
        check_definitions(shop)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (
            "acounts.size: {required: true}",
            "acounts.size: acounts carries no attributes; did you mean accounts",
        ),
        ("orders.size: {required: true}", "orders.size: orders carries no attributes;"),
        ("contacts.size: {required: true}", "contacts.size: no source maps contacts"),
        (
            "accounts.Employees: {type: integer}",
            "accounts.Employees: type is of attributes, and employees is a column of accounts of type BIGINT",
        ),
        ("created_on: {type: date}", "created_on: type is of attributes, and created_on is a column"),
        ("accounts.size: {expires_after: 9d}", "accounts.size: expires_after needs as_of"),
        ("accounts.size: {as_of: max(founded)}", "accounts.size.as_of: 'max(founded)' holds an aggregate"),
    ],
)
def test_what_cannot_be_said_of_a_table_is_told_without_a_file(
    tmp_path: Path, rule: str, expected: str
) -> None:
    shop = company(tmp_path / "shop", f"  accounts.code: {{required: true}}\n  {rule}")
    (fault,) = mapping_faults(shop)
    at = line(shop.root, f"  {rule.partition(':')[0]}")
    assert str(fault).startswith(f"{shop.root}/project.yaml:{at}: attributes.{expected}")


MAPPED = {
    "customers": "customer_id: customer",
    "accounts": "account_id: id, created_on: since",
    # Of these only what a mapping names is kept.
    "contacts": "contact_id: id, size: size",
    "leads": "lead_id: id, created_on: since, size: size",
    "opportunities": "opportunity_id: id, account_id: id, outcome: won, size: size",
}
CARRYING = [table for table, contract in CONTRACTS.items() if contract.attributes]


def company(folder: Path, rules: str, table: str = "accounts") -> Project:
    """The starter with a source of a further table, whose file has the attributes size and founded."""
    create(folder)
    path = folder / "project.yaml"
    added = ""
    if table != "customers":
        (folder / "data" / "more.csv").write_text("id,since,won,size,founded\nX,2024-01-01,won,9,2001\n")
        added = f"  more:\n    files: data/more.csv\n    tables: {{{table}: {{{MAPPED[table]}}}}}\n"
    text = path.read_text().replace("sources:\n", f"sources:\n{added}", 1)
    path.write_text(f"{text}\nattributes:\n{rules}\n")
    return Project.load(folder)


@pytest.mark.parametrize("table", [table for table in CARRYING if table not in DATED_TABLES])
def test_a_day_can_be_said_of_attributes_that_are_features_alone(tmp_path: Path, table: str) -> None:
    shop = company(tmp_path / "shop", f"  {table}.size: {{origin: declared}}", table)
    (fault,) = mapping_faults(shop)
    assert f"{table}.size: of attributes of {table} only type and required can be said" in str(fault)


@pytest.mark.parametrize("table", CARRYING)
@pytest.mark.parametrize("said", ["type: integer", "required: true", "required: false"])
def test_a_rule_of_an_attribute_that_no_source_brings_is_refused(
    tmp_path: Path, table: str, said: str
) -> None:
    attribute = "newsletter" if table == "customers" else "size"
    before = "" if table == "customers" else f"{table}."
    right = company(tmp_path / "right", f"  {before}{attribute.upper()}: {{{said}}}", table)
    assert mapping_faults(right) == []
    check_definitions(right)
    wrong = company(tmp_path / "wrong", f"  {before}{attribute}s: {{{said}}}", table)
    assert mapping_faults(wrong) == []
    name = rf"attributes\.{before}{attribute}s"
    told = rf"{name}: {table} have no attribute {attribute}s; did you mean {attribute}\?"
    with pytest.raises(ConfigError, match=told):
        check_definitions(wrong)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("size: {as_of: foundd}", "accounts.size.as_of: 'foundd' names \"?foundd\"?.* did you mean founded"),
        (
            "size: {as_of: founded * 2}",
            "accounts.size.as_of: 'founded \\* 2' does not fit the columns' types",
        ),
        ("credit_ratin: {expires_after: 9d, as_of: founded}", "accounts have no attribute credit_ratin;"),
    ],
)
def test_a_rule_of_accounts_that_does_not_fit_their_columns_is_refused(
    tmp_path: Path, rule: str, expected: str
) -> None:
    shop = company(tmp_path / "shop", f"  accounts.{rule}", "accounts")
    assert mapping_faults(shop) == []
    with pytest.raises(ConfigError, match=expected):
        check_definitions(shop)


def test_a_rating_needs_no_rule_to_say_its_day_and_may_have_one_that_does_not(tmp_path: Path) -> None:
    rules = "  accounts.credit_rating: {expires_after: 365d}\n  accounts.size: {as_of: created_on}"
    shop = company(tmp_path / "shop", rules, "accounts")
    assert "expires_after needs as_of" in str(mapping_faults(shop)[0])
    path = shop.root / "project.yaml"
    path.write_text(path.read_text().replace("created_on: since", "credit_rating_date: since", 1))
    shop = Project.load(shop.root)
    assert mapping_faults(shop) == []
    check_definitions(shop)
    assert shop.recipe.rules["accounts.credit_rating"].as_of == "credit_rating_date"


def test_a_family_of_an_attribute_that_nobody_brings_is_refused(tmp_path: Path) -> None:
    shop = company(tmp_path / "shop", "  newsletter: {origin: declared}", "accounts")
    path = shop.root / "project.yaml"
    for family, refused in (("size: demographic", False), ("newsleter: needs", True)):
        path.write_text(
            f"{path.read_text().partition('features:')[0]}\nfeatures: {{families: {{{family}}}}}\n"
        )
        if refused:
            with pytest.raises(
                ConfigError, match=r"families.newsleter: no attribute .* did you mean newsletter"
            ):
                check_definitions(Project.load(shop.root))
        else:
            check_definitions(Project.load(shop.root))
