"""Addresses come from the environment and are seen nowhere."""

from __future__ import annotations

import logging
import subprocess
import sys
import traceback
from pathlib import Path

import pytest

import resources.notifier as notifier
from pipelines.errors import ConfigError
from resources.notifier import AppriseSender, Notifier, addresses_from_environment

SECRET = "hush7secret"  # noqa: S105 - stands for one


@pytest.fixture
def seen(capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture):  # type: ignore[no-untyped-def]
    """All that was logged at any level, printed or written to the two streams of the process."""
    caplog.set_level(1)
    for name in ("apprise", "urllib3"):
        caplog.set_level(1, logger=name)

    def everything() -> str:
        out = capfd.readouterr()
        return out.out + out.err + caplog.text

    return everything


def test_variables_hold_one_or_several_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A", "json://one/x\n  json://two/x ")
    monkeypatch.setenv("B", "json://three/x json://one/x")
    assert addresses_from_environment(["A", "UNSET", "B"]) == [
        "json://one/x",
        "json://two/x",
        "json://three/x",
    ]


def test_a_variable_that_is_empty_or_not_set_holds_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A", "  ")
    monkeypatch.delenv("B", raising=False)
    assert addresses_from_environment(["A", "B"]) == []


@pytest.mark.parametrize(
    "malformed", [SECRET, f"nosuch://{SECRET}", f"slack://{SECRET}", f"json://a/{SECRET},json://b/{SECRET}"]
)
def test_a_malformed_address_is_named_by_variable_and_position_only(
    malformed: str, monkeypatch: pytest.MonkeyPatch, seen
) -> None:
    monkeypatch.setenv("LOHKO_ALERT_URLS", f"json://127.0.0.1/{SECRET} {malformed}")
    with pytest.raises(
        ConfigError, match=r"^address 2 in LOHKO_ALERT_URLS is not one Apprise understands"
    ) as caught:
        addresses_from_environment(["LOHKO_ALERT_URLS"])
    assert caught.value.__cause__ is None and caught.value.__context__ is None
    shown = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    frames = [frame for frame in shown.stack if frame.filename.endswith("notifier.py")]
    assert frames and SECRET not in str([frame.locals for frame in frames])
    assert SECRET not in str(caught.value) + seen()


def test_a_refused_message_shows_no_address(seen) -> None:
    address = f"json://user:{SECRET}@127.0.0.1:1/{SECRET}?+X-Key={SECRET}"
    refused = Notifier([address])
    assert refused.send(1, "title", "body", "failure") is False
    assert SECRET not in seen() + repr(refused) + str(refused)


def test_a_fault_of_a_sender_is_a_message_not_delivered_and_shows_nothing(seen) -> None:
    def faulty(address: str, title: str, body: str, tone: str) -> bool:
        raise RuntimeError(f"cannot reach {address}")

    assert Notifier([f"json://x/{SECRET}"], faulty).send(1, "title", "body", "failure") is False
    assert SECRET not in seen()


def test_logging_goes_on_as_before_after_a_message(seen) -> None:
    AppriseSender()("json://127.0.0.1:1/", "title", "body", "failure")
    logging.getLogger("lohko").debug("the run goes on")
    assert "the run goes on" in seen()
    assert logging.root.manager.disable == logging.NOTSET


def test_a_message_is_sent_in_its_own_thread_so_that_nothing_is_sent_or_logged_later() -> None:
    # A process of its own: Apprise's pool of threads outlives the message that began it.
    code = """
import threading; from resources.notifier import AppriseSender
AppriseSender()("json://127.0.0.1:1/", "title", "body", "failure")
print(threading.active_count())
"""
    root = Path(notifier.__file__).parents[1]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("1\n", "")
