"""The webhook: who may be sent to, what is signed, and what an answer means."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from datetime import UTC, datetime, timedelta

import pytest

from screening.clearance import KeyRing, VerificationError
from screening.clearance.settings import SinkSettings
from screening.clearance.sinks import SinkContext, SinkError
from screening.clearance.sinks.sample_messages import sample_signer
from screening.clearance.sinks.webhook import REPLAY_WINDOW_S, WebhookSink, signed_headers, verify_webhook
from screening.errors import ConfigurationError
from screening.records import sha256_hex

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)

KEYS = KeyRing([sample_signer().public])


def test_the_body_is_the_record_and_the_request_verifies(receiver, make_webhook, messages):
    make_webhook().deliver(messages[0])
    ((headers, body),) = receiver.requests
    assert body == messages[0].body
    assert headers["Idempotency-Key"] == messages[0].key
    assert headers["Host"] == f"receiver.test:{receiver.port}"
    assert verify_webhook(headers, body, KEYS, at=NOW) == "clearance/1"


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299, 409])
def test_taken_or_known_is_done(receiver, make_webhook, messages, status):
    receiver.answer = status
    make_webhook().deliver(messages[0])


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 413, 422, 451, 300, 301, 302, 307, 308])
def test_a_refusal_and_a_redirect_are_permanent(receiver, make_webhook, messages, status):
    receiver.answer = (status, {"Location": f"http://127.0.0.1:{receiver.port}/elsewhere"}, b"no such case")
    with pytest.raises(SinkError, match=f"answered {status}: no such case") as caught:
        make_webhook().deliver(messages[0])
    assert not caught.value.is_retryable
    assert len(receiver.requests) == 1  # and nothing was followed


@pytest.mark.parametrize("status", [408, 429, 500, 501, 502, 503, 504, 599])
def test_trouble_of_the_receiver_is_tried_again(receiver, make_webhook, messages, status):
    receiver.answer = status if status != 599 else (599, {"Retry-After": "soon"}, b"")
    with pytest.raises(SinkError) as caught:
        make_webhook().deliver(messages[0])
    assert caught.value.is_retryable
    assert caught.value.retry_after_s is None


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("17", 17.0), ("Sun, 01 Mar 2026 12:01:00 GMT", 60.0), ("Sun, 01 Mar 2026 11:00:00 GMT", 0.0),
     ("-5", None), ("9" * 400, 999999999.0), ("", None)],
)  # fmt: skip
def test_retry_after_is_read_as_seconds_or_as_a_date(receiver, make_webhook, messages, text, seconds):
    receiver.answer = (503, {"Retry-After": text}, b"")
    with pytest.raises(SinkError) as caught:
        make_webhook().deliver(messages[0])
    assert caught.value.retry_after_s == seconds


def test_a_lost_acknowledgement_is_tried_again(receiver, make_webhook, messages):
    receiver.answer = lambda handler: handler.connection.shutdown(socket.SHUT_RDWR)
    with pytest.raises(SinkError) as caught:
        make_webhook().deliver(messages[0])
    assert caught.value.is_retryable


def _drip_headers(handler):
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
    for _ in range(100):
        handler.wfile.write(b"x-a: b\r\n")
        time.sleep(0.05)


def _drip_body(handler):
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")
    for _ in range(100):
        handler.wfile.write(b"x")
        time.sleep(0.05)


def test_an_answer_that_never_ends_is_cut_off_in_time(receiver, make_webhook, messages):
    receiver.answer = lambda handler: _quietly(_drip_headers, handler)
    started = time.monotonic()
    with pytest.raises(SinkError, match="out of time") as caught:
        make_webhook(timeout_s=0.4).deliver(messages[0])
    assert time.monotonic() - started < 2
    assert caught.value.is_retryable


def test_a_status_that_came_counts_though_the_rest_did_not(receiver, make_webhook, messages):
    receiver.answer = lambda handler: _quietly(_drip_body, handler)
    started = time.monotonic()
    make_webhook(timeout_s=0.4).deliver(messages[0])
    assert time.monotonic() - started < 2


def _quietly(work, handler):
    with contextlib.suppress(OSError):
        work(handler)


def test_time_that_runs_out_while_connecting_leaves_no_socket_open(make_webhook, messages, monkeypatch):
    opened, real = [], socket.create_connection

    def slowly(*args, **arguments):
        opened.append(real(*args, **arguments))
        time.sleep(0.3)
        return opened[0]

    monkeypatch.setattr(socket, "create_connection", slowly)
    with pytest.raises(SinkError, match="out of time"):
        make_webhook(timeout_s=0.2).deliver(messages[0])
    assert opened[0].fileno() == -1


def test_a_large_answer_is_not_read(receiver, make_webhook, messages):
    receiver.answer = (400, {}, b"y" * (8 << 20))
    with pytest.raises(SinkError) as caught:
        make_webhook().deliver(messages[0])
    assert len(str(caught.value)) < 300


def test_what_is_no_http_is_tried_again(receiver, make_webhook, messages):
    receiver.answer = lambda handler: handler.wfile.write(b"\x00\xffnot http\r\n" * 10)
    with pytest.raises(SinkError) as caught:
        make_webhook().deliver(messages[0])
    assert caught.value.is_retryable


def test_nobody_listening_is_tried_again(make_webhook, messages):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(SinkError) as caught:
        make_webhook(url=f"http://receiver.test:{port}/").deliver(messages[0])
    assert caught.value.is_retryable


def test_the_connection_goes_to_the_address_that_was_looked_at(receiver, make_webhook, messages):
    answers = [["127.0.0.1"], ["10.0.0.1"]]  # a name that changes its mind
    sink = make_webhook(lookup=lambda host, port: answers.pop(0))
    sink.deliver(messages[0])
    assert answers == [["10.0.0.1"]]  # asked once
    with pytest.raises(SinkError, match="nothing was sent"):
        sink.deliver(messages[0])
    assert len(receiver.requests) == 1


def test_loopback_is_refused_unless_the_settings_name_it(receiver, make_webhook, messages):
    with pytest.raises(SinkError, match="neither public nor"):
        make_webhook(networks=[]).deliver(messages[0])
    assert receiver.requests == []


def test_plain_http_beyond_loopback_is_refused(make_webhook, messages):
    sink = make_webhook(lookup=lambda host, port: ["10.0.0.1"], networks=["10.0.0.0/8"])
    with pytest.raises(SinkError, match="http is refused"):
        sink.deliver(messages[0])


def test_a_certificate_of_the_private_authority_is_taken(tls_receiver, authority, make_webhook, messages):
    url = f"https://receiver.test:{tls_receiver.port}/in"
    make_webhook(url=url, ca_file=str(authority["ca"])).deliver(messages[0])
    assert len(tls_receiver.requests) == 1


@pytest.mark.parametrize("wrong", ["authority", "name"])
def test_another_authority_and_another_name_are_refused(
    tls_receiver, authority, make_webhook, messages, wrong
):
    host = "receiver.test" if wrong == "authority" else "other.test"
    changes = {"ca_file": str(authority["ca"])} if wrong == "name" else {}
    sink = make_webhook(url=f"https://{host}:{tls_receiver.port}/in", hosts=[host], **changes)
    with pytest.raises(SinkError, match=r"certificate|CERTIFICATE"):
        sink.deliver(messages[0])
    assert tls_receiver.requests == []


def test_a_handshake_that_never_ends_is_cut_off_in_time(make_webhook, authority, messages):
    with socket.create_server(("127.0.0.1", 0)) as server:
        taken = []
        thread = threading.Thread(target=lambda: taken.append(server.accept()[0]))
        thread.start()
        sink = make_webhook(
            url=f"https://receiver.test:{server.getsockname()[1]}/",
            ca_file=str(authority["ca"]),
            timeout_s=0.4,
        )
        started = time.monotonic()
        with pytest.raises(SinkError) as caught:
            sink.deliver(messages[0])
        assert time.monotonic() - started < 2
        assert caught.value.is_retryable
        thread.join()
        taken[0].close()


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"url": "ftp://receiver.test/"}, "none of http or https"),
        ({"url": "https:///in"}, "none of http or https"),
        ({"url": "https://user:word@receiver.test/"}, "no user, password"),
        ({"url": "https://receiver.test/#part"}, "no user, password or fragment"),
        ({"url": "https://other.test/"}, "other.test is not among its hosts"),
        ({"url": "https://receiver.test@other.test/"}, "no user"),
        ({"url": "https://receiver.test:99999/"}, "url"),
        ({"url": "https://receiver.test/\r\nX: y"}, "more than ASCII"),
        ({"url": "https://receiver.test/a b"}, "more than ASCII"),
        ({"networks": ["everywhere"]}, "networks"),
        ({"ca_file": "/nowhere/ca.pem", "url": "https://receiver.test/"}, "ca_file cannot be read"),
        ({"follow_redirects": True}, "unknown field"),
        ({"timeout_s": 0}, "timeout_s"),
    ],
)
def test_wrong_settings_are_refused_at_the_start(make_webhook, changes, why):
    with pytest.raises(ConfigurationError, match=why):
        make_webhook(**changes)


def test_without_a_key_there_is_no_webhook():
    options = {"url": "https://receiver.test/", "hosts": ["receiver.test"]}
    with pytest.raises(ConfigurationError, match="no key"):
        WebhookSink(SinkSettings(name="hook", kind="webhook", options=options), SinkContext())


def _spoiled(headers, body, how):
    changed = dict(headers)
    if how == "body":
        body += b" "
        changed["Idempotency-Key"] = sha256_hex(body)
    elif how == "key":
        changed["Idempotency-Key"] = "0" * 64
    elif how == "time":
        changed["Screening-Time"] = "2026-03-01T12:00:01.000Z"
    elif how == "kind":
        changed["Screening-Kind"] = "acceptance/1"
    elif how == "key id":
        changed["Screening-Key-Id"] = sample_signer("exercise").key_id
    elif how == "signature":
        changed["Screening-Signature"] = "00" * 64
    elif how == "no time":
        del changed["Screening-Time"]
    elif how == "time without zone":
        changed["Screening-Time"] = "2026-03-01T12:00:00"
    return changed, body


@pytest.mark.parametrize(
    ("how", "failure"),
    [
        ("body", "BAD_SIGNATURE"),
        ("key", "WRONG_ID"),
        ("time", "BAD_SIGNATURE"),
        ("kind", "BAD_SIGNATURE"),
        ("key id", "UNKNOWN_KEY"),
        ("signature", "BAD_SIGNATURE"),
        ("no time", "MALFORMED"),
        ("time without zone", "MALFORMED"),
    ],
)
def test_a_request_that_was_changed_does_not_verify(messages, how, failure):
    headers = signed_headers("clearance/1", messages[0].body, sample_signer(), NOW)
    changed, body = _spoiled(headers, messages[0].body, how)
    with pytest.raises(VerificationError) as caught:
        verify_webhook(changed, body, KEYS, at=NOW)
    assert caught.value.failure == failure


@pytest.mark.parametrize("sign", [-1, 1])
def test_a_request_played_again_later_does_not_verify(messages, sign):
    headers = signed_headers("clearance/1", messages[0].body, sample_signer(), NOW)
    inside, outside = (NOW + sign * timedelta(seconds=REPLAY_WINDOW_S + s) for s in (0, 1))
    assert verify_webhook(headers, messages[0].body, KEYS, at=inside) == "clearance/1"
    with pytest.raises(VerificationError, match="off this clock"):
        verify_webhook(headers, messages[0].body, KEYS, at=outside)


def test_a_request_of_an_exercise_counts_in_exercises_alone(messages):
    headers = signed_headers("clearance/1", messages[0].body, sample_signer("exercise"), NOW)
    keys = KeyRing([sample_signer("exercise").public])
    with pytest.raises(VerificationError) as caught:
        verify_webhook(headers, messages[0].body, keys, at=NOW)
    assert caught.value.failure == "EXERCISE_KEY"
    assert verify_webhook(headers, messages[0].body, keys, at=NOW, allow_exercise=True)
