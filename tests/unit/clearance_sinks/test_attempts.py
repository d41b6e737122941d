"""What follows an attempt: delays that double up to a cap, and dead letters."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from screening.clearance.sinks.attempts import RelaySettings, delay_s, settle
from screening.clearance.sinks.sink import SinkError

NOW = datetime(2026, 3, 1, tzinfo=UTC)
SETTINGS = RelaySettings(
    first_delay_s=1, max_delay_s=60, max_attempts=5, max_retry_after_s=120, n_failures_until_probe=3
)
LATER = SinkError("not now", is_retryable=True)


def follow(attempts: int, error: BaseException | None, chance: float = 1.0):
    return settle(attempts, error, now=NOW, settings=SETTINGS, chance=lambda: chance)


def test_the_delay_doubles_up_to_its_cap():
    delays = [delay_s(n, SETTINGS, 1.0) for n in range(1, 9)]
    assert delays == [1, 2, 4, 8, 16, 32, 60, 60]


@given(st.integers(0, 10**9), st.floats(0, 1, exclude_max=True))
def test_jitter_takes_up_to_half_of_the_delay_away(attempts, chance):
    whole = delay_s(attempts, SETTINGS, 1.0)
    assert whole / 2 <= delay_s(attempts, SETTINGS, chance) <= whole <= SETTINGS.max_delay_s


def test_a_message_that_was_taken_is_delivered():
    assert follow(1, None).what == "DELIVERED"


def test_a_failure_is_tried_again():
    what = follow(3, LATER)
    assert (what.what, what.retry_at) == ("RETRY", NOW + timedelta(seconds=4))


def test_a_permanent_refusal_is_a_dead_letter_at_once():
    what = follow(1, SinkError("not ours", is_retryable=False))
    assert (what.what, what.error) == ("DEAD", "refused: not ours")


def test_the_stated_number_of_attempts_is_the_last():
    assert follow(4, LATER).what == "RETRY"
    what = follow(5, LATER)
    assert (what.what, what.error) == ("DEAD", "given up after 5 attempts: not now")


def test_a_receiver_may_ask_for_a_longer_pause_and_not_for_ever():
    asked = [
        follow(1, SinkError("busy", is_retryable=True, retry_after_s=s)).retry_at for s in (0.1, 30, 1e9)
    ]
    assert asked == [NOW + timedelta(seconds=s) for s in (1, 30, 120)]


def test_a_fault_of_the_sink_counts_as_one_to_try_again_and_is_told_in_one_line():
    what = follow(1, ZeroDivisionError("a\nb" + "x" * 1000))
    assert what.what == "RETRY"
    assert what.error.startswith("ZeroDivisionError: a b")
    assert len(what.error) == 500
