"""Five seconds: is all well?"""

from __future__ import annotations

from typing import Any

from pipelines.report.verdict import Verdict, sum_up

Row = dict[str, Any]

RUN: Row = {"customers": 100, "revenue_365d": 5000, "orders_365d": 400}
FRESH: Row = {"status": "fresh"}
PASSED: Row = {"passed": True, "severity": "critical"}
QUIET: Row = {"verdict": "ok"}


def verdict(**changed: Any) -> Verdict:
    facts: Row = {"incidents": [], "freshness": [FRESH], "checks": [PASSED], "drift": [QUIET], **changed}
    return sum_up(
        changed.pop("run", RUN), "EUR", *(facts[k] for k in ("incidents", "freshness", "checks", "drift"))
    )


def test_all_is_well() -> None:
    assert (verdict().state, verdict().sentence) == ("ok", "All is well.")


def test_what_was_not_measured_is_not_called_well() -> None:
    assert verdict(drift=[]).sentence == "Nothing is wrong; not measured: drift."


def test_no_incident_is_no_comfort_where_nobody_looked() -> None:
    assert verdict(freshness=[], checks=[], drift=[]).state == "none"


def test_an_advisory_check_is_worth_a_look() -> None:
    failed = {"passed": False, "severity": "advisory"}
    assert verdict(checks=[PASSED, failed]).sentence == "Worth a look: 1 quality failure."


def test_a_critical_check_needs_attention() -> None:
    assert verdict(checks=[{"passed": False, "severity": "critical"}]).state == "alert"


def test_a_failed_source_needs_attention_and_a_stale_one_a_look() -> None:
    assert verdict(freshness=[{"status": "failed"}]).state == "alert"
    assert verdict(freshness=[{"status": "stale"}]).state == "warn"


def test_a_source_without_data_is_named() -> None:
    assert verdict(freshness=[{"status": "no data"}]).sentence == "Worth a look: 1 source without data."


def test_several_troubles_stand_in_one_sentence() -> None:
    found = verdict(incidents=[{"severity": "critical"}], drift=[{"verdict": "warn"}])
    assert found.sentence == "Needs attention: 1 open incident, 1 sign of drift."


def test_drift_without_enough_data_is_no_verdict() -> None:
    assert verdict(drift=[{"verdict": "not enough data"}]).tiles[-1].state == "none"
