"""Since when customers, accounts and contacts are known of whom their source says no day."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest
from deliveries import FEED, Deliveries, source
from fixtures.seeds import seeds

from pipelines.contracts.model import Contract
from pipelines.contracts.registry import CONTRACTS, FACTS
from pipelines.core import delivered, identity, past_rows
from pipelines.core.facts import resolved
from pipelines.core.facts.known import days_of_facts
from pipelines.engine import connect, quote

DESCRIBING = [table for table, contract in CONTRACTS.items() if contract.known_from is not None]
FIRST, SECOND, THIRD = date(2024, 3, 1), date(2024, 3, 2), date(2024, 3, 3)
LATER = date(2024, 9, 1)


def of_table(table: str, **settings: object) -> dict[str, object]:
    """A source that maps what a table needs, and nothing that says since when."""
    return {"crm": source({table: {name: name for name in CONTRACTS[table].required}}, **settings)}


@pytest.fixture(params=DESCRIBING)
def house(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Deliveries]:
    made = Deliveries(tmp_path, of_table(request.param))
    yield made
    made.con.close()


def send(house: Deliveries, day: date, *keys: str, name: str = "crm.csv") -> int:
    """A file that came on a day, with a row a key."""
    (table,) = house.tables
    columns = CONTRACTS[table].required
    house.today = day
    lines = [",".join(columns), *(",".join([key] * len(columns)) for key in keys)]
    return house.land("crm", lines, names=[name])


def first_days(house: Deliveries) -> dict[str, date]:
    (table,) = house.tables
    return dict(house.con.execute(f"from {delivered.relation(CONTRACTS[table])}").fetchall())


def test_the_first_delivery_of_a_key_outlives_later_versions_of_its_file(house: Deliveries) -> None:
    send(house, FIRST, "a")
    house.refresh()
    send(house, SECOND, "a", "b")
    house.refresh()
    send(house, THIRD, "b", "c")
    house.refresh()
    assert first_days(house) == {"a": FIRST, "b": SECOND, "c": THIRD}
    house.rebuild()
    assert first_days(house) == {"a": FIRST, "b": SECOND, "c": THIRD}


def test_a_batch_that_is_withdrawn_brought_nobody(house: Deliveries) -> None:
    seq = send(house, FIRST, "a", name="one.csv")
    send(house, THIRD, "a", "b", name="two.csv")
    house.refresh()
    house.withdraw(seq)
    house.refresh()
    assert first_days(house) == {"a": THIRD, "b": THIRD}
    house.accept(seq)
    house.refresh()
    assert first_days(house) == {"a": FIRST, "b": THIRD}


def test_whoever_was_delivered_earlier_than_was_known_is_marked(house: Deliveries) -> None:
    (table,) = house.tables
    send(house, SECOND, "a", name="two.csv")
    house.refresh()
    house.con.execute("delete from ingest.core_change; delete from ingest.dirty_customer")
    send(house, FIRST, "a", name="one.csv")
    house.refresh()
    assert house.con.execute("select table_name, first_day from ingest.core_change").fetchall() == [
        (table, FIRST)
    ]
    touched = house.con.execute("from ingest.dirty_customer").fetchall()
    assert touched == ([("a",)] if table == "customers" else [])


@pytest.mark.parametrize("settings", [{}, FEED, {"delivery": "snapshot", "max_deleted_share": 1}], ids=str)
@pytest.mark.parametrize("table", DESCRIBING)
@pytest.mark.parametrize("seed", seeds(1, 4))
def test_days_that_are_carried_on_are_those_that_would_be_found_anew(
    tmp_path: Path, table: str, settings: dict[str, object], seed: int
) -> None:
    rng, columns = random.Random(seed), CONTRACTS[table].required
    sources = of_table(table, **settings)
    if table == "customers":
        merging = {"customer_merges": {"old_id": "old", "new_id": "new"}}
        sources["merges"] = source(merging)
    house, seqs = Deliveries(tmp_path, sources), []
    for step in range(8):
        house.today = FIRST + timedelta(days=step)
        keys = rng.sample("abcdefgh", rng.randrange(1, 5))
        lines = [",".join([*columns, "op"])]
        lines += [",".join([*[key] * len(columns), rng.choice("IUD")]) for key in keys]
        names = [f"crm-{rng.randrange(3)}.csv"]
        seqs.append(house.land("crm", lines, names=names, accepted=rng.random() < 0.8, judged=False))
        if "merges" in sources and rng.random() < 0.5:
            house.land("merges", ["old,new", ",".join(rng.sample("abcdefgh", 2))])
        if rng.random() < 0.3 and (seq := rng.choice(seqs)):
            house.withdraw(seq)
        house.refresh()
        relation = delivered.relation(CONTRACTS[table])
        found = f"select d.* from {relation} as d order by all"
        kept = house.con.execute(found).fetchall()
        house.rebuild()
        assert house.con.execute(found).fetchall() == kept, f"seed {seed}, step {step}"
        (key,) = CONTRACTS[table].unit
        lacking = f"select count(*) from core.{table} anti join {relation} using ({key})"
        assert house.con.execute(lacking).fetchone() == (0,)
    house.con.close()


def make_empty(con: duckdb.DuckDBPyConnection) -> None:
    """Every canonical table, without rows."""
    con.execute("create schema core; create schema money; create schema ingest; create schema features")
    con.execute(identity.STATE)
    con.execute("create table features.customer_day (customer_id varchar, business_date date)")
    for name, contract in CONTRACTS.items():
        listed = ", ".join(f"{quote(column)} {kind}" for column, kind in contract.stored.items())
        con.execute(f"create table core.{name} ({listed})")
        con.execute(f"create view money.{name} as from core.{name}")
        delivered.create(con, contract)
        past_rows.create(con, contract)


def facts_of(contract: Contract) -> list[str]:
    """The tables of facts that name somebody by a column of their own, or of an order's for its lines."""
    key = contract.key[0]
    return [table for table in FACTS if CONTRACTS[table].column(key)]


