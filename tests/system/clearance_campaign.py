"""A site for tests of the service: its keys and settings, processes of the service, and sealed traffic."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
from stdnum import iso6346

from screening.clearance import Signer, generate_key, load_signer
from screening.clearance.ledger import audit
from screening.clearance.opening import load_keys, open_desk
from screening.clearance.service.client import RecordClient, ServiceUnavailableError, post_records
from screening.clearance.service.document import DOCUMENT
from screening.clearance.settings import read_clearance_settings
from screening.records import (
    FlagModality,
    Level,
    Reason,
    ReasonCode,
    RiskFlag,
    SealEvent,
    Targeting,
    TargetingAssessment,
    canonical_bytes,
    content_id,
    parse_strict,
    utc_string,
)

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
TOKEN = "a-token-of-this-test-alone"  # noqa: S105
SENDERS = ("targeting", "gamma", "neutron", "gateway")
KINDS = {
    "targeting": ("assessment/1",),
    "gamma": ("riskflag/1",),
    "neutron": ("riskflag/1",),
    "gateway": ("sealevent/1",),
}
LANES = {"targeting": (), "gamma": ("1",), "neutron": ("2",), "gateway": ()}

__all__ = ["RecordClient", "ServiceUnavailableError", "Site", "post_records", "run_kill_campaign"]


class Site:
    """Keys, settings and traffic of one site, in a folder."""

    def __init__(self, folder: Path, database: str = "clearance.sqlite", **clearance: Any) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "trusted").mkdir(exist_ok=True)
        self.config = folder / "site.toml"
        self.signers: dict[str, Signer] = {}
        self.instances: list[Instance] = []
        generate_key(folder / "site.key", "ops")
        for name in SENDERS:
            signer = generate_key(folder / f"{name}.key", "ops")
            self.signers[name] = signer
            # The key ring binds it: this sender, for this site, lane and kind of record.
            key = msgspec.structs.replace(signer.public, kinds=KINDS[name], lanes=LANES[name])
            (folder / "trusted" / f"{name}.pub").write_bytes(msgspec.json.encode(key))
        self.write_settings(database, **clearance)

    def share_keys_of(self, other: Site) -> None:
        """Trust the senders of another site, so that the same sealed records can be sent to both."""
        for name in SENDERS:
            target = self.folder / "trusted" / f"{name}.pub"
            target.write_bytes((other.folder / "trusted" / f"{name}.pub").read_bytes())
        self.signers = other.signers

    def write_settings(self, database: str, stream_s: float = 0.3, **clearance: Any) -> None:
        settings = {
            "administration": "CA",
            "key_file": "site.key",
            "database": database,
            "trusted_keys": ["trusted"],
            "case_deadline_s": 5.0,
            "decide_interval_s": 0.2,
            **clearance,
        }
        lines = ["[clearance]", *(f"{name} = {_toml(value)}" for name, value in settings.items())]
        lines += ["[clearance.http]", "port = 0", "send_needs_token = true"]
        lines += [
            "[clearance.http.limits]",
            "requests_per_s = 100000.0",
            "burst = 1000000",
            f"stream_s = {stream_s}",
        ]
        lines += ["[[clearance.http.tokens]]", 'name = "test"', 'scopes = ["admin", "read", "send"]']
        lines += [f'sha256 = "{hashlib.sha256(TOKEN.encode()).hexdigest()}"']
        self.config.write_text("\n".join(lines) + "\n", encoding="utf-8")

    def start(self, *options: str) -> Instance:
        instance = Instance(self, options)
        self.instances.append(instance)
        return instance

    def __enter__(self) -> Site:
        return self

    def __exit__(self, *_: object) -> None:
        for instance in self.instances:
            instance.kill()

    # Traffic

    def flag(
        self, sender: str, container: str, *codes: str, scan: str = "", at: datetime | None = None
    ) -> bytes:
        name = "riskflag-neutron" if sender == "neutron" else "riskflag-gamma"
        template = parse_strict((GOLDEN / f"clearance-1-{name}.json").read_bytes(), RiskFlag)
        high = [Reason(code=ReasonCode(code), level=Level.HIGH, text=code.lower()) for code in codes]
        flag = msgspec.structs.replace(
            template,
            scan_id=hashlib.sha256(f"{sender} {container} {scan}".encode()).hexdigest()[:32],
            lane=LANES[sender][0],
            modality=FlagModality.NEUTRON if sender == "neutron" else FlagModality.RAD_GROSS,
            subject=msgspec.structs.replace(template.subject, container_id=container, id_source="OCR"),
            reasons=tuple(high),
            level=Level.HIGH if high else Level.LOW,
            is_severe="RAD_NEUTRON" in codes,
            created_at=utc_string(at or datetime.now(UTC)),
            key_id=None,
            signature=None,
        )
        flag = msgspec.structs.replace(
            flag, flag_id=content_id(flag, without=("flag_id", "key_id", "signature"))
        )
        return canonical_bytes(self.signers[sender].seal(flag))

    def targeting(self, container: str, level: Level = Level.LOW, at: datetime | None = None) -> bytes:
        said = Targeting(
            container_id=container,
            level=level,
            administration="CA",
            source="test",
            at=str(utc_string(at or datetime.now(UTC))),
        )
        return canonical_bytes(self.signers["targeting"].seal(TargetingAssessment(targeting=said)))

    def seal_event(self, container: str, event: str = "SEALED", at: datetime | None = None) -> bytes:
        said = SealEvent(
            container_id=container,
            seal_id="SEAL-1",
            event=event,
            at=str(utc_string(at or datetime.now(UTC))),
        )
        return canonical_bytes(self.signers["gateway"].seal(said))

    def traffic(self, numbers: Iterable[int], at: datetime) -> dict[str, list[bytes]]:
        """What each sender sends of some containers: most clear, some alarm, some are tampered with."""
        sent: dict[str, list[bytes]] = {name: [] for name in SENDERS}
        for number in numbers:
            box = container_number(number)
            sent["targeting"].append(self.targeting(box, at=at))
            sent["gamma"].append(
                self.flag("gamma", box, *(("RAD_GAMMA_NSIGMA",) if number % 7 == 3 else ()), at=at)
            )
            sent["neutron"].append(
                self.flag("neutron", box, *(("RAD_NEUTRON",) if number % 11 == 5 else ()), at=at)
            )
            sent["gateway"].append(self.seal_event(box, at=at))
            if number % 13 == 4:
                sent["gateway"].append(self.seal_event(box, "TAMPER", at=at + timedelta(milliseconds=5)))
        return sent


class Instance:
    """A process of the service."""

    def __init__(self, site: Site, options: Sequence[str] = ()) -> None:
        self.site, self._options = site, options
        self.port = 0
        self.start()

    def start(self) -> None:
        text = self.site.config.read_text(encoding="utf-8")
        # Started again where it was, as systemd would: senders find it at the same address.
        config = self.site.folder / f"instance-{self.port or id(self)}.toml"
        config.write_text(text.replace("port = 0", f"port = {self.port}"), encoding="utf-8")
        command = [sys.executable, "-P", "-m", "screening", "clearance", "serve", "--config", str(config)]
        with (self.site.folder / "errors.txt").open("ab") as errors:
            self.process = subprocess.Popen(
                [*command, *self._options],
                stdout=subprocess.PIPE,
                stderr=errors,
                env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
            )
        assert self.process.stdout is not None
        self.greeting = self.process.stdout.readline().decode().strip()
        if "http" not in self.greeting:
            self.kill()
            raise RuntimeError((self.site.folder / "errors.txt").read_text()[-2000:])
        self.url = self.greeting.split(" on ")[1]
        self.port = int(self.url.rsplit(":", 1)[1])

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(10)
        self._close()

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(30)
        self._close()
        return status

    def _close(self) -> None:
        if self.process.stdout is not None:
            self.process.stdout.close()

    def get(self, path: str) -> Any:
        request = urllib.request.Request(self.url + path, headers={"Authorization": f"Bearer {TOKEN}"})  # noqa: S310
        with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310
            return msgspec.json.decode(response.read())

    def cases(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        after = ""
        while True:
            page = self.get("/v1/cases?limit=200" + (f"&after={after}" if after else ""))
            found += page["cases"]
            if page["next"] is None:
                return found
            after = page["next"]

    def decisions(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        after = -1
        while page := self.get(f"/v1/decisions?limit=200&after={after}")["decisions"]:
            found += page
            after = page[-1]["log_index"]
        return found


class Sender(threading.Thread):
    """One acquisition PC: sends batches until they are acknowledged, to whichever instance answers."""

    def __init__(
        self, bodies: Sequence[bytes], instances: Sequence[Instance], *, batch: int, pause_s: float
    ) -> None:
        super().__init__(daemon=True)
        self._bodies, self._instances = bodies, instances
        self._batch, self._pause_s = batch, pause_s
        self.refused: list[Any] = []
        self.n_retried = 0
        self.error: Exception | None = None

    def run(self) -> None:
        clients = [RecordClient(one.url, token=TOKEN, attempts=1, timeout_s=10) for one in self._instances]
        at = 0
        try:
            for start in range(0, len(self._bodies), self._batch):
                batch = self._bodies[start : start + self._batch]
                until = time.monotonic() + 60
                while True:
                    try:
                        answers = clients[at % len(clients)].post(batch)
                        break
                    except ServiceUnavailableError:
                        if time.monotonic() > until:
                            raise
                        self.n_retried += 1
                        at += 1
                        time.sleep(0.05)
                self.refused += [answer for answer in answers if answer.status == "REFUSED"]
                time.sleep(self._pause_s)
        except Exception as error:
            self.error = error
        finally:
            for client in clients:
                client.close()


def container_number(number: int) -> str:
    body = f"CSQU{number:06d}"
    return body + str(iso6346.calc_check_digit(body))


def wait_until_settled(instance: Instance, n_cases: int, timeout_s: float = 60.0) -> list[dict[str, Any]]:
    """Return the cases once each has a decision and nothing is due."""
    until = time.monotonic() + timeout_s
    while True:
        cases = instance.cases()
        if len(cases) == n_cases and all(one["decision_id"] and not one["is_due"] for one in cases):
            return cases
        if time.monotonic() > until:
            open_ones = [one for one in cases if not one["decision_id"] or one["is_due"]]
            raise AssertionError(f"{len(cases)} of {n_cases} cases, not settled: {open_ones[:3]}")
        time.sleep(0.2)


def final_decisions(instance: Instance) -> dict[str, Any]:
    """Return what the last decision of each container says, without what differs from run to run."""
    latest = {one["record"]["consignment"]["container_id"]: one["record"] for one in instance.decisions()}
    return {
        box: {
            "risk": record["risk"],
            "action": record["action"],
            "reason_codes": sorted(record["reason_codes"]),
            "inputs": record["inputs"],
            "flags": sorted(flag["flag_id"] for flag in record["flags"]),
        }
        for box, record in latest.items()
    }


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return msgspec.json.encode(value).decode()


def run_kill_campaign(
    folder: Path, postgres_url: str, *, duration_s: float, kill_every_s: float, n_boxes: int
) -> dict[str, int]:
    """Four senders, two instances on one PostgreSQL, one or the other killed all the time; then SQLite.

    What must hold at the end is asserted: every record is there once, in the ledger once, the ledger is
    whole, and the same records on SQLite with one instance come to the same final decisions.
    """
    with Site(folder / "postgresql", postgres_url) as site:
        sent = site.traffic(range(n_boxes), datetime.now(UTC))
        n_records = sum(map(len, sent.values()))
        instances = [site.start(), site.start()]
        longest = max(map(len, sent.values()))
        batch = 4
        # Everything twice, as a PC does that never saw an acknowledgement, spread over the campaign.
        pause_s = duration_s / (2 * longest / batch)
        senders = [Sender(bodies * 2, instances, batch=batch, pause_s=pause_s) for bodies in sent.values()]
        for sender in senders:
            sender.start()
        n_killed = 0
        while any(sender.is_alive() for sender in senders):
            time.sleep(kill_every_s)
            victim = instances[n_killed % 2]
            victim.kill()
            n_killed += 1
            victim.start()
        for sender in senders:
            sender.join()
            if sender.error is not None:
                raise sender.error
            assert sender.refused == []
        wait_until_settled(instances[0], n_boxes)
        decided = final_decisions(instances[1])
        _check_everything_is_there_once(instances[0], sent, n_records)
        assert [instance.stop() for instance in instances] == [0, 0]
    with Site(folder / "sqlite") as alone:
        alone.share_keys_of(site)
        instance = alone.start()
        with RecordClient(instance.url, token=TOKEN) as client:
            for bodies in sent.values():
                assert {one.status for one in client.post(bodies)} == {"ACCEPTED"}
        wait_until_settled(instance, n_boxes)
        assert final_decisions(instance) == decided
        _check_everything_is_there_once(instance, sent, n_records)
        assert instance.stop() == 0
    assert len({one["risk"] for one in decided.values()}) >= 2, "the traffic has more than one answer"
    return {
        "n_records": n_records,
        "n_killed": n_killed,
        "n_retried": sum(sender.n_retried for sender in senders),
    }


def run_schemathesis(site: Site, folder: Path, options: Sequence[str]) -> None:
    """Run schemathesis with all checks over the shipped document against a service that has a case."""
    instance = site.start()
    box = container_number(5)  # one with neutrons: it is decided at once
    with RecordClient(instance.url, token=TOKEN) as client:
        client.post([body for bodies in site.traffic([5], datetime.now(UTC)).values() for body in bodies])
    (case,) = wait_until_settled(instance, 1)
    config = folder / "schemathesis.toml"
    config.write_text(
        f'[parameters]\n"path.key" = "{box}"\n"path.index" = 0\n'
        f'"path.decision_id" = "{case["decision_id"]}"\n'
    )
    command = [str(Path(sys.executable).with_name("schemathesis")), "--config-file", str(config), "run"]
    command += [str(DOCUMENT), "--url", instance.url, "-H", f"Authorization: Bearer {TOKEN}"]
    command += ["--checks", "all", "--seed", "1", "--suppress-health-check", "all", "--no-color", *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False, cwd=folder)
    assert done.returncode == 0, done.stdout[-4000:]
    assert "No issues found" in done.stdout, done.stdout[-2000:]
    assert instance.get("/v1/health")["status"] == "GOOD"
    assert instance.stop() == 0
    assert "a defect" not in (site.folder / "errors.txt").read_text()


def _check_everything_is_there_once(instance: Instance, sent: dict[str, list[bytes]], n_records: int) -> None:
    settings = read_clearance_settings(instance.site.config)
    keys = load_keys(settings.trusted_keys, load_signer(Path(settings.key_file)))
    with open_desk(settings) as desk:
        entries = list(desk.ledger.entries(0, desk.ledger.size()))
        hashes = [entry.sha256 for entry in entries]
        assert len(set(hashes)) == len(hashes), "nothing was applied twice"
        taken = {entry.sha256 for entry in entries if entry.kind != "clearance/1"}
        assert taken == {hashlib.sha256(body).hexdigest() for bodies in sent.values() for body in bodies}
        assert len(taken) == n_records
        for bodies in sent.values():
            for body in bodies:
                assert desk.record(hashlib.sha256(body).hexdigest()) == body
        report = audit(desk.ledger, heads=[desk.head()], keys=keys)
        assert report.is_good, report
