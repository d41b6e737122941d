"""The relay: at least once, in order for each container, and nobody waits for somebody else's receiver."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta

import pytest

from screening.clearance.sinks import Relay, RelaySettings, SinkError
from screening.errors import ConfigurationError, StoreError

FAST = RelaySettings(
    n_workers=3, poll_s=0.02, first_delay_s=0.01, max_delay_s=0.05, lease_s=5, n_failures_until_probe=1000
)


class Taking:
    """A sink that notes what it takes, and does first what `before` says."""

    kinds = ("clearance/1",)

    def __init__(self, name="a", before=lambda message: None):
        self.name, self.before, self.taken = name, before, []

    def deliver(self, message):
        self.before(message)
        self.taken.append(message.body.decode().split()[:2])


def until(condition, seconds=10.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "not within the time"
        time.sleep(0.005)


@pytest.fixture
def started():
    relays = []

    def start(relay):
        relays.append(relay)
        relay.start()
        return relay

    yield start
    for relay in relays:
        relay.stop(5)


def test_everything_is_delivered_in_the_order_of_each_container(outbox, started):
    for n in range(60):
        outbox.owe("a", f"box-{n % 7}")
    sink = Taking()
    started(Relay(outbox, [sink], settings=FAST))
    until(lambda: set(outbox.states()) == {"DELIVERED"})
    for box in range(7):
        numbers = [int(n) for container, n in sink.taken if container == f"box-{box}"]
        assert numbers == sorted(numbers)
    assert len(sink.taken) == 60


def test_a_failing_container_holds_up_its_own_messages_alone(outbox, started):
    def before(message):
        if message.container_id == "box-1" and message.attempts < 4:
            raise SinkError("not yet", is_retryable=True)

    for n in range(40):
        outbox.owe("a", f"box-{n % 4}")
    sink = Taking(before=before)
    started(Relay(outbox, [sink], settings=FAST))
    until(lambda: set(outbox.states()) == {"DELIVERED"})
    late = [int(n) for container, n in sink.taken if container == "box-1"]
    assert late == sorted(late)
    assert outbox.rows[2]["attempts"] == 4


def test_a_slow_container_and_a_slow_sink_hold_up_nobody_else(outbox, started):
    release = threading.Event()

    def slow(message):
        if message.container_id == "slow":
            assert release.wait(20)

    for n in range(10):
        outbox.owe("a", "slow" if n == 0 else f"box-{n}")
        outbox.owe("b", "slow")
    first, second = Taking("a", slow), Taking("b", slow)
    relay = started(Relay(outbox, [first, second], settings=FAST))
    until(lambda: len(first.taken) == 9)
    assert second.taken == []
    until(lambda: relay.states()["a"].n_running == 1)
    release.set()
    until(lambda: set(outbox.states()) == {"DELIVERED"})


def test_a_delivery_that_outlasts_its_lease_is_not_made_twice_at_once(outbox, started):
    release, n_inside, most = threading.Event(), [0], [0]

    def slow(message):
        n_inside[0] += 1
        most[0] = max(most[0], n_inside[0])
        release.wait(0.6)
        n_inside[0] -= 1

    outbox.owe("a", "box")
    outbox.owe("a", "box")
    settings = RelaySettings(n_workers=4, poll_s=0.02, lease_s=0.05, n_failures_until_probe=1000)
    started(Relay(outbox, [Taking(before=slow)], settings=settings))
    time.sleep(0.4)
    assert most[0] == 1
    release.set()
    until(lambda: set(outbox.states()) == {"DELIVERED"})


def test_a_refused_message_is_a_dead_letter_and_the_next_of_its_container_goes(outbox, started, caplog):
    def before(message):
        if message.body.split()[1] == b"1":
            raise SinkError("not ours", is_retryable=False)

    outbox.owe("a", "box")
    outbox.owe("a", "box")
    started(Relay(outbox, [Taking(before=before)], settings=FAST))
    until(lambda: outbox.states() == ["DEAD", "DELIVERED"])
    assert outbox.rows[1]["error"] == "refused: not ours"
    assert "dead letter" in caplog.text


def test_a_sink_that_breaks_is_given_up_after_the_stated_attempts(outbox):
    outbox.owe("a", "box")
    clock = [datetime(2026, 3, 1, tzinfo=UTC)]

    def before(message):
        raise ZeroDivisionError

    settings = RelaySettings(max_attempts=3, max_delay_s=60)
    relay = Relay(outbox, [Taking(before=before)], settings=settings, clock=lambda: clock[0])
    attempts = 0
    while outbox.states() == ["PENDING"]:
        attempts += relay.deliver_due()
        clock[0] += timedelta(seconds=60)
    assert (attempts, outbox.states()) == (3, ["DEAD"])


def test_an_outage_is_asked_about_one_message_at_a_time(outbox, started):
    is_down = True
    at_once, most = [0], [0]

    def before(message):
        at_once[0] += 1
        most[0] = max(most[0], at_once[0]) if probing() else most[0]
        time.sleep(0.002)
        at_once[0] -= 1
        if is_down:
            raise SinkError("down", is_retryable=True)

    for n in range(200):
        outbox.owe("a", f"box-{n}")
    sink = Taking(before=before)
    settings = RelaySettings(
        n_workers=4, poll_s=0.02, first_delay_s=0.05, max_delay_s=0.2, n_failures_until_probe=8
    )
    relay = Relay(outbox, [sink], settings=settings)
    probing = lambda: relay.states()["a"].is_probing  # noqa: E731
    started(relay)
    until(probing)
    time.sleep(1.0)
    tried = sum(row["attempts"] for row in outbox.rows.values())
    assert tried < 40  # without probing, every container would have been tried several times
    assert most[0] <= 1
    is_down = False
    until(lambda: set(outbox.states()) == {"DELIVERED"})
    assert not relay.states()["a"].is_probing


def test_an_outage_does_not_keep_the_outbox_busy(outbox, started):
    def before(message):
        raise SinkError("down", is_retryable=True, retry_after_s=60)

    outbox.owe("a", "box")
    settings = RelaySettings(poll_s=0.1, first_delay_s=0.01, max_delay_s=60, n_failures_until_probe=1)
    relay = started(Relay(outbox, [Taking(before=before)], settings=settings))
    until(lambda: relay.states()["a"].is_probing)
    before_count = outbox.n_claims
    time.sleep(1.0)
    assert 3 <= outbox.n_claims - before_count <= 15


def test_stopping_waits_for_what_is_under_way_and_writes_it_down(outbox, started):
    inside = threading.Event()

    def slow(message):
        inside.set()
        time.sleep(0.2)

    for n in range(8):
        outbox.owe("a", f"box-{n}")
    sink = Taking(before=slow)
    relay = started(Relay(outbox, [sink], settings=FAST))
    assert inside.wait(5)
    assert relay.stop(5)
    assert outbox.states().count("DELIVERED") == len(sink.taken) == 3


def test_stopping_does_not_wait_for_ever(outbox, started):
    release = threading.Event()
    outbox.owe("a", "box")
    relay = started(Relay(outbox, [Taking(before=lambda message: release.wait(20))], settings=FAST))
    until(lambda: relay.states()["a"].n_running == 1)
    assert not relay.stop(0.1)
    release.set()
    assert relay.stop(5)


def test_an_outbox_that_fails_for_a_while_ends_nothing(outbox, started):
    outbox.owe("a", "box")
    real, n = outbox.claim, [0]

    def claim(*args, **arguments):
        n[0] += 1
        if n[0] < 4:
            raise StoreError("database is locked")
        return real(*args, **arguments)

    outbox.claim = claim
    started(Relay(outbox, [Taking()], settings=FAST))
    until(lambda: outbox.states() == ["DELIVERED"])


def test_a_result_that_cannot_be_written_down_is_delivered_again(outbox):
    outbox.owe("a", "box")
    clock = [datetime(2026, 3, 1, tzinfo=UTC)]
    real = outbox.delivered

    def lose(ids, at):
        raise StoreError("disk full")

    outbox.delivered = lose
    sink = Taking()
    relay = Relay(outbox, [sink], settings=FAST, clock=lambda: clock[0])
    with pytest.raises(StoreError):
        relay.deliver_due()
    outbox.delivered = real
    assert relay.deliver_due() == 0  # its lease has not ended
    clock[0] += timedelta(seconds=6)
    assert relay.deliver_due() == 1
    assert len(sink.taken) == 2


def test_a_new_message_goes_at_once_when_the_relay_is_woken(outbox, started):
    sink = Taking()
    relay = started(Relay(outbox, [sink], settings=RelaySettings(poll_s=60)))
    until(lambda: outbox.n_claims > 0)
    outbox.owe("a", "box")
    relay.wake()
    until(lambda: sink.taken, seconds=2)


def test_a_sink_that_ends_its_thread_is_a_failed_attempt(outbox, started):
    """As a plugin that calls sys.exit: its container, and in the end its lane, would wait for ever."""

    def leave(message):
        if len(sink.taken) == 0 and message.attempts < 3:
            raise SystemExit(1)

    sink = Taking(before=leave)
    for number in range(3):
        outbox.owe("a", "BOX", str(number))
    relay = started(Relay(outbox, [sink], settings=FAST))
    until(lambda: len(sink.taken) == 3)
    assert relay.states()["a"].n_failed == 2
    assert "SystemExit" in relay.states()["a"].error
    assert relay.states()["a"].is_good


def test_a_lane_that_hangs_ended_or_cannot_use_the_outbox_says_so(outbox, started, monkeypatch):
    hold = threading.Event()
    sink = Taking(before=lambda message: hold.wait(20))
    outbox.owe("a", "BOX")
    relay = started(Relay(outbox, [sink], settings=FAST))
    until(lambda: relay.states()["a"].n_running == 1)
    assert relay.states()["a"].is_good
    monkeypatch.setattr("screening.clearance.sinks.relay.STUCK_S", -9.9)
    until(lambda: not relay.states()["a"].is_good)
    hold.set()
    monkeypatch.undo()
    until(lambda: relay.states()["a"].is_good)
    assert relay.stop(5)
    assert not relay.states()["a"].is_good, "a lane that ended delivers nothing"


def test_two_sinks_of_one_name_are_refused(outbox):
    with pytest.raises(ConfigurationError, match="two sinks are named a"):
        Relay(outbox, [Taking(), Taking()])


def test_a_receiver_that_is_down_is_logged_when_that_begins_and_when_it_ends(outbox, started, caplog):
    is_down = [True]

    def before(message):
        if is_down[0]:
            raise SinkError("no answer", is_retryable=True)

    outbox.owe("a", "box")
    relay = Relay(outbox, [Taking(before=before)], settings=FAST)
    started(relay)
    until(lambda: outbox.rows[1]["attempts"] > 3)
    assert relay.states()["a"].is_failing
    is_down[0] = False
    until(lambda: outbox.states() == ["DELIVERED"])
    until(lambda: not relay.states()["a"].is_failing)
    assert [record.getMessage() for record in caplog.records] == [
        "the receiver of a does not take messages: no answer",
        "the receiver of a answers again",
    ]


def test_an_outbox_that_is_away_is_one_line_in_the_log(outbox, started, caplog, monkeypatch):
    claim, is_away, n_asked = outbox.claim, [True], [0]

    def claimed(sink, **asked):
        n_asked[0] += 1
        if is_away[0]:
            raise StoreError("site.db: connection refused")
        return claim(sink, **asked)

    monkeypatch.setattr(outbox, "claim", claimed)
    outbox.owe("a", "box")
    started(Relay(outbox, [Taking()], settings=FAST))
    until(lambda: n_asked[0] > 3)
    is_away[0] = False
    until(lambda: outbox.states() == ["DELIVERED"])
    said = [(record.getMessage(), record.exc_info) for record in caplog.records]
    assert said == [
        ("the outbox of a cannot be used, trying again: StoreError: site.db: connection refused", None),
        ("the outbox of a can be used again", None),
    ]
