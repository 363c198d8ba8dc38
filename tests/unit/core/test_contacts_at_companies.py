"""Persons who stand at several companies, at none, and move: core says where they are now."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from deliveries import FEED, Deliveries, source
from fixtures.seeds import SEED

MAPPED = {"contacts": {"contact_id": "id", "account_id": "firm", "role": "role"}}
HEAD = "id,firm,role"
VERSIONED = {"version": "cast(v as int)"}


def at_companies(made: Deliveries) -> dict[str, dict[str, str | None]]:
    """Person -> company -> role there."""
    found: dict[str, dict[str, str | None]] = {}
    for person, firm, role in made.con.execute(
        "select contact_id, account_id, role from core.contacts order by all"
    ).fetchall():
        found.setdefault(person, {})[firm] = role
    return found


def test_a_person_at_two_companies_and_one_at_none_are_kept(tmp_path: Path) -> None:
    made = Deliveries(tmp_path, {"crm": source(MAPPED)})
    made.land("crm", [HEAD, "p,north,Owner", "p,south,Adviser", "q,,Owner", 'r," ",'])
    made.refresh()
    assert at_companies(made) == {
        "p": {"north": "Owner", "south": "Adviser"},
        "q": {"": "Owner"},
        "r": {"": None},
    }
    assert made.rows("select rows_accepted, rows_quarantined, rows_conflicting from ingest.batch_table") == [
        {"rows_accepted": 4, "rows_quarantined": 0, "rows_conflicting": 0}
    ]


@pytest.mark.parametrize("brought_up_between", [True, False])
def test_who_moves_leaves_and_others_stay(tmp_path: Path, brought_up_between: bool) -> None:
    made = Deliveries(tmp_path, {"crm": source(MAPPED)})
    made.land("crm", [HEAD, "p,north,Owner", "p,south,Adviser", "q,north,"])
    if brought_up_between:
        made.refresh()
    made.land("crm", [HEAD, "p,west,Owner"])
    made.refresh()
    assert at_companies(made) == {"p": {"west": "Owner"}, "q": {"north": None}}
    assert made.core() == made.rebuild()


def test_of_two_files_in_a_batch_the_later_says_where_somebody_stands(tmp_path: Path) -> None:
    made = Deliveries(tmp_path, {"crm": source(MAPPED)})
    made.land("crm", [HEAD, "p,north,Owner", "p,north,Owner", "q,south,"], [HEAD, "p,south,Owner"])
    made.refresh()
    assert at_companies(made) == {"p": {"south": "Owner"}, "q": {"south": None}}
    (account,) = made.rows("select rows_accepted, rows_superseded, rows_repeated from ingest.batch_table")
    assert account == {"rows_accepted": 2, "rows_superseded": 2, "rows_repeated": 0}


def test_a_file_sent_again_with_another_company_moves_the_person(tmp_path: Path) -> None:
    made = Deliveries(tmp_path, {"crm": source(MAPPED)})
    made.land("crm", [HEAD, "p,north,Owner"], names=["a.csv"])
    made.refresh()
    made.land("crm", [HEAD, "p,south,Owner"], names=["a.csv"])
    made.refresh()
    assert at_companies(made) == {"p": {"south": "Owner"}}


def test_a_late_file_of_an_older_version_moves_nobody_back(tmp_path: Path) -> None:
    made = Deliveries(tmp_path, {"crm": source(MAPPED, **VERSIONED)})
    made.land("crm", [f"{HEAD},v", "p,south,Owner,5", "p,west,Owner,1"])
    made.refresh()
    made.land("crm", [f"{HEAD},v", "p,north,Owner,3", "p,west,Clerk,4"])
    made.refresh()
    assert at_companies(made) == {"p": {"south": "Owner", "west": "Owner"}}
    assert made.core() == made.rebuild()


def test_a_feed_of_changes_deletes_somebody(tmp_path: Path) -> None:
    made = Deliveries(tmp_path, {"crm": source(MAPPED, **FEED)})
    made.land("crm", [f"{HEAD},op", "p,north,Owner,I", "p,south,Owner,I", "q,north,,I"])
    made.refresh()
    made.land("crm", [f"{HEAD},op", "p,north,,D", "p,south,Owner,U", "q,north,,D"])
    made.refresh()
    assert at_companies(made) == {"p": {"south": "Owner"}}


def test_each_of_two_sources_says_its_own_companies(tmp_path: Path) -> None:
    made = Deliveries(tmp_path, {"crm": source(MAPPED), "cards": source(MAPPED)})
    made.land("crm", [HEAD, "p,north,Owner"])
    made.land("cards", [HEAD, "p,south,Guest"])
    made.refresh()
    assert at_companies(made) == {"p": {"north": "Owner", "south": "Guest"}}
    made.land("crm", [HEAD, "p,west,Owner"])
    made.refresh()
    assert at_companies(made) == {"p": {"south": "Guest", "west": "Owner"}}
    assert made.core() == made.rebuild()


def test_ids_are_counted_once_however_many_companies_a_person_has(tmp_path: Path) -> None:
    made = Deliveries(tmp_path, {"crm": source(MAPPED)})
    made.land("crm", [HEAD, "p,north,", "p,south,"])
    made.refresh()
    assert made.rows("select * from core.delivered_contacts") == [
        {
            "contact_id": "p",
            "delivered_on": made.rows("select delivered_on from ingest.batch")[0]["delivered_on"],
        }
    ]


SOURCES = {
    "crm": source(MAPPED),
    "feed": source(MAPPED, **FEED, **VERSIONED),
    "dump": source(MAPPED, delivery="snapshot", max_deleted_share=1),
}


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("names", [("crm",), ("feed",), ("crm", "feed", "dump")])
def test_random_moves_merged_batch_by_batch_equal_a_rebuild(
    tmp_path: Path, names: tuple[str, ...], seed: int
) -> None:
    """Files come late, twice and refused; after every one of them core is what landed says."""
    rng = random.Random(f"{SEED} {seed} {names}")
    made = Deliveries(tmp_path, {name: SOURCES[name] for name in names})
    for _ in range(7):
        name = rng.choice(names)
        files = [_lines(rng, name) for _ in range(rng.choice([1, 1, 2]))]
        paths = [f"{name}-{rng.randrange(4)}-{number}.csv" for number in range(len(files))]
        made.land(name, *files, names=paths, accepted=rng.random() < 0.85, judged=False)
        if rng.random() < 0.8:
            made.refresh()
            merged = made.core()
            assert merged == made.rebuild()
            if names == ("crm",):
                assert sorted(merged["contacts"], key=str) == sorted(_expected(made), key=str)


def _lines(rng: random.Random, name: str) -> list[str]:
    rows = {
        (person, firm): f"{person},{firm},{rng.choice(['', 'Owner', 'Clerk'])}"
        for person in rng.sample("pqrs", rng.randrange(1, 4))
        for firm in rng.sample(["", "north", "south", "west"], rng.randrange(1, 3))
    }
    if name != "feed":
        return [HEAD, *rows.values()]
    return [f"{HEAD},v,op", *(f"{row},{rng.randrange(9)},{rng.choice('IUUD')}" for row in rows.values())]


def _expected(made: Deliveries) -> list[tuple[object, ...]]:
    """What an appended source says, worked out row by row in Python from what was accepted."""
    if not made.rows("select 1 from duckdb_tables() where schema_name = 'raw' and table_name = 'crm'"):
        return []
    rows = made.con.execute(
        "select r._file_id, f.batch_seq, r._row, trim(r.id), coalesce(trim(r.firm), ''),"
        " nullif(trim(r.role), '') from raw.crm as r join ingest.file as f on f.file_id = r._file_id"
        " join ingest.batch as b on b.batch_seq = f.batch_seq"
        " where status = 'accepted' and f.current order by f.batch_seq, r._file_id, r._row"
    ).fetchall()
    last = {person: (seq, file) for file, seq, _, person, *_ in rows}
    columns = made.columns("contacts")
    found = {}
    for file, seq, row, person, firm, role in rows:
        if (seq, file) == last[person]:
            said = {
                "_source": "crm",
                "_batch_seq": seq,
                "_file_id": file,
                "_row": row,
                "contact_id": person,
                "account_id": firm,
                "role": role,
            }
            found[person, firm] = tuple(said.get(name) for name in columns)
    return list(found.values())
