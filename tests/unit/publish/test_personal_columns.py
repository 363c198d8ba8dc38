"""Columns that look personal are features, and stand in no mart."""

from __future__ import annotations

from pathlib import Path

import pytest
from published_base import D, build, company_shop

from pipelines.config.personal import PersonalColumn
from pipelines.contracts.registry import CONTRACTS
from pipelines.engine import DuckDB
from pipelines.features.catalogue import store_catalogue
from pipelines.features.kinds import KINDS
from pipelines.publish.marts import MARTS

OF_ENTITIES = [kind.entity for kind in KINDS.values() if CONTRACTS[kind.crm].attributes]


@pytest.mark.parametrize("entity", OF_ENTITIES)
def test_no_mart_holds_what_looks_personal_unless_the_project_says_so(tmp_path: Path, entity: str) -> None:
    shop = company_shop(tmp_path)
    (kind,) = (kind for kind in KINDS.values() if kind.entity == entity)
    shop.con.execute(f"delete from core.{kind.crm}")
    shop.alter(kind.crm, "add column surname varchar")
    shop.add(f"core.{kind.crm}", {kind.key: "ann", "surname": "Very Special"})
    shop.con.execute(
        "insert into history.attribute_change values (1, $table, $entity, ['ann'], 'changed', 'surname',"
        " 'Very Special', 'Quite Special', $day, 1)",
        {"table": kind.crm, "entity": entity, "day": D},
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
    assert shop.select(listed) == [("surname", False, "name", False)]
    build(shop.con, personal={"SURNAME": PersonalColumn(publish=True)})
    assert holding() == [entity, "attribute_change"] and shop.select(listed) == []
    # What stands from before, and is held, loses it too.
    build(shop.con, trouble={"shop": "is stale"}, personal={"surname": PersonalColumn(publish=False)})
    assert holding() == [] and shop.select(listed) == [("surname", False, "name", True)]
