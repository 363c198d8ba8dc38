"""A contract that names what is not there is refused when it is imported, and told what to do."""

from pathlib import Path
from typing import Any

import pytest

from pipelines.contracts import tables
from pipelines.contracts.fact import Amounts, Counted, Ending, Fact, Link
from pipelines.contracts.model import Check, Column, Contract, Derived, Reference
from pipelines.contracts.registry import CONTRACTS, FACTS, fact_of

COLUMNS = (
    Column("call_id", "VARCHAR", "The call", required=True),
    Column("customer_id", "VARCHAR", "Who called"),
    Column("called_at", "TIMESTAMPTZ", "When"),
    Column("kind", "VARCHAR", "What it was", allowed=("order", "test")),
)
WHOLE: dict[str, Any] = {
    "table": "calls",
    "description": "Calls.",
    "grain": "one row per call",
    "key": ("call_id",),
    "event": "business_date",
    "watermark": "called_at",
    "derived": (Derived("business_date", "cast(called_at as date)"),),
    "columns": COLUMNS,
    "fact": Fact(day="business_date", counts=Counted("kind", ("order",))),
}
EXPECTATION = "ExpectColumnValuesToNotBeNull"


def test_a_contract_that_names_its_columns_is_taken() -> None:
    assert Contract(**WHOLE).required == ("call_id",)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"key": ("callid",)}, "key is 'callid'"),
        ({"derived": ()}, "event is 'business_date'.*`derived`"),
        ({"watermark": "called"}, "watermark is 'called'"),
        ({"known_from": "since"}, "known_from is 'since'"),
        ({"one_of": ("customer_id", "account_id")}, "one_of is 'account_id'"),
        ({"derived": (Derived("business_date", "x", parts=("caller",)),)}, "derived is 'caller'"),
        ({"references": (Reference("store", "stores", "store_id"),)}, "a reference is 'store'"),
        ({"checks": (Check("c", EXPECTATION, {}, "", needs=("length",)),)}, "check c is 'length'"),
        ({"checks": (Check("c", EXPECTATION, {"column": "length"}, ""),)}, "check c is 'length'"),
        ({"fact": Fact(day="day")}, "fact.day is 'day'"),
        ({"fact": Fact(day="called_at", owners={"account": ("account_id",)})}, "fact.owners is 'account_id'"),
        ({"fact": Fact(day="called_at", links=(Link("to", "a", "b", ()),))}, "fact.links is 'to'"),
        ({"fact": Fact(day="called_at", counts=Counted("sort", ()))}, "fact.counts is 'sort'"),
        ({"fact": Fact(day="called_at", counts=Counted("kind", ("sale",)))}, "'sale', which kind does not"),
        ({"fact": Fact(day="called_at", ends=Ending("ended"))}, "fact.ends is 'ended'"),
        ({"fact": Fact(day="called_at", ends=Ending("called_at", "kind", ("no",)))}, "'no', which kind does"),
        ({"fact": Fact(day="called_at", amounts=Amounts(("cost",)))}, "fact.amounts is 'cost'"),
        ({"fact": Fact(day="called_at", core_only=("tax",))}, "fact.core_only is 'tax'"),
    ],
)
def test_a_name_that_is_not_there_is_refused_with_its_place(changed: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=f"contract of calls: .*{said}.*(known|allowed): "):
        Contract(**WHOLE | changed)


def test_every_contract_that_stands_in_the_folder_is_registered() -> None:
    folder = Path(tables.__file__).parent
    found = {path.stem for path in folder.glob("*.py")} - {"__init__"}
    assert found == CONTRACTS.keys(), "list it in pipelines/contracts/registry.py, named as its table"


def test_a_table_without_facts_is_named_with_those_that_have_them() -> None:
    assert fact_of("feedback") is FACTS["feedback"]
    with pytest.raises(ValueError, match="products is no table of facts: give its contract a `fact`"):
        fact_of("products")
    with pytest.raises(ValueError, match=r"feedbak is no table of facts: list its contract.*feedback"):
        fact_of("feedbak")
