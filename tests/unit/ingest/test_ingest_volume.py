"""Volumes against the same weekday: half a file, a missing day, and everything that must not alarm."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from ingest_desk import HEADER, ORDERS, Desk, order

from pipelines.config.calendar import Calendar
from pipelines.config.project import Freshness, Source
from pipelines.ingest import ledger
from pipelines.ingest.quality import CheckResult
from pipelines.ingest.source import Outcome, ingest
from resources.landing import new_files

MONDAY = date(2024, 3, 4)
WEEKS = 6
SOURCE = Source.model_validate({"files": "*", "tables": {"orders": ORDERS}})


def usual(day: date) -> int:
    """A shop: 120 orders on weekdays, 300 on Saturdays, closed on Sundays."""
    return {5: 300, 6: 0}.get(day.weekday(), 120)


def lines(day: date, count: int, amount: object = "10.00", customer: str = "c") -> str:
    base = day.toordinal() * 1000
    return "".join(order(base + i, day.isoformat(), customer, amount) for i in range(count))


class Months(Desk):
    def deliver(self, name: str, days: Iterable[tuple[date, int]], **more: Any) -> Outcome:
        self.write(name, HEADER + "".join(lines(day, count) for day, count in days))
        return self.take(**more)

    def take(self, **more: Any) -> Outcome:
        paths = sorted(path for path in self.folder.iterdir() if path.is_file())
        files = new_files(paths, ledger.known_files(self.con, "shop"))
        return ingest(self.con, "shop", self.source, files, "run", [str(path) for path in paths], **more)


@pytest.fixture(scope="module")
def six_weeks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a file a week, and the warehouse that accepted them beside it."""
    folder = tmp_path_factory.mktemp("months") / "files"
    folder.mkdir()
    made = Months(folder, SOURCE, folder.parent / "accepted.duckdb")
    for week in range(WEEKS):
        first = MONDAY + timedelta(weeks=week)
        days = [first + timedelta(days=day) for day in range(7)]
        outcome = made.deliver(f"w{week}.csv", [(day, usual(day)) for day in days])
        assert outcome.status == "accepted"
        assert all(check.passed for check in outcome.results), week
    made.con.close()
    return folder


@pytest.fixture
def months(six_weeks: Path, tmp_path: Path) -> Iterator[Months]:
    """Six weeks, a file a week, accepted; the next day is a Monday."""
    # The ledger knows files by their path: the folder is one, and each test finds it as it was.
    for path in six_weeks.iterdir():
        if path.name not in {f"w{week}.csv" for week in range(WEEKS)}:
            path.unlink()
    warehouse = shutil.copy(six_weeks.parent / "accepted.duckdb", tmp_path)
    made = Months(six_weeks, SOURCE, Path(warehouse))
    yield made
    made.con.close()


NEXT = MONDAY + timedelta(weeks=WEEKS)


def check(outcome: Outcome, name: str) -> CheckResult:
    (found,) = [one for one in outcome.results if one.name == name]
    return found


def test_a_usual_day_passes_and_was_judged(months: Months) -> None:
    outcome = months.deliver("next.csv", [(NEXT, 110)])
    for name in ("volume_same_weekday", "days_complete", "values_same_weekday"):
        assert check(outcome, name).passed and check(outcome, name).elements > 0


def test_half_a_file_is_caught_and_accepted_with_a_warning(months: Months) -> None:
    outcome = months.deliver("next.csv", [(NEXT, 55)])
    found = check(outcome, "volume_same_weekday")
    assert (found.passed, found.severity, outcome.status) == (False, "advisory", "accepted")
    assert found.samples == (f"{NEXT}: 55 rows, 46% of the median of {WEEKS} weekdays",)


def test_the_whole_file_after_half_of_it_passes(months: Months) -> None:
    months.deliver("next.csv", [(NEXT, 55)])
    assert check(months.deliver("next.csv", [(NEXT, 120)]), "volume_same_weekday").passed


def test_a_file_cut_short_when_it_is_sent_again_is_caught(months: Months) -> None:
    months.deliver("next.csv", [(NEXT, 120)])
    assert not check(months.deliver("next.csv", [(NEXT, 40)]), "volume_same_weekday").passed


