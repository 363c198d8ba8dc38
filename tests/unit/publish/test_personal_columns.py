"""Columns that look personal are features, and stand in no mart."""

from __future__ import annotations

from pathlib import Path

import pytest
from published_base import D, build, company_shop

from pipelines.config.personal import PersonalColumn
from pipelines.contracts.model import Contract
from pipelines.contracts.registry import CONTRACTS
from pipelines.engine import DuckDB
from pipelines.features.catalogue import store_catalogue
from pipelines.features.kinds import KINDS
from pipelines.publish.marts import MARTS

CARRYING = [contract for contract in CONTRACTS.values() if contract.attributes]


@pytest.mark.parametrize("contract", CARRYING, ids=lambda contract: contract.table)
def test_no_mart_holds_what_looks_personal_unless_the_project_says_so(
    tmp_path: Path, contract: Contract
) -> None:
    shop = company_shop(tmp_path)
    shop.con.execute(f"delete from core.{contract.table}")
    shop.alter(contract.table, "add column surname varchar")
    row = dict.fromkeys(contract.key, "ann") | ({contract.known_from: D} if contract.known_from else {})
    shop.add(f"core.{contract.table}", row | {"surname": "Very Special"})
    shop.con.execute(
        "insert into history.attribute_change values (1, $table, $thing, ['ann'], 'changed', 'surname',"
        " 'Very Special', 'Quite Special', $day, 1)",
        {"table": contract.table, "thing": contract.thing, "day": D},
    )
    shop.everyone_is_dirty()
    shop.compute(D)
    features = {"customer": shop.catalogue(), "account": shop.account_catalogue()}
    store_catalogue(DuckDB(shop.con), features)

    def holding() -> list[str]:
        marts = {mart: shop.select(f"from marts.{mart}") for mart in MARTS}
        return [mart for mart, rows in marts.items() if "Very Special" in str(rows)]

    build(shop.con)
    assert holding() == []
    listed = "select name, published, looks_like, classified from marts.feature_catalogue where not published"
    of_features = contract.table in {kind.crm for kind in KINDS.values()}
    assert shop.select(listed) == [("surname", False, "name", False)] * of_features
    build(shop.con, personal={"SURNAME": PersonalColumn(publish=True)})
    shown = [contract.thing] if contract.thing in MARTS else []
    assert holding() == [*shown, "attribute_change"] and shop.select(listed) == []
    # What stands from before, and is held, loses it too.
    build(shop.con, trouble={"shop": "is stale"}, personal={"surname": PersonalColumn(publish=False)})
    assert holding() == [] and shop.select(listed) == [("surname", False, "name", True)] * of_features
