"""A campaign of kills: a process that decides and relays to a receiver that fails is killed at any moment.

Run as a program, this is the process: it imports once and then forks for each round, so that a round
costs a fork and not an import. Loaded as a module, it is the campaign.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

N_BOXES = 24


class Receiver:
    """Keeps each record once by key, in order; what it answers is another matter.

    `mood` gives the shares of requests that meet each trouble.
    """

    ROUGH: ClassVar[dict[str, float]] = {
        "refused": 0.10,  # 500, nothing kept
        "busy": 0.05,  # 503 with Retry-After
        "dropped": 0.05,  # the connection ends before anything is kept
        "lost": 0.15,  # kept, and the connection ends without an answer
        "late": 0.04,  # kept, and the answer comes after the sender has given up
        "slow": 0.10,  # kept, and the answer takes its time
    }

    def __init__(self, keys: Any, seed: int) -> None:
        receiver = self
        self.mood = dict(self.ROUGH)
        self.effects: list[tuple[str, bytes]] = []
        self.met: Counter[str] = Counter()
        self.wrong: list[str] = []
        self._known: set[str] = set()
        self._lock = threading.Lock()
        self._chance = random.Random(seed)
        self._keys = keys

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                receiver.receive(self)

            def log_message(self, *args: object) -> None:
                """Say nothing."""

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def handle_error(self, *args: object) -> None:
                """A sender that was killed is no error here."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    def receive(self, handler: BaseHTTPRequestHandler) -> None:
        length = int(handler.headers["Content-Length"])
        body = handler.rfile.read(length)
        if len(body) < length:  # its sender was killed
            return
        with self._lock:
            trouble = self._draw()
            self.met[trouble] += 1
        if trouble == "dropped":
            handler.connection.shutdown(socket.SHUT_RDWR)
            return
        if trouble in ("refused", "busy"):
            self._answer(handler, 500 if trouble == "refused" else 503, {"Retry-After": "0"})
            return
        status = self._keep(dict(handler.headers), body)
        if trouble == "lost":
            handler.connection.shutdown(socket.SHUT_RDWR)
            return
        if trouble in ("slow", "late"):
            time.sleep(0.05 if trouble == "slow" else 0.6)
        self._answer(handler, status)

    def _keep(self, headers: dict[str, str], body: bytes) -> int:
        from screening.clearance.sinks.webhook import verify_webhook

        try:
            verify_webhook(headers, body, self._keys, at=datetime.now(UTC))
        except Exception as error:
            self.wrong.append(repr(error))
            return 400
        key = headers["Idempotency-Key"]
        with self._lock:
            if key in self._known:
                self.met["known"] += 1
                return 409
            self._known.add(key)
            self.effects.append((key, body))
            return 201

    def _draw(self) -> str:
        at = self._chance.random()
        for trouble, share in self.mood.items():
            if at < share:
                return trouble
            at -= share
        return "good"

    def _answer(
        self, handler: BaseHTTPRequestHandler, status: int, headers: dict[str, str] | None = None
    ) -> None:
        with contextlib.suppress(OSError):
            handler.send_response(status)
            for name, value in (headers or {}).items():
                handler.send_header(name, value)
            handler.send_header("Content-Length", "0")
            handler.end_headers()

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class Outcome(NamedTuple):
    """What a campaign came to."""

    n_kills: int
    n_taken: int
    n_decided: int
    n_effects: int
    n_requests: int
    n_known: int
    longest_start_s: float
    drain_s: float
    elapsed_s: float
    met: dict[str, int]


def run_campaign(folder: Path, traffic: Any, *, n_kills: int, seed: int) -> Outcome:
    """Kill the process so often, let it come to an end, and hold what the receiver has against the ledger."""
    from screening.clearance import KeyRing

    started = time.monotonic()
    chance = random.Random(seed)
    keys = KeyRing([traffic.signer_of().public])
    receiver = Receiver(keys, seed)
    (folder / "drop").mkdir()
    starts: list[float] = []
    try:
        with _zygote(folder, receiver.port, seed) as zygote:
            for number in range(n_kills):
                pid = _begin(zygote, f"work {number}")
                begun = time.monotonic()
                if number % 5 < 4:  # one in five is killed while it starts
                    _wait_for_line(folder, f"ready {number}", 20.0)
                    starts.append(time.monotonic() - begun)
                    _wait_for_lines(folder, chance.randrange(12))
                time.sleep(chance.uniform(0.0, 0.1))
                os.kill(pid, signal.SIGKILL)
                assert _answer_of(zygote) == "killed", f"round {number} ended by itself"
            receiver.mood = {"lost": 0.1}
            begun = time.monotonic()
            _begin(zygote, "drain")
            assert _answer_of(zygote) == "ended", (folder / "stderr").read_text()[-3000:]
            drain_s = time.monotonic() - begun
        return _hold_against_ledger(
            folder, traffic, receiver, n_kills=n_kills, longest_start_s=max(starts, default=0.0),
            drain_s=drain_s, elapsed_s=time.monotonic() - started,
        )  # fmt: skip
    finally:
        receiver.stop()


