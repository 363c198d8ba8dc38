"""A project's own expectations through the command: what blocks, what warns, and what stays."""

from __future__ import annotations

import pytest
from fixtures.shop import Shop

pytestmark = pytest.mark.alone

MART = """\
mart: segment_current
expectations:
  - name: enough_customers
    type: UnexpectedRowsExpectation
    kwargs: {unexpected_rows_query: "select * from {batch} where customers > 0"}
    severity: SEVERITY
    description: no segment has customers
"""
BATCH = """\
batch: orders
expectations:
  - name: cheap
    type: expect_column_values_to_be_between
    kwargs: {column: revenue, max_value: 0.5}
    severity: advisory
    description: everything is cheap
"""


def expect(shop: Shop, text: str) -> None:
    folder = shop.root / "expectations"
    folder.mkdir(exist_ok=True)
    (folder / "own.yaml").write_text(text)


def test_a_failed_critical_expectation_of_a_mart_blocks_publication(shop: Shop) -> None:
    before = shop.published()
    expect(shop, MART.replace("SEVERITY", "critical"))
    ended = shop.lohko("run", "--json")
    assert ended.code == 4, ended.err
    assert "expect_enough_customers" in ended.err + ended.out
    assert shop.published() == before


def test_an_advisory_one_warns_and_stands_in_the_published_quality(shop: Shop) -> None:
    expect(shop, MART.replace("SEVERITY", "advisory"))
    ended = shop.lohko("run", "--json")
    assert ended.code == 0, ended.err
    assert "no segment has customers" in shop.rows()["quality"]
    assert "no segment has customers" in (shop.root / "published/current/report.html").read_text()
    status = shop.lohko("status", "--json").json
    assert "expect_enough_customers" in {one["check_name"] for one in status["checks"]}


def test_an_expectation_of_a_batch_tells_where_the_rows_stand(new_shop: Shop) -> None:
    expect(new_shop, BATCH)
    assert new_shop.lohko("run", "--as-of", "2026-03-29", "--json").code == 0
    line = next(one for one in new_shop.rows()["quality"].splitlines() if "expect_cheap" in one)
    assert "orders" in line and ".csv:2;" in line


def test_a_fault_in_an_expectation_stops_the_check(new_shop: Shop) -> None:
    expect(new_shop, BATCH.replace("revenue", "revenu"))
    ended = new_shop.lohko("check")
    assert ended.code == 3 and "own.yaml:5: cheap: revenu is not a column here" in ended.err + ended.out
