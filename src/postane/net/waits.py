"""A place to wait in for at most so many seconds, again and again, with one timer for all of it.

A timer for each wait would cost more than the small reads that are waited for: the one there is looks, when it rings,
whether the present wait is really over its time, and is set anew if it is not.

Must not know: sockets.
"""

import asyncio

from .base import TooSlow

INFINITE = float("inf")


class Wait:
    """Where one task waits at a time; `words` tell what it has waited for. A wait that is cancelled leaves nothing."""

    __slots__ = ("_deadline", "_future", "_left", "_loop", "_timeout", "_timer", "_words")

    def __init__(self, timeout: float, words: str) -> None:
        self._loop = asyncio.get_running_loop()
        self._timeout = self._left = timeout
        self._words = words
        self._deadline = INFINITE
        self._future: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    async def wait(self, *, goes_on: bool = False) -> None:
        """Until somebody wakes it. Raises TooSlow. `goes_on`: the time that the waits before it took counts as well."""
        if self._future is not None:
            raise RuntimeError("another task waits for the same already")
        self._future = self._loop.create_future()
        self._left = self._left if goes_on else self._timeout
        self._deadline = self._loop.time() + self._left
        if self._timer is None and self._deadline != INFINITE:
            self._timer = self._loop.call_at(self._deadline, self._ring)
        try:
            await self._future
        finally:
            self._future = None
            left = self._deadline - self._loop.time()
            self._left = left if left > 0 else self._timeout

    def wake(self) -> None:
        """End the present wait, if there is one."""
        if self._future is not None and not self._future.done():
            self._future.set_result(None)

    def end(self) -> None:
        """End the present wait, and let go of the timer: nobody waits any more."""
        self.wake()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _ring(self) -> None:
        self._timer = None
        if self._future is None:
            return
        if self._loop.time() < self._deadline:
            self._timer = self._loop.call_at(self._deadline, self._ring)
        elif not self._future.done():
            self._future.set_exception(TooSlow(f"{self._words} for {self._timeout:g} s"))
