"""A desk on each database, and sealed records to hand in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from screening.clearance import KeyRing, Policy, Signer, default_policy
from screening.clearance.desk import Database, Desk, DeskRules, SinkWants
from screening.records import canonical_bytes


@pytest.fixture
def now(sealed_traffic: ModuleType) -> datetime:
    return sealed_traffic.NOW


@pytest.fixture(scope="session")
def ops(sealed_traffic: ModuleType) -> Signer:
    return sealed_traffic.signer_of("o")


@pytest.fixture(scope="session")
def exercise(sealed_traffic: ModuleType) -> Signer:
    return sealed_traffic.signer_of("e", "exercise")


@pytest.fixture(scope="session")
def keys(ops: Signer, exercise: Signer) -> KeyRing:
    return KeyRing([ops.public, exercise.public])


@pytest.fixture
def sealing(ops: Signer, sealed_traffic: ModuleType) -> Callable[..., Any]:
    def make(box: str = sealed_traffic.CONTAINER, signer: Signer = ops) -> Any:
        return sealed_traffic.Sealing(signer, box)

    return make


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a fresh desk may lie, once on each database."""
    if request.param == "sqlite":
        return str(tmp_path / "desk.sqlite")
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture
def open_desk(place: str, ops: Signer, keys: KeyRing) -> Iterator[Callable[..., Desk]]:
    opened = []

    def make(
        at: str | None = None,
        *,
        signer: Signer = ops,
        heads: tuple[Any, ...] = (),
        policy: Policy | None = None,
        trusted: KeyRing = keys,
        **rules: Any,
    ) -> Desk:
        settings = {"administration": "CA", "sinks": (SinkWants(name="a"),), **rules}
        database = Database(at or place)
        opened.append(database)
        return Desk(
            database,
            signer=signer,
            keys=trusted,
            policy=policy or default_policy(),
            rules=DeskRules(**settings),
            heads=heads,
        )

    yield make
    for database in opened:
        database.close()


@pytest.fixture
def desk(open_desk: Callable[..., Desk]) -> Desk:
    return open_desk()


@pytest.fixture
def bodies() -> Callable[..., list[bytes]]:
    def make(*records: Any) -> list[bytes]:
        return [canonical_bytes(record) for record in records]

    return make


@pytest.fixture
def decide(now: datetime) -> Callable[..., list[Any]]:
    """Decide everything that is due."""

    def run(desk: Desk, at: datetime = now) -> list[Any]:
        issued: list[Any] = []
        while made := desk.decide_due(now=at):
            issued += made
        return issued

    return run
