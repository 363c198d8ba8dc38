"""Attributes that tell who somebody is: by what a column is called, in several languages, or what it holds.

Such a column is no less a feature: a segment may ask for it. It is not published unless the project says so.
Names are compared without case, accents and what stands between words. A name that only mentions the thing
(`email_consent`, `phone_type`, `product_name`) is not taken for it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from pipelines.config.personal import PersonalColumn
from pipelines.contracts.registry import CONTRACTS
from pipelines.engine import Engine, literal, quote
from pipelines.features.recipe import further_columns

NAME, EMAIL, PHONE, ADDRESS = "name", "e-mail address", "phone number", "address"
BIRTH, NUMBER = "date of birth", "identity number"


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Words that say it alone, or with others beside them. Several words of a column are also read as one.
_SAY: Mapping[str, frozenset[str]] = {
    EMAIL: _words(
        "email mail emails emailaddress mailaddress emailadresse mailadresse emailadress courriel correo"
        " correoelectronico postaelettronica sahkoposti sahkopostiosoite epost epostadress epostadresse"
        " eposti"
    ),
    BIRTH: _words(
        "birthdate birthday dateofbirth dob birthdt geburtsdatum geburtstag datedenaissance naissance"
        " fechadenacimiento fechanacimiento datadinascita datanascita datadenascimento datanascimento"
        " syntymaaika syntymapaiva fodelsedatum fodelsedag fodselsdato fodselsdag geboortedatum"
        " dataurodzenia"
        " sunniaeg"
    ),
    PHONE: _words(
        "phone telephone tel telefon telefono telefone telefoon telefonnummer telefonnumero phonenumber"
        " mobile"
        " mobilenumber mobil mobiltelefon handy handynummer gsm cellphone celular portable fax msisdn"
        " whatsapp"
        " puhelin puhelinnumero matkapuhelin matkapuhelinnumero telefonszam komorka telefoninumber"
    ),
    NUMBER: _words(
        "ssn socialsecurity socialsecuritynumber nationalid nationalidnumber passport passportnumber iban"
        " hetu"
        " henkilotunnus personnummer fodselsnummer cpr pesel dni nif codicefiscale bsn isikukood taxid"
        " steuernummer sozialversicherungsnummer"
    ),
    ADDRESS: _words(
        "address addr adresse adress anschrift street streetaddress strasse rue direccion calle indirizzo"
        " endereco osoite katuosoite lahiosoite postiosoite gatuadress gata gateadresse vejnavn"
        " adres straat"
        " ulica aadress ipaddress"
    ),
    NAME: _words(
        "firstname lastname surname forename givenname familyname fullname middlename nickname maidenname"
        " username customername clientname contactname kundenname kundnamn kundenavn asiakasnimi"
        " nomclient nombrecliente vorname nachname familienname prenom apellido apellidos cognome sobrenome"
        " fornamn efternamn fornavn etternavn efternavn etunimi sukunimi voornaam achternaam imie nazwisko"
        " eesnimi perekonnanimi personname"
    ),
}
# A name, if not of a thing; of a company it is none.
_NAMES = _words("name names nom nombre nome namn navn nimi naam")
_THINGS = _words(
    "product item article sku store shop site branch company account firm organisation organization"
    " business"
    " brand category subcategory segment campaign city town municipality country region state"
    " district county"
    " file event plan tier group list source channel school hotel domain host app device model field test"
    " department team currency language produkt artikel filiale firma ville pays produit magasin"
    " ciudad pais"
    " producto tienda citta paese prodotto negozio tuote myymala kaupunki maa yritys butik stad land vara"
    " enfants commandes achats visites"
)
# Words that make of a column something about the thing, and not the thing.
_ABOUT = _words(
    "consent optin opt optout permission allowed allow ok subscribed subscription subscriber newsletter"
    " status verified valid validated bounced bounce bounces opens open opened clicks click sent received"
    " count type kind has is share rate score frequency flag marketing preference preferred domain"
    " provider app"
    " device user users platform os version known missing length language country order orders"
    " campaign campaigns"
    " visit visits session sessions purchase purchases revenue spend direct"
)
# What a row is of that bears a name which is no person's.
_NO_PERSONS = frozenset({"account", "opportunity"})
_WORD = re.compile(r"[^\W\d_]+")
_CAMEL = re.compile(r"(?<=[a-z\d])(?=[A-Z])")
_TEXT = "VARCHAR"
_WRITTEN = (_TEXT, "DATE", "TIMESTAMP")
# As text in a cell that may hold more; a phone number begins with the code of its country.
_HOLD = {
    EMAIL: ("@", r"[^@\s]+@[^@\s]+\.[^@\s.]{2,}"),
    PHONE: ("+", r"^\s*\+\d[\d ()./-]{6,18}\d\s*$"),
}
# From this share of its filled values on a column counts as holding such things.
SHARE = 0.01


@dataclass(frozen=True)
class Personal:
    """An attribute that looks personal: what it looks like, and whether the project names it."""

    name: str
    looks_like: str
    classified: bool = False


def by_name(name: str, kind: str = "VARCHAR", thing_of: str = "customer") -> str | None:
    """What a column looks like by its name; None where that says nothing.

    Parameters
    ----------
    kind : its DuckDB type: a flag is never personal, a number only as a number to call or to identify by.
    thing_of : whose attribute it is, `customer` or `contact` and so on; the name of a company is no person's.
    """
    words = _WORD.findall(_plain(_CAMEL.sub(" ", name)))
    together = {"".join(words), *(a + b for a, b in pairwise(words))}
    if _SAY[NAME] & together:
        thing: str | None = NAME
    elif _ABOUT.intersection(words):
        return None
    else:
        thing = _said(together.union(words), thing_of)
    if thing is None or kind.startswith(_WRITTEN):
        return thing
    return thing if thing in (PHONE, NUMBER) and kind != "BOOLEAN" else None


def _said(words: Collection[str], thing_of: str) -> str | None:
    """What some words say a column holds."""
    for thing, said in _SAY.items():
        if not said.isdisjoint(words):
            return thing
    is_name = thing_of not in _NO_PERSONS and not _NAMES.isdisjoint(words) and _THINGS.isdisjoint(words)
    return NAME if is_name else None


def by_content(engine: Engine, rows: str, columns: Sequence[str]) -> dict[str, str]:
    """Column of text -> what some of its values look like, of those that hold such values.

    Parameters
    ----------
    rows : the relation.
    columns : its columns of text.
    """
    asked = [(column, thing) for column in columns for thing in _HOLD]
    if not asked:
        return {}
    counts = [
        f"{held} > 0 and {held} >= {SHARE} * count({quote(column)})"
        for column, thing in asked
        for held in (_holding(column, thing),)
    ]
    listed = ", ".join(f"{count} as h{position}" for position, count in enumerate(counts))
    (row,) = engine.rows(f"select {listed} from {rows}")
    found: dict[str, str] = {}
    for (column, thing), holds in zip(asked, row.values(), strict=True):
        if holds:
            found.setdefault(column, thing)
    return found


def looks(
    engine: Engine,
    rows: str,
    attributes: Sequence[tuple[str, str]],
    thing_of: str,
    said: Mapping[str, PersonalColumn],
) -> list[Personal]:
    """The attributes that look personal, in their order, and those that the project says are.

    Parameters
    ----------
    rows : a relation that has them.
    attributes : their names and types.
    thing_of : whose they are: what a row of their table is of.
    said : `personal:` of project.yaml.
    """
    named = {name: by_name(name, kind, thing_of) for name, kind in attributes}
    texts = [name for name, kind in attributes if named[name] is None and kind == _TEXT]
    held = by_content(engine, rows, texts)
    known = {name.lower() for name in said}
    found = {name: named[name] or held.get(name) for name, _ in attributes}
    return [
        Personal(name, thing or "personal", name.lower() in known)
        for name, thing in found.items()
        if thing or name.lower() in known
    ]


def unpublished(engine: Engine, table: str, said: Mapping[str, PersonalColumn]) -> list[Personal]:
    """The attributes in a table that are not to be published: they look personal, and nobody allows it."""
    allowed = {name.lower() for name, column in said.items() if column.publish}
    attributes = further_columns(engine, table)
    found = looks(engine, f"core.{table}", attributes, CONTRACTS[table].thing, said)
    return [column for column in found if column.name.lower() not in allowed]


def _holding(column: str, thing: str) -> str:
    sign, pattern = _HOLD[thing]
    has, fits = (
        f"{test}({quote(column)}, {literal(text)})"
        for test, text in (("contains", sign), ("regexp_matches", pattern))
    )
    return f"count(*) filter (where {has} and {fits})"


def _plain(text: str) -> str:
    """Lower case and without accents: `Prénom` -> `prenom`, `Straße` -> `strasse`."""
    folded = text.lower().replace("ß", "ss").replace("ø", "o").replace("æ", "ae").replace("ł", "l")
    return "".join(c for c in unicodedata.normalize("NFKD", folded) if not unicodedata.combining(c))
