"""Touches of campaigns: each is known by its id, or by whose it is, its day and its channel."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from deliveries import FEED, Deliveries, source
from fixtures.seeds import seeds

from pipelines.core import arms
from pipelines.engine import DuckDB
from pipelines.errors import ConfigError

COLUMNS = ("touch_id", "campaign_id", "customer_id", "contact_id", "account_id", "contacted_on", "channel")
FURTHER = ("arm", "cost", "v")
HEAD = ",".join((*COLUMNS, *FURTHER))
MAPPED = {name: name for name in (*COLUMNS, "arm", "cost")}
SOURCES = {
    "merges": source({"customer_merges": {"old_id": "old", "new_id": "new"}}),
    "sent": source({"campaign_contacts": MAPPED}, version="cast(v as int)"),
}


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Deliveries]:
    made = Deliveries(tmp_path, SOURCES)
    yield made
    made.con.close()


def touches(shop: Deliveries) -> list[tuple[Any, ...]]:
    return shop.con.execute(
        "select campaign_id, customer_id, contact_id, account_id, cast(contacted_on as varchar), channel,"
        " cast(cost as int) from core.campaign_contacts order by all"
    ).fetchall()


def land(shop: Deliveries, *rows: str) -> None:
    shop.land("sent", [HEAD, *rows])
    shop.refresh()


@pytest.mark.parametrize(
    ("files", "count"),
    [
        (
            [
                [
                    ",k,ann,,,2024-05-01,mail,,1,1",
                    ",k,ann,,,2024-05-02,mail,,1,1",
                    ",k,ann,,,2024-05-03,mail,,1,1",
                ]
            ],
            3,
        ),
        ([[",k,ann,,,2024-05-01,mail,,1,1"], [",k,ann,,,2024-05-01,mail,,1,1"]], 1),
        ([[",k,ann,,,2024-05-01,mail,,1,1", ",k,ann,,,2024-05-01,phone,,1,1"]], 2),
        ([[",k,ann,,,,,,1,1", ",k,,ann,,,,,1,1", ",k,,,ann,,,,1,1"]], 3),
        ([["t1,k,ann,,,2024-05-01,mail,,1,1"], ["t1,k,ann,,,2024-05-02,mail,,1,2"]], 1),
        ([["t1,k,ann,,,2024-05-01,mail,,1,1", "t2,k,ann,,,2024-05-01,mail,,1,1"]], 2),
        ([[",k,ann,,,2024-05-01,mail,,1,1", ",g,ann,,,2024-05-01,mail,,1,1"]], 2),
    ],
)
def test_what_is_one_touch_and_what_are_two(shop: Deliveries, files: list[list[str]], count: int) -> None:
    for rows in files:
        land(shop, *rows)
    assert len(touches(shop)) == count
    assert shop.rows("from quarantine.row") == []


def test_a_correction_of_a_touch_with_an_id_replaces_it_also_in_another_campaign(shop: Deliveries) -> None:
    land(shop, "t1,k,ann,,,2024-05-01,mail,,5,1")
    land(shop, "t1,g,,kim,,2024-05-02,phone,,7,2")
    assert touches(shop) == [("g", None, "kim", None, "2024-05-02", "phone", 7)]


def test_a_touch_of_nobody_is_quarantined_and_says_why(shop: Deliveries) -> None:
    land(shop, "t1,k,,,,2024-05-01,mail,,5,1", ",k,,,,2024-05-01,mail,,5,1", ",k,ann,,,2024-05-01,mail,,5,1")
    assert len(touches(shop)) == 1
    told = shop.rows("select distinct reason, column_name from quarantine.row")
    assert told == [{"reason": "missing", "column_name": "customer_id or contact_id or account_id"}]
    (account,) = shop.rows("select rows_landed, rows_accepted, rows_quarantined from ingest.batch_table")
    assert tuple(account.values()) == (3, 1, 2)


def test_touches_of_merged_customers_are_each_their_own_and_the_survivors(shop: Deliveries) -> None:
    land(shop, ",k,a,,,2024-05-01,mail,,5,1", ",k,b,,,2024-05-01,mail,,5,1", ",k,a,,,2024-05-02,mail,,5,1")
    shop.land("merges", ["old,new", "a,b"])
    shop.refresh()
    assert [row[1] for row in touches(shop)] == ["b", "b", "b"]
    assert shop.core() == shop.rebuild()


def test_a_prefix_stands_before_every_touch_with_an_id_or_without(tmp_path: Path) -> None:
    keys = {"campaign_contacts": {"prefix": "w-"}}
    shop = Deliveries(tmp_path, {"sent": source({"campaign_contacts": MAPPED}, keys=keys)})
    shop.land("sent", [HEAD, "t1,k,ann,,,2024-05-01,mail,,1,1", ",k,ann,,,2024-05-01,mail,,1,1"])
    shop.refresh()
    ids = [row["touch_id"] for row in shop.rows("select touch_id from core.campaign_contacts order by 1")]
    assert ids == ["w-k customer ann on 2024-05-01 by mail", "w-t1"]
    shop.con.close()


@pytest.mark.parametrize(
    ("columns", "settings", "fault"),
    [
        (("campaign_id",), {}, "customer_id or contact_id or account_id"),
        (("campaign_id", "customer_id"), FEED, "needs touch_id beside delivery: changes"),
    ],
)
def test_a_mapping_that_cannot_tell_whose_or_which_is_refused(
    tmp_path: Path, columns: tuple[str, ...], settings: dict[str, Any], fault: str
) -> None:
    tables = {"campaign_contacts": {name: name for name in columns}}
    shop = Deliveries(tmp_path, {"sent": source(tables, **settings)})
    with pytest.raises(ConfigError, match=fault):
        shop.land("sent", [f"{HEAD},op", "t1,k,ann,,,2024-05-01,mail,,1,1,I"])
    shop.con.close()


def test_whoever_is_in_both_arms_of_one_campaign_is_counted(shop: Deliveries) -> None:
    land(
        shop,
        *("t1,k,ann,,,2024-05-01,,treatment,,1", "t2,k,ann,,,2024-05-02,,control,,1"),
        *("t3,k,,kim,,2024-05-01,,,,1", "t4,k,,kim,,2024-05-02,,control,,1"),
        *("t5,k,bob,,,2024-05-01,,,,1", "t6,k,bob,,,2024-05-02,,treatment,,1", "t7,g,bob,,,,,control,,1"),
    )
    assert arms.in_both(DuckDB(shop.con)) == 2


@pytest.mark.parametrize("seed", seeds(3, 50))
def test_random_touches_in_any_order_are_those_that_plain_python_keeps(shop: Deliveries, seed: int) -> None:
    rng = random.Random(seed)
    rows, expected = [], dict[tuple[str, ...], tuple[int, list[Any]]]()
    merged = {"a": "b"} if rng.random() < 0.5 else {}
    for version in range(1, rng.randrange(5, 30)):
        owners = ["", "", ""]
        named = rng.randrange(4)
        if named < 3:
            owners[named] = rng.choice(["a", "b"])
        row = [
            *(rng.choice(["", "", "t1", "t2"]), rng.choice(["k", "g"]), *owners),
            *(rng.choice(["", "2024-05-01", "2024-05-02"]), rng.choice(["", "mail"])),
            *(rng.choice(["", "control"]), str(rng.randrange(9)), str(version)),
        ]
        rows.append(",".join(row))
        if named == 3:
            continue
        key = (row[0],) if row[0] else tuple(row[1:7])
        if version > expected.get(key, (0, []))[0]:
            owner = merged.get(row[2], row[2])
            expected[key] = version, [row[1], owner, *row[3:7], int(row[8])]
    rng.shuffle(rows)
    files = [("merges", ["old,new", f"{old},{new}"]) for old, new in merged.items()]
    while rows:
        taken = rng.randrange(1, len(rows) + 1)
        files += [("sent", [HEAD, *rows[:taken]])] * rng.choice([1, 1, 2])
        rows = rows[taken:]
    rng.shuffle(files)
    for name, lines in files:
        shop.land(name, lines)
        if rng.random() < 0.5:
            shop.refresh()
    shop.refresh()
    kept = [
        tuple(value or None if isinstance(value, str) else value for value in row)
        for _, row in expected.values()
    ]
    found = touches(shop)
    assert sorted(map(str, found)) == sorted(map(str, kept))
    assert shop.core() == shop.rebuild()
