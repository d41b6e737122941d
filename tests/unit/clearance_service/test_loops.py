"""The decider goes on: at once while there is work, after a pause when there was none or it failed."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest

from screening.clearance.service import loops
from screening.clearance.service.loops import Loop
from screening.errors import StoreError


def _run(answers: list[bool | Exception], *, interval_s: float = 0.01) -> tuple[Loop, int]:
    """Run a loop until it has done what is in the list, and return how often it looked."""
    left = list(answers)
    n_looks = 0

    async def main() -> Loop:
        def work() -> bool:
            nonlocal n_looks
            n_looks += 1
            answer = left.pop(0) if left else False
            if isinstance(answer, Exception):
                raise answer
            return answer

        with ThreadPoolExecutor(1) as executor:
            loop = Loop(work, executor, interval_s=interval_s)
            task = asyncio.create_task(loop.run())
            async with asyncio.timeout(5):
                while left:
                    await asyncio.sleep(0.005)
                await asyncio.sleep(0.05)
            loop.stop()
            await task
            return loop

    return asyncio.run(main()), n_looks


def test_work_goes_on_without_a_pause_while_there_is_more() -> None:
    loop, n_looks = _run([True, True, False], interval_s=60.0)
    assert n_looks == 3, "and then it waits for its time, or to be woken"
    assert loop.is_good


@pytest.mark.parametrize("error", [StoreError("away"), RuntimeError("a defect")])
def test_an_error_ends_nothing(
    error: Exception, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(loops, "_FIRST_WAIT_S", 0.01)
    loop, n_looks = _run([error, error, True])
    assert n_looks > 3
    assert loop.is_good
    assert caplog.records


def test_a_loop_that_fails_says_so(caplog: pytest.LogCaptureFixture) -> None:
    loop, _ = _run([StoreError("away")])
    assert not loop.is_good
    assert loop.n_failed == 1


def test_it_rests_between_looks_however_often_it_is_woken() -> None:
    looks: list[float] = []

    async def main() -> None:
        def work() -> bool:
            looks.append(time.monotonic())
            return False

        with ThreadPoolExecutor(1) as executor:
            loop = Loop(work, executor, interval_s=60.0, rest_s=0.1)
            task = asyncio.create_task(loop.run())
            for _ in range(60):
                loop.wake()
                await asyncio.sleep(0.005)
            loop.stop()
            await task

    asyncio.run(main())
    assert len(looks) >= 2, "a wake is not lost"
    assert min(later - sooner for sooner, later in pairwise(looks)) >= 0.095


def test_a_failure_that_stays_is_logged_once_and_so_is_its_end(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(loops, "_FIRST_WAIT_S", 0.001)
    _run([StoreError("away")] * 5 + [True])
    assert [record.getMessage() for record in caplog.records] == ["deciding: away", "deciding: goes on"]
