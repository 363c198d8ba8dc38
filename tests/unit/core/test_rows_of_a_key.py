"""Rows of one key in a batch, for every canonical table: repeats, fuller rows, conflicts, corrections."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from canonical_rows import another, columns, lines, mapping, row
from deliveries import FEED, FEED_COLUMN, Deliveries, source

from pipelines.config.project import Source
from pipelines.contracts.model import Contract
from pipelines.contracts.registry import CONTRACTS
from pipelines.contracts.telling import owners
from pipelines.ingest.batch import Account, accounts
from pipelines.ingest.conflicts import AGREE, WHOLE, check_conflicts
from pipelines.ingest.quality import CheckResult
from pipelines.ingest.source import mappings_of

# Whose a row is, when it happened and what it is worth: written here by hand, in the tests' own words.
DECISIVE = {
    "orders": {"customer_id", "account_id", "ordered_at", "revenue", "discount", "coupon_discount"}
    | {"shipping", "gift_card_sold", "gift_card_redeemed", "deposit", "vat_rate"},
    "order_lines": {"quantity", "revenue", "discount", "coupon_discount", "cost"}
    | {"shipping", "gift_card_sold", "gift_card_redeemed", "deposit", "vat_rate"},
    "campaigns": {"start_date", "end_date"},
    "campaign_contacts": {"customer_id", "contact_id", "account_id", "contacted_on", "cost"},
    "spend": {"cost"},
    "leads": {"account_id", "contact_id", "created_on"},
    "opportunities": {"account_id", "lead_id", "opened_on", "value"},
    "interactions": {"customer_id", "contact_id", "occurred_at"},
    "survey_answers": {"customer_id", "contact_id", "answered_on"},
    "feedback": {"customer_id", "contact_id", "received_on"},
    "rates": {"rate"},
    "vat_rates": {"rate"},
}
EVERY = pytest.mark.parametrize("contract", CONTRACTS.values(), ids=lambda contract: contract.table)
Make = Callable[..., Deliveries]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    made = []

    def start(contract: Contract, **settings: object) -> Deliveries:
        shop = Deliveries(tmp_path, {"s": source({contract.table: mapping(contract)}, **settings)})
        made.append(shop)
        return shop

    yield start
    for shop in made:
        shop.con.close()


def judge(shop: Deliveries, seq: int) -> dict[str, CheckResult]:
    one: Source = shop.sources["s"]
    (found,) = mappings_of(shop.con, "s", one)
    return {result.name: result for result in check_conflicts(shop.con, found, seq)}


def account(shop: Deliveries, seq: int) -> Account:
    (found,) = accounts(shop.con, seq)
    return found


@EVERY
def test_a_row_that_stands_twice_is_a_repeat(make: Make, contract: Contract) -> None:
    shop = make(contract)
    seq = shop.land("s", lines(contract, row(contract), row(contract), row(contract)))
    found = account(shop, seq)
    assert (found.accepted, found.repeated, found.conflicting, found.superseded) == (1, 2, 0, 0)
    assert all(result.passed for result in judge(shop, seq).values())


def beside_the_key(contract: Contract) -> list[str]:
    return [name for name in columns(contract) if name not in contract.told_by]


def optional(contract: Contract) -> list[str]:
    required = {column.name for column in contract.columns if column.required}
    return [name for name in beside_the_key(contract) if name not in {*required, *contract.one_of[:1]}]


@EVERY
@pytest.mark.parametrize("blank_last", [True, False])
def test_the_row_that_says_more_counts_wherever_it_stands(
    make: Make, contract: Contract, blank_last: bool
) -> None:
    shop = make(contract)
    rows = [row(contract), row(contract, dict.fromkeys(optional(contract), ""))]
    seq = shop.land("s", lines(contract, *(rows if blank_last else reversed(rows))))
    found = account(shop, seq)
    assert (found.accepted, found.repeated, found.conflicting) == (1, 1, 0)
    assert all(result.passed for result in judge(shop, seq).values())
    shop.refresh()
    assert all(value is not None for table in shop.core().values() for value in table[0])


@EVERY
def test_rows_that_differ_are_a_conflict_that_names_the_column_and_the_place(
    make: Make, contract: Contract
) -> None:
    shop = make(contract)
    for number, name in enumerate(beside_the_key(contract), 1):
        seq = shop.land("s", lines(contract, row(contract), row(contract, another(contract, name))))
        found = account(shop, seq)
        assert (found.accepted, found.repeated, found.conflicting, found.superseded) == (1, 0, 1, 0), name
        judged = judge(shop, seq)
        assert not judged[AGREE].passed and name in judged[AGREE].detail
        assert judged[AGREE].samples == (f"{shop.folder / f's-{number:04}.csv'}:2",)
        critical = name in DECISIVE.get(contract.table, set())
        assert judged[WHOLE].passed is not critical, name
        assert judged[WHOLE].unexpected == (1 if critical else 0)


@pytest.mark.parametrize(
    "contract",
    [contract for contract in CONTRACTS.values() if len(optional(contract)) > 1],
    ids=lambda contract: contract.table,
)
def test_rows_of_which_each_lacks_what_the_other_has_are_refused(make: Make, contract: Contract) -> None:
    shop = make(contract)
    first, second = optional(contract)[:2]
    seq = shop.land("s", lines(contract, row(contract, {first: ""}), row(contract, {second: ""})))
    assert account(shop, seq).conflicting == 1
    judged = judge(shop, seq)
    assert not judged[WHOLE].passed and judged[WHOLE].detail == f"{second} in 1"


@EVERY
def test_a_later_file_of_the_batch_corrects(make: Make, contract: Contract) -> None:
    shop = make(contract)
    kept = owners(contract)  # with the owner and the day changed it would be another thing
    names = [name for name in beside_the_key(contract) if name not in kept]
    changed = row(contract, {k: v for name in names for k, v in another(contract, name).items()})
    seq = shop.land("s", lines(contract, row(contract)), lines(contract, changed))
    found = account(shop, seq)
    assert (found.accepted, found.conflicting) == (1, 0)
    assert (found.repeated, found.superseded) == ((0, 1) if names else (1, 0))
    assert all(result.passed for result in judge(shop, seq).values())


def test_a_later_file_that_gives_a_key_to_another_on_another_day_is_told(make: Make) -> None:
    contract = CONTRACTS["orders"]
    shop = make(contract)
    other = row(contract, another(contract, "customer_id") | another(contract, "ordered_at"))
    seq = shop.land("s", lines(contract, row(contract)), lines(contract, other))
    judged = judge(shop, seq)
    assert judged[WHOLE].passed and not judged[AGREE].passed
    assert "customer_id in 1" in judged[AGREE].detail


@EVERY
def test_a_version_says_which_row_holds(make: Make, contract: Contract) -> None:
    shop = make(contract, version="cast(v as int)", leave_out=["v"])
    names = beside_the_key(contract)
    changed = row(contract, {k: v for name in names for k, v in another(contract, name).items()})
    rows = lines(contract, changed, row(contract))
    seq = shop.land("s", [f"{line},{end}" for line, end in zip(rows, ("v", "2", "1"), strict=True)])
    found = account(shop, seq)
    assert found.conflicting == 0
    assert (found.repeated, found.superseded) == ((0, 1) if names else (1, 0))
    assert all(result.passed for result in judge(shop, seq).values())


@EVERY
def test_the_changes_of_a_key_are_no_conflict_and_its_deletion_no_repeat(
    make: Make, contract: Contract
) -> None:
    shop = make(contract, **FEED)
    rows = lines(contract, row(contract), row(contract), row(contract))
    seq = shop.land("s", [f"{a},{b}" for a, b in zip(rows, (FEED_COLUMN, "I", "U", "D"), strict=True)])
    found = account(shop, seq)
    assert (found.accepted, found.deleted, found.repeated, found.conflicting) == (0, 1, 0, 0)
    assert found.superseded == 2
    assert all(result.passed for result in judge(shop, seq).values())


# Of these a later row that leaves out whose it is, when it was or how much takes money away.
PURCHASES = {"orders", "order_lines"}


def may_be_blank(contract: Contract) -> list[str]:
    return sorted(DECISIVE.get(contract.table, set()) & {*optional(contract)})


@pytest.mark.parametrize("apart", [True, False], ids=["a batch later", "in one batch"])
@pytest.mark.parametrize(
    "contract", [c for c in CONTRACTS.values() if may_be_blank(c)], ids=lambda contract: contract.table
)
def test_a_later_file_that_leaves_blank_what_decides_is_told(
    make: Make, contract: Contract, apart: bool
) -> None:
    for name in may_be_blank(contract):
        shop = make(contract)
        first, later = lines(contract, row(contract)), lines(contract, row(contract, {name: ""}))
        if apart:
            shop.land("s", first)
            shop.refresh()
            seq = shop.land("s", later)
        else:
            seq = shop.land("s", first, later)
        judged = judge(shop, seq)
        assert (judged[AGREE].unexpected, judged[AGREE].detail) == (1, f"{name} in 1")
        assert judged[WHOLE].passed is (contract.table not in PURCHASES), name
        assert judged[WHOLE].detail == (f"{name} in 1" if contract.table in PURCHASES else "")
        at = "s-0002.csv:2" if apart else "s-0001.csv:2"
        assert judged[AGREE].samples == (str(shop.folder / at),)


@pytest.mark.parametrize("contract", [CONTRACTS[table] for table in sorted(PURCHASES)], ids=str)
def test_a_file_in_place_of_an_earlier_one_may_say_less(make: Make, contract: Contract) -> None:
    shop = make(contract)
    blank = dict.fromkeys(may_be_blank(contract), "")
    shop.land("s", lines(contract, row(contract)), names=["of-may.csv"])
    shop.refresh()
    seq = shop.land("s", lines(contract, row(contract, blank)), names=["of-may.csv"])
    assert seq == 2 and all(result.passed for result in judge(shop, seq).values())


def test_what_another_source_said_is_not_left_blank(tmp_path: Path) -> None:
    contract = CONTRACTS["orders"]
    same = source({contract.table: mapping(contract)}, keys={"orders": {"same": True}})
    shop = Deliveries(tmp_path, {"s": same, "t": same})
    shop.land("t", lines(contract, row(contract)))
    shop.refresh()
    seq = shop.land("s", lines(contract, row(contract, {"customer_id": ""})))
    assert all(result.passed for result in judge(shop, seq).values())
    shop.con.close()


@pytest.mark.parametrize(
    ("settings", "column", "ends"),
    [
        ({"version": "cast(v as int)", "leave_out": ["v"]}, "v", ("1", "2")),
        (FEED, FEED_COLUMN, ("I", "U")),
        ({"delivery": "snapshot"}, "v", ("", "")),
    ],
    ids=["version", "changes", "snapshot"],
)
def test_where_a_later_row_says_all_there_is_it_may_leave_out(
    make: Make, settings: dict[str, object], column: str, ends: tuple[str, str]
) -> None:
    contract = CONTRACTS["orders"]
    shop = make(contract, **settings)
    for seq, (changed, end) in enumerate(zip(({}, {"customer_id": ""}), ends, strict=True), 1):
        head, said = lines(contract, row(contract, changed))
        assert shop.land("s", [f"{head},{column}", f"{said},{end}"]) == seq
        assert all(result.passed for result in judge(shop, seq).values())
        shop.refresh()
