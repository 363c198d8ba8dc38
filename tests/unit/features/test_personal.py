"""What looks personal, by its name in several languages and by what it holds."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from shop import Shop

from pipelines.config.personal import PersonalColumn
from pipelines.contracts.model import Contract
from pipelines.contracts.registry import CONTRACTS
from pipelines.engine import DuckDB
from pipelines.features.personal import (
    ADDRESS,
    BIRTH,
    EMAIL,
    NAME,
    NUMBER,
    PHONE,
    Personal,
    by_name,
    unpublished,
)

PERSONAL = {
    NAME: "Customer Name|customer_name|FirstName|last name|LAST_NAME|Vorname|Nachname|Prénom|nom"
    "|Nombre|Apellidos"
    "|cognome|Förnamn|Efternavn|etunimi|Sukunimi|imię|nazwisko|name|Full name|username|Kundenname",
    EMAIL: "email|E-Mail|e_mail|EmailAddress|Customer Email|sähköposti|correo electrónico|courriel|E-post",
    PHONE: "phone|Phone Number|telephone|Telefon|teléfono|puhelinnumero|Mobile|mobile_number"
    "|Handy-Nummer|tel",
    ADDRESS: "address|street|Street Address|Straße|Anschrift|adresse|dirección|indirizzo|osoite"
    "|gatuadress|ip_address",
    BIRTH: "birth_date|Date of Birth|DOB|Geburtsdatum|date de naissance|fecha_nacimiento"
    "|syntymäaika|födelsedatum",
    NUMBER: "SSN|passport number|personnummer|henkilötunnus|IBAN",
}
HARMLESS = (
    "age|gender|city|country|postcode|income|newsletter|email_consent|email_optin|phone_type"
    "|Product Name|store name"
    "|campaign_name|Category Name|birth_year|mobile_app_visits|email_opens|segment|tier"
    "|loyalty_points|language"
    "|E-Mail verified|number_of_orders|company_name|household_size|Produktname"
)


@pytest.mark.parametrize(
    ("name", "thing"), [(name, thing) for thing, names in PERSONAL.items() for name in names.split("|")]
)
def test_a_column_that_tells_who_somebody_is_looks_personal(name: str, thing: str) -> None:
    assert by_name(name) == thing


@pytest.mark.parametrize("name", HARMLESS.split("|"))
def test_a_column_that_only_mentions_it_does_not(name: str) -> None:
    assert by_name(name) is None


def test_flags_and_figures_are_no_names_and_a_number_may_be_called() -> None:
    assert by_name("email", "BOOLEAN") is None and by_name("address", "BIGINT") is None
    assert by_name("phone", "BIGINT") == PHONE and by_name("phone", "BOOLEAN") is None
    assert by_name("birth_date", "DATE") == BIRTH


def test_the_name_of_a_company_is_no_persons() -> None:
    assert by_name("name", thing_of="account") is None
    assert by_name("contact_name", thing_of="account") == NAME


@pytest.fixture
def shop() -> Iterator[Shop]:
    made = Shop(login="varchar", note="varchar", city="varchar", surname="varchar", reach="varchar")
    yield made
    made.con.close()


CARRYING = [contract for contract in CONTRACTS.values() if contract.attributes]


@pytest.mark.parametrize("contract", CARRYING, ids=lambda contract: contract.table)
def test_what_a_column_holds_tells_too(shop: Shop, contract: Contract) -> None:
    (key, *_) = contract.key
    for number in range(200):
        row = {key: f"c{number}", "login": f"u{number}", "city": "Turku", "reach": "+358 40 123"}
        row["note"] = "write to ann@example.org" if number % 50 == 0 else "nothing"
        shop.add(f"core.{contract.table}", row)
    found = unpublished(DuckDB(shop.con), contract.table, {})
    assert [(one.name, one.looks_like) for one in found] == [
        ("note", EMAIL),
        ("surname", NAME),
        ("reach", PHONE),
    ]
    shop.con.execute(f"update core.{contract.table} set note = 'nothing' where {key} <> 'c0'")
    assert "note" not in [one.name for one in unpublished(DuckDB(shop.con), contract.table, {})]


def test_what_the_project_says_counts(shop: Shop) -> None:
    said = {"Surname": PersonalColumn(publish=True), "CITY": PersonalColumn(publish=False)}
    assert unpublished(DuckDB(shop.con), "customers", said) == [Personal("city", "personal", classified=True)]
