"""Several sources of one thing: per key and column the first value in the order of the sources counts."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest
from canonical_rows import another, columns, lines, mapping, row
from deliveries import FEED, ORDERS, Deliveries, source

from pipelines.config.project import ProjectConfig, Source
from pipelines.contracts.keys import decided_by
from pipelines.contracts.model import Contract
from pipelines.contracts.registry import CONTRACTS
from pipelines.core.absent import create_absent
from pipelines.engine import relation_exists
from pipelines.refresh import agreement

Make = Callable[..., Deliveries]
CRM = source({"customers": {"customer_id": "id", "age": "try_cast(age as integer)"}})
NEWS = source({"customers": {"customer_id": "id", "newsletter": "newsletter = 'yes'"}})
AGES = ["id,age", "a,30", "b,40"]
LETTERS = ["id,newsletter", "b,yes", "c,no"]
TOWNS = {"customers": {"customer_id": "id"}}
DESCRIBING = [table for table, contract in CONTRACTS.items() if contract.describes]
NUMBERED = [table for table, contract in CONTRACTS.items() if contract.own_key]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    with ExitStack() as stack:

        def start(sources: dict[str, Source], **written: list[str]) -> Deliveries:
            folder = tmp_path / str(len(list(tmp_path.iterdir())))
            folder.mkdir()
            made = Deliveries(folder, sources)
            made.written = written
            stack.callback(made.con.close)
            return made

        yield start


def customers(shop: Deliveries, *names: str) -> dict[str, tuple[object, ...]]:
    rows = shop.rows("from core.customers")
    return {found["customer_id"]: tuple(found[name] for name in names) for found in rows}


def given(shop: Deliveries, table: str = "customers") -> dict[tuple[object, ...], str]:
    """Key and column -> the source that gave the value."""
    key = ", ".join(CONTRACTS[table].key)
    rows = shop.con.execute(f"select {key}, column_name, _source from core.provenance_{table}").fetchall()
    return {tuple(found): name for *found, name in rows}


def differing(shop: Deliveries) -> list[tuple[object, ...]]:
    return shop.con.execute("from core.disagreement_customers order by all").fetchall()


def in_any_order(make: Make, sources: dict[str, Source], files: dict[str, list[str]]) -> Iterator[Deliveries]:
    """The warehouse after the files came in each order, or in some of many, brought up after each of them."""
    orders = list(itertools.permutations(files))
    for order in orders if len(orders) <= 6 else orders[:: len(orders) // 4]:
        shop = make(sources)
        create_absent(shop.con, shop.tables)
        for name in order:
            shop.land(name, files[name])
            shop.refresh()
        yield shop


def test_a_customer_of_two_sources_has_what_both_say_whichever_came_last(make: Make) -> None:
    for shop in in_any_order(make, {"crm": CRM, "news": NEWS}, {"crm": AGES, "news": LETTERS}):
        assert customers(shop, "age", "newsletter") == {
            "a": (30, None),
            "b": (40, True),
            "c": (None, False),
        }
        assert customers(shop, "_source") == {"a": ("crm",), "b": ("crm",), "c": ("news",)}
        assert shop.core() == shop.rebuild()


def test_a_batch_of_one_source_keeps_what_the_other_says_and_computes_only_its_keys(make: Make) -> None:
    shop = make({"crm": CRM, "news": NEWS})
    shop.land("crm", AGES)
    shop.land("news", LETTERS)
    shop.refresh()
    shop.con.execute("update core.customers set age = 99 where customer_id = 'a'")
    shop.land("news", ["id,newsletter", "b,no"])
    assert shop.refresh()["customers"].how == "merged"
    found = customers(shop, "age", "newsletter")
    assert found["b"] == (40, False)
    assert found["a"] == (99, None), "a key that no batch names is not computed"
    assert shop.rows("select distinct customer_id from ingest.dirty_customer") == [{"customer_id": "b"}]


def test_the_project_says_whose_values_come_first_of_a_table_and_of_a_column(make: Make) -> None:
    sources = {name: source(TOWNS) for name in ("a", "b", "c")}
    files = {name: ["id,town,hobby", f"x,{name}-town,{name}-hobby"] for name in sources}
    for written, town, hobby in (
        ({}, "a", "a"),
        ({"customers": ["c"]}, "c", "c"),
        ({"customers": ["c"], "customers.Town": ["b"]}, "b", "c"),
    ):
        shop = make(sources, **written)
        for name in "bca":
            shop.land(name, files[name])
            shop.refresh()
        assert customers(shop, "town", "hobby") == {"x": (f"{town}-town", f"{hobby}-hobby")}
        assert given(shop) == {("x", "town"): town, ("x", "hobby"): hobby}
        assert shop.core() == shop.rebuild()


def test_another_order_of_sources_makes_the_table_anew(make: Make) -> None:
    shop = make({name: source(TOWNS) for name in ("a", "b")})
    for name in "ab":
        shop.land(name, ["id,town", f"x,{name}"])
    shop.refresh()
    assert shop.refresh()["customers"].how == "unchanged"
    shop.written = {"customers.town": ["b"]}
    assert shop.refresh()["customers"].how == "rebuilt"
    assert customers(shop, "town") == {"x": ("b",)}


def test_a_blank_value_hides_nothing(make: Make) -> None:
    files = {"a": ["id,town", "x, ", "y,"], "b": ["id,town", "x,Oulu", "y,Turku"]}
    for shop in in_any_order(make, {name: source(TOWNS) for name in files}, files):
        assert customers(shop, "town", "_source") == {"x": ("Oulu", "a"), "y": ("Turku", "a")}
        assert differing(shop) == []


def test_a_source_that_drops_or_deletes_a_key_takes_its_own_values_away(make: Make) -> None:
    shop = make(
        {
            "crm": source(CRM.tables, delivery="snapshot", max_deleted_share=1),
            "news": source(NEWS.tables, **FEED),
        }
    )
    shop.land("crm", AGES)
    shop.land("news", ["id,newsletter,op", "a,yes,I", "b,yes,I"])
    shop.refresh()
    shop.land("crm", ["id,age", "a,31"])
    assert shop.refresh()["customers"].how == "merged"
    assert customers(shop, "age", "newsletter", "_source") == {
        "a": (31, True, "crm"),
        "b": (None, True, "news"),
    }
    shop.land("news", ["id,newsletter,op", "a,,D", "b,,D"])
    assert shop.refresh()["customers"].how == "merged"
    assert customers(shop, "age", "newsletter") == {"a": (31, None)}
    assert given(shop) == {("a", "age"): "crm"}
    assert shop.core() == shop.rebuild()


MERGES = {
    "merges": source({"customer_merges": {"old_id": "old", "new_id": "new"}}, **FEED),
    "shop": source({"orders": ORDERS}),
}


def test_of_merged_customers_the_survivors_values_come_first_then_those_of_the_absorbed(make: Make) -> None:
    files = {
        "merges": ["old,new,op", "b,a,I", "c,a,I"],
        "crm": ["id,town,hobby", "a,,", "b,Oulu,chess", "c,Turku,tennis"],
        "club": ["id,town,hobby,tier", "a,Vaasa,,", "c,Pori,golf,gold"],
        "shop": ["id,customer,day", "o1,a,2024-05-01"],
    }
    sources = MERGES | {name: source(TOWNS) for name in ("crm", "club")}
    for shop in in_any_order(make, sources, files):
        # The town from the club's row of the survivor, the rest from the CRM's rows of b, then c.
        assert customers(shop, "town", "hobby", "tier", "_source") == {"a": ("Vaasa", "chess", "gold", "crm")}
        assert given(shop) == {("a", "town"): "club", ("a", "hobby"): "crm", ("a", "tier"): "club"}
        assert shop.core() == shop.rebuild()


def test_of_facts_the_survivors_own_row_stays_whole(make: Make) -> None:
    touch = {
        "touch_id": "touch",
        "campaign_id": "campaign",
        "customer_id": "id",
        "cost": "cost",
        "contacted_on": "day",
    }
    shop = make(MERGES | {"contacts": source({"campaign_contacts": touch})})
    shop.land("contacts", ["touch,campaign,id,cost,day", "t,g,a,1,", "u,g,b,2,2024-05-01"])
    shop.land("merges", ["old,new,op", "b,a,I"])
    shop.refresh()
    found = shop.rows(
        "select customer_id, cast(cost as int) as cost, contacted_on from core.campaign_contacts"
        " order by cost"
    )
    assert [row["customer_id"] for row in found] == ["a", "a"]
    assert [(row["cost"], str(row["contacted_on"])) for row in found] == [(1, "None"), (2, "2024-05-01")]


def test_a_survivor_of_one_source_has_what_only_the_absorbed_row_says_until_the_merge_is_taken_back(
    make: Make,
) -> None:
    shop = make(MERGES | {"crm": source(TOWNS)})
    shop.land("crm", ["id,town,hobby", "a,Oulu,", "b,Turku,chess"])
    shop.land("merges", ["old,new,op", "b,a,I"])
    shop.refresh()
    assert customers(shop, "town", "hobby") == {"a": ("Oulu", "chess")}
    shop.land("merges", ["old,new,op", "b,,D"])
    assert shop.refresh()["customers"].how == "merged"
    assert customers(shop, "town", "hobby") == {"a": ("Oulu", None), "b": ("Turku", "chess")}


def test_where_sources_disagree_is_kept_by_place_and_gone_when_they_agree(make: Make) -> None:
    shop = make({"a": source(TOWNS), "b": source(TOWNS)})
    shop.land("a", ["id,town,hobby", "x,Oulu,chess", "y,Pori,"])
    shop.land("b", ["id,town,hobby", "x,Turku,chess", "y,Pori,golf"])
    shop.refresh()
    assert differing(shop) == [("x", "town", "a", "b", 1, 2, 2, 2)]
    shop.land("b", ["id,town,hobby", "x,Oulu,golf"])
    assert shop.refresh()["customers"].how == "merged"
    merged = differing(shop)
    assert merged == [("x", "hobby", "a", "b", 1, 2, 3, 2)]
    shop.rebuild()
    assert differing(shop) == merged


def test_disagreements_are_counted_by_column_and_pair_and_told_without_a_value(make: Make) -> None:
    shop = make({"a": source(TOWNS), "b": source(TOWNS), "c": source(TOWNS)})
    for name, town in (("a", "Oulu"), ("b", "Turku"), ("c", "Turku")):
        shop.land(name, ["id,town,hobby", f"x,{town},chess", f"y,{town},", "z,Pori,"])
    shop.refresh()
    told = agreement.result(shop.con, "customers")
    assert (told.passed, told.severity, told.unexpected, told.elements) == (False, "advisory", 4, 3)
    assert told.description.endswith("(town: a and b on 2; town: a and c on 2)")
    a, b = (str(shop.folder / name) for name in ("a-0001.csv", "b-0002.csv"))
    assert told.samples[0] == f"town: {a}:2 and {b}:2"

    assert "Oulu" not in str(told) and "Turku" not in str(told)


@pytest.mark.parametrize(
    ("one", "other", "kind", "values"),
    [
        ("cast(v as integer)", "v || '!'", "VARCHAR", {"x": "1", "y": "2!"}),
        ("cast(v as integer)", "cast(v as double)", "DOUBLE", {"x": 1.0, "y": 2.0}),
        ("v = '1'", "cast(v as bigint)", "VARCHAR", {"x": "true", "y": "2"}),
        ("date '2024-05-01'", "cast(v as integer)", "VARCHAR", {"x": "2024-05-01", "y": "2"}),
    ],
)
def test_an_attribute_of_two_types_has_one_that_both_fit_in(
    make: Make, one: str, other: str, kind: str, values: dict[str, object]
) -> None:
    sources = {
        "a": source({"customers": {"customer_id": "id", "value": one}}),
        "b": source({"customers": {"customer_id": "id", "VALUE": other}}),
    }
    for shop in in_any_order(make, sources, {"a": ["id,v", "x,1"], "b": ["id,v", "y,2"]}):
        for name, line in (("a", "x,1"), ("b", "y,2")):
            shop.land(name, ["id,v", line, "z,"])
            assert shop.refresh()["customers"].how == "merged"
        assert shop.rows("select value, typeof(value) as t from core.customers where customer_id < 'z'") == [
            {"value": found, "t": kind} for found in values.values()
        ]
        assert shop.columns("customers").count("value") == 1
        assert shop.core() == shop.rebuild()


def halves(contract: Contract) -> tuple[dict[str, str], dict[str, str]]:
    """A row of each of two sources that differ in every column; the first leaves every other one blank."""
    first, second = row(contract), row(contract)
    for number, name in enumerate(name for name in columns(contract) if name not in contract.told_by):
        second |= another(contract, name)
        column = contract.column(name)
        if number % 2 and not (column and column.required):
            first[name] = " "
    return first, second


def two(table: str, settings: Mapping[str, object]) -> dict[str, Source]:
    tables = {table: mapping(CONTRACTS[table])}
    return {"a": source(tables), "b": source(tables, **settings)}


@pytest.mark.parametrize("table", [*DESCRIBING, *NUMBERED])
def test_every_column_has_the_first_value_that_a_source_gives(make: Make, table: str) -> None:
    contract = CONTRACTS[table]
    first, second = halves(contract)
    files = {"a": lines(contract, first), "b": lines(contract, second)}
    alone = {}
    for name, told in files.items():
        shop = make({"a": two(table, {})["a"]})
        shop.land("a", told)
        shop.refresh()
        (alone[name],) = shop.rows(f"from core.{table}")
        assert not relation_exists(shop.con, f"ingest.known__{table}"), "one source keeps nothing beside"
    settings = {} if contract.describes else {"keys": {decided_by(contract): {"same": True}}}
    wanted = {
        name: "b" if not first[name].strip() and name not in contract.stated_together else "a"
        for name in columns(contract)
        if name not in contract.told_by
    }
    for shop in in_any_order(make, two(table, settings), files):
        (found,) = shop.rows(f"from core.{table}")
        assert {name: found[name] for name in wanted} == {
            name: alone[taken][name] for name, taken in wanted.items()
        }
        told = {key[-1]: taken for key, taken in given(shop, table).items()}
        assert {name: told.get(name, "a") for name in wanted} == wanted
        assert found["_source"] == "a" and shop.core() == shop.rebuild()


SAME = {"keys": {"orders": {"same": True}}}
SHOP = ORDERS | {"revenue": "amount", "currency": "currency"}


def test_a_column_that_a_source_does_not_map_says_nothing_even_with_a_default(make: Make) -> None:
    sources = {
        "shop": source({"orders": ORDERS}),
        "office": source({"orders": ORDERS | {"status": "state"}}, **SAME),
    }
    files = {
        "shop": ["id,customer,day", "o1,a,2024-05-01", "o2,a,2024-05-01"],
        "office": ["id,customer,day,state", "o1,,2024-05-02,returned", "o2,,2024-05-02,", "o3,,2024-05-03,"],
    }
    for shop in in_any_order(make, sources, files):
        rows = shop.rows(
            "select order_id, customer_id, status, business_date::varchar as d from core.orders order by 1"
        )
        assert [tuple(found.values()) for found in rows] == [
            ("o1", "a", "returned", "2024-05-01"),
            ("o2", "a", "completed", "2024-05-01"),
            ("o3", None, None, "2024-05-03"),
        ]


def test_an_amount_and_its_currency_come_from_the_first_source_that_has_an_amount(make: Make) -> None:
    sources = {
        "shop": source({"orders": SHOP}),
        "office": source({"orders": SHOP}, **SAME),
        "third": source({"orders": SHOP}, **SAME),
    }
    head = "id,customer,day,amount,currency"
    files = {
        "shop": [head, "o1,,2024-05-01,,USD"],
        "office": [head, "o1,,2024-05-02,10,"],
        "third": [head, "o1,c,2024-05-03,20,SEK"],
    }
    for shop in in_any_order(make, sources, files):
        (found,) = shop.rows(
            "select _source, customer_id, cast(revenue as int) as r, currency from core.orders"
        )
        assert found == {"_source": "office", "customer_id": "c", "r": 10, "currency": None}


@pytest.mark.parametrize(
    ("merge", "fault"),
    [
        ({"customer": ["crm"]}, "merge.customer: customer is not a canonical table; did you mean customers"),
        ({"products": ["crm"]}, "merge.products: no source maps products; there is nothing to merge"),
        ({"accounts": ["crm"]}, "merge.accounts: only crm maps accounts; there is nothing to merge"),
        ({"orders": ["crm"]}, "merge.orders: each source has keys of orders of its own; say keys: {orders:"),
        ({"consents": ["crm"]}, "merge.consents: a row of consents is taken whole"),
        ({"customers": []}, "merge.customers: name the sources that come first, of crm, news"),
        ({"customers": ["nwes"]}, "merge.customers: no source nwes; did you mean news?"),
        ({"customers": ["web"]}, r"merge.customers: web does not map customers \(its sources: crm, news\)"),
        ({"customers": ["crm", "crm"]}, "merge.customers: crm is named twice"),
        ({"customers.customer_id": ["crm"]}, "merge.customers.customer_id: customer_id is part of the key"),
        ({"contacts.rol": ["crm"]}, "merge.contacts.rol: contacts has no column rol; did you mean role"),
    ],
)
def test_an_order_of_sources_that_names_what_is_not_there_is_refused(
    merge: dict[str, list[str]], fault: str
) -> None:
    consents = {"customer_id": "c", "channel": "'email'", "granted": "ok", "changed_on": "day"}
    tables = {
        "crm": {
            "customers": {"customer_id": "c"},
            "accounts": {"account_id": "a"},
            "contacts": {"contact_id": "k"},
        },
        "news": {
            "customers": {"customer_id": "c"},
            "contacts": {"contact_id": "k", "mood": "m"},
            "consents": consents,
        },
        "web": {"orders": ORDERS, "consents": consents},
        "till": {"orders": ORDERS},
    }
    sources = {name: source(mapped) for name, mapped in tables.items()}
    with pytest.raises(ValueError, match=fault):
        ProjectConfig(project="p", timezone="UTC", currency="EUR", sources=sources, merge=merge)
    for right in ("customers.town", "contacts.mood"):
        ProjectConfig(project="p", timezone="UTC", currency="EUR", sources=sources, merge={right: ["news"]})
