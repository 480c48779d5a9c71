"""A thread of a sink's own, for what waits for a disk: one job after the other.

Must not know: what is done.
"""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

ResultT = TypeVar("ResultT")


class OneThread:
    """Jobs are done in their order. One whose waiter is cancelled goes on to its end, and the next one begins after
    that; `is_stopped` tells it that nobody waits any more."""

    __slots__ = ("_executor", "_name", "_stop")

    def __init__(self, name: str) -> None:
        self._name = name
        self._executor: ThreadPoolExecutor | None = None
        self._stop = threading.Event()

    @property
    def is_stopped(self) -> bool:
        """Whether the job of this thread was given up."""
        return self._stop.is_set()

    def wait(self, seconds: float) -> None:
        """For a job: wait so long, or until it is given up."""
        self._stop.wait(seconds)

    async def run(self, work: Callable[[], ResultT]) -> ResultT:
        """What `work` gives. Raises what it raises."""
        if self._executor is None:
            self._executor = ThreadPoolExecutor(1, self._name)
        done = asyncio.get_running_loop().run_in_executor(self._executor, partial(self._begin, work))
        try:
            return await asyncio.shield(done)
        except asyncio.CancelledError:
            self._stop.set()
            done.add_done_callback(_look)
            raise

    async def close(self) -> None:
        """End the thread when its jobs are done. Idempotent."""
        executor, self._executor = self._executor, None
        if executor is not None:
            self._stop.set()
            await asyncio.get_running_loop().run_in_executor(executor, bool)
            executor.shutdown(wait=False)

    def _begin(self, work: Callable[[], ResultT]) -> ResultT:
        self._stop.clear()
        return work()


def _look(done: "asyncio.Future[ResultT]") -> None:
    """Nobody waits for it any more: what it raised is nobody's business."""
    if not done.cancelled():
        done.exception()
