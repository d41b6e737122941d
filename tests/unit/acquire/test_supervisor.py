"""A child that crashes, hangs or babbles costs one scan, which is UNKNOWN, and nothing else."""

from __future__ import annotations

import asyncio
import sys
import time

import pytest

from screening.acquire.scan_entry import Place, ScanEntry, new_scan_id
from screening.acquire.supervisor import AnalysisAnswer, AnalysisChild, ChildStart
from screening.acquire.unanswered import AnalysisTimeoutError, unanswered_report
from screening.errors import ConfigurationError, ModelError
from screening.records import FlagModality, Level, OperatingMode, ReasonCode

PRELUDE = """
import json, os, struct, sys, time
def read():
    head = sys.stdin.buffer.read(4)
    return json.loads(sys.stdin.buffer.read(struct.unpack("<I", head)[0])) if len(head) == 4 else sys.exit()
def write(message):
    body = json.dumps(message).encode()
    sys.stdout.buffer.write(struct.pack("<I", len(body)) + body)
    sys.stdout.buffer.flush()
read()
"""


def _child(code: str, *, deadline_s: float = 5.0) -> AnalysisChild:
    return AnalysisChild(
        ChildStart(spool="s", archive="a", config=""),
        start_deadline_s=20.0,
        deadline_s=deadline_s,
        command=(sys.executable, "-c", PRELUDE + code),
    )


def _entry(kind: str = "rpm") -> ScanEntry:
    place = Place(1, 32, 0, 0, 100)
    return ScanEntry(
        scan_id=new_scan_id(),
        site="T",
        lane="P1",
        kind=kind,  # type: ignore[arg-type]
        mode=OperatingMode.OPS,
        first=place,
        last=place,
        n_bytes=1,
        began_ns=time.time_ns(),
        ended_ns=time.time_ns(),
    )


def _answers(code: str, n: int = 1, *, deadline_s: float = 5.0) -> list[AnalysisAnswer]:
    async def run() -> list[AnalysisAnswer]:
        child = _child(code, deadline_s=deadline_s)
        try:
            return [await child.analyse(_entry()) for _ in range(n)]
        finally:
            await child.stop()

    return asyncio.run(run())


def test_answers_come_back() -> None:
    code = 'write({})\nwhile True:\n    write({"error": None, "archive": read()["scan_id"] + ".h5"})'
    answers = _answers(code, 3)
    assert len({answer.archive for answer in answers}) == 3


def test_a_crash_is_an_error_and_the_next_scan_is_served() -> None:
    code = "write({})\nread()\nos._exit(7)"
    answers = _answers(code, 2)
    assert [answer.reason for answer in answers] == [ReasonCode.MODEL_ERROR] * 2


@pytest.mark.parametrize("where", ["before", "after"])
def test_a_hang_ends_at_the_deadline(where: str) -> None:
    hang = "time.sleep(60)"
    code = (
        f"write({{}})\nread()\n{hang}" if where == "after" else "write({})\nread()\nwrite({})\ntime.sleep(60)"
    )
    started = time.monotonic()
    answers = _answers(code, 1 if where == "after" else 2, deadline_s=0.5)
    assert answers[-1].reason is ReasonCode.TIMEOUT
    assert time.monotonic() - started < 20


@pytest.mark.parametrize(
    "babble", ["b'\\xff\\xff\\xff\\xff'", "b'\\x03\\x00\\x00\\x00[1]'", "b'\\x05\\x00\\x00\\x00{\"a'"]
)
def test_babble_is_an_error(babble: str) -> None:
    code = f"write({{}})\nread()\nsys.stdout.buffer.write({babble})\nsys.stdout.buffer.flush()\nos._exit(0)"
    (answer,) = _answers(code)
    assert answer.reason is ReasonCode.MODEL_ERROR


def test_settings_that_a_child_refuses_are_the_users_to_mend() -> None:
    async def run() -> None:
        child = _child('write({"error": "no such key"})')
        with pytest.raises(ConfigurationError, match="no such key"):
            await child.start()

    asyncio.run(run())


@pytest.mark.parametrize(
    ("kind", "modality"),
    [("rpm", FlagModality.RAD_GROSS), ("n42", FlagModality.RAD_SPECTRAL), ("linestream", FlagModality.XRAY)],
)
def test_a_scan_without_an_answer_is_unknown_with_its_reason(kind: str, modality: FlagModality) -> None:
    child = _child("")
    for error, code in (
        (AnalysisTimeoutError("too long"), ReasonCode.TIMEOUT),
        (ModelError("crashed"), ReasonCode.MODEL_ERROR),
    ):
        report = unanswered_report(_entry(kind), error, child.provenance)
        (flag,) = report.flags
        assert report.level is flag.level is Level.UNKNOWN
        assert flag.modality is modality
        assert code in {reason.code for reason in flag.reasons}
