"""Floods: who asks too often waits, and nobody else does."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import msgspec
import pytest

from screening.clearance.service.bodies import ByteBudget
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


def test_one_address_leaves_room_for_others(site: ClearanceSettings, telling: Any) -> None:
    import socket

    limits = LimitSettings(connections=8, connections_per_address=3)
    site = msgspec.structs.replace(site, http=msgspec.structs.replace(site.http, limits=limits))
    with running_server(Service(telling, site), site) as url:
        address = ("127.0.0.1", int(url.rsplit(":", 1)[1]))
        held = [socket.create_connection(address, timeout=5) for _ in range(3)]
        try:
            with socket.create_connection(address, timeout=5) as one_more:
                assert one_more.recv(1000).startswith(b"HTTP/1.1 503 ")
            with socket.create_connection(address, timeout=5, source_address=("127.0.0.2", 0)) as other:
                other.sendall(b"GET /v1/health HTTP/1.1\r\nHost: x\r\n\r\n")
                assert other.recv(1000).startswith(b"HTTP/1.1 200 ")
        finally:
            for connection in held:
                connection.close()


def test_streams_are_bounded_also_for_those_who_ask_together(
    site: ClearanceSettings, telling: Any, bearer: Callable[[str], dict[str, str]]
) -> None:
    telling.decisions_since = lambda first, limit: []
    limits = LimitSettings(streams=2, stream_s=1.0)
    site = msgspec.structs.replace(site, http=msgspec.structs.replace(site.http, limits=limits))
    service = Service(telling, site)
    statuses: list[int] = []

    def follow() -> None:
        with httpx.stream("GET", f"{url}/v1/decisions/stream", headers=bearer("read"), timeout=10) as answer:
            statuses.append(answer.status_code)
            answer.read()

    with running_server(service, site) as url:
        for _ in range(2):  # and what ended leaves its place
            statuses.clear()
            threads = [threading.Thread(target=follow) for _ in range(12)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert sorted(statuses) == [200] * 2 + [503] * 10
            end = time.monotonic() + 5
            while service.n_streams:  # the last chunk is read before the stream is over
                assert time.monotonic() < end
                time.sleep(0.01)


def test_what_all_send_together_is_bounded(
    site: ClearanceSettings, telling: Any, bearer: Callable[[str], dict[str, str]]
) -> None:
    """Each body may be small enough, and all of them more than there is memory for."""
    service = Service(telling, site)
    service.incoming = ByteBudget(1000)
    with running_server(service, site) as url, httpx.Client(base_url=url) as client:
        headers = {**bearer("send"), "Content-Type": "application/json"}
        refused = client.post("/v1/records", content=b"{" + b" " * 2000, headers=headers)
        assert refused.status_code == 503
        assert "retry-after" in refused.headers
        for _ in range(3):  # what was held is given back, whatever came of it
            assert client.post("/v1/records", content=b"{" + b" " * 900, headers=headers).status_code == 200


@pytest.mark.usefixtures("lane")
def test_an_exercise_says_so_in_every_answer(site: ClearanceSettings, telling: Any) -> None:
    site = msgspec.structs.replace(site, is_exercise=True)
    with running_server(Service(telling, site), site) as url, httpx.Client(base_url=url) as client:
        read = {"Authorization": "Bearer read"}
        for path in ("/v1/health", "/v1/cases/X", "/nowhere", "/v1/decisions/" + "0" * 63):
            response = client.get(path, headers=read)
            assert response.headers["screening-mode"] == "EXERCISE"
            assert response.json()["mode"] == "EXERCISE"
