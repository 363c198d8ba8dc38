"""Lines without a number of their own: each counts, and an export that tells them again doubles none."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from deliveries import FEED, ORDERS, Deliveries, source

from pipelines.config.project import Source
from pipelines.contracts.registry import CONTRACTS
from pipelines.errors import ConfigError
from pipelines.ingest.conflicts import check_conflicts
from pipelines.ingest.source import mappings_of

HEAD = "order,product,pieces,amount"
LINES = {"order_id": '"order"', "product_id": "product", "quantity": "pieces", "revenue": "amount"}


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Deliveries]:
    orders = source({"orders": ORDERS})
    made = Deliveries(tmp_path, {"shop": orders, "till": source({"order_lines": LINES}, max_bad_share=0.9)})
    yield made
    made.con.close()


def total(shop: Deliveries) -> Decimal:
    shop.refresh()
    ((found,),) = shop.con.execute("select coalesce(sum(revenue), 0) from core.order_lines").fetchall()
    return Decimal(found)


def test_two_lines_that_are_alike_both_count(shop: Deliveries) -> None:
    shop.land("till", [HEAD, "1,cd,1,9.90", "1,cd,1,9.90", "1,lp,1,20", "2,cd,1,9.90"])
    assert total(shop) == Decimal("49.70")


def test_an_export_that_tells_the_same_lines_again_adds_nothing(shop: Deliveries) -> None:
    shop.land("till", [HEAD, "1,cd,1,9.90", "1,cd,1,9.90", "2,cd,1,9.90"])
    shop.land("till", [HEAD, "2,cd,1,9.90", "1,cd,1,9.90", "1,cd,1,9.90", "3,cd,1,9.90"])
    assert total(shop) == Decimal("39.60")
    assert shop.core() == shop.rebuild()


def test_a_line_that_cannot_be_read_takes_no_number(shop: Deliveries) -> None:
    shop.land("till", [HEAD, "1,cd,1,9.90", "1,cd,1,much"])
    shop.land("till", [HEAD, "1,cd,1,much", "1,cd,1,9.90"])
    assert total(shop) == Decimal("9.90")


@pytest.mark.parametrize("seed", range(10))
def test_overlapping_exports_say_what_the_fullest_of_them_says(shop: Deliveries, seed: int) -> None:
    rng = random.Random(seed)
    sold = [f"{rng.randrange(5)},{rng.choice('ab')},1,{rng.choice([5, 7])}" for _ in range(30)]
    expected: Counter[str] = Counter()
    for run in range(4):
        exports = []
        for _ in range(rng.randrange(1, 3)):
            begin = rng.randrange(len(sold))
            exports.append(rng.sample(part := sold[begin : begin + 15], len(part)))
        shop.land("till", *([HEAD, *export] for export in exports))
        for export in exports:
            expected |= Counter(export)
        want = sum(Decimal(line.rpartition(",")[2]) * times for line, times in expected.items())
        assert total(shop) == want, run
    assert shop.core() == shop.rebuild()


def test_lines_that_are_alike_are_no_conflict(shop: Deliveries) -> None:
    seq = shop.land("till", [HEAD, "1,cd,1,9.90", "1,cd,1,9.90"], [HEAD, "1,cd,1,9.90"])
    (mapping,) = mappings_of(shop.con, "till", shop.sources["till"])
    assert all(result.passed for result in check_conflicts(shop.con, mapping, seq))


@pytest.mark.parametrize("settings", [FEED, {"version": "v"}])
def test_lines_that_change_need_a_number(tmp_path: Path, settings: dict[str, Any]) -> None:
    one: Source = source({"order_lines": LINES}, **settings)
    made = Deliveries(tmp_path, {"till": one})
    with pytest.raises(ConfigError, match=r"order_lines needs line_id beside (delivery: changes|version)"):
        made.land("till", [f"{HEAD},op,v", "1,cd,1,9.90,I,1"])
    made.con.close()


def test_what_is_numbered_is_the_last_part_of_a_key_that_every_row_needs() -> None:
    for contract in CONTRACTS.values():
        if contract.occurrence is not None:
            column = contract.column(contract.occurrence)
            assert column is not None and column.required and len(contract.key) > 1
            assert contract.occurrence == contract.key[-1]
