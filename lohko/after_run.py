"""What happens after a run, however it was started: the run log, incidents, and alerts.

Called by the command when its run ends and by the daemon's sensors; incidents are told once whoever is first.
"""

from __future__ import annotations

from dataclasses import dataclass

from pipelines.refresh.findings import Finding, holds
from resources.control import ControlStore, Reconciled
from resources.notifier import Delivery, Notifier, addresses_from_environment, deliver
from resources.project import Project


@dataclass(frozen=True)
class Aftermath:
    """What changed and what was told."""

    reconciled: Reconciled
    delivery: Delivery


def after_run(
    project: Project,
    control: ControlStore,
    run_id: str,
    *,
    failure: str | None,
    job: str = "daily",
    current: bool = True,
) -> Aftermath:
    """Record how a run ended, open and close incidents, and tell.

    Parameters
    ----------
    failure : what went wrong, for a person; None for a run that succeeded.
    current : whether its day is the latest; that an earlier one succeeds mends no failure.
    """
    if current or failure is not None:
        finding = Finding("failed_run", job, failure is None, "critical", failure or "the run succeeded")
        control.record_finding(run_id, finding)
    reconciled = control.reconcile(run_id)
    addresses = addresses_from_environment(project.config.alerts.addresses_from)
    delivery = deliver(control, Notifier(addresses), project.config.project)
    return Aftermath(reconciled, delivery)


def held_subjects(control: ControlStore, run_id: str) -> list[str]:
    """The sources a run left at their last good state, and those that are too old."""
    return [f.message for f in control.findings(run_id) if not f.ok and holds(f)]
