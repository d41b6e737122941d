"""The desk on a disk that fails."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from evidence import CONTAINERS, KEYS, NOW, OPS, evidence_on
from sqlalchemy import event
from workloads import Tell, corrupt, insist, repeated

from screening.clearance import default_policy
from screening.clearance.desk import Database, Desk, DeskRules, SinkWants
from screening.clearance.ledger import audit, read_heads, write_head
from screening.records import ClearanceDecision, Level, canonical_bytes, parse_strict, sha256_hex

__all__ = ["CarelessClearance", "Clearance"]


class Clearance:
    """The desk: records taken, cases decided, heads exported, messages relayed."""

    def __init__(self) -> None:
        # Before anything is forked: the policy's properties are checked, and what is loaded late is loaded.
        self._policy = default_policy()
        with TemporaryDirectory() as folder:
            self._open(Path(folder)).close()

    def _database(self, folder: Path) -> Database:
        return Database(folder / "desk.sqlite")

    def _open(self, folder: Path) -> Desk:
        known = read_heads(folder / "heads") if (folder / "heads").exists() else ()
        rules = DeskRules(administration="CA", ledger_id="port-1", sinks=(SinkWants(name="out"),))
        database = self._database(folder)
        try:
            return Desk(database, signer=OPS, keys=KEYS, policy=self._policy, rules=rules, heads=known)
        except BaseException:
            database.close()
            raise

    def run(self, folder: Path, did: Tell, failed: Tell) -> None:
        with insist(lambda: self._open(folder), failed) as desk:
            for number, container_id in enumerate(CONTAINERS):
                for record in evidence_on(container_id, with_radiation=number == 0):
                    body = canonical_bytes(record)
                    (taken,) = insist(lambda body=body: desk.take([body], received_at=NOW), failed)
                    if taken.status == "REFUSED":
                        raise AssertionError(f"refused: {taken}")
                    did(f"record {taken.sha256}")
                later = NOW + timedelta(hours=1 + number)
                for decision in insist(lambda later=later: desk.decide_due(now=later), failed):
                    did(f"decision {decision.decision_id}")
                head = insist(desk.head, failed)
                insist(lambda head=head: write_head(folder / "heads", head), failed)
                did(f"head {head.size}")
                for owed in insist(lambda: desk.outbox.claim("out", now=NOW, lease_s=1.0), failed):
                    did(f"received {owed.key}")
                    insist(lambda owed=owed: desk.outbox.delivered([owed.id], NOW), failed)
                    did(f"confirmed {owed.key}")

    def look(self, folder: Path, did: tuple[str, ...]) -> Iterator[str]:
        done: dict[str, list[str]] = {}
        for line in did:
            what, name = line.split()
            done.setdefault(what, []).append(name)
        known = read_heads(folder / "heads") if (folder / "heads").exists() else ()
        exported = {str(head.size) for head in known}
        yield from (f"lost head {size}" for size in done.get("head", ()) if size not in exported)
        with self._open(folder) as desk:
            report = audit(desk.ledger, heads=[*known, desk.head()], keys=KEYS, ledger_id=desk.ledger_id)
            yield from (f"audit: {damage}" for damage in report.damages)
            entries = list(desk.ledger.entries(0, desk.ledger.size()))
            yield from (f"twice {name}" for name in repeated([entry.sha256 for entry in entries]))
            decided = [
                parse_strict(entry.body, ClearanceDecision)
                for entry in entries
                if entry.kind == "clearance/1"
            ]
            there = [entry.sha256 for entry in entries]
            yield from (f"lost record {name}" for name in done.get("record", ()) if name not in there)
            issued = [decision.decision_id for decision in decided]
            yield from (f"lost decision {name}" for name in done.get("decision", ()) if name not in issued)
            for decision in decided:
                if decision.consignment.container_id == CONTAINERS[1] and decision.risk is Level.LOW:
                    yield "a container without a radiation measurement is LOW"
            yield from self._relayed(desk, decided, done)
            yield from self._goes_on(desk)
        yield from corrupt(folder / "desk.sqlite")

    def _relayed(
        self, desk: Desk, decided: list[ClearanceDecision], done: dict[str, list[str]]
    ) -> Iterator[str]:
        """Drain the outbox: every decision was received, or is now, and nothing confirmed comes again."""
        again: list[str] = []
        while owed := desk.outbox.claim("out", now=NOW + timedelta(days=1)):
            again += [message.key for message in owed]
            desk.outbox.delivered([message.id for message in owed])
        received = {*done.get("received", ()), *again}
        for decision in decided:
            if sha256_hex(canonical_bytes(decision)) not in received:
                yield f"decision {decision.decision_id} is in the ledger and was never owed"
        yield from (f"owed again {name}" for name in done.get("confirmed", ()) if name in again)
        yield from (f"owed twice {name}" for name in repeated(again))

    def _goes_on(self, desk: Desk) -> Iterator[str]:
        """Hand everything in again: the cases come out as they would have without a fault."""
        for number, container_id in enumerate(CONTAINERS):
            bodies = [
                canonical_bytes(record) for record in evidence_on(container_id, with_radiation=number == 0)
            ]
            if any(taken.status == "REFUSED" for taken in desk.take(bodies, received_at=NOW)):
                yield "a record is refused that was taken before"
        desk.decide_due(now=NOW + timedelta(hours=3))
        risks = [view.risk if (view := desk.case(container_id)) else None for container_id in CONTAINERS]
        if risks != [Level.LOW, Level.UNKNOWN]:
            yield f"the cases came out as {risks}"
        report = audit(desk.ledger, heads=[desk.head()], keys=KEYS, ledger_id=desk.ledger_id)
        yield from (f"audit at the end: {damage}" for damage in report.damages)


class CarelessClearance(Clearance):
    """The same, without waiting for the disk: what the campaign must find."""

    def _database(self, folder: Path) -> Database:
        database = super()._database(folder)
        event.listen(
            database.engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous = OFF")
        )
        return database
