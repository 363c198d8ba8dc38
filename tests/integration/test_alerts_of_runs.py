"""What is told, end to end: a run finds something, a service on this machine hears of it once."""

from __future__ import annotations

import pytest
from fixtures.ear import Ear
from fixtures.shop import HEADER, Shop

pytestmark = pytest.mark.alone


def run(shop: Shop, code: int) -> None:
    ended = shop.lohko("run", "--json")
    assert ended.code == code, ended.err


def test_a_rejected_batch_is_told_once_and_its_recovery_once(shop: Shop, ear: Ear) -> None:
    bad = shop.deliver("orders-2.csv", *["9001,C001,no day,web,paid,ten,none"] * 5)
    run(shop, 5)
    assert ear.news() == ["[My shop] Problem: Rejected batch: shop_orders"]
    run(shop, 5)
    assert ear.news() == []
    bad.write_text(f'{HEADER}\n9001,C001,2026-03-30 12:00:00,web,paid,"10,00","0,00"\n')
    run(shop, 0)
    assert ear.news() == ["[My shop] Recovered: Rejected batch: shop_orders"]
    run(shop, 0)
    assert ear.news() == []
    assert not any("C001" in body for body in ear.bodies)


def test_a_stale_source_is_told_once_and_its_recovery_once(shop: Shop, ear: Ear) -> None:
    shop.edit("warn_after_days: 1", "warn_after_days: 0")
    shop.edit("fail_after_days: 3", "fail_after_days: 1")
    shop.edit("today: 2026-03-31", "today: 2026-04-01")
    run(shop, 0)
    assert ear.news() == ["[My shop] Problem: Stale source: shop_orders"]
    shop.edit("today: 2026-04-01", "today: 2026-04-02")
    run(shop, 5)
    assert ear.news() == []
    assert [one.severity for one in shop.control.open_incidents()] == ["critical"]
    shop.deliver("orders-2.csv", '9001,C001,2026-04-01 12:00:00,web,paid,"10,00","0,00"')
    run(shop, 0)
    assert ear.news() == ["[My shop] Recovered: Stale source: shop_orders"]


def test_a_failed_run_is_told_once_and_its_recovery_once(shop: Shop, ear: Ear) -> None:
    with shop.warehouse() as con:
        con.execute("alter table core.orders rename to hidden")
        con.execute("create table core.orders as from core.hidden limit 0")
    run(shop, 4)
    assert ear.news() == ["[My shop] Problem: Failed run: daily"]
    assert shop.lohko("status", "--json").json["last_run"]["status"] == "failed"
    run(shop, 4)
    assert ear.news() == []
    with shop.warehouse() as con:
        con.execute("drop table core.orders")
        con.execute("alter table core.hidden rename to orders")
    run(shop, 0)
    assert ear.news() == ["[My shop] Recovered: Failed run: daily"]
    with shop.warehouse() as con:
        assert con.execute("select count(*) from marts.incident").fetchone() == (0,)


def test_what_could_not_be_told_is_told_by_the_next_run(shop: Shop, ear: Ear) -> None:
    ear.answer = 500
    shop.deliver("orders-2.csv", *["9001,C001,no day,web,paid,ten,none"] * 5)
    ended = shop.lohko("run")
    assert ended.code == 5 and "1 alert(s) not delivered" in ended.err
    assert shop.lohko("status", "--json").json["undelivered_alerts"] == 1
    ear.answer = 200
    run(shop, 5)
    assert ear.news() == ["[My shop] Problem: Rejected batch: shop_orders"]
    assert shop.lohko("status", "--json").json["undelivered_alerts"] == 0


def test_an_address_where_nobody_listens_fails_no_run(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOHKO_ALERT_URLS", "json://127.0.0.1:9")
    shop.deliver("orders-2.csv", *["9001,C001,no day,web,paid,ten,none"] * 5)
    ended = shop.lohko("run")
    assert ended.code == 5 and "1 alert(s) not delivered" in ended.err
