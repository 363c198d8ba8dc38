"""Alerts: tells each incident once when it opens and once when it is over, at every address.

Addresses hold secrets. They come from the environment only and are never printed, logged, stored or put
into an exception; an address is named by the variable that holds it and its position there. What was told
is kept by place, the position of the address among all of them.

An incident is marked told only after the service took the message, so what was not delivered is tried
again at the next run; a process killed between the two may tell a thing twice, never not at all.
"""

from __future__ import annotations

import logging
import os
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from pipelines.errors import ConfigError
from resources.control import Claim, ControlStore, Event, Incident

_LABELS = {
    "stale_source": "Stale source",
    "rejected_batch": "Rejected batch",
    "failed_source": "Failed source",
    "shared_keys": "Keys of two sources",
    "drift": "Drift",
    "failed_run": "Failed run",
    "held_segmentation": "Held segmentation",
}
_NEXT_STEPS = {
    "stale_source": "See whether the files arrived where they are read from; ask whoever delivers them.",
    "rejected_batch": "See `lohko quarantine list`; have the file corrected and sent again.",
    "failed_source": "See that the files are there and as the message expects; have them sent again.",
    "shared_keys": "Write in project.yaml whether the keys are the same, or which source's get a prefix.",
    "drift": "Compare the segments in the report with the run before, before a campaign uses them.",
    "failed_run": "Correct the cause and run again; what was published before stays as it was.",
    "held_segmentation": "The segments published before stay in use. Decide from the report what to do.",
}
_SILENCE = threading.Lock()


class Sender(Protocol):
    """Hands a message to one address; True only if the service took it."""

    def __call__(self, address: str, title: str, body: str, tone: str) -> bool:
        """`tone` is one of Apprise's: failure, warning or success."""


@dataclass(frozen=True)
class Delivery:
    """How many incidents every address was told of now, and how many stay for the next run."""

    sent: int
    failed: int


class Notifier:
    """Sends a message to one of the addresses; no fault and no text of it shows an address."""

    def __init__(self, addresses: Sequence[str], sender: Sender | None = None) -> None:
        self._addresses = tuple(addresses)
        self._sender = sender or AppriseSender()

    @property
    def places(self) -> range:
        """The positions of the addresses, which is all that is ever stored about them."""
        return range(1, len(self._addresses) + 1)

    def send(self, place: int, title: str, body: str, tone: str) -> bool:
        """Send to the address at `place`; a fault of any kind means that it was not delivered.

        Parameters
        ----------
        place : the position of the address among the configured ones.
        title : the subject.
        body : the text.
        tone : how serious it is, as Apprise names it.
        """
        try:
            return self._sender(self._addresses[place - 1], title, body, tone)
        except Exception:  # noqa: BLE001 - the text and the frames of a service's fault may hold the address
            return False


class AppriseSender:
    """Sends through Apprise, in this thread and in silence."""

    def __init__(self) -> None:
        # Kept per address: Apprise spaces messages to a service by what it sent before.
        self._services: dict[str, Any] = {}

    def __call__(self, address: str, title: str, body: str, tone: str) -> bool:
        with _silence():
            if address not in self._services:
                self._services[address] = _service(address)
            service = self._services[address]
            return service is not None and bool(
                service.notify(title=title, body=body, notify_type=tone, body_format="text")
            )


def addresses_from_environment(variable_names: Sequence[str]) -> list[str]:
    """The addresses the variables hold, each once; a variable that is not set holds none.

    Raises
    ------
    ConfigError
        When an address is malformed; the message names the variable and position, never the address.
    """
    faults = [
        f"address {position} in {name}"
        for name in variable_names
        for position, address in enumerate(_held_by(name), start=1)
        if not _is_understood(address)
    ]
    if faults:
        raise ConfigError(
            f"{', '.join(faults)} is not one Apprise understands. Expected addresses such as "
            "mailto://... or slack://..., several separated by spaces; https://appriseit.com lists them."
        )
    return list(dict.fromkeys(address for name in variable_names for address in _held_by(name)))


def format_opened(incident: Incident, project: str) -> tuple[str, str]:
    """What to tell when something is wrong."""
    lines = [("Since", _moment(incident.opened_at)), ("Run", incident.opened_run_id)]
    if incident.last_run_id != incident.opened_run_id:
        lines.append(("Last seen", f"{_moment(incident.last_seen_at)} by run {incident.last_run_id}"))
    step = _NEXT_STEPS.get(incident.kind, "Correct the cause and run again.")
    return _message("Problem", incident, project, [*lines, ("Next", f"Start with `lohko status`. {step}")])


