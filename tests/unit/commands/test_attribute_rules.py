"""`lohko check` reads the rules of `attributes:` before a run, as far as the columns are known."""

from __future__ import annotations

from pathlib import Path

import pytest

from lohko.commands.check.configuration import check_definitions, mapping_faults
from lohko.commands.init import create
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
            "acounts.size: acounts carries no attributes; did you mean accounts?",
        ),
        (
            "accounts.size: {origin: declared}",
            "accounts.size: of attributes of accounts only type and required",
        ),
    ],
)
def test_a_rule_may_name_a_table_that_carries_attributes(tmp_path: Path, rule: str, expected: str) -> None:
    shop = project(tmp_path / "shop", f"  accounts.code: {{required: true}}\n  {rule}")
    (fault,) = mapping_faults(shop)
    at = line(shop.root, f"  {rule.partition(':')[0]}")
    assert str(fault).startswith(f"{shop.root}/project.yaml:{at}: attributes.{expected}")
