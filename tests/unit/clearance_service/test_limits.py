"""Floods: who asks too often waits, and nobody else does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import msgspec
import pytest

from screening.clearance.service.serve import running_server
from screening.clearance.service.service import Service
from screening.clearance.settings import ClearanceSettings, LimitSettings


@pytest.fixture
def narrow(site: ClearanceSettings, telling: Any) -> Iterator[httpx.Client]:
    limits = LimitSettings(requests_per_s=0.5, burst=3, connections=4, stream_s=5, streams=1)
    site = msgspec.structs.replace(site, http=msgspec.structs.replace(site.http, limits=limits))
    with running_server(Service(telling, site), site) as url, httpx.Client(base_url=url) as client:
        yield client


def test_a_flood_is_told_to_come_back_later(
    narrow: httpx.Client, bearer: Callable[[str], dict[str, str]]
) -> None:
    statuses = [narrow.get("/v1/cases/X", headers=bearer("read")).status_code for _ in range(5)]
    assert statuses == [404, 404, 404, 429, 429]
    response = narrow.get("/v1/cases/X", headers=bearer("read"))
    assert response.headers["content-type"] == "application/problem+json"
    assert 1 <= int(response.headers["retry-after"]) <= 2
    assert narrow.get("/v1/cases/X", headers=bearer("admin")).status_code == 404, "another token"


def test_guesses_at_tokens_are_counted_together(narrow: httpx.Client) -> None:
    guesses = [
        narrow.get("/v1/cases", headers={"Authorization": f"Bearer {guess}"}).status_code
        for guess in range(5)
    ]
    assert guesses == [401, 401, 401, 429, 429]


def test_connections_are_bounded(narrow: httpx.Client) -> None:
    import socket

    address = (narrow.base_url.host, narrow.base_url.port or 0)
    held = [socket.create_connection(address, timeout=5) for _ in range(4)]
    try:
        with socket.create_connection(address, timeout=5) as one_more:
            assert one_more.recv(1000).startswith(b"HTTP/1.1 503 ")
    finally:
        for connection in held:
            connection.close()


@pytest.mark.usefixtures("lane")
def test_an_exercise_says_so_in_every_answer(site: ClearanceSettings, telling: Any) -> None:
    site = msgspec.structs.replace(site, is_exercise=True)
    with running_server(Service(telling, site), site) as url, httpx.Client(base_url=url) as client:
        read = {"Authorization": "Bearer read"}
        for path in ("/v1/health", "/v1/cases/X", "/nowhere", "/v1/decisions/" + "0" * 63):
            response = client.get(path, headers=read)
            assert response.headers["screening-mode"] == "EXERCISE"
            assert response.json()["mode"] == "EXERCISE"
