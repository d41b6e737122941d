"""Two hundred kills of a process that decides and relays, and the rate of the relay itself."""

from __future__ import annotations

import importlib.util
import os
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from screening.records import canonical_bytes

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked here")


@pytest.fixture(scope="module")
def relaying():
    path = Path(__file__).resolve().parents[1] / "system" / "relaying.py"
    spec = importlib.util.spec_from_file_location("relaying", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.campaign
@pytest.mark.timeout(3600)
def test_two_hundred_kills_lose_nothing_repeat_nothing_and_keep_the_order(
    relaying, sealed_traffic, tmp_path, capsys
):
    outcome = relaying.run_campaign(tmp_path, sealed_traffic, n_kills=200, seed=200)
    with capsys.disabled():
        print(f"\n{outcome}")  # noqa: T201
    assert outcome.n_decided == outcome.n_effects > 200
    assert outcome.n_known > 0  # acknowledgements were lost, and the same key came again
    assert outcome.longest_start_s < 10


@pytest.mark.timeout(600)
def test_rate_of_the_relay_to_a_folder_and_to_a_receiver(relaying, sealed_traffic, tmp_path, capsys):
    receiver = relaying.Receiver(relaying.traffic_keys(sealed_traffic), seed=1)
    receiver.mood = {}
    (tmp_path / "drop").mkdir()
    try:
        with relaying.open_campaign_desk(tmp_path, sealed_traffic) as desk:
            now = datetime.now(UTC)
            for start in range(0, 400, 50):
                boxes = [sealed_traffic.container(number) for number in range(start, start + 50)]
                flags = [
                    sealed_traffic.Sealing(sealed_traffic.signer_of(), box, now).flag(
                        "NEUTRON", "RAD_NEUTRON", age_s=1
                    )
                    for box in boxes
                ]
                desk.take([canonical_bytes(flag) for flag in flags])
                while desk.decide_due(now=now):
                    pass
            relay = relaying.open_campaign_relay(tmp_path, receiver.port, desk, sealed_traffic)
            started = time.monotonic()
            relay.start()
            while any(states["PENDING"] for states in desk.outbox.counts().values()):
                time.sleep(0.02)
            elapsed_s = time.monotonic() - started
            assert relay.stop(10)
    finally:
        receiver.stop()
    assert len(receiver.effects) == len(list((tmp_path / "drop").iterdir())) == 400
    with capsys.disabled():
        print(f"\n{400 / elapsed_s:.0f} messages/s to each of two sinks, with full durability")  # noqa: T201
