"""What a mapping names of persons, leads and deals beyond the contract: kept, typed, asked and shown."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from deliveries import Deliveries, source

from pipelines.contracts.registry import CONTRACTS
from pipelines.core.absent import create_absent
from pipelines.core.facts import resolved
from pipelines.engine import DuckDB, load_step
from pipelines.errors import ConfigError
from pipelines.features.catalogue import STANDARD
from pipelines.features.vocabulary import further_of_others
from pipelines.ingest.further import refuse
from pipelines.publish.expectations import mart_columns
from pipelines.segments import history
from pipelines.segments.definitions import load_definitions

NAMED = [table for table, contract in CONTRACTS.items() if contract.attributes == "named"]
D, LATER = date(2024, 6, 30), date(2024, 7, 10)
SOURCES = {
    "firms": {"accounts": {"account_id": "id"}},
    "people": {"contacts": {"contact_id": "id", "account_id": "firm", "grade": "grade", "mood": "mood"}},
    "deals": {
        "opportunities": {
            "opportunity_id": "id",
            "account_id": "firm",
            "opened_on": "day",
            "rival": "rival",
            "seats": "seats",
        }
    },
    "enquiries": {"leads": {"lead_id": "id", "account_id": "firm", "created_on": "day", "Budget": "budget"}},
}


@pytest.fixture
def house(tmp_path: Path) -> Deliveries:
    """Two companies, their persons, deals and leads, on the day of their delivery."""
    made = Deliveries(tmp_path, {name: source(tables) for name, tables in SOURCES.items()})
    made.sources["people"].declare("contacts", {"Grade": "integer"})
    made.sources["deals"].declare("opportunities", {"seats": "integer"})
    history.create(made.con)
    made.today = D
    made.land("firms", ["id", "north", "south"])
    made.land("people", ["id,firm,grade,mood,shoe", "p,north,7, keen ,41", "q,south,none,,", "r,,9,keen,"])
    made.land(
        "deals",
        ["id,firm,day,rival,seats", "a,north,2024-06-01,Acme,20", "b,south,2024-06-02, ,3"],
    )
    made.land("enquiries", ["id,firm,day,budget", "x,north,2024-06-01,high", "y,south,2024-06-01,low"])
    made.refresh()
    create_absent(made.con, made.tables)
    return made


def holds(made: Deliveries, condition: str, day: date = D) -> set[str]:
    """The companies that meet a condition on a day."""
    folder = made.folder / "segments"
    folder.mkdir(exist_ok=True)
    (folder / "asked.yaml").write_text(
        "segmentation: asked\nname: Asked\nkind: audiences\nentity: account\naudiences:\n"
        f'  - {{id: yes_, name: Yes, when: "{condition}"}}\n'
    )
    made.con.execute("create schema if not exists features")
    made.con.execute(
        "create or replace table features.account as select cast($day as date) as as_of_date, account_id"
        " from core.accounts",
        {"day": day},
    )
    found = load_definitions(folder, STANDARD, further=further_of_others(DuckDB(made.con)))
    found.checked()
    plan = found.plan("account")
    return {
        member for member, segments in made.con.execute(plan.sql, plan.parameters(day)).fetchall() if segments
    }


def test_what_is_named_is_trimmed_and_typed_and_nothing_else_comes_along(house: Deliveries) -> None:
    assert house.con.execute("select contact_id, grade, mood from core.contacts order by all").fetchall() == [
        ("p", 7, "keen"),
        ("q", None, None),
        ("r", 9, "keen"),
    ]
    assert house.rows("select opportunity_id, rival, seats from core.opportunities order by all") == [
        {"opportunity_id": "a", "rival": "Acme", "seats": 20},
        {"opportunity_id": "b", "rival": None, "seats": 3},
    ]
    further = further_of_others(DuckDB(house.con))
    assert further["contacts"] == [("grade", "BIGINT"), ("mood", "VARCHAR")]
    assert further["leads"] == [("Budget", "VARCHAR")]
    before = house.core()
    assert before == house.rebuild()


def test_definitions_ask_for_it(house: Deliveries) -> None:
    assert holds(house, "any_member(contacts, where: grade > 5)") == {"north"}
    assert holds(house, "no_member(contacts, where: Mood = 'keen')") == {"south"}
    assert holds(house, "did(opportunities, where: rival = 'Acme' and seats >= 20)") == {"north"}
    assert holds(house, "did(opportunities, where: rival is null)") == {"south"}
    assert holds(house, "did(leads, where: budget = 'low')") == {"south"}
    with pytest.raises(ConfigError, match="rivl is not a column of opportunities; did you mean rival"):
        holds(house, "did(opportunities, where: rivl = 'Acme')")
    with pytest.raises(ConfigError, match="grade is a number, compared with text"):
        holds(house, "any_member(contacts, where: grade = 'high')")


def test_an_earlier_day_knows_what_it_said_then(house: Deliveries) -> None:
    house.today = LATER
    house.land("people", ["id,firm,grade,mood", "p,north,2,keen"])
    house.land("deals", ["id,firm,day,rival,seats", "a,north,2024-06-01,,20"])
    house.refresh()
    for condition in (
        "any_member(contacts, where: grade > 5)",
        "did(opportunities, where: rival = 'Acme')",
    ):
        assert (holds(house, condition, D), holds(house, condition, LATER)) == ({"north"}, set())
    assert house.core() == house.rebuild()


def test_the_mart_of_persons_shows_it(house: Deliveries) -> None:
    house.con.execute("create schema publish")
    house.con.execute("create table publish.part (kind varchar, part varchar, effective_at timestamptz);")
    sql = resolved(load_step("publish/marts/contact").sql, "customer")
    found = house.rows(sql.replace("$as_of", f"date '{D}'"))
    assert {(row["contact_id"], row["grade"], row["mood"]) for row in found} == {
        ("p", 7, "keen"),
        ("q", None, None),
        ("r", 9, "keen"),
    }
    # The contract's own columns stand there once, and those that say where a row came from not at all.
    own = {*CONTRACTS["contacts"].taken, "contact_id", "account_id", "role", "decision_maker", "created_on"}
    assert {*found[0]} == own | {"as_of_date", "grade", "mood"}
    assert mart_columns("contact") is None


@pytest.mark.parametrize("table", NAMED)
def test_a_slip_is_no_further_column(table: str) -> None:
    contract = CONTRACTS[table]
    (key, *_) = contract.key
    for column in contract.columns:
        if column.name != key:
            with pytest.raises(ConfigError, match=f"did you mean {column.name}"):
                refuse(contract, column.name[:-1], [key], "here")
    for taken in ("as_of_date", "version", "_row", *contract.taken):
        with pytest.raises(ConfigError, match="meaning of its own"):
            refuse(contract, taken, contract.names, "here")
    refuse(contract, "favourite_colour", [key], "here")


@pytest.mark.parametrize("table", [table for table, contract in CONTRACTS.items() if contract.attributes])
@pytest.mark.parametrize("name", ["version", "Operation", "guest_key"])
def test_a_column_named_like_a_setting_is_refused_and_not_dropped(table: str, name: str) -> None:
    with pytest.raises(ConfigError, match="meaning of its own"):
        refuse(CONTRACTS[table], name, [CONTRACTS[table].key[0]], "here")
