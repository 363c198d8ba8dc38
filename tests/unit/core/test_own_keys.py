"""Keys that two sources give out: held until the project says whose they are, whichever came first."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from canonical_rows import columns, lines, mapping, row
from deliveries import FEED, ORDERS, Deliveries, source

from pipelines.config.project import Source
from pipelines.contracts.keys import numbers_in
from pipelines.contracts.model import Contract
from pipelines.contracts.registry import CONTRACTS
from pipelines.core import together

# Written by hand: the tables whose keys are their source's own, and of which one a project says otherwise.
DECIDES = {
    "orders": "orders",
    "order_lines": "orders",
    "opportunities": "opportunities",
    "leads": "leads",
    "interactions": "interactions",
    "survey_answers": "survey_answers",
    "feedback": "feedback",
    "campaigns": "campaigns",
    "campaign_contacts": "campaign_contacts",
    "spend": "spend",
}
# The columns in which rows hold the number of a table, beside those of the same name.
HOLDS = {
    ("customer_merges", "old_id"): "customers",
    ("customer_merges", "new_id"): "customers",
    ("accounts", "parent_account_id"): "accounts",
}
NUMBERED = {
    "order_id": "orders",
    "opportunity_id": "opportunities",
    "lead_id": "leads",
    "interaction_id": "interactions",
    "response_id": "survey_answers",
    "feedback_id": "feedback",
    "touch_id": "campaign_contacts",
    "campaign_id": "campaigns",
    "customer_id": "customers",
    "account_id": "accounts",
    "contact_id": "contacts",
    "product_id": "products",
}
OWNED = pytest.mark.parametrize("table", DECIDES)
Make = Callable[[Mapping[str, Source]], Deliveries]
HEAD = "id,customer,day"


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    made = []

    def start(sources: Mapping[str, Source]) -> Deliveries:
        made.append(Deliveries(tmp_path, sources))
        return made[-1]

    yield start
    for shop in made:
        shop.con.close()


def two(table: str, **settings: Any) -> dict[str, Source]:
    """Two sources that map every column of a table; the second has further settings."""
    tables = {table: mapping(CONTRACTS[table])}
    return {"a": source(tables), "b": source(tables, **settings)}


def both(shop: Deliveries, contract: Contract) -> None:
    for name in ("a", "b"):
        shop.land(name, lines(contract, row(contract)))


@OWNED
def test_a_key_of_two_sources_holds_the_table_and_names_both_places(make: Make, table: str) -> None:
    shop = make(two(table))
    both(shop, CONTRACTS[table])
    merged = shop.refresh()[table]
    assert merged.how == "held" and merged.rows == 0
    assert merged.shared is not None
    assert merged.shared.sources == ("a", "b") and merged.shared.keys == 1
    assert merged.shared.places == tuple(
        str(shop.folder / name) + ":2" for name in ("a-0001.csv", "b-0002.csv")
    )
    told = str(merged.shared)
    assert "same: true" in told and "prefix: b-" in told and f"{{{DECIDES[table]}: {{same" in told
    assert "x1" not in told.replace("x1-", "")  # no value of a row


@OWNED
def test_what_the_message_says_to_write_is_taken(make: Make, table: str) -> None:
    for keys in ({DECIDES[table]: {"same": True}}, {_prefixable(table): {"prefix": "b-"}}):
        shop = make(two(table, keys=keys))
        both(shop, CONTRACTS[table])
        merged = shop.refresh()[table]
        assert merged.how == "rebuilt" and merged.rows == (1 if "same" in str(keys) else 2), keys


def _prefixable(table: str) -> str:
    return {"order_lines": "orders", "spend": "campaigns"}.get(table, table)


@pytest.mark.parametrize("table", [table for table in CONTRACTS if table not in DECIDES])
def test_people_companies_and_what_is_the_same_for_all_are_not_held(make: Make, table: str) -> None:
    shop = make(two(table))
    both(shop, CONTRACTS[table])
    merged = shop.refresh()[table]
    assert merged.how == "rebuilt" and merged.rows == 1


@pytest.mark.parametrize("numbered", NUMBERED.values())
def test_a_prefix_stands_before_the_key_and_every_mention_of_it_and_nothing_else(
    make: Make, numbered: str
) -> None:
    for contract in CONTRACTS.values():
        held = {
            name
            for name in contract.names
            if HOLDS.get((contract.table, name), NUMBERED.get(name)) == numbered
        }
        assert {n for n, t in numbers_in(contract).items() if t == numbered} == held, contract.table
        if not held:
            continue
        one = source({contract.table: mapping(contract)}, keys={numbered: {"prefix": "w-"}})
        shop = make({"w": one})
        columns = {column.name: column for column in contract.columns}
        blank = {n: "" for n in held if not columns[n].required or columns[n].default == "''"}
        other = {n: "x2" for n in contract.key if n in contract.names and n not in blank}
        shop.land(
            "w", lines(contract, row(contract), row(contract, {**other, **blank}) if blank else row(contract))
        )
        found = shop.rows(f"select {', '.join(contract.names)} from stage.w__{contract.table} order by _row")
        for name in contract.names:
            plain = str(row(contract)[name])
            if name in held:
                assert found[0][name] == f"w-{plain}", (contract.table, name)
                assert found[1][name] in ("", None, "w-x1", "w-x2"), (contract.table, name)
                assert name not in blank or not found[1][name]
            elif plain == "x1":
                assert found[0][name] == "x1", (contract.table, name)


def test_a_held_table_keeps_its_last_good_state_and_the_others_go_on(make: Make) -> None:
    tables = {"orders": ORDERS, "customers": {"customer_id": "customer"}}
    shop = make({"a": source(tables), "b": source(tables)})
    shop.land("a", [HEAD, "1,x,2024-05-01"])
    shop.refresh()
    shop.land("a", [HEAD, "2,y,2024-05-02"])
    shop.land("b", [HEAD, "1,z,2024-05-03", "3,z,2024-05-03"])
    merged = shop.refresh()
    assert merged["orders"].how == "held" and shop.orders() == {"1": "x"}
    assert merged["customers"].how == "rebuilt" and merged["customers"].rows == 3  # b is new
    shop.sources = shop.sources | {"b": source(tables, keys={"orders": {"prefix": "b-"}})}
    assert shop.refresh()["orders"].how == "rebuilt"
    assert shop.orders() == {"1": "x", "2": "y", "b-1": "z", "b-3": "z"}
    assert shop.core() == shop.rebuild()


@pytest.mark.parametrize("seed", range(12))
def test_whatever_comes_first_the_same_is_held_and_the_same_enters(make: Make, seed: int) -> None:
    rng = random.Random(seed)
    files = [
        (name, f"{rng.randrange(4)},{who},2024-05-0{day}")
        for name in "ab"
        for day, who in enumerate("xyz", 1)
    ]
    keys = {name: {line.split(",")[0] for other, line in files if other == name} for name in "ab"}
    rng.shuffle(files)
    rule = rng.choice([None, {"orders": {"prefix": "b-"}}])
    shop = make({"a": source({"orders": ORDERS}), "b": source({"orders": ORDERS}, keys=rule or {})})
    good: dict[str, str | None] = {}
    said: dict[str, set[str]] = {"a": set(), "b": set()}
    while files:
        for name, line in [files.pop() for _ in range(min(rng.randrange(1, 4), len(files)))]:
            said[name].add(line.split(",")[0])
            shop.land(name, [HEAD, line])
        merged = shop.refresh()["orders"]
        meeting = bool(said["a"] & said["b"]) and rule is None
        assert (merged.how == "held") is meeting
        assert not meeting or shop.orders() == good
        good = shop.orders()
    if rule is not None:
        assert shop.orders().keys() == keys["a"] | {f"b-{key}" for key in keys["b"]}
        assert shop.core() == shop.rebuild()


LINE = {"order_id": "id", "line_id": "line", "revenue": "amount"}


@pytest.mark.parametrize("first", ["orders", "order_lines"])
def test_orders_and_their_lines_are_held_together(make: Make, first: str) -> None:
    other = source({first: ORDERS if first == "orders" else LINE})
    shop = make({"a": source({"orders": ORDERS}), "till": source({"order_lines": LINE}), "b": other})
    shop.land("a", [HEAD, "1,x,2024-05-01"])
    shop.land("till", ["id,line,amount", "1,1,5"])
    shop.refresh()
    before = shop.core()
    shop.land("a", [HEAD, "2,x,2024-05-02"])
    shop.land("till", ["id,line,amount", "2,1,7"])
    # Another line of an order is no key twice; it is the order that both sources number.
    shop.land("b", [HEAD, "1,z,2024-05-03"] if first == "orders" else ["id,line,amount", "1,9,8"])
    assert {merged.how for merged in shop.refresh().values()} == {"held"}
    assert shop.core() == before


def test_a_held_table_is_not_looked_at_again_until_something_changes(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = make(two("orders"))
    both(shop, CONTRACTS["orders"])
    shop.refresh()
    looked: list[str] = []
    refresh = together.refresh

    def watched(con: Any, contract: Contract, *words: Any, **named: Any) -> object:
        looked.append(contract.table)
        return refresh(con, contract, *words, **named)

    monkeypatch.setattr(together, "refresh", watched)
    assert shop.refresh()["orders"].how == "held" and not looked
    shop.land("a", lines(CONTRACTS["orders"], row(CONTRACTS["orders"], {"order_id": "x9"})))
    assert shop.refresh()["orders"].how == "held" and looked == ["orders"]
    shop.withdraw(2)
    assert shop.refresh()["orders"].how == "rebuilt"


@pytest.mark.parametrize("order", itertools.permutations("abc"))
def test_a_key_does_not_hide_behind_that_of_a_source_that_shares_it(
    make: Make, order: tuple[str, ...]
) -> None:
    plain = source({"orders": ORDERS})
    shop = make({"a": plain, "b": source({"orders": ORDERS}, keys={"orders": {"same": True}}), "c": plain})
    held = []
    for name in order:
        shop.land(name, [HEAD, f"1,{name},2024-05-01"])
        held.append(shop.refresh()["orders"].how == "held")
    assert held == [False, {"a", "c"} == set(order[:2]), True]


def test_a_key_that_its_source_deleted_is_free(make: Make) -> None:
    shop = make({"a": source({"orders": ORDERS}, **FEED), "b": source({"orders": ORDERS})})
    shop.land("a", [f"{HEAD},op", "1,x,2024-05-01,I", "1,,,D"])
    shop.land("b", [HEAD, "1,z,2024-05-03"])
    assert shop.refresh()["orders"].how == "rebuilt" and shop.orders() == {"1": "z"}
    shop.land("a", [f"{HEAD},op", "1,x,2024-05-01,I"])
    assert shop.refresh()["orders"].how == "held" and shop.orders() == {"1": "z"}


def test_prefixes_and_what_is_shared_are_part_of_the_mapping(make: Make) -> None:
    shop = make(two("orders", keys={"orders": {"prefix": "b-"}}))
    both(shop, CONTRACTS["orders"])
    shop.refresh()
    assert shop.refresh()["orders"].how == "unchanged"
    for keys in ({"orders": {"prefix": "c-"}}, {"orders": {"same": True}}):
        shop.sources = two("orders", keys=keys)
        assert shop.refresh()["orders"].how == "rebuilt"


@pytest.mark.parametrize(
    ("tables", "keys", "fault"),
    [
        ({"orders": ORDERS}, {"orders": {}}, "expected either same: true or a prefix"),
        ({"orders": ORDERS}, {"orders": {"same": True, "prefix": "a-"}}, "expected either"),
        ({"orders": ORDERS}, {"orders": {"prefix": ""}}, "prefix"),
        ({"orders": ORDERS}, {"ordres": {"same": True}}, "ordres is not a canonical table"),
        ({"orders": ORDERS}, {"customers": {"same": True}}, "share the keys of customers already"),
        ({"orders": ORDERS}, {"leads": {"same": True}}, "no table of this source has a key of leads"),
        ({"order_lines": LINE}, {"order_lines": {"prefix": "a-"}}, "say it of orders"),
        ({"spend": {}}, {"spend": {"prefix": "a-"}}, "give campaigns the prefix"),
    ],
)
def test_rules_that_mean_nothing_are_refused(
    tables: dict[str, dict[str, str]], keys: dict[str, object], fault: str
) -> None:
    with pytest.raises(ValueError, match=fault):
        source(tables, keys=keys)


def test_a_project_says_of_lines_alone_whose_orders_they_are(make: Make) -> None:
    shop = make({"till": source({"order_lines": LINE}, keys={"orders": {"prefix": "t-"}})})
    shop.land("till", ["id,line,amount", "1,1,5"])
    shop.refresh()
    assert shop.rows("select order_id from core.order_lines") == [{"order_id": "t-1"}]


def test_every_rule_is_of_a_table_that_exists() -> None:
    assert {t for t, c in CONTRACTS.items() if c.own_key} == DECIDES.keys()
    assert {c.number: t for t, c in CONTRACTS.items() if c.number} == NUMBERED
    for contract in CONTRACTS.values():
        assert {*contract.own_key} <= {*contract.key}
        assert columns(contract) and replace(contract) == contract
