"""What rows said before they changed: past days read what core said at their end, whatever came since."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path

import pytest
from canonical_rows import another, columns, lines, mapping, row
from deliveries import FEED, Deliveries, source
from fixtures.seeds import seeds

from pipelines.contracts.registry import CONTRACTS, FACTS
from pipelines.core import marks, past_rows
from pipelines.core.facts import resolved
from pipelines.engine import rows

KEPT = [table for table, contract in CONTRACTS.items() if contract.keeps_past]
FIRST = date(2024, 6, 1)
SNAPSHOT = {"delivery": "snapshot", "max_deleted_share": 1}
PLACE = ("_source", "_batch_seq", "_file_id", "_row")
Rows = dict[tuple[object, ...], dict[str, object]]


def day(number: int) -> date:
    return FIRST + timedelta(days=number)


def of_table(table: str, **settings: object) -> dict[str, object]:
    return {"crm": source({table: mapping(CONTRACTS[table])}, **settings)}


def as_of(house: Deliveries, table: str, on: date) -> Rows:
    """Key -> the row as a day reads it, without its place."""
    asked = resolved(f"select * from past.{table}", "account")
    return by_key(table, rows(house.con, asked, {"as_of": on}))


def now(house: Deliveries, table: str) -> Rows:
    return by_key(table, rows(house.con, f"from core.{table}"))


def by_key(table: str, found: Sequence[dict[str, object]]) -> Rows:
    key = CONTRACTS[table].key
    assert len({tuple(one[name] for name in key) for one in found}) == len(found), "a key stands twice"
    return {
        tuple(one[name] for name in key): {name: v for name, v in one.items() if name not in PLACE}
        for one in found
    }


def free(table: str) -> list[str]:
    """The columns that the tests let change: no key, and nothing that says that a fact has ended."""
    contract, fact = CONTRACTS[table], FACTS.get(table)
    ends = (fact.ends.column, fact.ends.day) if fact and fact.ends else ()
    return [name for name in columns(contract) if name not in (*contract.key, *ends)]


def plain(table: str, key: str, changed: dict[str, str] | None = None) -> dict[str, str]:
    """A row of a key; nothing in it has ended."""
    contract, fact = CONTRACTS[table], FACTS.get(table)
    said = row(contract, changed) | dict.fromkeys(contract.key, key)
    return said | ({fact.ends.day: ""} if fact and fact.ends else {})


def derived(house: Deliveries, table: str) -> list[tuple[object, ...]]:
    return house.con.execute(f"select * from core.past_{table} order by all").fetchall()


@pytest.mark.parametrize("settings", [{}, FEED, SNAPSHOT], ids=str)
@pytest.mark.parametrize("table", KEPT)
@pytest.mark.parametrize("seed", seeds(1, 5))
def test_every_day_reads_what_core_said_at_its_end(
    tmp_path: Path, table: str, settings: dict[str, object], seed: int
) -> None:
    rng, contract = random.Random(seed), CONTRACTS[table]
    house, stood, known, seqs = Deliveries(tmp_path, of_table(table, **settings)), [], set(), []
    names = free(table)
    try:
        for step in range(7):
            house.today = day(step)
            sent = [
                plain(
                    table,
                    key,
                    {
                        k: v
                        for name in names
                        if rng.random() < 0.4
                        for k, v in another(contract, name).items()
                    },
                )
                for key in rng.sample("abcdef", rng.randrange(1, 6))
            ]
            head, *body = lines(contract, *sent)
            text = [f"{head},op", *(f"{line},{rng.choice('IUUD')}" for line in body)]
            again = [f"crm-{rng.randrange(4)}.csv"]
            seqs.append(house.land("crm", text, names=again, accepted=rng.random() < 0.85, judged=False))
            if step > 2 and rng.random() < 0.3 and (seq := rng.choice(seqs)):
                house.withdraw(seq)
            house.refresh()
            stood.append(now(house, table))
            known |= stood[-1].keys()
            for number, then in enumerate(stood):
                found = as_of(house, table, day(number))
                # Of whom nothing had been said yet, what was said first counts.
                told = set().union(*(earlier.keys() for earlier in stood[: number + 1]))
                assert {key: said for key, said in found.items() if key in told} == then, (seed, step, number)
                later = {key for key in known - told if key in found}
                assert later == known - told
            carried = derived(house, table)
            past_rows.derive(house.con, contract, resolved=False)
            assert derived(house, table) == carried, (seed, step)
    finally:
        house.con.close()


def tiers(house: Deliveries, number: int) -> dict[str, str]:
    """Customer -> the tier that a day reads."""
    return {str(key): str(said["tier"]) for (key,), said in as_of(house, "customers", day(number)).items()}


@pytest.fixture
def club(tmp_path: Path) -> Iterator[Deliveries]:
    """Customers with a tier, who may merge; changes come as a feed."""
    house = Deliveries(
        tmp_path,
        {
            "crm": source({"customers": {"customer_id": "id"}}),
            "merges": source({"customer_merges": {"old_id": "old", "new_id": "new"}}, **FEED),
        },
    )
    yield house
    house.con.close()


def tell(house: Deliveries, number: int, *said: str, merges: Sequence[str] = ()) -> None:
    """Customers and their tiers, and merges with their operation, that come on a day."""
    house.today = day(number)
    if said:
        house.land("crm", ["id,tier", *said])
    if merges:
        house.land("merges", ["old,new,op", *merges])
    house.refresh()


def test_the_past_is_of_whoever_the_ids_count_for_now(club: Deliveries) -> None:
    tell(club, 0, "a,a0", "b,b0")
    tell(club, 1, "a,a1")
    tell(club, 2, merges=["a,b,I"])
    assert [tiers(club, number) for number in range(3)] == [{"b": "b0"}] * 3
    tell(club, 3, "a,a2", "b,b1")
    assert [tiers(club, number) for number in range(4)] == [{"b": "b0"}] * 3 + [{"b": "b1"}]
    tell(club, 4, merges=["a,b,D"])
    of_days = [tiers(club, number) for number in range(5)]
    assert of_days[:2] == [{"a": "a0", "b": "b0"}, {"a": "a1", "b": "b0"}]
    assert of_days[2:] == [{"a": "a1", "b": "b0"}, {"a": "a2", "b": "b1"}, {"a": "a2", "b": "b1"}]


def test_the_past_of_who_merged_is_put_together_column_by_column_as_core_is(club: Deliveries) -> None:
    """The survivor's own value, where there was one on the day; else that of who merged into them."""
    tell(club, 0, "a,a0", "b,")
    tell(club, 1, merges=["a,b,I"])
    assert [tiers(club, number) for number in range(2)] == [{"b": "a0"}] * 2
    tell(club, 2, "a,a1")
    tell(club, 3, "b,b1")
    tell(club, 4, "b,")
    said = [{"b": "a0"}] * 2 + [{"b": "a1"}, {"b": "b1"}, {"b": "a1"}]
    assert [tiers(club, number) for number in range(5)] == said
    tell(club, 5, merges=["a,b,D"])
    assert [str(found["b"]) for number in range(5) for found in (tiers(club, number),)] == [
        *("None", "None", "None", "b1", "None")
    ]


