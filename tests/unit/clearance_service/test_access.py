"""Tokens by their hashes, and an allowance of requests for each client."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from screening.clearance.service import access
from screening.clearance.service.access import ANONYMOUS, Gate, token_hash
from screening.clearance.settings import HttpSettings, LimitSettings, TokenSettings

TOKENS = (
    TokenSettings(name="desk", sha256=token_hash("secret"), scopes=("read",)),
    TokenSettings(name="old", sha256=token_hash("expired"), scopes=("read",), expires="2026-01-01T00:00:00Z"),
)


@pytest.fixture
def gate() -> Gate:
    return Gate(HttpSettings(tokens=TOKENS), now=lambda: datetime(2026, 6, 1, tzinfo=UTC))


def test_a_token_tells_its_name_and_scopes(gate: Gate) -> None:
    principal = gate.identify([b"Bearer secret"])
    assert principal is not None
    assert (principal.name, principal.scopes) == ("desk", {"read"})
    assert gate.identify([b"bearer secret"]) == principal
    assert gate.identify([]) == ANONYMOUS


@pytest.mark.parametrize(
    "headers",
    [
        [b"Bearer wrong"],
        [b"Bearer expired"],
        [b"Bearer "],
        [b"Basic secret"],
        [b"secret"],
        [b""],
        [b"Bearer " + token_hash("secret").encode()],
        [b"Bearer secret", b"Bearer secret"],
        [b"Bearer \xff\x00"],
    ],
)
def test_anything_else_is_no_token(gate: Gate, headers: list[bytes]) -> None:
    assert gate.identify(headers) is None


def test_an_allowance_runs_out_and_fills_again() -> None:
    now = 0.0
    gate = Gate(HttpSettings(limits=LimitSettings(requests_per_s=2.0, burst=3)), clock=lambda: now)
    assert [gate.wait_s("a") for _ in range(3)] == [0.0, 0.0, 0.0]
    assert gate.wait_s("a") == pytest.approx(0.5)
    assert gate.wait_s("b") == 0.0, "another client has its own"
    now = 0.5
    assert gate.wait_s("a") == 0.0
    assert gate.wait_s("a") > 0.0
    now = 1000.0
    assert [gate.wait_s("a") == 0.0 for _ in range(4)] == [True, True, True, False], "never above the burst"


def test_the_clients_remembered_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "MAX_CLIENTS", 10)
    gate = Gate(HttpSettings())
    for number in range(100):
        gate.wait_s(f"address {number}")
    assert len(gate._allowances) == 10
