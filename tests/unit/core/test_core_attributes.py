"""Attributes of several sources in core: every table that carries them, whichever source comes first."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from deliveries import Deliveries, source

from pipelines.contracts.registry import CONTRACTS
from pipelines.engine import DuckDB
from pipelines.features.recipe import attributes_of

CARRYING = [table for table, contract in CONTRACTS.items() if contract.carries_all]


@pytest.mark.parametrize("table", CARRYING)
@pytest.mark.parametrize("order", list(itertools.permutations(["crm", "mail"])))
def test_two_sources_that_spell_one_attribute_otherwise_fill_one_column(
    tmp_path: Path, table: str, order: tuple[str, ...]
) -> None:
    spelled = {"crm": "newsletter", "mail": "NEWSLETTER"}
    keys = {name: f"the_{name}" for name in CONTRACTS[table].required}
    shop = Deliveries(tmp_path, {name: source({table: keys}) for name in spelled})
    for name in order:
        lines = [f"{name}{n}," * len(keys) + "yes" for n in range(2)]
        shop.land(name, [",".join([*keys.values(), spelled[name]]), *lines])
        shop.refresh()
    assert attributes_of(DuckDB(shop.con), CONTRACTS[table].entity or "customer") == [
        (spelled[order[0]], "VARCHAR")
    ]
    assert shop.rows(f"select count(*) as n, count(newsletter) as filled from core.{table}") == [
        {"n": 4, "filled": 4}
    ]
