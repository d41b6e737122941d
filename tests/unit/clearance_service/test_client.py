"""The client of an acquisition PC: sends again until it is told, and never takes silence for a yes."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import httpx
import pytest

from screening.clearance.service.client import RecordClient, ServiceUnavailableError, post_records
from screening.errors import ConfigurationError
from screening.records import sha256_hex

Answer = tuple[int, dict[str, str], bytes | None]


class _Receiver(HTTPServer):
    """Answers as it was told, the last answer for ever; None closes the connection without a word."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.script: list[Answer] = []
        self.bodies: list[bytes] = []
        self.tokens: list[str | None] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.bodies.append(body)
        self.server.tokens.append(self.headers["Authorization"])
        status, headers, said = self.server.script.pop(0) if self.server.script else (200, {}, b"")
        if said is None:
            self.close_connection = True
            return
        if not said and status == 200:
            said = _accept(body)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def _accept(body: bytes) -> bytes:
    records = [
        {
            "sha256": hashlib.sha256(line).hexdigest(),
            "status": "ACCEPTED",
            "failure": None,
            "text": "",
        }
        for line in body.split(b"\n")
    ]
    return json.dumps({"mode": "OPS", "records": records}).encode()


@pytest.fixture
def receiver() -> Iterator[_Receiver]:
    with _Receiver() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def _client(receiver: _Receiver, waits: list[float], **options: Any) -> RecordClient:
    return RecordClient(receiver.url, sleep=waits.append, chance=lambda: 1.0, **options)


def test_records_are_answered_one_by_one(receiver: _Receiver) -> None:
    taken = post_records(receiver.url, [b'{"a":1}', b'{"b":2}'], "secret")
    assert [one.sha256 for one in taken] == [hashlib.sha256(b).hexdigest() for b in (b'{"a":1}', b'{"b":2}')]
    assert receiver.tokens == ["Bearer secret"]


@pytest.mark.parametrize(
    "answer",
    [
        (503, {}, b'{"detail":"away"}'),
        (500, {}, b"not json"),
        (429, {}, b"{}"),
        (408, {"Connection": "close"}, b"{}"),
        (0, {}, None),
    ],
)
def test_what_passes_is_waited_out(receiver: _Receiver, answer: Answer) -> None:
    receiver.script = [answer, answer]
    waits: list[float] = []
    with _client(receiver, waits) as client:
        assert [one.status for one in client.post([b"{}"])] == ["ACCEPTED"]
    assert waits == [0.25, 0.5], "longer each time"
    assert len(receiver.bodies) == 3
    assert len(set(receiver.bodies)) == 1


def test_the_service_says_how_long_to_wait(receiver: _Receiver) -> None:
    receiver.script = [(429, {"Retry-After": "7"}, b"{}"), (429, {"Retry-After": "100000"}, b"{}")]
    waits: list[float] = []
    with _client(receiver, waits) as client:
        client.post([b"{}"])
    assert waits == [7.0, 30.0], "within reason"


def test_an_acknowledgement_that_does_not_fit_is_none(receiver: _Receiver) -> None:
    short = _accept(b"{}")
    receiver.script = [(200, {}, short), (200, {}, b"<html>a proxy</html>"), (200, {}, b'{"records":[{}]}')]
    with _client(receiver, []) as client, pytest.raises(ServiceUnavailableError):
        client.post([b'{"a":1}', b'{"b":2}'])


@pytest.mark.parametrize("status", [401, 403, 413, 415, 404])
def test_what_will_not_pass_is_not_tried_again(receiver: _Receiver, status: int) -> None:
    receiver.script = [(status, {}, b'{"detail":"no"}')]
    waits: list[float] = []
    with _client(receiver, waits) as client, pytest.raises(ServiceUnavailableError, match="no") as caught:
        client.post([b"{}"])
    assert caught.value.status == status
    assert waits == []


def test_it_gives_up_in_the_end_and_says_why(receiver: _Receiver) -> None:
    receiver.script = [(503, {}, b'{"detail":"away"}')] * 3
    with _client(receiver, [], attempts=3) as client, pytest.raises(ServiceUnavailableError, match="away"):
        client.post([b"{}"])
    assert len(receiver.bodies) == 3


def test_nobody_at_the_address_is_an_error_of_the_family() -> None:
    with RecordClient("http://127.0.0.1:9", attempts=1) as client, pytest.raises(ServiceUnavailableError):
        client.post([b"{}"])


@pytest.mark.parametrize("url", ["ftp://x", "127.0.0.1:80", "http://", "", "http://clearance.example:8460"])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError):
        RecordClient(url)


def test_many_records_travel_in_several_posts_and_keep_their_order(receiver: _Receiver) -> None:
    bodies = [b'{"n":%d}' % number for number in range(600)]
    bodies[300] = b"two\nlines"
    bodies[301] = b"x" * ((4 << 20) + 1)
    taken = post_records(receiver.url, bodies)
    assert [one.sha256 for one in taken] == [hashlib.sha256(body).hexdigest() for body in bodies]
    assert [one.failure for one in taken[299:303]] == [None, "MALFORMED", "TOO_LARGE", None]
    assert [body.count(b"\n") + 1 for body in receiver.bodies] == [256, 44, 256, 42]


def test_it_speaks_with_the_service(client: httpx.Client, seal_flag: Callable[..., bytes]) -> None:
    url = str(client.base_url)
    good, other_lane = seal_flag(1), seal_flag(2, lane="2")
    taken = post_records(url, [good, other_lane], "send")
    assert [(one.status, one.failure) for one in taken] == [("ACCEPTED", None), ("REFUSED", "WRONG_LANE")]
    (one,) = post_records(url, [b"{}"], "send")
    assert (one.status, one.failure) == ("REFUSED", "MALFORMED")
    with pytest.raises(ServiceUnavailableError, match="401"):
        post_records(url, [good], "wrong")


def test_a_token_with_a_line_end_is_taken_and_one_with_more_is_refused_unshown() -> None:
    secret = sha256_hex(b"token")
    client = RecordClient("http://127.0.0.1:1", token=f" {secret}\r\n")
    assert client._headers["Authorization"] == f"Bearer {secret}"
    for token in (f"{secret}\nX-More: 1", f"{secret} 2", f"{secret}\0", f"{secret}é", "", " \n"):
        with pytest.raises(ConfigurationError) as caught:
            RecordClient("http://127.0.0.1:1", token=token)
        assert secret not in f"{caught.value!r} {caught.value.value}"
        assert caught.value.__cause__ is None