def _hold_against_ledger(
    folder: Path, traffic: Any, receiver: Receiver, *, n_kills: int, **times: float
) -> Outcome:
    from screening.clearance.ledger import audit
    from screening.records import ClearanceDecision, parse_strict, sha256_hex

    said = [line.split() for line in (folder / "acknowledged").read_text().splitlines()]
    taken = [words[1] for words in said if words[0] == "taken"]
    decided = [words[1] for words in said if words[0] == "decided"]
    assert receiver.wrong == []
    with open_campaign_desk(folder, traffic) as desk:
        entries = list(desk.ledger.entries(0, desk.ledger.size()))
        written = {entry.sha256: entry for entry in entries}
        assert set(taken) <= set(written), "a record was acknowledged and is lost"
        assert set(decided) <= set(written), "a decision was acknowledged and is lost"
        assert audit(desk.ledger, keys=traffic_keys(traffic)).is_good
        owed = {entry.sha256 for entry in entries if entry.kind == "clearance/1"}
        counts = desk.outbox.counts()
    done = {"PENDING": 0, "DELIVERED": len(owed), "DEAD": 0}
    assert counts == {"hook": done, "drop": done}
    # Every effect exactly once: by key, and by what is decided.
    assert Counter(key for key, _ in receiver.effects) == Counter(owed)
    decisions = [parse_strict(body, ClearanceDecision) for _, body in receiver.effects]
    assert set(Counter(decision.decision_id for decision in decisions).values()) <= {1}
    assert all(sha256_hex(body) == key and body == written[key].body for key, body in receiver.effects)
    # In order for each container, by the ledger and by the chain of decisions.
    order: dict[str, list[int]] = defaultdict(list)
    for (key, _), decision in zip(receiver.effects, decisions, strict=True):
        order[decision.consignment.container_id].append(written[key].index)
    assert all(indices == sorted(indices) for indices in order.values())
    # One whole file for each.
    files = [path for path in (folder / "drop").iterdir() if not path.name.startswith(".")]
    assert {path.name.split(".")[1] for path in files} == owed
    assert len(files) == len(owed)
    assert all(path.read_bytes() == written[path.name.split(".")[1]].body for path in files)
    return Outcome(
        n_kills=n_kills,
        n_taken=len(taken),
        n_decided=len(owed),
        n_effects=len(receiver.effects),
        n_requests=sum(n for trouble, n in receiver.met.items() if trouble != "known"),
        n_known=receiver.met["known"],
        met=dict(receiver.met),
        **times,
    )


def traffic_keys(traffic: Any) -> Any:
    from screening.clearance import KeyRing

    return KeyRing([traffic.signer_of().public])


def open_campaign_desk(folder: Path, traffic: Any) -> Any:
    from screening.clearance import default_policy
    from screening.clearance.desk import Database, Desk, DeskRules, SinkWants

    return Desk(
        Database(folder / "desk.sqlite"),
        signer=traffic.signer_of(),
        keys=traffic_keys(traffic),
        policy=default_policy(),
        rules=DeskRules(administration="CA", sinks=(SinkWants(name="hook"), SinkWants(name="drop"))),
    )


def open_campaign_relay(folder: Path, port: int, desk: Any, traffic: Any) -> Any:
    from screening.clearance.settings import SinkSettings
    from screening.clearance.sinks import Relay, RelaySettings, SinkContext
    from screening.clearance.sinks.folder import FolderSink
    from screening.clearance.sinks.webhook import WebhookSink

    context = SinkContext(signer=traffic.signer_of(), record=desk.record)
    options = {
        "url": f"http://127.0.0.1:{port}/",
        "hosts": ["127.0.0.1"],
        "networks": ["127.0.0.0/8"],
        "timeout_s": 0.5,
    }
    sinks = [
        WebhookSink(SinkSettings(name="hook", kind="webhook", options=options), context),
        FolderSink(
            SinkSettings(name="drop", kind="folder", options={"folder": str(folder / "drop")}), context
        ),
    ]
    settings = RelaySettings(
        n_workers=8, poll_s=0.05, lease_s=0.8, first_delay_s=0.01, max_delay_s=0.1, max_attempts=10_000
    )
    return Relay(desk.outbox, sinks, settings=settings)


