"""Somebody else has the warehouse: the run says who, with the exit code for it, and nothing is lost."""

from __future__ import annotations

from unittest.mock import patch

import pytest
from fixtures.shop import Shop

from resources.locks import hold
from resources.warehouse import Warehouse

pytestmark = pytest.mark.alone


def test_a_warehouse_that_is_taken_between_planning_and_running_is_told(shop: Shop) -> None:
    before = shop.published()
    lock = shop.project.warehouse_path.with_suffix(".lock")
    with (
        patch.object(Warehouse.__init__, "__defaults__", (0.1, None)),
        patch("lohko.commands.run.plan_days", return_value=[shop.project.yesterday]),
        hold(lock, "a backup", timeout=5),
    ):
        ended = shop.lohko("run")
    assert ended.code == 6
    assert "(a backup, since" in ended.err and "Traceback" not in ended.err
    assert shop.published() == before
    assert shop.lohko("run").code == 0
