"""Where the partitions of a project begin: its first day, else the earliest day that is known."""

from __future__ import annotations

from datetime import date

import dagster as dg
from fixtures.shop import Shop

from lohko.partitions import daily


def partitions(shop: Shop) -> dg.DailyPartitionsDefinition:
    return daily(shop.project, shop.control)


def first(shop: Shop) -> str | None:
    return partitions(shop).get_first_partition_key()


def test_a_project_of_which_nothing_is_known_has_the_days_of_a_year(new_shop: Shop) -> None:
    assert first(new_shop) == "2025-03-30"
    assert not new_shop.project.control_path.exists(), "looking makes no file"


def test_partitions_begin_at_the_first_day_of_the_configuration(new_shop: Shop) -> None:
    new_shop.edit("today: 2026-03-31", "first_day: 2026-02-01\ntoday: 2026-03-31")
    new_shop.control.learn_day(date(2025, 1, 1))
    assert first(new_shop) == "2026-02-01"


def test_else_they_begin_with_the_earliest_day_that_rows_are_of(new_shop: Shop) -> None:
    new_shop.control.learn_day(date(2026, 1, 15))
    new_shop.control.learn_day(date(2026, 1, 2))
    new_shop.control.learn_day(date(2026, 3, 1))
    assert first(new_shop) == "2026-01-02"


def test_a_day_that_ran_has_its_partition(new_shop: Shop) -> None:
    new_shop.edit("today: 2026-03-31", "first_day: 2026-02-01\ntoday: 2026-03-31")
    new_shop.control.start_run("early", date(2026, 1, 20), "command")
    assert first(new_shop) == "2026-01-20"


def test_they_begin_neither_in_the_future_nor_before_any_day_that_can_be_run(new_shop: Shop) -> None:
    new_shop.control.learn_day(date(1987, 1, 1))
    assert first(new_shop) == "2000-01-01"
    new_shop.edit("today: 2026-03-31", "first_day: 2026-05-01\ntoday: 2026-03-31")
    assert partitions(new_shop).get_partition_keys() == ["2026-03-30"]


def test_a_run_learns_the_earliest_day_of_accepted_rows(shop: Shop) -> None:
    assert first(shop) == "2025-04-10", "the first order of the sample"
    shop.deliver("orders-2.csv", *["9001,C001,2025-01-02 12:00:00,web,paid,ten,none"] * 5)
    assert shop.lohko("run").code == 5
    assert first(shop) == "2025-04-10", "a rejected batch teaches nothing"
    shop.deliver("orders-2.csv", '9001,C001,2025-01-02 12:00:00,web,paid,"10,00","0,00"')
    assert shop.lohko("run").code == 0
    assert first(shop) == "2025-01-02"
