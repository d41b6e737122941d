"""Deciding and relaying survives kills, and receivers that fail, delay and lose what they said."""

from __future__ import annotations

import importlib.util
import os
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from screening.records import canonical_bytes

pytestmark = [
    pytest.mark.timeout(120),
    pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked here"),
]


@pytest.fixture(scope="module")
def relaying():
    path = Path(__file__).with_name("relaying.py")
    spec = importlib.util.spec_from_file_location("relaying", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_ten_kills_lose_nothing_repeat_nothing_and_keep_the_order(relaying, sealed_traffic, tmp_path):
    outcome = relaying.run_campaign(tmp_path, sealed_traffic, n_kills=10, seed=1)
    assert outcome.n_decided == outcome.n_effects > 0
    assert outcome.longest_start_s < 10


@pytest.fixture
def owing(relaying, sealed_traffic, tmp_path):
    """A desk that owes decisions about several boxes, and a receiver."""
    receiver = relaying.Receiver(relaying.traffic_keys(sealed_traffic), seed=3)
    (tmp_path / "drop").mkdir()
    with relaying.open_campaign_desk(tmp_path, sealed_traffic) as desk:
        now = datetime.now(UTC)
        for number in range(30):
            sealing = sealed_traffic.Sealing(
                sealed_traffic.signer_of(), sealed_traffic.container(number % 6), now
            )
            flag = sealing.flag("NEUTRON", "RAD_NEUTRON", age_s=1, scan_id=f"scan-{number}")
            desk.take([canonical_bytes(flag)])
            desk.decide_due(now=now)
        yield desk, receiver, relaying.open_campaign_relay(tmp_path, receiver.port, desk, sealed_traffic)
    receiver.stop()


def drained(desk, sink, seconds=30.0):
    end = time.monotonic() + seconds
    while desk.outbox.counts()[sink]["PENDING"]:
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


@pytest.mark.parametrize("mood", [{"refused": 1.0}, {"dropped": 1.0}, {"busy": 1.0}], ids=str)
def test_a_receiver_that_is_down_for_long_gets_everything_when_it_is_back(owing, mood):
    desk, receiver, relay = owing
    receiver.mood = mood
    relay.start()
    assert drained(desk, "drop")  # another sink does not wait for it
    time.sleep(1.5)
    assert receiver.effects == []
    assert desk.outbox.counts()["hook"] == {"PENDING": 30, "DELIVERED": 0, "DEAD": 0}
    receiver.mood = {}
    assert drained(desk, "hook")
    assert relay.stop(10)
    assert len(receiver.effects) == len({key for key, _ in receiver.effects}) == 30


def test_a_receiver_that_answers_too_late_keeps_everything_once_all_the_same(owing):
    desk, receiver, relay = owing
    receiver.mood = {"late": 0.3, "lost": 0.3}
    relay.start()
    assert drained(desk, "hook", 60)
    assert relay.stop(10)
    assert receiver.met["known"] > 0
    assert len(receiver.effects) == 30
