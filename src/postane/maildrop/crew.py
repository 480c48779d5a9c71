"""Threads that do, for an event loop, what may wait for a disk.

An executor of the library makes a future with a lock of its own for each job and another one for the loop, and chains
them: handing over and back took a quarter of what a small deposit costs. Here a job is a tuple in a queue.

Must not know: what is done.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, TypeVar

ResultT = TypeVar("ResultT")

_Then = Callable[["asyncio.Future[Any]"], object]
_Job = tuple[asyncio.AbstractEventLoop, "asyncio.Future[Any]", Callable[[], Any], _Then | None]


class Crew:
    """At most `size` threads, begun as they are needed. All but the threads' own work is done on the event loop."""

    def __init__(self, size: int, name: str) -> None:
        self._size = size
        self._name = name
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._busy = 0  # jobs that are not settled

    def do(self, work: Callable[[], ResultT], then: _Then | None = None) -> "asyncio.Future[ResultT]":
        """Have it done; jobs are begun in their order. The future gives what it gives, or raises what it raises; a job
        goes on although nobody waits for it any more. `then` is called with the future at once when it is done: its
        own callbacks have to wait for another turn of the loop. One that was cancelled is not told of."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[ResultT] = loop.create_future()
        if self._busy >= len(self._threads) and len(self._threads) < self._size:
            self._begin()
        self._busy += 1
        self._jobs.put((loop, future, work, then))
        return future

    def close(self) -> None:
        """End the threads, when all jobs are done. Idempotent."""
        for _ in self._threads:
            self._jobs.put(None)
        for thread in self._threads:
            thread.join()
        self._threads.clear()

    def _begin(self) -> None:
        # A process that ends without having closed its store does not wait for threads that wait for it.
        thread = threading.Thread(target=self._work, name=f"{self._name}-{len(self._threads)}", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            loop, future, work, then = job
            result, error = None, None
            try:
                result = work()
            except BaseException as raised:  # noqa: BLE001 - it is raised where the job is waited for
                error = raised
            with contextlib.suppress(RuntimeError):  # the loop was closed meanwhile: nobody waits
                loop.call_soon_threadsafe(self._settle, future, result, error, then)
            del (
                job,
                loop,
                future,
                work,
                then,
                result,
                error,
            )  # nothing of it is kept alive while the next one is waited for

    def _settle(
        self, future: "asyncio.Future[Any]", result: Any, error: BaseException | None, then: _Then | None
    ) -> None:
        self._busy -= 1
        if future.cancelled():
            return
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)
        if then is not None:
            then(future)