def merging(folder: Path) -> Deliveries:
    """Two sources of customers with two columns each, and merges of theirs that come and go."""
    columns_ = {"customer_id": "id", "tier": "tier", "town": "town"}
    return Deliveries(
        folder,
        {
            **{name: source({"customers": columns_}) for name in ("crm", "club")},
            "merges": source({"customer_merges": {"old_id": "old", "new_id": "new"}}, **FEED),
        },
    )


def test_what_nobody_said_otherwise_is_what_core_says_now(tmp_path: Path) -> None:
    """Of two who merged the order of sources decides, which what rows said before does not tell."""
    house = merging(tmp_path)
    house.today = day(0)
    house.land("merges", ["old,new,op", "a,w,I", "b,w,I"])
    house.land("crm", ["id,tier,town", "b,of the crm,Oulu"])
    house.land("club", ["id,tier,town", "a,of the club,"])
    house.refresh()
    house.today = day(1)
    house.land("crm", ["id,tier,town", "b,of the crm,Turku"])
    house.refresh()
    for number, town in enumerate(["Oulu", "Turku"]):
        found = as_of(house, "customers", day(number))[("w",)]
        assert (found["tier"], found["town"]) == ("of the crm", town)
    house.con.close()


def test_who_was_gone_says_nothing_of_the_survivor_on_those_days(tmp_path: Path) -> None:
    feed = {
        "crm": source({"customers": {"customer_id": "id", "tier": "tier"}}, **FEED),
        "merges": source({"customer_merges": {"old_id": "old", "new_id": "new"}}, **FEED),
    }
    house = Deliveries(tmp_path, feed)
    house.today = day(0)
    house.land("merges", ["old,new,op", "a,w,I", "b,w,I"])
    for number, said in enumerate([["a,x,I", "b,y,I"], ["a,,D"], ["a,x,I"]]):
        house.today = day(number)
        house.land("crm", ["id,tier,op", *said])
        house.refresh()
    assert [tiers(house, number) for number in range(3)] == [{"w": "x"}, {"w": "y"}, {"w": "x"}]
    house.con.close()


