"""Group commit: records that arrive together are taken in one transaction.

A durable commit costs a flush of the disk, some milliseconds whatever it holds. While one transaction
is on its way to disk the next records wait, and then share the one that follows. Nobody is answered
before the records are on disk.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import Generic, NamedTuple, TypeVar

from screening.errors import StoreError

__all__ = ["Batcher", "BatcherFullError"]

log = logging.getLogger(__name__)
T = TypeVar("T")


class BatcherFullError(Exception):
    """More records wait than the service may hold; the sender comes back later."""


class _Post(NamedTuple, Generic[T]):
    bodies: Sequence[bytes]
    taken: asyncio.Future[list[T]]


class Batcher(Generic[T]):
    """Take the records of several posts together.

    Parameters
    ----------
    take : callable
        Takes records; they are on disk when it returns, one answer for each.
    executor : Executor
        Where it runs, one at a time.
    max_records : int
        Records in one transaction, unless a single post has more.
    max_waiting_bytes : int
        Bytes that may wait; beyond, posts are refused.
    linger_s : float
        How long to wait for company before a transaction, seconds. It costs a fraction of the flush, and
        senders that were answered together come together again.
    """

    def __init__(
        self,
        take: Callable[[Sequence[bytes]], list[T]],
        executor: Executor,
        *,
        max_records: int = 512,
        max_waiting_bytes: int = 64 << 20,
        linger_s: float = 0.002,
    ) -> None:
        self._take = take
        self._executor = executor
        self._max_records = max_records
        self._max_waiting_bytes = max_waiting_bytes
        self._linger_s = linger_s
        self._waiting: deque[_Post[T]] = deque()
        self._n_bytes = 0
        self._task: asyncio.Task[None] | None = None

    async def take(self, bodies: Sequence[bytes]) -> list[T]:
        """Take the records of one post.

        Parameters
        ----------
        bodies : sequence of bytes
            The records.

        Returns
        -------
        list
            What became of each; they are on disk.

        Raises
        ------
        BatcherFullError
            If too many records wait already.
        """
        size = sum(map(len, bodies))
        if self._n_bytes and self._n_bytes + size > self._max_waiting_bytes:
            raise BatcherFullError
        post = _Post(bodies, asyncio.get_running_loop().create_future())
        self._waiting.append(post)
        self._n_bytes += size
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._work())
        # A sender that hangs up does not take the posts of others with it.
        return await asyncio.shield(post.taken)

    async def drain(self) -> None:
        """Wait until nothing waits."""
        while self._task is not None and not self._task.done():
            await asyncio.shield(self._task)

    async def _work(self) -> None:
        while self._waiting:
            await asyncio.sleep(self._linger_s)
            posts = [self._waiting.popleft()]
            n = len(posts[0].bodies)
            while self._waiting and n + len(self._waiting[0].bodies) <= self._max_records:
                posts.append(self._waiting.popleft())
                n += len(posts[-1].bodies)
            await self._take_together(posts)
            self._n_bytes -= sum(len(body) for post in posts for body in post.bodies)

    async def _take_together(self, posts: list[_Post[T]]) -> None:
        bodies = [body for post in posts for body in post.bodies]
        try:
            taken = await asyncio.get_running_loop().run_in_executor(self._executor, self._take, bodies)
            if len(taken) != len(bodies):
                raise RuntimeError(f"{len(bodies)} records were given, {len(taken)} answers came back")
        except Exception as error:
            if len(posts) > 1 and not isinstance(error, StoreError):
                # One post that breaks the desk must not fail those it happened to travel with.
                log.exception("a defect while taking %d posts together; each is taken alone", len(posts))
                for post in posts:
                    await self._take_together([post])
                return
            for post in posts:
                if not post.taken.done():
                    post.taken.set_exception(error)
                    post.taken.exception()  # marked as seen: its sender may be gone
            return
        start = 0
        for post in posts:
            stop = start + len(post.bodies)
            if not post.taken.done():
                post.taken.set_result(taken[start:stop])
            start = stop
