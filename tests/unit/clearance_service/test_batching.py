"""Records that arrive together share a transaction, and fail together only when they must."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from screening.clearance.service.batching import Batcher, BatcherFullError
from screening.errors import StoreError


class _Disk:
    """Takes bytes in groups; the first group waits until it is let go."""

    def __init__(self) -> None:
        self.groups: list[list[bytes]] = []
        self.gate = threading.Event()
        self.errors: dict[bytes, Exception] = {}

    def take(self, bodies: Sequence[bytes]) -> list[bytes]:
        if not self.groups:
            self.gate.wait(10)
        self.groups.append(list(bodies))
        for body in bodies:
            if body in self.errors:
                raise self.errors[body]
        return [b"took " + body for body in bodies]


def _run(disk: _Disk, posts: list[list[bytes]], **limits: int) -> list[list[bytes] | BaseException]:
    async def main() -> list[list[bytes] | BaseException]:
        with ThreadPoolExecutor(1) as executor:
            batcher = Batcher(disk.take, executor, **limits)
            tasks = [asyncio.create_task(batcher.take(posts[0]))]
            await asyncio.sleep(0.05)  # the first is on its way to disk
            tasks += [asyncio.create_task(batcher.take(post)) for post in posts[1:]]
            await asyncio.sleep(0.05)
            disk.gate.set()
            done = await asyncio.gather(*tasks, return_exceptions=True)
            await batcher.drain()
            return done

    return asyncio.run(main())


def test_posts_that_wait_share_the_next_transaction() -> None:
    disk = _Disk()
    assert _run(disk, [[b"a"], [b"b", b"c"], [b"d"]]) == [
        [b"took a"],
        [b"took b", b"took c"],
        [b"took d"],
    ]
    assert disk.groups == [[b"a"], [b"b", b"c", b"d"]]


def test_a_transaction_is_bounded_and_a_post_is_never_split() -> None:
    disk = _Disk()
    _run(disk, [[b"a"], [b"b", b"c"], [b"d", b"e"], [b"f"]], max_records=3)
    assert disk.groups == [[b"a"], [b"b", b"c"], [b"d", b"e", b"f"]]


def test_a_full_disk_is_told_to_everybody_and_the_next_post_may_go_well() -> None:
    disk = _Disk()
    disk.errors[b"b"] = StoreError("no space")
    first, second, third = _run(disk, [[b"a"], [b"b"], [b"c"]])
    assert first == [b"took a"]
    assert isinstance(second, StoreError)
    assert isinstance(third, StoreError), "they were in one transaction: neither is on disk"


def test_a_post_that_breaks_the_desk_does_not_fail_the_others(caplog: pytest.LogCaptureFixture) -> None:
    disk = _Disk()
    disk.errors[b"b"] = RuntimeError("a defect")
    first, second, third = _run(disk, [[b"a"], [b"b"], [b"c"]])
    assert (first, third) == ([b"took a"], [b"took c"])
    assert isinstance(second, RuntimeError)
    assert "each is taken alone" in caplog.text


def test_more_than_may_wait_is_sent_away_at_once() -> None:
    disk = _Disk()
    done = _run(disk, [[b"a" * 60], [b"b" * 60], [b"c" * 60]], max_waiting_bytes=130)
    assert [isinstance(one, BatcherFullError) for one in done] == [False, False, True]


def test_a_sender_that_hangs_up_does_not_undo_its_post() -> None:
    disk = _Disk()

    async def main() -> None:
        with ThreadPoolExecutor(1) as executor:
            batcher = Batcher(disk.take, executor)
            task = asyncio.create_task(batcher.take([b"a"]))
            await asyncio.sleep(0.05)
            task.cancel()
            disk.gate.set()
            assert await batcher.take([b"b"]) == [b"took b"]

    asyncio.run(main())
    assert disk.groups == [[b"a"], [b"b"]]
