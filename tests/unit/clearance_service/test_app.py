"""What the service answers, and to whom: the faults of the list S6 among them."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from screening.clearance import load_signer
from screening.clearance.ledger import leaf_hash, verify_inclusion
from screening.clearance.service.operations import OPERATIONS
from screening.clearance.service.serve import running_server
from screening.clearance.service.service import Service
from screening.clearance.settings import ClearanceSettings
from screening.clearance.sinks.relay import LaneState
from screening.errors import StoreError
from screening.records import (
    ClearanceDecision,
    Crossing,
    canonical_bytes,
    parse_strict,
    sha256_hex,
    utc_string,
)

Seal = Callable[..., bytes]
Bearer = Callable[[str], dict[str, str]]
NDJSON = {"Content-Type": "application/x-ndjson"}
JSON = {"Content-Type": "application/json"}


def _post(client: httpx.Client, bodies: list[bytes], **headers: str) -> httpx.Response:
    headers = {"Authorization": "Bearer send", **NDJSON, **headers}
    return client.post("/v1/records", content=b"\n".join(bodies), headers=headers)


def _wait_for_case(client: httpx.Client, bearer: Bearer) -> dict[str, Any]:
    for _ in range(100):
        cases = client.get("/v1/cases", headers=bearer("read")).json()["cases"]
        if cases and cases[0]["decision_id"]:
            return dict(cases[0])
        time.sleep(0.05)
    raise AssertionError(f"no decision: {cases}")


def _problem(response: httpx.Response, status: int) -> dict[str, Any]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert {"type", "title", "status", "detail", "mode"} <= set(problem)
    assert problem["status"] == status
    assert "Traceback" not in response.text
    return dict(problem)


# Records


def test_a_record_is_accepted_once_and_known_ever_after(client: httpx.Client, seal_flag: Seal) -> None:
    flag = seal_flag()
    for status in ("ACCEPTED", "KNOWN"):
        response = client.post("/v1/records", content=flag, headers={"Authorization": "Bearer send", **JSON})
        assert response.status_code == 200
        (answer,) = response.json()["records"]
        assert (answer["sha256"], answer["status"], answer["failure"]) == (sha256_hex(flag), status, None)


def test_each_record_of_a_post_has_its_own_answer(client: httpx.Client, seal_flag: Seal) -> None:
    good, spoilt = seal_flag(1), seal_flag(2).replace(b'"lane":"1"', b'"lane":"3"')
    reordered = json.dumps(json.loads(seal_flag(3))).encode()
    other_lane = seal_flag(4, lane="2")
    response = _post(client, [good, spoilt, b"{}", reordered, other_lane, good])
    answers = response.json()["records"]
    assert [answer["status"] for answer in answers[:5]] == ["ACCEPTED", *["REFUSED"] * 4]
    assert answers[5]["status"] in ("ACCEPTED", "KNOWN"), "the same record twice in one post is one record"
    failures = [answer["failure"] for answer in answers[1:5]]
    assert failures == ["WRONG_ID", "MALFORMED", "NOT_CANONICAL", "WRONG_LANE"]


def test_a_key_of_a_lane_seals_no_other_kind(client: httpx.Client, lane: Any, bearer: Bearer) -> None:
    from screening.records import SealEvent, canonical_bytes

    at = str(utc_string(datetime.now(UTC)))
    event = lane.seal(SealEvent(container_id="CSQU3054383", seal_id="S", event="SEALED", at=at))
    (answer,) = _post(client, [canonical_bytes(event)]).json()["records"]
    assert answer["failure"] == "WRONG_KIND"


@pytest.mark.parametrize(
    ("age", "failure"), [(timedelta(seconds=-600), "CLOCK"), (timedelta(days=400), "TOO_OLD")]
)
def test_clocks_that_run_ahead_and_old_data_are_refused(
    client: httpx.Client, seal_flag: Seal, age: timedelta, failure: str
) -> None:
    flag = seal_flag(created_at=utc_string(datetime.now(UTC) - age))
    (answer,) = _post(client, [flag]).json()["records"]
    assert (answer["status"], answer["failure"]) == ("REFUSED", failure)


def test_a_post_without_any_record_is_unprocessable(client: httpx.Client) -> None:
    for body in (
        b"",
        b"\n\n",
        b"{",
        b"[]",
        b"null",
        b'{"schema":"clearance/1"}',
        b"\xff\xfe",
        b"[" * 100_000,
    ):
        _problem(_post(client, [body]), 422)
    problem = _problem(_post(client, [b"{", b"{}"]), 422)
    assert [one["failure"] for one in problem["records"]] == ["MALFORMED", "MALFORMED"]


def test_nothing_is_acknowledged_while_it_cannot_be_kept(
    told_client: httpx.Client, telling: Any, seal_flag: Seal
) -> None:
    telling.error = StoreError("no space left on device")
    response = _post(told_client, [seal_flag()])
    assert "device" not in _problem(response, 503)["detail"]
    assert int(response.headers["retry-after"]) >= 1
    telling.error = None
    assert _post(told_client, [seal_flag()]).status_code == 200


def test_a_defect_is_told_in_a_sentence(
    told_client: httpx.Client, telling: Any, seal_flag: Seal, caplog: pytest.LogCaptureFixture
) -> None:
    telling.error = RuntimeError("secret inside")
    assert "secret" not in _post(told_client, [seal_flag()]).text
    _problem(_post(told_client, [seal_flag()]), 500)
    assert "secret inside" in caplog.text, "the log has the whole of it"


# Cases, decisions, the ledger


def test_a_flag_becomes_a_case_a_decision_and_an_entry_of_the_ledger(
    client: httpx.Client, seal_flag: Seal, bearer: Bearer
) -> None:
    from screening.records import Level, Reason, ReasonCode

    alarm = Reason(code=ReasonCode.RAD_NEUTRON, level=Level.HIGH, text="neutrons")
    flag = seal_flag(reasons=(alarm,), level=Level.HIGH, is_severe=True)
    _post(client, [flag])
    case = _wait_for_case(client, bearer)
    assert (case["risk"], case["action"], case["is_open"]) == ("HIGH", "HOLD", True)
    key = case["key"]
    assert client.get(f"/v1/cases/{key}", headers=bearer("read")).json()["case"]["key"] == key
    for wanted, n in (("risk=HIGH", 1), ("risk=LOW", 0), ("action=HOLD", 1), (f"after={key}", 0)):
        assert len(client.get(f"/v1/cases?{wanted}", headers=bearer("read")).json()["cases"]) == n
    records = client.get(f"/v1/cases/{key}/records", headers=bearer("read"))
    assert flag in records.content.splitlines(), "byte for byte"

    decision = client.get(f"/v1/decisions/{case['decision_id']}", headers=bearer("read"))
    assert sha256_hex(decision.content) == case["decision_sha256"]
    assert parse_strict(decision.content, ClearanceDecision).risk == "HIGH"
    page = client.get("/v1/decisions", headers=bearer("read")).json()
    (entry,) = [one for one in page["decisions"] if one["record"]["decision_id"] == case["decision_id"]]
    assert client.get(f"/v1/decisions?after={page['next']}", headers=bearer("read")).json()["decisions"] == []

    head = client.get("/v1/ledger/head", headers=bearer("read")).json()
    index = entry["log_index"]
    proof = client.get(f"/v1/ledger/inclusion/{index}?size={head['size']}", headers=bearer("read")).json()
    assert proof["sha256"] == case["decision_sha256"]
    assert verify_inclusion(
        leaf_hash(decision.content),
        index,
        head["size"],
        [bytes.fromhex(node) for node in proof["path"]],
        bytes.fromhex(head["root"]),
    )
    for path in (f"{head['size']}", f"{index}?size={index}", f"{index}?size={head['size'] + 1}"):
        _problem(client.get(f"/v1/ledger/inclusion/{path}", headers=bearer("read")), 404)


def test_what_arrived_and_never_entered_is_listed_by_pages(
    client: httpx.Client, site: ClearanceSettings, bearer: Bearer
) -> None:
    officer = load_signer(Path(site.key_file))
    boxes = ("CSQU3054383", "MSKU1234565", "TCLU4265727")
    crossings = [
        officer.seal(
            Crossing(
                container_id=box,
                point=point,
                place="USPRR",
                at=str(utc_string(datetime.now(UTC) - timedelta(minutes=ago))),
                administration="US",
            )
        )
        for box, points in zip(boxes, (("ARRIVAL",), ("ENTRY", "ARRIVAL"), ("ARRIVAL",)), strict=True)
        for point, ago in zip(points, (20, 10), strict=False)
    ]
    posted = _post(client, [canonical_bytes(one) for one in crossings])
    assert {one["status"] for one in posted.json()["records"]} == {"ACCEPTED"}, posted.text
    first = client.get("/v1/discrepancies?limit=2", headers=bearer("read")).json()
    rest = client.get(f"/v1/discrepancies?after={first['next']}", headers=bearer("read")).json()
    assert rest["next"] is None
    found = [*first["discrepancies"], *rest["discrepancies"]]
    assert [(one["container_id"], one["code"]) for one in found] == [
        (boxes[0], "NO_ENTRY"),
        (boxes[2], "NO_ENTRY"),
    ]
    assert len(first["discrepancies"]) == 1
    assert found[0]["place"] == "USPRR"
    _problem(client.get("/v1/discrepancies", headers=bearer("send")), 403)


def test_decisions_are_streamed_from_the_event_after_the_last_one_seen(
    client: httpx.Client, seal_flag: Seal, bearer: Bearer
) -> None:
    from screening.records import Level, Reason, ReasonCode

    alarm = Reason(code=ReasonCode.RAD_NEUTRON, level=Level.HIGH, text="neutrons")
    _post(client, [seal_flag(reasons=(alarm,), level=Level.HIGH, is_severe=True)])
    case = _wait_for_case(client, bearer)
    stream = client.get("/v1/decisions/stream?after=-1", headers=bearer("read"))
    assert stream.headers["content-type"].startswith("text/event-stream")
    events = [block for block in stream.text.split("\n\n") if "event: decision" in block]
    fields = dict(line.split(": ", 1) for line in events[-1].splitlines())
    assert sha256_hex(fields["data"].encode()) == case["decision_sha256"]
    last = {"Last-Event-ID": fields["id"], **bearer("read")}
    assert "event: decision" not in client.get("/v1/decisions/stream?after=-1", headers=last).text
    assert "event: decision" not in client.get("/v1/decisions/stream", headers=bearer("read")).text
    _problem(client.get("/v1/decisions/stream", headers={**last, "Last-Event-ID": "x"}), 422)


# Who may ask


@pytest.mark.parametrize("operation", [one for one in OPERATIONS if one.scopes], ids=lambda one: one.name)
def test_every_operation_asks_for_a_token_of_its_scope(
    client: httpx.Client, bearer: Bearer, operation: Any
) -> None:
    path = operation.path.format(key="CSQU3054383", decision_id="0" * 64, index=0)
    for headers in ({}, bearer("wrong"), {"Authorization": "Basic cmVhZA=="}):
        response = client.request(operation.method, path, headers=headers)
        _problem(response, 401)
        assert response.headers["www-authenticate"].startswith("Bearer")
    for scope in {"read", "officer", "admin", "send"} - operation.scopes:
        _problem(client.request(operation.method, path, headers=bearer(scope)), 403)
    for scope in operation.scopes:
        assert client.request(operation.method, path, headers=bearer(scope)).status_code not in (401, 403)


def test_health_and_the_document_are_open_and_say_nothing_of_cases(client: httpx.Client) -> None:
    health = client.get("/v1/health")
    assert health.json()["status"] == "GOOD"
    assert set(health.json()["checks"]) == {"decider", "database"}
    assert health.json()["n_receivers_down"] == 0
    assert client.get("/v1/openapi.json").json()["openapi"].startswith("3.1")


def test_a_database_that_is_away_is_a_state_not_a_silence(
    told_client: httpx.Client, telling: Any, bearer: Bearer
) -> None:
    telling.error = StoreError("away")
    response = told_client.get("/v1/health")
    assert response.status_code == 503
    assert response.json()["checks"]["database"] is False
    assert "away" not in _problem(told_client.get("/v1/cases/X", headers=bearer("read")), 503)["detail"]


def test_a_lane_of_the_relay_that_ended_is_not_good_health(
    site: ClearanceSettings, telling: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Lanes:
        state = LaneState(is_probing=True)

        def start(self) -> None: ...

        def wake(self) -> None: ...

        def stop(self) -> bool:
            return True

        def states(self) -> dict[str, LaneState]:
            return {"port": self.state, "border": LaneState()}

    lanes = Lanes()
    service = Service(telling, site, relay=lanes)  # type: ignore[arg-type]
    with running_server(service, site) as url, httpx.Client(base_url=url) as client:
        health = client.get("/v1/health")
        assert (health.status_code, health.json()["n_receivers_down"]) == (200, 1)
        assert health.json()["checks"]["relay"] is True
        lanes.state = LaneState(is_good=False)
        health = client.get("/v1/health")
        assert (health.status_code, health.json()["checks"]["relay"]) == (503, False)


# What a hostile client sends


@pytest.mark.parametrize(
    "name",
    [
        "../../../etc/passwd",
        "..%2f..%2fetc%2fpasswd",
        "%2e%2e%2f%2e%2e%2fsite.key",
        "%00",
        "%0d%0aX-Injected:%201",
        "<script>alert(1)</script>",
        "%3Cscript%3Ealert(1)%3C/script%3E",
        "' OR 1=1 --",
        "%ff%fe",
        "x" * 5000,
    ],
)
def test_names_that_mean_harm_are_the_names_of_nothing(
    client: httpx.Client, bearer: Bearer, name: str
) -> None:
    for path in (f"/v1/cases/{name}", f"/v1/cases/{name}/records", f"/v1/decisions/{name}"):
        response = client.get(path, headers=bearer("read"))
        _problem(response, 404)
        assert "x-injected" not in response.headers
        assert response.headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in response.headers["content-security-policy"]


@pytest.mark.parametrize(
    "body",
    [
        b'{"schema":"riskflag/1","x":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"schema":"\xff"}',
        b'{"schema":"\\ud800"}',
        b'{"schema":"riskflag/1","n":' + b"9" * 10_000 + b"}",
        b'{"schema":"riskflag/1","n":1e400}',
    ],
    ids=["deep", "no UTF-8", "half a character", "an integer without end", "no float"],
)
def test_what_breaks_readers_of_json_is_malformed_and_no_defect(
    client: httpx.Client, seal_flag: Seal, body: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    problem = _problem(_post(client, [body]), 422)
    assert [one["failure"] for one in problem["records"]] == ["MALFORMED"]
    statuses = [one["status"] for one in _post(client, [body, seal_flag()]).json()["records"]]
    assert statuses == ["REFUSED", "ACCEPTED"]
    assert "defect" not in caplog.text


def test_a_record_that_is_not_in_its_one_form_is_refused_as_a_record(
    client: httpx.Client, seal_flag: Seal
) -> None:
    """To JSON 7.0 and 7 are the same number: the request is one, and nothing in it is taken."""
    answer = _post(client, [seal_flag().replace(b'"background_age_s":', b'"background_age_s": ')])
    assert (answer.status_code, answer.json()["records"][0]["failure"]) == (200, "NOT_CANONICAL")
    listed = (
        b'{"administration":"CA","issued_at":"","next_update":"","number":7.0,"schema":"revocationlist/1"}'
    )
    answer = _post(client, [listed])
    assert (answer.status_code, answer.json()["records"][0]["status"]) == (200, "REFUSED")


def test_a_page_in_a_browser_cannot_post(client: httpx.Client, seal_flag: Seal) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""):
        _problem(_post(client, [seal_flag()], **{"Content-Type": kind}), 415)
    _problem(client.options("/v1/records", headers={"Origin": "https://evil.example"}), 405)
    _problem(_post(client, [seal_flag()], **{"Content-Encoding": "gzip"}), 415)


def test_bodies_are_bounded_whether_they_say_their_size_or_not(client: httpx.Client) -> None:
    headers = {"Authorization": "Bearer send", **NDJSON}
    _problem(client.post("/v1/records", content=b"x" * ((4 << 20) + 1), headers=headers), 413)
    chunks = (b"x" * (1 << 20) for _ in range(5))
    _problem(client.post("/v1/records", content=chunks, headers=headers), 413)
    _problem(_post(client, [b"{}"] * 257), 413)
    _problem(_post(client, [b"\n" * 1000]), 413)


def test_other_methods_and_paths_are_told_so(client: httpx.Client, bearer: Bearer) -> None:
    response = client.delete("/v1/cases", headers=bearer("admin"))
    _problem(response, 405)
    assert "GET" in response.headers["allow"]
    _problem(client.get("/", headers=bearer("read")), 404)
    _problem(client.get("/v1/cases/", headers=bearer("read")), 404)


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=1001", "limit=x", "limit=1&limit=2", "risk=low", "unknown=1", "after=%00", "after="],
)
def test_queries_are_read_strictly(client: httpx.Client, bearer: Bearer, query: str) -> None:
    _problem(client.get(f"/v1/cases?{query}", headers=bearer("read")), 422)


def _talk(client: httpx.Client, *parts: bytes, pause_s: float = 0.0) -> bytes:
    with socket.create_connection(
        (client.base_url.host, client.base_url.port or 0), timeout=10
    ) as connection:
        for part in parts:
            connection.sendall(part)
            time.sleep(pause_s)
        said = b""
        while chunk := connection.recv(65536):
            said += chunk
        return said


def test_a_body_that_never_ends_is_given_up(client: httpx.Client) -> None:
    head = b"POST /v1/records HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer send\r\nContent-Length: 100\r\n"
    said = _talk(client, head + b"Content-Type: application/json\r\n\r\n{")
    assert said.startswith(b"HTTP/1.1 408 ")
    assert b"application/problem+json" in said


def test_a_body_whose_length_is_said_in_two_ways_is_refused(client: httpx.Client) -> None:
    """A proxy that believes the other one would take the rest for the next request, with its own rights."""
    smuggled = b"GET /v1/health HTTP/1.1\r\nHost: x\r\n\r\n"
    with socket.create_connection((client.base_url.host, client.base_url.port or 0), timeout=5) as connection:
        connection.sendall(
            b"POST /v1/records HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 4\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n" + smuggled
        )
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert answer.count(b"HTTP/1.1 ") == 1, "and the connection ends"


def test_long_heads_and_what_is_no_http_end_the_connection(client: httpx.Client) -> None:
    long_head = b"GET /v1/health HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 100_000
    whole = b"GET /v1/health HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 20_000 + b"\r\n\r\n"
    for spoken in (long_head, whole, b"\x16\x03\x01 hello\r\n\r\n"):
        said = _talk(client, spoken)
        assert said.startswith(b"HTTP/1.1 400 ")
        assert b'"status":400' in said


def test_a_head_that_never_ends_is_given_up(client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    from screening.clearance.service import protocol

    monkeypatch.setattr(protocol, "HEAD_S", 0.2)
    assert _talk(client, b"GET /v1/health HTTP/1.1\r\nHost:").startswith(b"HTTP/1.1 408 ")
    assert _talk(client).startswith(b"HTTP/1.1 408 "), "who says nothing at all, too"
