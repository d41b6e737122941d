"""A small ledger in memory, for a test to damage in one respect."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from screening.clearance import KeyRing, Signer
from screening.clearance.ledger import Frontier, LedgerEntry, leaf_hash, sign_head
from screening.records import (
    Action,
    CaseInputs,
    ClearanceDecision,
    Consignment,
    Level,
    PolicyRef,
    SealEvent,
    SealState,
    TreeHead,
    Validity,
    canonical_bytes,
    content_id,
    sha256_hex,
)

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
CONTAINERS = ("CSQU3054383", "MWCU6059784")


class MemoryLedger:
    """Rows and nodes as a database holds them, open to any harm."""

    def __init__(self) -> None:
        self.rows: list[LedgerEntry] = []
        self.nodes: dict[tuple[int, int], bytes] = {}
        self.frontier = Frontier()
        self.stated_size: int | None = None

    def append(self, record: Any) -> None:
        body = canonical_bytes(record)
        self.rows.append(LedgerEntry(self.frontier.size, record.schema, sha256_hex(body), body))
        self.frontier, nodes = self.frontier.append(leaf_hash(body))
        self.nodes.update({(node.level, node.index): node.value for node in nodes})

    def copy(self) -> MemoryLedger:
        other = MemoryLedger()
        other.rows, other.nodes, other.frontier = list(self.rows), dict(self.nodes), self.frontier
        return other

    def rebuild(self) -> None:
        """What somebody does who knows the format: number the rows anew and hash everything again."""
        rows, self.rows, self.nodes, self.frontier = self.rows, [], {}, Frontier()
        for row in rows:
            self.rows.append(row._replace(index=self.frontier.size, sha256=sha256_hex(row.body)))
            self.frontier, nodes = self.frontier.append(leaf_hash(row.body))
            self.nodes.update({(node.level, node.index): node.value for node in nodes})

    def renumber(self) -> None:
        self.rows = [row._replace(index=i) for i, row in enumerate(self.rows)]

    def size(self) -> int:
        if self.stated_size is not None:
            return self.stated_size
        return max((row.index for row in self.rows), default=-1) + 1

    def entries(self, start: int, stop: int) -> list[LedgerEntry]:
        return sorted((row for row in self.rows if start <= row.index < stop), key=lambda row: row.index)

    def node(self, level: int, index: int) -> bytes:
        return self.nodes[level, index]


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture(scope="session")
def ops() -> Signer:
    return Signer(Ed25519PrivateKey.from_private_bytes(b"o" * 32), "ops")


@pytest.fixture(scope="session")
def gateway() -> Signer:
    return Signer(Ed25519PrivateKey.from_private_bytes(b"g" * 32), "ops")


@pytest.fixture(scope="session")
def keys(ops: Signer, gateway: Signer) -> KeyRing:
    return KeyRing([ops.public, gateway.public])


@pytest.fixture(scope="session")
def make_event(gateway: Signer) -> Callable[..., SealEvent]:
    def make(number: int) -> SealEvent:
        return gateway.seal(
            SealEvent(
                container_id=CONTAINERS[number % 2],
                seal_id="SEAL-1",
                event="READ",
                at=f"2026-03-01T11:{number // 60:02d}:{number % 60:02d}.000Z",
            )
        )

    return make


@pytest.fixture(scope="session")
def make_decision(ops: Signer) -> Callable[..., ClearanceDecision]:
    def make(
        container_id: str, *, log_index: int | None, prev_hash: str | None, signer: Signer = ops
    ) -> ClearanceDecision:
        decision = ClearanceDecision(
            decision_id="",
            consignment=Consignment(container_id=container_id),
            stage="DEPARTURE",
            risk=Level.UNKNOWN,
            action=Action.REFER_SECONDARY_RAD,
            reason_codes=(),
            inputs=CaseInputs(),
            policy=PolicyRef(id="port", version="1", sha256="a" * 64),
            required_steps=(),
            flags=(),
            seal=SealState(),
            validity=Validity(not_before="2026-03-01T12:00:00.000Z", expires="2026-03-02T12:00:00.000Z"),
            is_exercise=signer.scope == "exercise",
            decided_at="2026-03-01T12:00:00.000Z",
            administration="CA",
            log_index=log_index,
            prev_hash=prev_hash,
        )
        body = content_id(decision, without=("decision_id", "key_id", "signature"))
        return signer.seal(msgspec.structs.replace(decision, decision_id=body))

    return make


@pytest.fixture(scope="session")
def grown(
    make_event: Callable[..., SealEvent], make_decision: Callable[..., ClearanceDecision]
) -> Callable[[int], MemoryLedger]:
    """A ledger of so many entries; every third a decision, the containers in turn."""

    def grow(n: int) -> MemoryLedger:
        ledger, latest = MemoryLedger(), {}
        for i in range(n):
            if i % 3 == 2:
                container = CONTAINERS[i // 3 % 2]
                decision = make_decision(container, log_index=i, prev_hash=latest.get(container))
                latest[container] = sha256_hex(canonical_bytes(decision))
                ledger.append(decision)
            else:
                ledger.append(make_event(i))
        return ledger

    return grow


@pytest.fixture(scope="session")
def head_of(ops: Signer) -> Callable[..., TreeHead]:
    def head(ledger: MemoryLedger, signer: Signer = ops, ledger_id: str = "port-1") -> TreeHead:
        return sign_head(ledger, ledger_id=ledger_id, signer=signer, at=NOW)

    return head