def test_twice_and_more_than_the_usual_is_caught(months: Months) -> None:
    assert not check(months.deliver("next.csv", [(NEXT, 300)]), "volume_same_weekday").passed


def test_a_saturday_is_compared_with_saturdays(months: Months) -> None:
    days = [NEXT + timedelta(days=n) for n in range(6)]
    assert check(months.deliver("n.csv", [(day, usual(day)) for day in days]), "volume_same_weekday").passed
    monday = NEXT + timedelta(weeks=1)
    assert not check(months.deliver("m.csv", [(monday, 300)]), "volume_same_weekday").passed


def test_a_missing_day_is_caught_by_the_next_file(months: Months) -> None:
    outcome = months.deliver("next.csv", [(NEXT + timedelta(days=1), 120)])
    found = check(outcome, "days_complete")
    assert not found.passed and found.unexpected == 1
    assert found.samples[0].startswith(f"{NEXT}: 0 rows")


def test_a_missing_day_inside_a_file_is_caught(months: Months) -> None:
    days = [NEXT, NEXT + timedelta(days=2)]
    found = check(months.deliver("next.csv", [(day, 120) for day in days]), "days_complete")
    assert not found.passed and found.samples[0].startswith(f"{NEXT + timedelta(days=1)}: 0 rows")


def test_a_missing_day_between_two_files_is_caught(months: Months) -> None:
    months.deliver("one.csv", [(NEXT, 120)])
    found = check(months.deliver("two.csv", [(NEXT + timedelta(days=2), 120)]), "days_complete")
    assert [told.partition(":")[0] for told in found.samples] == [str(NEXT + timedelta(days=1))]


def test_a_day_that_another_batch_brought_is_not_told_again(months: Months) -> None:
    """A late row reaches back over a half day that was told when it came."""
    months.deliver("half.csv", [(NEXT, 55)])
    outcome = months.deliver("late.csv", [(NEXT - timedelta(days=2), 1), (NEXT + timedelta(days=1), 120)])
    assert check(outcome, "volume_same_weekday").passed
    assert check(outcome, "volume_same_weekday").elements == 2


def test_a_day_sent_again_under_another_name_counts_once(months: Months) -> None:
    months.deliver("next.csv", [(NEXT, 120)])
    assert check(months.deliver("again.csv", [(NEXT, 150)]), "volume_same_weekday").passed


def test_a_corrected_file_counts_with_the_rest_of_its_delivery(months: Months) -> None:
    for name, count in (("north.csv", 55), ("south.csv", 50)):
        months.write(name, HEADER + lines(NEXT, count))
    assert check(months.take(), "volume_same_weekday").passed
    assert check(months.deliver("south.csv", [(NEXT, 51)]), "volume_same_weekday").passed


def test_a_closed_sunday_is_not_missed(months: Months) -> None:
    days = [NEXT + timedelta(days=n) for n in range(8)]
    outcome = months.deliver("next.csv", [(day, usual(day)) for day in days])
    assert usual(days[6]) == 0 and check(outcome, "days_complete").passed


def test_a_holiday_in_the_calendar_is_not_missed(months: Months) -> None:
    limits = Freshness(warn_after_days=1, fail_after_days=3, calendar=Calendar(closed_dates=[NEXT]))
    months.source = months.source.model_copy(update={"freshness": limits})
    day_after = NEXT + timedelta(days=1)
    outcome = months.deliver("next.csv", [(day_after, 120)], through=day_after)
    assert check(outcome, "days_complete").passed


def test_a_day_that_has_not_ended_is_not_judged(months: Months) -> None:
    days = [(NEXT, 120), (NEXT + timedelta(days=1), 10)]
    outcome = months.deliver("next.csv", days, through=NEXT)
    assert check(outcome, "volume_same_weekday").passed


def test_late_rows_of_an_earlier_day_do_not_alarm(months: Months) -> None:
    days = [(MONDAY + timedelta(weeks=5), 3), (NEXT, 120)]
    outcome = months.deliver("next.csv", days)
    assert check(outcome, "volume_same_weekday").passed and check(outcome, "days_complete").passed