@contextlib.contextmanager
def _zygote(folder: Path, port: int, seed: int) -> Any:
    with (folder / "stderr").open("w") as stderr:
        process = subprocess.Popen(
            [sys.executable, __file__, str(folder), str(port), str(seed)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr, text=True,
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
        )  # fmt: skip
    try:
        yield process
    finally:
        process.stdin.close()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()


def _begin(zygote: Any, what: str) -> int:
    zygote.stdin.write(what + "\n")
    zygote.stdin.flush()
    return int(_answer_of(zygote))


def _answer_of(zygote: Any) -> str:
    return str(zygote.stdout.readline().strip())


def _wait_for_lines(folder: Path, n: int) -> None:
    """Let so much be acknowledged, on a machine of any speed."""
    path, end = folder / "acknowledged", time.monotonic() + 5.0
    wanted = path.read_bytes().count(b"\n") + n
    while path.read_bytes().count(b"\n") < wanted and time.monotonic() < end:
        time.sleep(0.005)


def _wait_for_line(folder: Path, line: str, timeout_s: float) -> None:
    path, end = folder / "acknowledged", time.monotonic() + timeout_s
    while not path.exists() or f"{line}\n" not in path.read_text():
        assert time.monotonic() < end, f"no {line!r} in time: {(folder / 'stderr').read_text()[-3000:]}"
        time.sleep(0.01)


def _program(folder: Path, port: int, seed: int) -> None:
    """Fork for each line read; say who was forked, and how it ended."""
    # Everything is loaded and checked once, before the first fork; no thread runs here.
    traffic = _traffic()
    with tempfile.TemporaryDirectory() as name, open_campaign_desk(Path(name), traffic) as desk:
        (Path(name) / "drop").mkdir()
        open_campaign_relay(Path(name), port, desk, traffic)
    for line in sys.stdin:
        what, _, number = line.strip().partition(" ")
        child = os.fork()
        if child == 0:
            try:
                if what == "work":
                    _work(folder, port, traffic, random.Random(f"{seed} {number}"), number)
                else:
                    _drain(folder, port, traffic)
                os._exit(0)
            except BaseException:
                import traceback

                traceback.print_exc()
                sys.stderr.flush()
                os._exit(1)
        sys.stdout.write(f"{child}\n")
        sys.stdout.flush()
        _, status = os.waitpid(child, 0)
        is_killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        how = "killed" if is_killed else "ended" if status == 0 else f"failed {status}"
        sys.stdout.write(f"{how}\n")
        sys.stdout.flush()


def _work(folder: Path, port: int, traffic: Any, chance: random.Random, number: str) -> None:
    from screening.clearance import record_hash
    from screening.records import canonical_bytes

    log = os.open(folder / "acknowledged", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    desk = open_campaign_desk(folder, traffic)
    relay = open_campaign_relay(folder, port, desk, traffic)
    relay.start()
    os.write(log, f"ready {number}\n".encode())
    for n in range(100_000):
        now = datetime.now(UTC)
        flags = [
            traffic.Sealing(traffic.signer_of(), traffic.container(chance.randrange(N_BOXES)), now).flag(
                "NEUTRON", "RAD_NEUTRON", age_s=1, scan_id=f"scan-{number}-{n}-{i}"
            )
            for i in range(4)
        ]
        for taken in desk.take([canonical_bytes(flag) for flag in flags]):
            assert taken.status == "ACCEPTED", taken
            os.write(log, f"taken {taken.sha256}\n".encode())
        for decision in desk.decide_due():
            os.write(log, f"decided {record_hash(decision)}\n".encode())
        relay.wake()
        time.sleep(chance.uniform(0.0, 0.1))


def _drain(folder: Path, port: int, traffic: Any) -> None:
    with open_campaign_desk(folder, traffic) as desk:
        desk.decide_due()
        relay = open_campaign_relay(folder, port, desk, traffic)
        relay.start()
        end = time.monotonic() + 300
        while any(states["PENDING"] for states in desk.outbox.counts().values()):
            if time.monotonic() > end:
                raise TimeoutError(json.dumps(desk.outbox.counts()))
            time.sleep(0.05)
        assert relay.stop(10)


def _traffic() -> Any:
    path = Path(__file__).resolve().parents[1] / "sealed_traffic.py"
    spec = importlib.util.spec_from_file_location("sealed_traffic", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


if __name__ == "__main__":
    _program(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