def format_recovered(incident: Incident, project: str) -> tuple[str, str]:
    """What to tell when it is fine again."""
    return _message(
        "Recovered", incident, project, _course(incident, "Nothing; `lohko status` shows the rest.")
    )


def format_passed(incident: Incident, project: str) -> tuple[str, str]:
    """What to tell where nothing was told before it was over: that it happened, in one message."""
    step = "Nothing urgent: this could not be told while it lasted. `lohko status` shows the rest."
    return _message("Happened and recovered", incident, project, _course(incident, step))


def deliver(control: ControlStore, notifier: Notifier, project_name: str) -> Delivery:
    """Tell what was not told yet. Without addresses nothing is sent, and it stays undelivered.

    Call it when the run is over: while a message is sent, the process logs nothing.
    """
    outcomes = []
    for incident in control.undelivered() if notifier.places else []:
        claim = control.claim(incident.incident_id)
        if claim is not None:
            outcomes.append(_tell_everywhere(control, notifier, claim, project_name))
    return Delivery(sent=outcomes.count(True), failed=outcomes.count(False))


def _tell_everywhere(control: ControlStore, notifier: Notifier, claim: Claim, project: str) -> bool:
    try:
        # A list: one address that refuses must not keep the message from those after it.
        taken = [_tell(control, notifier, claim, project, place) for place in notifier.places]
        if all(taken):
            control.mark_notified(claim)
        return all(taken)
    finally:
        control.release(claim)


def _tell(control: ControlStore, notifier: Notifier, claim: Claim, project: str, place: int) -> bool:
    """Tell one place what it does not know; what it knows decides the message."""
    incident = claim.incident
    events: list[Event] = ["opened"] if incident.closed_at is None else ["opened", "closed"]
    news = [event for event in events if (place, event) not in claim.told]
    if not news:
        return True
    if incident.closed_at is None:
        title, body = format_opened(incident, project)
        tone = "warning" if incident.severity == "advisory" else "failure"
    else:
        title, body = (format_recovered if news == ["closed"] else format_passed)(incident, project)
        tone = "success"
    if not notifier.send(place, title, body, tone):
        return False
    control.mark_told(claim, place, news)
    return True


def _message(what: str, incident: Incident, project: str, lines: list[tuple[str, str]]) -> tuple[str, str]:
    # One line each: a line break in a title would end the header of a mail.
    label = _LABELS.get(incident.kind, incident.kind)
    title = _one_line(f"[{project}] {what}: {label}: {incident.subject}")
    said = [("What", incident.message), ("Severity", incident.severity), ("Project", project), *lines]
    return title, "\n".join(f"{name}: {_one_line(text)}" for name, text in said)


def _course(incident: Incident, step: str) -> list[tuple[str, str]]:
    return [
        ("Since", f"{_moment(incident.opened_at)} (run {incident.opened_run_id})"),
        ("Fine again", f"{_moment(incident.closed_at or '')} (run {incident.closed_run_id})"),
        ("Next", step),
    ]


def _moment(stamp: str) -> str:
    return f"{datetime.fromisoformat(stamp):%Y-%m-%d %H:%M} UTC"


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _held_by(variable_name: str) -> list[str]:
    return os.environ.get(variable_name, "").split()


def _is_understood(address: str) -> bool:
    with _silence():
        return _service(address) is not None


def _service(address: str) -> Any:
    # Imported here: it takes a third of a second, which a run without alerts need not spend.
    import apprise

    # One thread and no deadline: Apprise leaves behind a thread that is late, and that one would deliver
    # and log after we counted the message as failed. Each service has time limits of its own.
    asset = apprise.AppriseAsset(async_mode=False, service_timeout=0)
    service = apprise.Apprise(asset=asset)
    # Apprise splits at commas; two addresses in one would share a place.
    return service if service.add(address) and len(service) == 1 else None


@contextmanager
def _silence() -> Iterator[None]:
    """Log nothing: Apprise, urllib3 and the libraries of the services log addresses at DEBUG and at TRACE.

    For all loggers, because which of them a service uses is not known; for one thread at a time, because
    the switch belongs to the process.
    """
    with _SILENCE, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        before = logging.root.manager.disable
        logging.disable(logging.CRITICAL)
        try:
            yield
        finally:
            logging.disable(before)
