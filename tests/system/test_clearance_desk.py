"""Desks in processes of their own: killed at any moment, and two at once on one PostgreSQL."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest

from screening.clearance import KeyRing, default_policy
from screening.clearance.desk import Database, Desk, DeskRules, SinkWants
from screening.clearance.ledger import audit
from screening.records import ClearanceDecision, parse_strict, sha256_hex

N_KILLS = 4

#: Takes the records of a file in pages, decides now and then, and prints what it has acknowledged.
WORKER = """
import importlib.util, json, sys
from datetime import datetime, timedelta
from pathlib import Path

spec = importlib.util.spec_from_file_location("sealed_traffic", sys.argv[1])
traffic = importlib.util.module_from_spec(spec)
sys.modules["sealed_traffic"] = traffic
spec.loader.exec_module(traffic)

from screening.clearance import KeyRing, default_policy
from screening.clearance.desk import Database, Desk, DeskRules, SinkWants

signer = traffic.signer_of()
rules = DeskRules(administration="CA", sinks=(SinkWants(name="a"),))
with Desk(Database(sys.argv[2]), signer=signer, keys=KeyRing([signer.public]), policy=default_policy(),
          rules=rules) as desk:
    print(json.dumps({"ready": True}), flush=True)
    bodies = [bytes.fromhex(line) for line in Path(sys.argv[3]).read_text().split()]
    for i in range(0, len(bodies), 5):
        taken = desk.take(bodies[i : i + 5], received_at=traffic.NOW)
        print(json.dumps({"taken": [one.sha256 for one in taken if one.status != "REFUSED"]}), flush=True)
        issued = desk.decide_due(now=traffic.NOW, limit=4)
        print(json.dumps({"issued": [one.decision_id for one in issued]}), flush=True)
    while issued := desk.decide_due(now=traffic.NOW + timedelta(hours=1)):
        print(json.dumps({"issued": [one.decision_id for one in issued]}), flush=True)
    print(json.dumps({"done": True}), flush=True)
