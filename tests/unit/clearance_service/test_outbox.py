"""Dead letters are shown to an administrator, and tried again when one says so."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from screening.clearance.desk.views import OutboxMessage
from screening.errors import StoreError

Bearer = Callable[[str], dict[str, str]]

DEAD = OutboxMessage(
    id=7,
    sink="terminal",
    key="a" * 64,
    container_id="CSQU3054383",
    kind="clearance/1",
    body=b"{}",
    attempts=12,
    log_index=3,
    state="DEAD",
    error="410",
)


@pytest.fixture
def outbox(telling: Any) -> Any:
    def replay(ids: list[int]) -> int:
        if 9 in ids:
            raise StoreError("message 9 was replaced by a later one of its container", value=(9,))
        return len(set(ids) & {7})

    telling.outbox = SimpleNamespace(
        dead=lambda sink: [DEAD] if sink in (None, "terminal") else [], replay=replay
    )
    return telling.outbox


@pytest.mark.usefixtures("outbox")
def test_dead_letters_are_shown_without_their_bodies(told_client: httpx.Client, bearer: Bearer) -> None:
    (letter,) = told_client.get("/v1/outbox/dead", headers=bearer("admin")).json()["messages"]
    assert (letter["id"], letter["sink"], letter["error"]) == (7, "terminal", "410")
    assert "body" not in letter
    other = told_client.get("/v1/outbox/dead?sink=other", headers=bearer("admin"))
    assert other.json()["messages"] == []


@pytest.mark.usefixtures("outbox")
@pytest.mark.parametrize(
    ("ids", "status", "n"),
    [
        ([7], 200, 1),
        ([7.0, 8], 200, 1),
        ([1], 200, 0),
        ([9], 409, None),
        ([], 422, None),
        (["7"], 422, None),
        ([-1], 422, None),
        ([7.5], 422, None),
    ],
)
def test_messages_are_tried_again_when_told(
    told_client: httpx.Client, bearer: Bearer, ids: list[Any], status: int, n: int | None
) -> None:
    response = told_client.post("/v1/outbox/replay", json={"ids": ids}, headers=bearer("admin"))
    assert response.status_code == status, response.text
    assert response.json().get("n_replayed") == n
