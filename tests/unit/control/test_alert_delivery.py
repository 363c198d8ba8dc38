"""What is told when, and to whom; the sender here writes down what it is handed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from resources.control import ControlStore
from resources.notifier import Delivery, Notifier, deliver

if TYPE_CHECKING:
    from tests.unit.control.conftest import Clock, Operator


class Desk:
    """Takes messages at its addresses, except at those it refuses."""

    def __init__(self) -> None:
        self.messages: list[tuple[str, str, str]] = []
        self.refused: set[str] = set()

    def __call__(self, address: str, title: str, body: str, tone: str) -> bool:
        if address in self.refused:
            return False
        self.messages.append((address, title.split(": ")[0].removeprefix("[p] "), tone))
        return True


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def tell(store: ControlStore, desk: Desk) -> Callable[..., Delivery]:
    return lambda *addresses: deliver(store, Notifier(addresses or ("one",), desk), "p")


def test_an_incident_is_told_once_when_it_opens_and_once_when_it_recovers(
    operator: Operator, desk: Desk, tell: Callable[..., Delivery]
) -> None:
    for run in ("r1", "r2", "r3"):
        operator.found(run, ok=False)
        tell()
    assert desk.messages == [("one", "Problem", "failure")]
    for run in ("r4", "r5"):
        operator.found(run, ok=True)
        tell()
    assert desk.messages[1:] == [("one", "Recovered", "success")]


def test_an_incident_that_was_over_before_it_could_be_told_is_told_in_one_message(
    operator: Operator, desk: Desk, tell: Callable[..., Delivery]
) -> None:
    operator.found("r1", ok=False)
    operator.found("r2", ok=True)
    assert tell() == Delivery(sent=1, failed=0)
    assert tell() == Delivery(sent=0, failed=0)
    assert desk.messages == [("one", "Happened and recovered", "success")]


def test_a_refused_message_stays_undelivered_and_is_told_at_the_next_run(
    operator: Operator, desk: Desk, tell: Callable[..., Delivery]
) -> None:
    operator.found("r1", ok=False)
    desk.refused = {"one"}
    assert tell() == Delivery(sent=0, failed=1)
    assert len(operator.store.undelivered()) == 1
    desk.refused = set()
    assert tell() == Delivery(sent=1, failed=0)
    assert operator.store.undelivered() == []


def test_an_address_that_took_the_message_does_not_get_it_again_because_another_refused(
    operator: Operator, desk: Desk, tell: Callable[..., Delivery]
) -> None:
    operator.found("r1", ok=False)
    desk.refused = {"one"}
    for _ in range(3):
        assert tell("one", "two") == Delivery(sent=0, failed=1)
    desk.refused = set()
    assert tell("one", "two") == Delivery(sent=1, failed=0)
    assert [address for address, _, _ in desk.messages] == ["two", "one"]


def test_each_address_is_told_of_the_end_by_what_it_knew(
    operator: Operator, desk: Desk, tell: Callable[..., Delivery]
) -> None:
    operator.found("r1", ok=False)
    desk.refused = {"one"}
    tell("one", "two")
    desk.refused = set()
    operator.found("r2", ok=True)
    assert tell("one", "two") == Delivery(sent=1, failed=0)
    assert [(address, what) for address, what, _ in desk.messages] == [
        ("two", "Problem"),
        ("one", "Happened and recovered"),
        ("two", "Recovered"),
    ]


def test_without_addresses_nothing_is_sent_and_all_stays_undelivered(operator: Operator, desk: Desk) -> None:
    operator.found("r1", ok=False)
    assert deliver(operator.store, Notifier([], desk), "p") == Delivery(sent=0, failed=0)
    assert len(operator.store.undelivered()) == 1 and desk.messages == []


def test_a_warning_is_told_in_another_tone(
    operator: Operator, desk: Desk, tell: Callable[..., Delivery]
) -> None:
    from resources.control import Finding

    operator.store.record_finding("r1", Finding("drift", "loyal", False, "advisory", "moved 6 %"))
    operator.store.reconcile("r1")
    tell()
    assert desk.messages == [("one", "Problem", "warning")]


def test_an_incident_claimed_by_another_process_is_left_to_it(
    operator: Operator, desk: Desk, tell: Callable[..., Delivery]
) -> None:
    operator.found("r1", ok=False)
    assert operator.store.claim(operator.opened().incident_id) is not None
    assert operator.store.claim(operator.opened().incident_id) is None
    assert tell() == Delivery(sent=0, failed=0) and desk.messages == []


def test_a_claim_older_than_ten_minutes_is_taken_over(
    operator: Operator, clock: Clock, tell: Callable[..., Delivery]
) -> None:
    operator.found("r1", ok=False)
    dead = operator.store.claim(operator.opened().incident_id)
    assert dead is not None
    clock.now += timedelta(minutes=9)
    assert tell() == Delivery(sent=0, failed=0)
    clock.now += timedelta(minutes=2)
    assert tell() == Delivery(sent=1, failed=0)


def test_a_claim_that_was_taken_over_is_not_released_by_the_first_owner(
    operator: Operator, clock: Clock
) -> None:
    operator.found("r1", ok=False)
    number = operator.opened().incident_id
    slow = operator.store.claim(number)
    clock.now += timedelta(minutes=11)
    assert slow is not None and operator.store.claim(number) is not None
    operator.store.release(slow)
    assert operator.store.claim(number) is None


def test_an_incident_that_closes_while_its_opening_is_told_is_told_as_recovered_next(
    operator: Operator, desk: Desk
) -> None:
    def slow(address: str, title: str, body: str, tone: str) -> bool:
        if not desk.messages:
            operator.found("r2", ok=True)
        return desk(address, title, body, tone)

    operator.found("r1", ok=False)
    deliver(operator.store, Notifier(["one"], slow), "p")
    assert len(operator.store.undelivered()) == 1
    deliver(operator.store, Notifier(["one"], slow), "p")
    assert [what for _, what, _ in desk.messages] == ["Problem", "Recovered"]
    assert operator.store.undelivered() == []


def test_a_delivery_that_is_interrupted_gives_its_claim_back(operator: Operator, desk: Desk) -> None:
    def interrupted(address: str, title: str, body: str, tone: str) -> bool:
        raise KeyboardInterrupt

    operator.found("r1", ok=False)
    with pytest.raises(KeyboardInterrupt):
        deliver(operator.store, Notifier(["one"], interrupted), "p")
    assert deliver(operator.store, Notifier(["one"], desk), "p") == Delivery(sent=1, failed=0)
