"""Threads that do, for an event loop, what may wait for a disk.

An executor of the library makes a future with a lock of its own for each job and another one for the loop, and chains
them: handing over and back took a quarter of what a small deposit costs. Here a job is a tuple in a queue.

A thread that is woken by a lock wants the interpreter's lock while whoever woke it still has that, and goes to sleep
again: each job took six changes of threads. Who writes to a pipe has let go of it, and the thread may begin: it takes
two or three.

Must not know: what is done.
"""

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import Callable
from os import close, pipe, read, write
from typing import Any, TypeVar

ResultT = TypeVar("ResultT")

_Then = Callable[["asyncio.Future[Any]"], object]
_Job = tuple[asyncio.AbstractEventLoop, "asyncio.Future[Any]", Callable[[], Any], _Then | None]


class Crew:
    """At most `size` threads, begun as they are needed. All but the threads' own work is done on the event loop."""

    def __init__(self, size: int, name: str) -> None:
        self._size = size
        self._name = name
        self._jobs: deque[_Job | None] = deque()
        self._bell: tuple[int, int] | None = None  # a pipe with an octet for each of them
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
        self._hand_over((loop, future, work, then))
        return future

    def close(self) -> None:
        """End the threads, when all jobs are done. Idempotent."""
        for _ in self._threads:
            self._hand_over(None)
        for thread in self._threads:
            thread.join()
        self._threads.clear()
        bell, self._bell = self._bell, None
        for descriptor in bell or ():
            close(descriptor)

    def _hand_over(self, job: _Job | None) -> None:
        assert self._bell is not None, "the first thread made it"
        self._jobs.append(job)
        write(self._bell[1], b"!")

    def _begin(self) -> None:
        self._bell = self._bell or pipe()  # not before, as a process may fork meanwhile
        # A process that ends without having closed its store does not wait for threads that wait for it.
        name = f"{self._name}-{len(self._threads)}"
        thread = threading.Thread(target=self._work, args=self._bell[:1], name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _work(self, bell: int) -> None:
        while read(bell, 1) and (job := self._jobs.popleft()) is not None:
            loop, future, work, then = job
            result, error = None, None
            try:
                result = work()
            except BaseException as raised:  # noqa: BLE001 - it is raised where the job is waited for
                error = raised
            with contextlib.suppress(RuntimeError):  # the loop was closed meanwhile: nobody waits
                loop.call_soon_threadsafe(self._settle, future, result, error, then)
            # Nothing of it is kept alive while the next one is waited for.
            del job, loop, future, work, then, result, error

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
