"""Day after day: missed days are caught up, and the latest day may run again."""

from __future__ import annotations

from datetime import date

import pytest
from fixtures.alone import refresh
from fixtures.shop import Shop

pytestmark = pytest.mark.alone


def recorded(shop: Shop) -> list[tuple[str, int]]:
    with shop.warehouse() as con:
        return con.execute(
            "select cast(as_of_date as varchar), revision from segments.recorded_day order by all"
        ).fetchall()


def test_missed_days_are_caught_up_one_by_one(shop: Shop) -> None:
    shop.edit("today: 2026-03-31", "today: 2026-04-01")
    ended = shop.lohko("run", "--json")
    days = ["2026-03-30", "2026-03-31"]
    assert ended.code == 0, ended.err
    assert [run["day"] for run in ended.json["runs"]] == days
    assert recorded(shop) == [("2026-03-29", 1), *[(day, 1) for day in days]]
    with shop.warehouse() as con:
        profiled = con.execute(
            "select distinct cast(as_of_date as varchar) from segments.profile_day"
            " where basis = 'recorded' order by all"
        ).fetchall()
    assert profiled == [("2026-03-29",), *[(day,) for day in days]]


def test_the_first_run_records_from_the_first_day_on(new_shop: Shop) -> None:
    new_shop.edit("today: 2026-03-31", "first_day: 2026-03-29\ntoday: 2026-03-31")
    assert new_shop.lohko("run", "--json").code == 0
    assert recorded(new_shop) == [("2026-03-29", 1), ("2026-03-30", 1)]


def test_days_between_the_first_day_and_the_day_asked_for_are_recorded(new_shop: Shop) -> None:
    new_shop.edit("today: 2026-03-31", "first_day: 2026-03-26\ntoday: 2026-03-31")
    ended = new_shop.lohko("run", "--as-of", "2026-03-28", "--json")
    assert ended.code == 0, ended.err
    days = [(f"2026-03-{day}", 1) for day in (26, 27, 28)]
    assert recorded(new_shop) == days
    assert new_shop.lohko("run", "--json").code == 0
    assert recorded(new_shop) == [*days, ("2026-03-29", 1), ("2026-03-30", 1)]


def test_a_day_asked_for_before_the_first_day_stands_alone(new_shop: Shop) -> None:
    new_shop.edit("today: 2026-03-31", "first_day: 2026-03-26\ntoday: 2026-03-31")
    assert new_shop.lohko("run", "--as-of", "2026-03-24", "--json").code == 0
    assert recorded(new_shop) == [("2026-03-24", 1)]


def test_a_run_that_no_command_planned_begins_with_the_first_day_too(new_shop: Shop) -> None:
    new_shop.edit("today: 2026-03-31", "first_day: 2026-03-28\ntoday: 2026-03-31")
    assert refresh(new_shop.project, date(2026, 3, 30)) is not None
    assert recorded(new_shop) == [(f"2026-03-{day}", 1) for day in (28, 29, 30)]


def test_the_latest_day_again_adds_a_revision_and_changes_no_published_row(shop: Shop) -> None:
    assert shop.lohko("run", "--json").code == 0
    rows = shop.rows()
    tables = shop.tables("core", "features", "segments", "roi", "drift")
    events = tables.pop("segments.membership_event")
    days = tables.pop("segments.recorded_day")
    in_force = tables.pop("segments.definition_day")
    tables.pop("features.scope")  # whom the last run computed again
    again = shop.lohko("run", "--json")
    assert again.code == 0 and again.json["run"]["revision"] == 2
    assert shop.rows() == rows
    after = shop.tables("core", "features", "segments", "roi", "drift")
    new_events = [event for event in after.pop("segments.membership_event") if event not in events]
    new_days = [day for day in after.pop("segments.recorded_day") if day not in days]
    assert {event[-1] for event in new_events} <= {2} and [day[1] for day in new_days] == [2]
    new_in_force = [one for one in after.pop("segments.definition_day") if one not in in_force]
    assert {one[1] for one in new_in_force} == {2}
    after.pop("features.scope")
    assert after == tables


def test_a_day_that_was_recorded_and_not_published_comes_first(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    published = shop.published()

    def fails(*words: object) -> None:
        raise OSError("no space left on device")

    with monkeypatch.context() as broken:
        broken.setattr("resources.publication.publish", fails)
        with pytest.raises(OSError, match="no space left"):
            shop.lohko("run", "--json")
    assert shop.published() == published and recorded(shop)[-1] == ("2026-03-30", 1)
    shop.edit("today: 2026-03-31", "today: 2026-04-01")
    ended = shop.lohko("run", "--json")
    assert [run["day"] for run in ended.json["runs"]] == ["2026-03-30", "2026-03-31"]
    assert recorded(shop)[1:] == [("2026-03-30", 1), ("2026-03-30", 2), ("2026-03-31", 1)]


def test_a_batch_whose_verdict_never_came_is_loaded_again(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = '9001,C001,2026-03-30 12:00:00,web,paid,"10,00","0,00"'
    shop.deliver("orders-2.csv", order, order.replace("9001", "9002"))

    def dies(*words: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr("pipelines.ingest.batch.settle", dies)
        assert shop.lohko("run", "--json").code != 0
    with shop.warehouse() as con:
        assert con.execute("select count(*) from ingest.batch where status = 'staged'").fetchone() == (1,)
    assert shop.lohko("run", "--json").code == 0
    with shop.warehouse() as con:
        assert con.execute("select count(*) from ingest.batch where status <> 'accepted'").fetchone() == (0,)
        assert con.execute("select count(*) from raw.shop_orders where number like '900_'").fetchone() == (2,)
        assert con.execute("select count(*) from core.orders where order_id like '900_'").fetchone() == (2,)


def test_an_order_that_comes_late_changes_only_its_customer(shop: Shop) -> None:
    with shop.warehouse() as con:
        before = set(con.execute("from features.customer_day").fetchall())
    shop.deliver("orders-2.csv", '9001,C005,2025-12-24 12:00:00,web,paid,"10,00","0,00"')
    assert shop.lohko("run", "--json").code == 0
    with shop.warehouse() as con:
        after = set(con.execute("from features.customer_day").fetchall())
        names = [column[0] for column in con.execute("from features.customer_day").description or []]
    place = names.index("customer_id")
    assert {row[place] for row in before ^ after} == {"C005"}


def test_a_project_keeps_as_many_published_runs_as_it_says(shop: Shop) -> None:
    shop.edit("margin_rate: 0.30", "margin_rate: 0.30\npublish: {keep_runs: 2}")
    for _ in range(2):
        assert shop.lohko("run", "--json").code == 0
    kept = {path.name for path in (shop.root / "published" / "runs").iterdir()}
    assert len(kept) == 2 and (shop.root / "published" / "current").resolve().name in kept