def test_without_four_same_weekdays_nothing_is_judged_and_that_is_said(tmp_path: Path) -> None:
    desk = Months(tmp_path, SOURCE)
    days = [(MONDAY + timedelta(weeks=week), 120) for week in range(4)]
    outcome = desk.deliver("a.csv", days)
    found = check(outcome, "volume_same_weekday")
    assert (found.passed, found.elements) == (True, 0)
    assert "not judged: fewer than 4 same weekdays" in found.description
    assert not check(desk.deliver("b.csv", [(MONDAY + timedelta(weeks=4), 20)]), "volume_same_weekday").passed
    desk.con.close()


def test_few_orders_a_day_vary_by_chance_and_do_not_alarm(tmp_path: Path) -> None:
    desk = Months(tmp_path, SOURCE)
    desk.deliver("a.csv", [(MONDAY + timedelta(weeks=week), 6) for week in range(5)])
    assert check(desk.deliver("b.csv", [(MONDAY + timedelta(weeks=5), 2)]), "volume_same_weekday").passed
    desk.con.close()


def test_a_day_without_orders_may_be_chance_where_few_are_usual(tmp_path: Path) -> None:
    desk = Months(tmp_path, SOURCE)
    desk.deliver("a.csv", [(MONDAY + timedelta(weeks=week), 6) for week in range(5)])
    missing = MONDAY + timedelta(weeks=5)
    found = check(desk.deliver("b.csv", [(missing + timedelta(weeks=1), 6)]), "days_complete")
    assert (found.passed, found.elements) == (True, 2)
    desk.con.close()


@pytest.mark.parametrize(("rows", "passed"), [(7, True), (13, False)])
def test_two_orders_a_day_may_be_seven_by_chance_and_not_thirteen(
    tmp_path: Path, rows: int, passed: bool
) -> None:
    desk = Months(tmp_path, SOURCE)
    desk.deliver("a.csv", [(MONDAY + timedelta(weeks=week), 2) for week in range(5)])
    batch = desk.deliver("b.csv", [(MONDAY + timedelta(weeks=5), rows)])
    assert check(batch, "volume_same_weekday").passed is passed
    desk.con.close()


def test_a_collapse_rejects_where_the_project_says_so(months: Months) -> None:
    raw = {"files": "*", "tables": {"orders": ORDERS}, "volume": {"reject_below": 0.1}}
    months.source = Source.model_validate(raw)
    outcome = months.deliver("next.csv", [(NEXT, 5)])
    assert outcome.status == "rejected" and "volume_not_collapsed" in outcome.message
    assert months.deliver("next.csv", [(NEXT, 50)]).status == "accepted"


def test_values_that_shift_are_told_by_column(months: Months) -> None:
    half = lines(NEXT, 60) + lines(NEXT, 60, amount="40.00", customer="")
    months.write("next.csv", HEADER + half)
    found = check(months.take(), "values_same_weekday")
    assert not found.passed
    told = " ".join(found.samples)
    # The lines share their ids, which says nothing here: a staged row is a row.
    assert "share of missing values of customer_id 50%, usually 0%" in told
    assert "mean of revenue 2.5 times the usual" in told


def test_a_rejected_batch_is_no_history(months: Months) -> None:
    before = months.values(
        "select count(*) from ingest.volume_day join ingest.file using (file_id) where current"
    )
    months.write("bad.csv", HEADER + "".join(order(i, day="never") for i in range(50)) + lines(NEXT, 9))
    assert months.take().status == "rejected"
    after = months.values(
        "select count(*) from ingest.volume_day join ingest.file using (file_id) where current"
    )
    assert before == after


def test_a_batch_without_a_day_is_judged_on_none(months: Months) -> None:
    """The days after the latest one are judged with the first batch that brings some of them."""
    months.source = Source.model_validate({"files": "*", "tables": {"orders": ORDERS}, "max_bad_share": 1})
    months.write("next.csv", HEADER + "".join(order(i, day="never") for i in range(50)))
    outcome = months.take(through=NEXT + timedelta(days=5))
    for name in ("volume_same_weekday", "days_complete"):
        assert (check(outcome, name).passed, check(outcome, name).elements) == (True, 0)