@pytest.mark.parametrize(
    ("table", "fact"),
    [(table, fact) for table in DESCRIBING for fact in facts_of(CONTRACTS[table])],
)
def test_any_fact_makes_somebody_known_before_the_first_delivery(table: str, fact: str) -> None:
    contract = CONTRACTS[table]
    (key,) = contract.unit
    with connect() as con:
        make_empty(con)
        con.execute(f"insert into core.{table} ({key}) values ('a'), ('b')")
        con.execute(f"insert into ingest.delivered__{table} values ('a', '{LATER}'), ('b', '{LATER}')")
        if fact == "orders" and table == "customers":
            con.execute("insert into features.customer_day values ('a', ?)", [SECOND])
        else:
            con.execute(f"insert into core.{fact} ({key}, {FACTS[fact].day}) values ('a', ?)", [SECOND])
        asked = resolved(f"select k.{key} from known.{table} as k order by all", "customer")
        of_days = {day: con.execute(asked, {"as_of": day}).fetchall() for day in (FIRST, SECOND, LATER)}
    assert of_days == {FIRST: [], SECOND: [("a",)], LATER: [("a",), ("b",)]}


@pytest.mark.parametrize("table", DESCRIBING)
def test_a_day_that_the_source_says_counts_whatever_happened(table: str) -> None:
    contract = CONTRACTS[table]
    (key,) = contract.unit
    with connect() as con:
        make_empty(con)
        con.execute(f"insert into core.{table} ({key}, {contract.known_from}) values ('a', ?)", [SECOND])
        con.execute(f"insert into ingest.delivered__{table} values ('a', ?)", [FIRST])
        for fact in facts_of(contract):
            con.execute(f"insert into core.{fact} ({key}, {FACTS[fact].day}) values ('a', ?)", [FIRST])
        asked = resolved(f"select k.{key} from known.{table} as k", "customer")
        found = [con.execute(asked, {"as_of": day}).fetchall() for day in (FIRST, SECOND)]
    assert found == [[], [("a",)]]


def test_every_table_that_describes_somebody_has_facts_that_make_known() -> None:
    assert set(DESCRIBING) == {table for table, contract in CONTRACTS.items() if contract.entity}
    assert all(days_of_facts(CONTRACTS[table]) for table in DESCRIBING)