"""


@pytest.fixture
def start(tmp_path, repository):
    """Start a worker on some records; its output goes to a file, so that no pipe loses a line."""
    started: list[subprocess.Popen] = []

    def run(place: str, bodies: list[bytes]) -> tuple[subprocess.Popen, Path]:
        number = len(started)
        records, said = tmp_path / f"records-{number}", tmp_path / f"said-{number}"
        records.write_text("\n".join(body.hex() for body in bodies))
        with said.open("wb") as out, (tmp_path / f"errors-{number}").open("wb") as errors:
            traffic = repository / "tests" / "sealed_traffic.py"
            command = [sys.executable, "-c", WORKER, str(traffic), place, str(records)]
            started.append(subprocess.Popen(command, stdout=out, stderr=errors))
        return started[-1], said

    yield run
    for process in started:
        if process.poll() is None:
            process.kill()
        process.wait()


def lines(said: Path) -> list[dict]:
    # The last line may have been cut off by the kill.
    return [json.loads(line) for line in said.read_text().splitlines(keepends=True) if line.endswith("\n")]


def errors_of(said: Path) -> str:
    return said.with_name(said.name.replace("said", "errors")).read_text()


def wait_for(process: subprocess.Popen, said: Path, n_lines: int) -> None:
    end = time.monotonic() + 60
    while len(lines(said)) < n_lines and process.poll() is None and time.monotonic() < end:
        time.sleep(0.01)


def open_desk(place: str, traffic) -> Desk:
    signer = traffic.signer_of()
    return Desk(
        Database(place),
        signer=signer,
        keys=KeyRing([signer.public]),
        policy=default_policy(),
        rules=DeskRules(administration="CA", sinks=(SinkWants(name="a"),)),
    )


def last_words(desk: Desk) -> dict[str, tuple]:
    said = {}
    for view in desk.cases(limit=10_000):
        if view.n_records:
            body = desk.decision(view.decision_id or "")
            made = None if body is None else parse_strict(body, ClearanceDecision)
            said[view.key] = made and (
                made.risk,
                made.action,
                made.reason_codes,
                made.flags,
                made.required_steps,
            )
    return said


def test_killed_at_any_moment_a_desk_loses_nothing_and_does_nothing_twice(
    start, tmp_path, sealed_traffic
) -> None:
    place, rng = str(tmp_path / "desk.sqlite"), random.Random(4)
    bodies = sealed_traffic.shuffled(sealed_traffic.traffic(15, seed=8), seed=9)
    taken: set[str] = set()
    issued: set[str] = set()

    def read(said: Path) -> None:
        for line in lines(said):
            taken.update(line.get("taken", ()))
            issued.update(line.get("issued", ()))

    for _ in range(N_KILLS):
        process, said = start(place, bodies)
        wait_for(process, said, rng.randint(2, 12))
        time.sleep(rng.uniform(0, 0.05))
        process.send_signal(signal.SIGKILL)
        process.wait()
        read(said)
    process, said = start(place, bodies)
    assert process.wait(timeout=100) == 0, errors_of(said)
    assert lines(said)[-1] == {"done": True}
    read(said)

    with open_desk(place, sealed_traffic) as desk:
        held = list(desk.ledger.entries(0, desk.ledger.size()))
        hashes = [entry.sha256 for entry in held]
        assert len(hashes) == len(set(hashes))
        assert taken == {sha256_hex(body) for body in bodies}
        assert taken <= set(hashes)
        made = [parse_strict(entry.body, ClearanceDecision) for entry in held if entry.kind == "clearance/1"]
        assert issued <= {one.decision_id for one in made}
        # One message for each decision, no more and no less.
        owed = []
        while claimed := desk.outbox.claim("a"):
            owed += [one.key for one in claimed]
            desk.outbox.delivered([one.id for one in claimed])
        assert sorted(owed) == sorted(entry.sha256 for entry in held if entry.kind == "clearance/1")
        report = audit(desk.ledger, heads=[desk.head()], keys=KeyRing([sealed_traffic.signer_of().public]))
        assert report.is_good, report
        killed = last_words(desk)

    with open_desk(str(tmp_path / "unharmed.sqlite"), sealed_traffic) as desk:
        desk.take(bodies, received_at=sealed_traffic.NOW)
        while desk.decide_due(now=sealed_traffic.NOW):
            pass
        while desk.decide_due(now=sealed_traffic.NOW + timedelta(hours=1)):
            pass
        assert last_words(desk) == killed


def test_two_desks_on_one_database_decide_as_one(start, postgres_url, tmp_path, sealed_traffic) -> None:
    bodies = sealed_traffic.shuffled(sealed_traffic.traffic(20, seed=10), seed=11)
    rng = random.Random(12)
    # Both are handed half of the records and a share of the other's.
    halves = [bodies[0::2] + rng.sample(bodies[1::2], 20), bodies[1::2] + rng.sample(bodies[0::2], 20)]
    workers = [start(postgres_url, half) for half in halves]
    for process, said in workers:
        assert process.wait(timeout=100) == 0, errors_of(said)
    with open_desk(postgres_url, sealed_traffic) as desk:
        desk.decide_due(now=sealed_traffic.NOW)
        together = last_words(desk)
        held = list(desk.ledger.entries(0, desk.ledger.size()))
        assert [entry.index for entry in held] == list(range(len(held)))
        assert {sha256_hex(body) for body in bodies} <= {entry.sha256 for entry in held}
        followed = [
            parse_strict(entry.body, ClearanceDecision).prev_hash
            for entry in held
            if entry.kind == "clearance/1"
        ]
        known = [hash_ for hash_ in followed if hash_ is not None]
        assert len(known) == len(set(known)), "two decisions follow the same one"
        report = audit(desk.ledger, heads=[desk.head()], keys=KeyRing([sealed_traffic.signer_of().public]))
        assert report.is_good, report

    process, said = start(str(tmp_path / "alone.sqlite"), bodies)
    assert process.wait(timeout=100) == 0, errors_of(said)
    with open_desk(str(tmp_path / "alone.sqlite"), sealed_traffic) as desk:
        assert last_words(desk) == together
