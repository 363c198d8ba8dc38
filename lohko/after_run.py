"""What happens after a run, however it was started: the run log, incidents, and alerts.

Called by the command when its run ends and by the daemon's sensors; incidents are told once whoever is first.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from pipelines.refresh.findings import Finding, holds
from resources.control import ControlStore, Reconciled
from resources.notifier import Delivery, Notifier, addresses_from_environment, deliver
from resources.project import Project
from resources.run_log import Run, Status

FAILED_RUN = "failed_run"
# What a failure of a run of every asset is told as, and that of a part of them.
WHOLE, PART = "daily", "partial run"


# Tells the sensors that the command settles this run itself.
COMMAND_TRIGGER = "command"
COMMAND = {"lohko/settled_by": COMMAND_TRIGGER}


@dataclass(frozen=True)
class RunFacts:
    """Which day a run is for, what started it, how many of the project's assets it covers, and when it ran.

    `scope` is empty when it covers every asset. `resumes` is the run whose failed part this one executes
    again.
    """

    run_id: str
    day: date
    trigger: str
    scope: str = ""
    resumes: str | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None


@dataclass(frozen=True)
class Aftermath:
    """What a run left held, what changed, and what was told."""

    held: list[str]
    reconciled: Reconciled
    delivery: Delivery


def log_start(control: ControlStore, facts: RunFacts) -> None:
    """Put a run into the log, where it is not yet."""
    if control.run(facts.run_id) is None:
        control.start_run(facts.run_id, facts.day, facts.trigger, facts.scope)


def settle(project: Project, control: ControlStore, facts: RunFacts, failure: str | None) -> Aftermath:
    """Log how a run ended, open and close incidents by what it found, and tell.

    Settled again, a run changes nothing.

    Parameters
    ----------
    failure : what went wrong, for a person; None for a run that succeeded.
    """
    log_start(control, facts)
    held = held_subjects(control, facts.run_id)
    status: Status = "failed" if failure is not None else "held" if held else "success"
    message = "; ".join(held) if failure is None else failure
    began, ended = facts.started_at, facts.finished_at
    control.finish_run(facts.run_id, status, message[:2000], started_at=began, finished_at=ended)
    control.record_findings(facts.run_id, _findings(control, facts, failure))
    reconciled = control.reconcile(facts.run_id)
    addresses = addresses_from_environment(project.config.alerts.addresses_from)
    delivery = deliver(control, Notifier(addresses), project.config.project)
    return Aftermath(held, reconciled, delivery)


def held_subjects(control: ControlStore, run_id: str) -> list[str]:
    """The sources a run left at their last good state, and those that are too old."""
    held = (found.message for found in control.findings(run_id) if not found.ok and holds(found))
    return list(dict.fromkeys(held))  # sources of one table may be held for one reason


def _findings(control: ControlStore, facts: RunFacts, failure: str | None) -> list[Finding]:
    """That the run failed; or, of a run of every asset for the latest day, that no failure stands any more.

    A run of some assets, or of an earlier day, did not do again what failed before it.
    """
    if failure is not None:
        subject = PART if facts.scope else WHOLE
        said = failure.splitlines()[0][:500] if failure else "the run failed"
        return [Finding(FAILED_RUN, subject, False, "critical", said)]
    if not _covers_everything(control, facts) or not _is_latest(control, facts):
        return []
    subjects = {WHOLE, *(i.subject for i in control.open_incidents() if i.kind == FAILED_RUN)}
    return [
        Finding(FAILED_RUN, subject, True, "critical", "the run succeeded") for subject in sorted(subjects)
    ]


def _covers_everything(control: ControlStore, facts: RunFacts) -> bool:
    """Whether the run, with the one whose failed part it executed again, covers every asset."""
    if not facts.scope:
        return True
    resumed: Run | None = control.run(facts.resumes) if facts.resumes else None
    return resumed is not None and not resumed.scope


def _is_latest(control: ControlStore, facts: RunFacts) -> bool:
    return facts.day.isoformat() >= max(run.as_of_date for run in control.runs())
