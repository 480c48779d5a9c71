"""Drops on a slow disk: which they are, and threads that read them in the event loop's stead, one at a time a drop.

What the system has in memory is read on the event loop in 10 us, where a thread would cost 50. What a disk, or a
server of files, takes long for would hold up everybody: whoever was slow once is read by threads for a minute. The
first slow read is the only one that is noticed elsewhere.

Must not know: what is read.
"""

import asyncio
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, TypeVar

from .columns import Query
from .crew import Crew
from .folders import storage_error

ResultT = TypeVar("ResultT")

_GiveBack = Callable[[Any], object] | None
_Job = tuple[Callable[[], Any], "asyncio.Future[Any]", _GiveBack]

SLOW = 0.03
"""Seconds from which on a read is a slow one. The interpreter's lock may take half of it where many threads work."""

SLOW_OPENING = 0.25
"""The same of opening an index, which a thread does beside many others."""

KEPT_FOR = 60.0
"""Seconds for which a drop is taken to be slow after its last slow read."""

DROPS = 1000
"""Drops that are known to be slow at most: with more of them the store is slow, and each read is its own trouble."""


class TooSlow(Exception):
    """The rest is to be read by a thread."""


class SlowDrops:
    """The drops of a store that were slow of late; for any thread."""

    __slots__ = ("_lock", "_until")

    def __init__(self) -> None:
        self._until: OrderedDict[str, float] = OrderedDict()
        self._lock = threading.Lock()

    def has(self, drop: str) -> bool:
        """Whether it was slow within the last minute."""
        until = self._until.get(drop)
        return until is not None and time.monotonic() < until

    def note(self, drop: str, seconds: float, limit: float = SLOW) -> None:
        """A read of it took so long."""
        if seconds < limit:
            return
        with self._lock:
            self._until[drop] = time.monotonic() + KEPT_FOR
            self._until.move_to_end(drop)
            if len(self._until) > DROPS:
                self._until.popitem(last=False)

    def timed(self, drop: str, work: Callable[[], ResultT], limit: float = SLOW) -> ResultT:
        """Do a read, and note how long that takes. Raises what it raises."""
        begun = time.monotonic()
        try:
            return work()
        finally:
            self.note(drop, time.monotonic() - begun, limit)

    def hasty(self, drop: str, read: Query) -> Query:
        """The same reader for several reads on the event loop: after a slow one it raises TooSlow."""

        def read_next(sql: str, values: Sequence[object]) -> Iterable[Any]:
            if self.has(drop):
                raise TooSlow
            return self.timed(drop, partial(read, sql, values))

        return read_next


class Turns:
    """Reads of slow drops, done by a crew in the order in which they come; a drop takes one of its threads at most."""

    __slots__ = ("_crew", "_running", "_waiting", "slow")

    def __init__(self, crew: Crew, slow: SlowDrops) -> None:
        self.slow = slow
        self._crew = crew
        self._waiting: dict[str, deque[_Job]] = {}
        self._running: dict[str, asyncio.Future[Any]] = {}

    def is_free(self, drop: str) -> bool:
        """Whether it may be read on the event loop: it is not slow, and no thread is at it."""
        return drop not in self._waiting and not self.slow.has(drop)

    def is_at_work(self, drop: str) -> bool:
        """Whether a thread reads it, or is about to."""
        return drop in self._waiting

    @property
    def running(self) -> "list[asyncio.Future[Any]]":
        """What threads are at."""
        return list(self._running.values())

    async def ask(
        self,
        drop: str,
        work: Callable[[], ResultT],
        *,
        is_at_hand: bool = True,
        give_back: Callable[[ResultT], object] | None = None,
    ) -> ResultT:
        """Do a read, here if what it wants is at hand, or where it holds nobody up.

        What comes of it is given back where nobody waits for it any more. Raises what it raises, and MaildropError.
        """
        timed = partial(self.slow.timed, drop, work)
        try:
            if is_at_hand and self.is_free(drop):
                return timed()
            reading = self.do(drop, timed, give_back)
            try:
                return await reading
            except asyncio.CancelledError:
                if give_back is not None and not reading.cancelled() and reading.exception() is None:
                    give_back(reading.result())  # cancelled when it was done, and not told of yet
                raise
        except OSError as error:
            raise storage_error(error, f"maildrop {drop} cannot be read") from error

    def do(
        self, drop: str, work: Callable[[], ResultT], give_back: Callable[[ResultT], object] | None = None
    ) -> "asyncio.Future[ResultT]":
        """Have a read done by a thread, after those of the same drop that were asked for before."""
        future: asyncio.Future[ResultT] = asyncio.get_running_loop().create_future()
        queue = self._waiting.get(drop)
        if queue is not None:
            queue.append((work, future, give_back))
        else:
            self._waiting[drop] = deque([(work, future, give_back)])
            self._launch(drop)
        return future

    def _launch(self, drop: str) -> None:
        queue = self._waiting[drop]
        while queue:
            work, future, give_back = queue.popleft()
            if future.cancelled():
                continue
            try:
                self._running[drop] = self._crew.do(work, partial(self._finish, drop, future, give_back))
                return
            except (OSError, RuntimeError) as error:  # no thread can be had
                future.set_exception(error)
        del self._waiting[drop]
        self._running.pop(drop, None)

    def _finish(
        self, drop: str, future: "asyncio.Future[Any]", give_back: _GiveBack, done: "asyncio.Future[Any]"
    ) -> None:
        error = done.exception()
        if future.cancelled():
            if error is None and give_back is not None:
                give_back(done.result())  # before the next one begins, which may want just that
        elif error is not None:
            future.set_exception(error)
        else:
            future.set_result(done.result())
        self._launch(drop)