@pytest.mark.parametrize("seed", seeds(2, 30))
def test_a_day_reads_of_a_survivor_what_core_said_at_its_end(tmp_path: Path, seed: int) -> None:
    """As long as the same ids count for them; whatever any source says of any of them before and after."""
    rng, house = random.Random(seed), merging(tmp_path)
    house.today = day(0)
    merged = {"a": "s", "b": "s", "c": "t"}
    house.land("merges", ["old,new,op", *(f"{old},{new},I" for old, new in merged.items())])
    read: list[Rows] = []
    for number in range(6):
        house.today = day(number)
        # Whoever comes later was so before, as far as is known: so everybody comes on the first day.
        everyone = ["a", "b", "c", "s", "t", "u"]
        for name in ["crm", "club"] if number == 0 else [rng.choice(["crm", "club"])]:
            lines_ = ["id,tier,town"]
            for who in everyone if number == 0 else rng.sample(everyone, 3):
                # Which source decides between several who merged is not kept: of two here one says nothing.
                said = ["" if who == "b" else rng.choice(["", "x", "y", "z"]) for _ in range(2)]
                lines_.append(",".join([who, *said]))
            house.land(name, lines_)
        house.refresh()
        read.append(now(house, "customers"))
        for number_, then in enumerate(read):
            found = as_of(house, "customers", day(number_))
            for key, row_ in then.items():
                assert found[key] == row_, (number, number_, key)
    house.con.close()


def test_a_survivor_whom_no_file_tells_of_was_what_those_who_merged_were(club: Deliveries) -> None:
    tell(club, 0, "a,a0")
    tell(club, 1, "a,a1")
    tell(club, 2, merges=["a,c,I"])
    tell(club, 3, "a,a2")
    assert [tiers(club, number) for number in range(4)] == [
        {"c": "a0"},
        {"c": "a1"},
        {"c": "a1"},
        {"c": "a2"},
    ]
    tell(club, 4, merges=["a,c,D"])
    assert [tiers(club, number) for number in range(4)] == [
        {"a": "a0"},
        {"a": "a1"},
        {"a": "a1"},
        {"a": "a2"},
    ]


def changes(house: Deliveries) -> list[tuple[object, ...]]:
    asked = (
        "select column_name, value_before, value_after, changed_on from history.attribute_change order by all"
    )
    return house.con.execute(asked).fetchall()


def test_a_column_that_is_mapped_otherwise_has_no_past_and_others_keep_theirs(tmp_path: Path) -> None:
    house = Deliveries(tmp_path, {"crm": source({"accounts": {"account_id": "id", "industry": "branch"}})})
    for number, said in enumerate(["x,steel,1", "x,wood,2"]):
        house.today = day(number)
        house.land("crm", ["id,branch,size", said, "y,glass,9"])
        house.refresh()
    recorded = changes(house)
    assert recorded == [("industry", "steel", "wood", day(1)), ("size", "1", "2", day(1))]
    house.sources = {"crm": source({"accounts": {"account_id": "id", "industry": "upper(branch)"}})}
    house.today = day(2)
    house.land("crm", ["id,branch,size", "x,paper,3"])
    house.refresh()
    read = [as_of(house, "accounts", day(number))["x",] for number in range(3)]
    # Of the day of the edit nothing tells what the delivery changed from what the edit did.
    assert [said["industry"] for said in read] == ["PAPER"] * 3
    assert [said["size"] for said in read] == ["1", "2", "3"]
    assert changes(house) == [*recorded, ("size", "2", "3", day(2))]
    house.today = day(3)
    house.land("crm", ["id,branch,size", "x,wool,3"])
    house.refresh()
    read = [as_of(house, "accounts", day(number))["x",] for number in range(4)]
    assert [said["industry"] for said in read] == ["PAPER"] * 3 + ["WOOL"]
    house.con.close()


