"""Alerts through Apprise to a real receiver on this machine."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from fixtures.patience import PATIENCE

import resources.notifier as notifier_module
from resources.control import ControlStore, Finding
from resources.notifier import Delivery, Notifier, addresses_from_environment, deliver

SECRET = "hush7secret"  # noqa: S105 - stands for one
ROOT = Path(notifier_module.__file__).parents[1]


class Receiver(ThreadingHTTPServer):
    """Keeps what it accepted; `answer` is the status it answers with."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answer = 200
        self.together: threading.Barrier | None = None
        self.asked = 0
        self.accepted: list[dict[str, Any]] = []


class Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked += 1
        if (together := self.server.together) is not None:
            together.wait(PATIENCE)
        if self.server.answer == 200:
            self.server.accepted.append(message | {"path": self.path})
        self.send_response(self.server.answer)
        self.end_headers()

    def log_message(self, format: str, *words: object) -> None:
        """Say nothing: what it would print is the path, and the tests look for that."""


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    with Receiver() as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        url = f"json://user:{SECRET}@127.0.0.1:{server.server_port}/{SECRET}?+X-Key={SECRET}"
        monkeypatch.setenv("LOHKO_ALERT_URLS", url)
        yield server
        server.shutdown()


@pytest.fixture
def store(tmp_path: Path) -> ControlStore:
    return ControlStore(tmp_path / ".lohko" / "control.sqlite")


def run(store: ControlStore, run_id: str, ok: bool) -> Delivery:
    store.record_finding(
        run_id, Finding("rejected_batch", "orders", ok, "critical", "412 of 9000 rows rejected")
    )
    store.reconcile(run_id)
    return deliver(store, Notifier(addresses_from_environment(["LOHKO_ALERT_URLS"])), "Demo shop")


def test_an_opened_incident_arrives_with_title_and_body(store: ControlStore, receiver: Receiver) -> None:
    assert run(store, "r1", ok=False) == Delivery(sent=1, failed=0)
    (message,) = receiver.accepted
    assert message["path"] == f"/{SECRET}" and message["type"] == "failure"
    assert message["title"] == "[Demo shop] Problem: Rejected batch: orders"
    lines = message["message"].splitlines()
    assert "What: 412 of 9000 rows rejected" in lines and "Run: r1" in lines and "Project: Demo shop" in lines
    assert any(line.startswith("Next: Start with `lohko status`.") for line in lines)


def test_an_incident_arrives_once_across_runs_and_once_more_when_it_recovers(
    store: ControlStore, receiver: Receiver
) -> None:
    for number in range(3):
        run(store, f"bad{number}", ok=False)
    assert len(receiver.accepted) == 1
    for number in range(3):
        run(store, f"good{number}", ok=True)
    assert [message["title"] for message in receiver.accepted[1:]] == [
        "[Demo shop] Recovered: Rejected batch: orders"
    ]
    assert "(run good0)" in receiver.accepted[1]["message"] and receiver.accepted[1]["type"] == "success"


def test_a_receiver_that_answers_500_is_tried_again_at_the_next_run(
    store: ControlStore, receiver: Receiver
) -> None:
    receiver.answer = 500
    assert run(store, "r1", ok=False) == Delivery(sent=0, failed=1)
    assert run(store, "r2", ok=False) == Delivery(sent=0, failed=1)
    assert (receiver.asked, receiver.accepted) == (2, [])
    assert [each.opened_notified_at for each in store.undelivered()] == [None]
    receiver.answer = 200
    assert run(store, "r3", ok=False) == Delivery(sent=1, failed=0)
    assert run(store, "r4", ok=False) == Delivery(sent=0, failed=0)
    assert len(receiver.accepted) == 1 and store.undelivered() == []


def test_two_processes_at_once_tell_an_incident_once(
    store: ControlStore, receiver: Receiver, tmp_path: Path
) -> None:
    findings = [Finding("drift", f"segment {n}", False, "critical", "moved") for n in range(4)]
    store.record_findings("r1", findings)
    store.reconcile("r1")
    # The first message of each is answered when that of the other is there.
    receiver.together = threading.Barrier(2, lambda: setattr(receiver, "together", None))
    code = """
import sys; from pathlib import Path; from resources.control import ControlStore
from resources.notifier import *
notifier = Notifier(addresses_from_environment(["LOHKO_ALERT_URLS"]))
print("ready", flush=True); sys.stdin.readline()
print(deliver(ControlStore(Path(sys.argv[1])), notifier, "p").sent)
"""
    command = [sys.executable, "-c", code, str(tmp_path / ".lohko" / "control.sqlite")]
    pipe = subprocess.PIPE
    running = [subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True) for _ in range(2)]
    for process in running:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
    for process in running:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    sent = [int(process.communicate(timeout=PATIENCE)[0]) for process in running]
    assert sum(sent) == 4 and min(sent) > 0
    assert len({message["title"] for message in receiver.accepted}) == len(receiver.accepted) == 4


@pytest.mark.parametrize("answer", [200, 500])
def test_an_address_is_neither_logged_nor_printed_nor_stored(
    store: ControlStore,
    receiver: Receiver,
    answer: int,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(1)
    for name in ("apprise", "urllib3"):
        caplog.set_level(1, logger=name)
    receiver.answer = answer
    run(store, "r1", ok=False)
    assert receiver.asked == 1
    logging.getLogger("apprise").debug("Apprise's log is captured here")
    assert "Apprise's log is captured here" in caplog.text
    out = capfd.readouterr()
    assert SECRET not in caplog.text + out.out + out.err
    files = [each for each in tmp_path.rglob("*") if each.is_file()]
    assert files and not any(SECRET.encode() in each.read_bytes() for each in files)
