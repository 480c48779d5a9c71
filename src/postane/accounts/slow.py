"""Threads for slow hashes: as many as there are processors, and a bound on what waits for one.

The newest login is looked at first, and of too many the oldest is turned away: in a flood of guesses, whoever comes
with the right password waits for the hash that is being made, not for all that were asked for before. Which name it is
makes no difference.

Must not know: accounts, hashes.
"""

import asyncio
import contextlib
import os
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar, TypeVarTuple

from .base import AccountsUnavailable

ResultT = TypeVar("ResultT")
Given = TypeVarTuple("Given")

WAITING = 64
"""Logins of a worker that may wait for a thread: a few seconds of work."""

BUSY = "too many logins at this moment, try again later"
"""All that a client is told which is turned away."""


class SlowWork:
    """Of one event loop, and of no fork: threads begin at the first use."""

    def __init__(self, threads: int | None = None, waiting: int = WAITING) -> None:
        self._threads = threads or os.cpu_count() or 1
        self._pool = ThreadPoolExecutor(self._threads, "postane-hash")
        self._running = 0
        self._limit = waiting
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def do(self, work: Callable[[*Given], ResultT], *given: *Given) -> ResultT:
        """What the work gives, done in a thread. Raises AccountsUnavailable where too much waits."""
        await self._begin()
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work, *given)
        finally:
            self._end()

    def close(self) -> None:
        """Begin no more; what waits is abandoned."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _begin(self) -> None:
        if self._running < self._threads:
            self._running += 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        if len(self._waiting) > self._limit:
            self._turn_away(self._waiting.popleft())
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                self._end()  # the turn had come
            else:
                with contextlib.suppress(ValueError):
                    self._waiting.remove(turn)
            raise

    def _turn_away(self, turn: "asyncio.Future[None]") -> None:
        if not turn.done():
            turn.set_exception(AccountsUnavailable(BUSY, "more logins than can be looked at"))

    def _end(self) -> None:
        while self._waiting:
            turn = self._waiting.pop()
            if not turn.done():  # who was waiting may have gone
                turn.set_result(None)
                return
        self._running -= 1
