"""The decider goes on: at once while there is work, after a pause when there was none or it failed."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest

from screening.clearance.service import loops
from screening.clearance.service.loops import Loop
from screening.errors import StoreError


def _run(answers: list[int | Exception], interval_s: float = 0.01) -> tuple[Loop, list[int]]:
    told: list[int] = []
    left = list(answers)

    async def main() -> Loop:
        def work() -> int:
            answer = left.pop(0) if left else 0
            if isinstance(answer, Exception):
                raise answer
            return answer

        with ThreadPoolExecutor(1) as executor:
            loop = Loop(work, executor, interval_s=interval_s, on_done=lambda: told.append(len(left)))
            task = asyncio.create_task(loop.run())
            async with asyncio.timeout(5):
                while left:
                    loop.wake()
                    await asyncio.sleep(0.005)
                await asyncio.sleep(0.05)
            loop.stop()
            await task
            return loop

    return asyncio.run(main()), told


def test_what_was_done_is_told_and_work_goes_on_without_a_pause() -> None:
    loop, told = _run([3, 2, 0], interval_s=60.0)
    assert told == [2, 1]
    assert loop.is_good


@pytest.mark.parametrize("error", [StoreError("away"), RuntimeError("a defect")])
def test_an_error_ends_nothing(
    error: Exception, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(loops, "_FIRST_WAIT_S", 0.01)
    loop, told = _run([error, error, 1])
    assert told == [0]
    assert loop.is_good
    assert caplog.records


def test_a_loop_that_fails_says_so(caplog: pytest.LogCaptureFixture) -> None:
    loop, _ = _run([StoreError("away")])
    assert not loop.is_good
    assert loop.n_failed == 1
