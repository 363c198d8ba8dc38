"""Findings become incidents."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from resources.control import ControlStore, Finding, Reconciled

if TYPE_CHECKING:
    from tests.unit.control.conftest import Clock, Operator


def everything(path: Path) -> list[object]:
    with closing(sqlite3.connect(path)) as sql:
        return sql.execute("SELECT * FROM incident ORDER BY incident_id").fetchall()


def test_a_finding_that_is_not_fine_opens_an_incident(operator: Operator) -> None:
    operator.found("r1", ok=False)
    incident = operator.opened()
    assert (incident.kind, incident.subject, incident.message) == ("stale_source", "orders", "3 days late")
    assert (incident.opened_run_id, incident.last_run_id, incident.closed_at) == ("r1", "r1", None)


def test_a_finding_that_is_fine_opens_nothing(operator: Operator) -> None:
    operator.found("r1", ok=True)
    assert operator.store.open_incidents() == []


def test_an_incident_seen_again_stays_the_same_incident_with_the_latest_message(operator: Operator) -> None:
    operator.found("r1", ok=False)
    first = operator.opened()
    operator.found("r2", ok=False, message="4 days late")
    again = operator.opened()
    assert (again.incident_id, again.opened_at, again.opened_run_id) == (
        first.incident_id,
        first.opened_at,
        "r1",
    )
    assert (again.message, again.last_run_id) == ("4 days late", "r2")
    assert again.last_seen_at > first.last_seen_at


def test_an_incident_closes_when_a_run_evaluates_it_as_fine(operator: Operator, path: Path) -> None:
    operator.found("r1", ok=False)
    operator.found("r2", ok=True)
    assert operator.store.open_incidents() == []
    (incident,) = operator.store.undelivered()
    assert incident.closed_run_id == "r2" and incident.closed_at is not None


def test_an_incident_that_a_run_did_not_evaluate_stays_open_and_untouched(
    operator: Operator, path: Path
) -> None:
    operator.found("r1", ok=False)
    before = everything(path)
    operator.found("r2", ok=True, subject="customers")
    operator.store.reconcile("a run without findings")
    assert everything(path) == before


def test_the_same_thing_going_wrong_later_is_a_new_incident(operator: Operator) -> None:
    operator.found("r1", ok=False)
    operator.found("r2", ok=True)
    operator.found("r3", ok=False)
    assert (operator.opened().incident_id, operator.opened().opened_run_id) == (2, "r3")


def test_reconciling_twice_changes_nothing(operator: Operator, path: Path) -> None:
    store = operator.store
    operator.found("r1", ok=False)
    store.record_findings(
        "r2",
        [
            Finding("stale_source", "orders", True, "advisory", "on time"),
            Finding("drift", "loyal", False, "advisory", "moved 12 %"),
            Finding("failed_run", "refresh", True, "advisory", ""),
        ],
    )
    assert store.reconcile("r2") == Reconciled(opened=1, closed=1)
    before = everything(path)
    assert store.reconcile("r2") == Reconciled(opened=0, closed=0)
    assert everything(path) == before


def test_an_older_run_reconciled_late_neither_reopens_nor_closes(operator: Operator, path: Path) -> None:
    operator.found("r1", ok=False)
    operator.found("r2", ok=True)
    before = everything(path)
    operator.store.reconcile("r1")
    assert everything(path) == before
    operator.found("r3", ok=False)
    before = everything(path)
    operator.store.reconcile("r2")
    assert everything(path) == before


def test_findings_of_one_moment_count_in_the_order_they_were_recorded(
    path: Path, clock: Clock, operator: Operator
) -> None:
    moment = clock()
    operator.store = ControlStore(path, lambda: moment)
    operator.found("r1", ok=False)
    operator.found("r2", ok=True)
    operator.store.reconcile("r1")
    assert operator.store.open_incidents() == []


def test_a_recovered_run_closes_the_failed_run_before_it(store: ControlStore) -> None:
    store.record_finding("r1", Finding("failed_run", "refresh", False, "critical", "step core.orders failed"))
    store.reconcile("r1")
    store.record_finding("r2", Finding("failed_run", "refresh", True, "advisory", ""))
    assert store.reconcile("r2") == Reconciled(opened=0, closed=1)
