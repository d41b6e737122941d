"""A journey by rail, its seal's readings, and a desk that keeps what it is given in memory."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from screening.clearance import Signer
from screening.records import Journey, JourneyPoint, SealEvent, canonical_bytes, sha256_hex, utc_string

START = datetime(2026, 3, 1, 6, 0, tzinfo=UTC)
CONTAINER = "CSQU3054383"
SEAL = "SEAL-1"


class KeptRecord(NamedTuple):
    sha256: str
    status: str
    failure: str | None = None
    text: str = ""


class MemoryDesk:
    """Takes records as the desk does; `failing` lets the next calls fail."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.calls: list[int] = []
        self.failing = 0
        self.lock = threading.Lock()

    def take(self, bodies: Sequence[bytes]) -> list[KeptRecord]:
        with self.lock:
            self.calls.append(len(bodies))
            if self.failing:
                self.failing -= 1
                raise OSError(28, "No space left on device")
            found = []
            for body in bodies:
                status = "KNOWN" if body in self.bodies else "ACCEPTED"
                if status == "ACCEPTED":
                    self.bodies.append(body)
                found.append(KeptRecord(sha256_hex(body), status))
            return found


@pytest.fixture
def desk() -> MemoryDesk:
    return MemoryDesk()


@pytest.fixture(scope="session")
def gateway_key() -> Signer:
    return Signer(Ed25519PrivateKey.from_private_bytes(b"g" * 32), "ops")


@pytest.fixture
def hour() -> Callable[[float], datetime]:
    return lambda h: START + timedelta(hours=h)


@pytest.fixture
def event(gateway_key: Signer, hour: Callable[[float], datetime]) -> Callable[..., SealEvent]:
    def make(
        kind: str, h: float, place: str | None = None, *, signed: bool = True, seal: str = SEAL
    ) -> SealEvent:
        made = SealEvent(
            container_id=CONTAINER,
            seal_id=seal,
            event=kind,
            at=str(utc_string(hour(h))),
            place=place,
            reader=None if place is None else f"{place} gate",
        )
        return gateway_key.seal(made) if signed else made

    return make


@pytest.fixture
def lines(event: Callable[..., SealEvent]) -> Callable[[int], list[bytes]]:
    return lambda n: [canonical_bytes(event("READ", i, f"place {i}")) for i in range(n)]


@pytest.fixture
def journey(hour: Callable[[float], datetime]) -> Callable[..., Journey]:
    """Origin A, required B and D, optional C, destination E."""

    def make(**changes: object) -> Journey:
        settings: dict[str, object] = {
            "container_id": CONTAINER,
            "seal_id": SEAL,
            "origin": "A",
            "destination": "E",
            "departs_at": str(utc_string(hour(2))),
            "arrives_before": str(utc_string(hour(72))),
            "administration": "CA",
            "at": str(utc_string(hour(0))),
            "points": (
                JourneyPoint(place="B", not_after=str(utc_string(hour(12)))),
                JourneyPoint(place="C", is_required=False),
                JourneyPoint(place="D"),
            ),
        }
        return Journey(**{**settings, **changes})  # type: ignore[arg-type]

    return make


@pytest.fixture
def good_events(event: Callable[..., SealEvent]) -> tuple[SealEvent, ...]:
    return (
        event("SEALED", 1, "A"),
        event("READ", 10, "B"),
        event("READ", 30, "C"),
        event("READ", 50, "D"),
        event("ARRIVED", 60, "E"),
    )
