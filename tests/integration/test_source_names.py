"""A source may be called like a variable of ours."""

from __future__ import annotations

import pytest
from fixtures.shop import Shop

pytestmark = pytest.mark.alone


def test_sources_called_like_variables_run(new_shop: Shop) -> None:
    new_shop.edit("  shop_orders:\n", "  con:\n")
    new_shop.edit("  crm:\n", "  rows:\n")
    assert new_shop.lohko("run").code == 0
    with new_shop.warehouse() as con:
        for table, source in (("orders", "con"), ("customers", "rows")):
            assert con.execute(f"select distinct _source from core.{table}").fetchall() == [(source,)]