def test_a_column_that_is_new_counts_of_all_days_before(club: Deliveries) -> None:
    tell(club, 0, "a,a0", "b,b0")
    tell(club, 1, "a,a1")
    club.today = day(2)
    club.land("crm", ["id,tier,town", "a,a2,Turku"])
    club.refresh()
    said = [as_of(club, "customers", day(number))["a",] for number in range(3)]
    assert [(one["tier"], one["town"]) for one in said] == [("a0", "Turku"), ("a1", "Turku"), ("a2", "Turku")]


@pytest.mark.parametrize("table", [table for table in KEPT if table in FACTS])
def test_what_has_ended_by_a_day_is_read_as_it_is_known_now(tmp_path: Path, table: str) -> None:
    ends, house = FACTS[table].ends, Deliveries(tmp_path, of_table(table))
    assert ends is not None and ends.column is not None
    open_row = plain(table, "x") | {FACTS[table].day: str(day(0)), "source": "fair"}
    closed = open_row | {ends.column: ends.ends[0], ends.day: str(day(2)), "source": "web"}
    for number, said in ((1, open_row), (4, closed)):
        house.today = day(number)
        house.land("crm", lines(CONTRACTS[table], said))
        house.refresh()
    found = [as_of(house, table, day(number))["x",]["source"] for number in range(5)]
    assert found == ["fair", "fair", "web", "web", "web"]
    marked = "select min(first_day) from ingest.core_change where change_seq = 2"
    assert house.con.execute(marked).fetchone() == (day(2),)
    house.con.close()


@pytest.mark.parametrize("table", KEPT)
def test_a_change_bears_on_no_day_before_it_came(tmp_path: Path, table: str) -> None:
    house, name = Deliveries(tmp_path, of_table(table)), free(table)[-1]
    for number, changed in enumerate(({}, another(CONTRACTS[table], name))):
        house.con.execute("delete from ingest.core_change") if number else None
        house.today = day(number)
        house.land("crm", lines(CONTRACTS[table], plain(table, "x", changed)))
        house.refresh()
    assert house.con.execute("select first_day from ingest.core_change").fetchall() == [(day(1),)]
    house.con.close()


def test_rows_and_what_they_said_before_change_together_or_not_at_all(
    club: Deliveries, monkeypatch: pytest.MonkeyPatch
) -> None:
    tell(club, 0, "a,a0")

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("killed")

    with monkeypatch.context() as patched, pytest.raises(RuntimeError):
        patched.setattr(marks, "mark_changed", fail)
        tell(club, 1, "a,a1")
    assert (tiers(club, 1), changes(club)) == ({"a": "a0"}, [])
    club.refresh()
    assert (tiers(club, 0), tiers(club, 1)) == ({"a": "a0"}, {"a": "a1"})
    assert changes(club) == [("tier", "a0", "a1", day(1))]


def test_a_restored_record_is_read_over_core_made_anew(club: Deliveries) -> None:
    tell(club, 0, "a,a0", "b,b0")
    tell(club, 1, "a,a1")
    club.con.execute(
        "drop view core.past_customers; drop table ingest.past__customers; drop table core.customers"
    )
    club.con.execute("delete from ingest.core_state")
    club.refresh()
    assert [tiers(club, number) for number in range(2)] == [{"a": "a0", "b": "b0"}, {"a": "a1", "b": "b0"}]


def test_whoever_counts_for_another_is_kept_by_the_customer_alone() -> None:
    """What `core/queries/row_before_of_survivor.sql` takes for granted."""
    assert all(CONTRACTS[t].key == ("customer_id",) for t in KEPT if CONTRACTS[t].column("customer_id"))


def test_every_table_that_describes_somebody_keeps_its_past() -> None:
    assert {table for table, contract in CONTRACTS.items() if contract.entity} <= {*KEPT}


@pytest.mark.parametrize("table", KEPT)
def test_a_past_without_changes_has_the_columns_of_one_with(tmp_path: Path, table: str) -> None:
    house = Deliveries(tmp_path, of_table(table))
    house.refresh()
    made, values = past_rows._derived(house.con, CONTRACTS[table])
    derived = house.con.execute(f"describe {made}", values).fetchall()
    empty = house.con.execute(f"describe {past_rows._empty(CONTRACTS[table])}").fetchall()
    assert [found[:2] for found in empty] == [found[:2] for found in derived]
