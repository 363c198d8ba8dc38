"""A sales pipeline of which much is missing comes out to the cent, by `project.yaml` alone."""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from fixtures.pipeline_export import DAYS, INDUSTRIES, Pipeline
from fixtures.seeds import seeds
from fixtures.shop import Shop

pytestmark = pytest.mark.alone

PROJECT = """
project: Pipeline
timezone: Europe/Helsinki
currency: EUR
today: TODAY
features:
  custom:
    - {name: deals, from: opportunities, entity: account, aggregate: count, meaning: Deals ever}
sources:
  companies:
    files: data/accounts-*.csv
    tables: {accounts: {account_id: id, industry: industry}}
  persons:
    files: data/contacts-*.csv
    tables: {contacts: {contact_id: id, account_id: account, primary_account: first}}
  enquiries:
    files: data/leads-*.csv
    tables:
      leads:
        lead_id: lead
        account_id: account
        contact_id: person
        created_on: created
        source: source
        status: status
        converted_on: converted
  deals:
    files: data/deals-*.csv
    tables:
      opportunities:
        opportunity_id: deal
        account_id: account
        lead_id: lead
        opened_on: opened
        closed_on: closed
        stage: stage
        outcome: lower(outcome)
        value: value
        currency: currency
        source: source
  bank:
    files: data/rates-*.csv
    tables: {rates: {currency: "'USD'", day: day, rate: rate}}
  till:
    files: data/orders-*.csv
    tables: {orders: {order_id: number, customer_id: account, ordered_at: day, revenue: amount}}
"""
BRANCHES = "\n".join(f"  - {{id: {name}, name: {name}, when: industry = '{name}'}}" for name in INDUSTRIES)
SEGMENTS = f"""
segmentation: branch
name: Branch
entity: account
kind: rules
segments:
{BRANCHES}
otherwise: {{id: other, name: Other}}
"""


def worked(tmp_path: Path, seed: int) -> tuple[Shop, Pipeline]:
    """Three days in sales, each recorded with what the CRM said then; one between is caught up."""
    pipeline = Pipeline(seed, tmp_path / "shop")
    shop = Shop(pipeline.root)
    (shop.root / "segments").mkdir(parents=True)
    (shop.root / "segments" / "branch.yaml").write_text(SEGMENTS)
    for number, day in enumerate(DAYS, 1):
        pipeline.work(day, *((40, 90) if number == 1 else (4, 12)))
        pipeline.export(number)
        today = str(day + timedelta(days=1))
        (shop.root / "project.yaml").write_text(PROJECT.replace("TODAY", today))
        ended = shop.lohko("run")
        assert ended.code == 0, ended.out + ended.err
    return shop, pipeline


