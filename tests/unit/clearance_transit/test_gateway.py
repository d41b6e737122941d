"""The gateway's server: the same events whatever the stream looks like, and nobody holds it up."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
import tracemalloc

import pytest

from screening.clearance.transit.gateway import GatewayLimits, GatewayServer

pytestmark = pytest.mark.timeout(60)


@pytest.fixture
def serve(desk):
    """Start servers; each stops at the end."""
    running = contextlib.ExitStack()

    def start(**limits):
        server = running.enter_context(GatewayServer(desk.take, limits=GatewayLimits(**limits)))
        stop = threading.Event()
        thread = threading.Thread(target=server.serve, args=(stop,))
        thread.start()
        running.callback(thread.join)
        running.callback(stop.set)
        return server

    with running:
        yield start


@contextlib.contextmanager
def connected(server):
    with socket.create_connection(server.address, timeout=20) as peer, peer.makefile("rb") as answers:
        yield peer, answers


def answers_to(server, stream, *, cut=0):
    """Send a stream whole, or in pieces; return what the server answered until it ended."""
    with connected(server) as (peer, answers):
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        pieces = [stream] if not cut else [stream[i : i + cut] for i in range(0, len(stream), cut)]
        for piece in pieces:
            peer.sendall(piece)
        peer.shutdown(socket.SHUT_WR)
        return [json.loads(line) for line in answers]


def until(condition, seconds=10.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_each_line_is_acknowledged_after_it_was_taken(serve, desk, lines):
    server = serve()
    with connected(server) as (peer, answers):
        for n, line in enumerate(lines(3), 1):
            peer.sendall(line + b"\n")
            answer = json.loads(answers.readline())
            assert (answer["line"], answer["status"]) == (n, "ACCEPTED")
            assert desk.bodies[-1] == line


@pytest.mark.parametrize("cut", [0, 1, 7])
def test_one_byte_segments_and_merged_lines_give_the_same_events(cut, serve, desk, lines):
    sent = lines(4)
    found = answers_to(serve(), b"\r\n\n".join(sent) + b"\n", cut=cut)
    assert [answer["status"] for answer in found] == ["ACCEPTED"] * 4
    assert desk.bodies == sent


def test_garbage_between_lines_is_refused_and_costs_no_event(serve, desk, lines):
    one, two = lines(2)
    found = answers_to(serve(), one + b"\n\x00\xff{]\n" + one[:-9] + b"\n" + two + b"\n" + one + b"\n")
    assert [answer["status"] for answer in found] == ["ACCEPTED", "REFUSED", "REFUSED", "ACCEPTED", "KNOWN"]
    assert [answer.get("failure") for answer in found][1:3] == ["MALFORMED", "MALFORMED"]
    assert desk.bodies == [one, two]


def test_half_a_line_at_the_end_is_not_taken(serve, desk, lines):
    server = serve()
    assert answers_to(server, lines(1)[0]) == []
    until(lambda: server.counts.cut_off == 1)
    assert desk.bodies == []


def test_a_line_of_a_gibibyte_is_refused_and_the_next_is_taken(serve, desk, lines):
    server = serve(line_timeout_s=50.0)
    piece = b"x" * (1 << 20)
    with connected(server) as (peer, answers):
        tracemalloc.start()
        for _ in range(1024):
            peer.sendall(piece)
        peer.sendall(b"\n" + lines(1)[0] + b"\n")
        found = [json.loads(answers.readline()) for _ in range(2)]
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert [(one["status"], one.get("failure")) for one in found] == [
        ("REFUSED", "TOO_LONG"),
        ("ACCEPTED", None),
    ]
    assert peak < 8 << 20


def test_what_the_desk_could_not_store_is_not_acknowledged_and_is_taken_when_sent_again(serve, desk, lines):
    server, stream = serve(), b"\n".join(lines(2)) + b"\n"
    desk.failing = 1
    found = answers_to(server, stream)
    assert {answer["status"] for answer in found} == {"NOT_STORED"}
    assert desk.bodies == []
    assert [answer["status"] for answer in answers_to(server, stream)] == ["ACCEPTED"] * 2


def test_a_batch_that_fails_is_tried_sender_by_sender(desk, lines):
    one, two = lines(2)
    take = desk.take

    def poisoned(bodies):
        if one in bodies:
            raise RuntimeError("a defect met by one line")
        return take(bodies)

    with GatewayServer(poisoned) as server, connected(server) as first, connected(server) as second:
        first[0].sendall(one + b"\n")
        second[0].sendall(two + b"\n")
        until(lambda: server.serve_once(0.05) or server.counts.not_stored + server.counts.accepted == 2)
        assert json.loads(first[1].readline())["status"] == "NOT_STORED"
        assert json.loads(second[1].readline())["status"] == "ACCEPTED"
    assert desk.bodies == [two]


def test_lines_of_several_senders_share_one_commit(desk, lines):
    sent = lines(3)
    with GatewayServer(desk.take) as server, contextlib.ExitStack() as open_:
        peers = [open_.enter_context(connected(server)) for _ in sent]
        until(lambda: server.serve_once(0.05) or server.counts.connections == 3)
        for (peer, _), line in zip(peers, sent, strict=True):
            peer.sendall(line + b"\n")
        time.sleep(0.1)
        server.serve_once(0.1)
    assert desk.calls == [3]


def test_a_slow_sender_is_disconnected_and_nobody_waits_for_him(serve, desk, lines):
    server = serve(line_timeout_s=0.3)
    with connected(server) as (slow, slow_answers):
        slow.sendall(b"{")
        assert [answer["status"] for answer in answers_to(server, lines(1)[0] + b"\n")] == ["ACCEPTED"]
        for _ in range(20):  # a byte now and then does not help him
            with contextlib.suppress(OSError):
                slow.sendall(b"x")
            time.sleep(0.05)
        with contextlib.suppress(ConnectionError):
            assert slow_answers.read() == b""
    assert server.counts.timed_out == 1


def test_a_silent_connection_ends(serve):
    server = serve(idle_timeout_s=0.2)
    with connected(server) as (_, answers):
        assert answers.read() == b""
    assert server.counts.timed_out == 1


def test_a_sender_that_reads_no_answers_is_waited_for_and_then_disconnected(serve, desk, lines):
    server = serve(answer_timeout_s=0.5, refused_lines=10**9, lines_per_s=1e9, burst=10**9)
    with socket.socket() as peer:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        peer.settimeout(20)
        peer.connect(server.address)
        with contextlib.suppress(OSError):  # the server closes; how far it was read does not matter
            for _ in range(100_000):
                peer.sendall(b"garbage\n" * 1000)
        until(lambda: server.counts.timed_out == 1)


def test_more_connections_than_granted_are_turned_away(serve, lines):
    server = serve(connections=2)
    with connected(server), connected(server):
        until(lambda: server.counts.connections == 2)
        with connected(server) as (_, answers):
            assert json.loads(answers.readline()) == {"status": "BUSY"}

    def is_served_again() -> bool:
        # What was sent to a connection that is turned away may reset it before its answer is read.
        with contextlib.suppress(ConnectionError):
            return answers_to(server, lines(1)[0] + b"\n")[0]["status"] != "BUSY"
        return False

    until(is_served_again)
    assert server.counts.turned_away >= 1


def test_one_address_leaves_room_for_the_gateways_of_others(serve, lines):
    server = serve(connections=8, connections_per_address=2)
    with connected(server), connected(server):
        until(lambda: server.counts.connections == 2)
        with connected(server) as (_, answers):
            assert json.loads(answers.readline()) == {"status": "BUSY"}
        with socket.create_connection(server.address, timeout=20, source_address=("127.0.0.2", 0)) as other:
            other.sendall(lines(1)[0] + b"\n")
            assert json.loads(other.makefile("rb").readline())["status"] == "ACCEPTED"
    assert server.counts.turned_away == 1


def test_new_connections_come_at_a_bounded_rate(serve):
    server = serve(connections_per_s=5.0)
    begun = time.monotonic()
    for _ in range(8):
        assert answers_to(server, b"") == []
    assert time.monotonic() - begun > 0.4  # five at once, three more at a fifth of a second each


def test_lines_come_at_a_bounded_rate_and_none_is_lost(serve, desk, lines):
    sent = lines(12)
    begun = time.monotonic()
    with connected(serve(lines_per_s=10.0, burst=2)) as (peer, answers):
        for line in sent:
            peer.sendall(line + b"\n")
            answers.readline()
    assert time.monotonic() - begun > 0.7
    assert desk.bodies == sent


def test_nothing_but_garbage_ends_the_connection(serve, desk):
    server = serve(refused_lines=5)
    with connected(server) as (peer, answers):
        peer.sendall(b"garbage\n" * 100)
        with contextlib.suppress(ConnectionError):
            assert len(answers.readlines()) <= 5
    assert server.counts.refused == 5


def test_a_flood_of_tiny_lines_is_cut_short(serve, desk, lines):
    server = serve()
    with connected(server) as (peer, answers), contextlib.suppress(ConnectionError):
        peer.sendall(b"x\n" * 100_000)
        answers.readlines()
    until(lambda: server.counts.refused == GatewayLimits().refused_lines)
    assert [answer["status"] for answer in answers_to(server, lines(1)[0] + b"\n")] == ["ACCEPTED"]


def test_a_step_back_of_a_readers_clock_is_noted_and_the_event_kept(serve, desk, event):
    from screening.records import canonical_bytes

    sent = [canonical_bytes(event("READ", h, "B")) for h in (5, 4, 6)]
    server = serve()
    found = answers_to(server, b"\n".join([*sent, sent[1]]) + b"\n")
    assert [answer.get("note") for answer in found] == [None, "STEP_BACK", None, None]
    assert desk.bodies == sent
    assert server.counts.step_backs == 1


def test_it_listens_on_loopback_unless_told_otherwise(serve):
    assert serve().address[0] == "127.0.0.1"