def asked(shop: Shop, sql: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = shop.lohko("query", sql, "--json").json
    return found


def units(amount: Any) -> int:
    """Hundredths of a cent."""
    value = Decimal(str(amount or 0)) * 10_000
    assert value == int(value)
    return int(value)


def check_rows(shop: Shop, pipeline: Pipeline) -> None:
    """Every row of every delivery is accepted or repeats one that is, in every table."""
    for table, written in pipeline.rows.items():
        found = asked(shop, f"from marts.batch where table_name = '{table}' order by batch_seq")
        assert [row["rows_landed"] for row in found] == [len(rows) for rows in written]
        for row in found:
            assert row["rows_landed"] == row["rows_accepted"] + row["rows_repeated"], row


def check_core(shop: Shop, pipeline: Pipeline) -> None:
    """Deals and their values by stage, outcome, account, month and currency are those that were drawn."""
    expected: dict[tuple[str, ...], list[int]] = defaultdict(lambda: [0, 0])
    for deal in pipeline.deals.values():
        row = deal.row
        key = (row["stage"], deal.outcome, row["account"], row["opened"][:7], row["currency"])
        expected[key][0] += 1
        expected[key][1] += (deal.cents or 0) * 100
    with shop.warehouse() as con:
        rows = con.execute(
            "select coalesce(stage, ''), coalesce(outcome, 'open'), coalesce(account_id, ''),"
            " coalesce(strftime(opened_on, '%Y-%m'), ''), coalesce(currency, ''), value"
            " from core.opportunities"
        ).fetchall()
    found: dict[tuple[str, ...], list[int]] = defaultdict(lambda: [0, 0])
    for *key, value in rows:
        found[tuple(key)][0] += 1
        found[tuple(key)][1] += units(value)
    assert found == expected


def check_accounts(shop: Shop, pipeline: Pipeline) -> None:
    """What is open, won and lost of each account, in marts and published files; nobody's deals are told."""
    expected = pipeline.of_account(DAYS[-1])
    with (shop.root / "published/current/csv/account.csv").open(encoding="utf-8", newline="") as file:
        written = list(csv.DictReader(file))
    for rows in (asked(shop, "from marts.account"), written):
        assert {row["account_id"] for row in rows} == {*pipeline.industry}
        for row in rows:
            books = expected[row["account_id"]]
            assert int(row["open_opportunities"]) == books["open"]
            assert units(row["open_opportunity_value"]) == books["open_value"]
            assert int(row["won_365d"]) == books["won"]
            assert int(row["lost_365d"]) == books["lost"]
            assert units(row["won_value_365d"]) == books["won_value"]
            assert int(row["opportunities_without_rate"]) == books["without_rate"]
            assert int(row["deals"]) == books["open"] + books["won"] + books["lost"]
            decided = books["won"] + books["lost"]
            rate = row["win_rate_365d"]
            assert (float(rate) if rate not in (None, "") else None) == (
                books["won"] / decided if decided else None
            )


def check_persons(shop: Shop, pipeline: Pipeline) -> None:
    """Who stands at two companies is counted at both, and is one person of one primary company."""
    expected = {
        (key, account, bool(account) and not place)
        for key, accounts in pipeline.persons.items()
        for place, account in enumerate(accounts or [None])
    }
    found = asked(shop, "from marts.contact")
    assert {(row["contact_id"], row["account_id"] or None, row["is_primary"]) for row in found} == expected
    persons = Counter(account for accounts in pipeline.persons.values() for account in accounts)
    leads = pipeline.leads_of_account()
    for row in asked(shop, "from marts.account"):
        assert (row["contacts"] or 0) == persons[row["account_id"]]
        assert (row["leads_converted_365d"] or 0) == leads[row["account_id"]]


def check_told(shop: Shop, pipeline: Pipeline) -> None:
    """What a deal lacks, and an account that nobody knows, is counted."""
    rows = pipeline.rows["opportunities"][-1]
    expected = {
        "account_named": sum(not row["account"] for row in rows),
        "opening_day_known": sum(not row["opened"] for row in rows),
        "closed_when_decided": sum((row["outcome"] in ("", "Open")) == bool(row["closed"]) for row in rows),
    }
    failed = asked(shop, "from marts.quality where source = 'deals' and not passed")
    assert {row["check_name"]: row["unexpected_count"] for row in failed} == expected
    of = "source = 'deals' and table_name = 'opportunities' and column_name = 'account_id'"
    (met,) = asked(shop, f"from marts.coverage where {of}")
    named = [deal.row["account"] for deal in pipeline.deals.values() if deal.row["account"]]
    assert (met["named_rows"], met["known_rows"]) == (len(named), sum(name != "X9" for name in named))


def check_funnel(shop: Shop, pipeline: Pipeline) -> None:
    """Every deal and lead stands in the funnel, whatever it lacks."""
    found: dict[tuple[str | None, ...], list[int]] = {}
    for row in asked(shop, "from marts.funnel"):
        key = tuple(row[name] for name in ("deal_kind", "stage", "source", "segment_id", "month"))
        figures = [row[name] for name in ("entered", "departed", "converted", "won", "lost")]
        found[key] = [*figures, row["days_in_stage"], row["win_rate"]]
    expected = {}
    for key, (entered, left, on, days, known, won, lost) in pipeline.funnel(DAYS[-1]).items():
        mean = pytest.approx(days / known) if known else None
        rate = pytest.approx(won / (won + lost)) if won + lost else None
        expected[key] = [entered, left, on, won, lost, mean, rate]
    assert found == expected


@pytest.mark.parametrize("seed", seeds(1, 6))
def test_a_pipeline_with_gaps_comes_out_to_the_cent(tmp_path: Path, seed: int) -> None:
    shop, pipeline = worked(tmp_path, seed)
    check_rows(shop, pipeline)
    check_core(shop, pipeline)
    check_accounts(shop, pipeline)
    check_persons(shop, pipeline)
    check_told(shop, pipeline)
    check_funnel(shop, pipeline)
