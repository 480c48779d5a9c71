"""Open indexes: a bounded cache of them, reads on the event loop, durable writes in threads, many to a transaction.

A handle has a connection that reads, used on the event loop, or by one thread at a time where the disk is slow, and,
once it is needed, one that writes, used by one thread at a time, so that waiting for the disk never holds up a reader.
What is to be written while a transaction is being made durable waits and becomes the next one (group commit); drops
are written in parallel. Handles are opened when they are needed: after the fork, never before it.

Must not know: what is written.
"""

import asyncio
import contextlib
import resource
import sqlite3
from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

from .base import StoreDamaged
from .crew import Crew
from .folders import Folders, inode, storage_error
from .remembered import Known, Remembered
from .reserve import Reserve
from .sides import StepHook, Totals
from .slow_drops import SLOW_OPENING, SlowDrops, Turns
from .sqlite_schema import connect_reader, has_index, index_error, make_index
from .sqlite_writer import Job, Outcomes, Writer

ResultT = TypeVar("ResultT")

_TOTALS = "SELECT messages, octets, next_uid - 1, removals, excess FROM meta"

THREADS = 16
"""Drops that are written at the same time."""

BATCH = 256
"""Deposits in one transaction at most."""

DESCRIPTORS_EACH = 24
"""Open files of the process for each handle: two connections with their logs and a lease, eight at most, of the third
that is for handles. The others are for connections, and for what sessions hold open besides."""

SPARE = 64
"""Handles that stay open after a login that nothing followed yet, 31 kB each: ten thousand idle clients need none."""

REST = 60.0
"""Seconds after which a handle that nobody used is closed; a session may stay open without one."""


class Handle:
    """One drop's index, opened."""

    def __init__(self, folder: str, crew: Crew, reserve: Reserve, on_step: StepHook, known: Known) -> None:
        """Open it; in any thread. Raises sqlite3.Error, OSError, MaildropError."""
        self.known = known
        self._reserve = reserve
        self.folder = folder
        self.path = f"{folder}/index.sqlite"
        self.lease_path = f"{folder}/lease"
        self._crew = crew
        self._writer = Writer(folder, reserve, on_step)
        self._waiting: list[tuple[Job, asyncio.Future[Any]]] = []
        self.is_fresh = True  # used since the last look for idle handles
        self.is_awaited = True  # nobody has used it yet: whoever wanted it is about to
        self.running: asyncio.Future[Any] | None = None  # what a thread is doing with it
        known.opening()
        self._reader = connect_reader(self.path)
        try:
            row = self._reader.execute("SELECT token FROM meta").fetchone()
            if row is None:
                raise StoreDamaged("maildrop is damaged", f"{self.path}: its totals are missing")
            self.token = str(row[0])
            self.first = known.moment(), self.totals()
        except BaseException:
            self._reader.close()
            raise

    def read(self, sql: str, values: Sequence[object] = ()) -> list[Any]:
        """All rows that a query gives; where `Handles.turns` lets it be read. Raises MaildropError."""
        try:
            return self._reader.execute(sql, values).fetchall()
        except sqlite3.Error as error:
            raise index_error(error, self.path) from error

    def totals(self) -> Totals:
        """What the drop holds now. Raises MaildropError."""
        rows = self.read(_TOTALS)
        if not rows:
            raise StoreDamaged("maildrop is damaged", f"{self.path}: its totals are missing")
        return Totals(*rows[0])

    def checked_totals(self) -> Totals:
        """The same; raises StoreUnavailable where the file is not the one that was opened."""
        self._writer.check_file()
        return self.totals()

    def write(self, job: Job) -> "asyncio.Future[Any]":
        """Do a job durably; gives what its work gives. Raises MaildropError, and then nothing was done."""
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.append((job, future))
        if self.running is None:
            self._launch()
        return future

    def close(self) -> None:
        """Close the connections; in any thread, when nothing is being written. Raises nothing."""
        self._writer.close()
        with contextlib.suppress(sqlite3.Error):
            self._reader.close()

    def _launch(self) -> None:
        """Begin the next transaction with everything that waits for one, or make the file smaller, or rest."""
        batch, self._waiting = self._waiting[:BATCH], self._waiting[BATCH:]
        batch = [(job, future) for job, future in batch if not future.cancelled()]
        if batch:
            work = partial(self._commit, [job for job, _ in batch])
            self.running = self._crew.do(work, partial(self._finish, [future for _, future in batch]))
        elif self._waiting:
            self._launch()
        elif self._writer.wants_compacting:
            self.running = self._crew.do(self._writer.compact, partial(self._finish, []))
        else:
            self.running = None

    def _commit(self, jobs: Sequence[Job]) -> Outcomes:
        """In a thread. Before anybody is answered, whoever remembers what the drop held learns that it was changed."""
        if all(job.durable is None for job in jobs):
            return self._writer.commit(jobs)
        try:
            changed = self._change(is_removal=any(job.is_removal for job in jobs))
        except OSError as error:
            return [storage_error(error, "cannot write to a maildrop")] * len(jobs)
        try:
            return self._writer.commit(jobs)
        finally:
            changed()

    def _change(self, *, is_removal: bool) -> Callable[[], None]:
        try:
            return self.known.change()
        except OSError:
            if not is_removal or not self._reserve.give_up():
                raise
            return self.known.change()

    def _finish(self, futures: Sequence["asyncio.Future[Any]"], running: "asyncio.Future[Outcomes]") -> None:
        bug = running.exception()
        outcomes: Outcomes = [bug] * len(futures) if bug else running.result()
        for future, outcome in zip(futures, outcomes, strict=True):
            if future.cancelled():
                continue
            if isinstance(outcome, BaseException):
                future.set_exception(outcome)
            else:
                future.set_result(outcome)
        if self._waiting or not self._writer.wants_compacting:
            self._launch()
        else:
            asyncio.get_running_loop().call_soon(self._launch)  # whoever waited is answered first


class Handles:
    """The handles of one store: at most `limit`, and as many as the process may have open files for. Who wants another
    one waits where all are being written."""

    def __init__(self, folders: Folders, limit: int, on_step: StepHook, slow: SlowDrops) -> None:
        self._folders = folders
        self._reserve = Reserve(folders.root)
        self._limit = limit
        self._on_step = on_step
        self._crew = Crew(THREADS, "postane-index")
        self.turns = Turns(self._crew, slow)
        self._open: OrderedDict[str, Handle] = OrderedDict()
        self._opening: dict[str, asyncio.Task[None]] = {}
        self._making: set[asyncio.Future[Handle]] = set()  # those of them that have found room
        self._timer: asyncio.TimerHandle | None = None
        self._spare: OrderedDict[str, None] = OrderedDict()  # opened for a login, and not used since
        self.remembered = Remembered(folders)

    def get(self, drop: str) -> Handle | None:
        """The handle of a drop, if it is open."""
        handle = self._open.get(drop)
        if handle is not None:
            handle.is_fresh, handle.is_awaited = True, False
            self._open.move_to_end(drop)
            self._spare.pop(drop, None)
        return handle

    def spare(self, drop: str) -> None:
        """A drop's handle was opened to learn what the drop holds, which is remembered now; few such ones stay open."""
        self._spare[drop] = None
        if len(self._spare) > SPARE:
            oldest, _ = self._spare.popitem(last=False)
            handle = self._open.get(oldest)
            if handle is not None and self._is_idle(handle):
                self._crew.do(self._open.pop(oldest).close)

    async def require(self, drop: str) -> Handle:
        """The handle of a drop; makes the drop. To be used before the next await. Raises MaildropError."""
        handle = self.get(drop)
        while handle is None:
            await self._join_opening(drop)
            handle = self.get(drop)
        return handle

    async def find(self, drop: str) -> Handle | None:
        """The same, or None where there is no such drop. One that was used before does not just vanish."""
        if drop in self._open or await self.turns.ask(drop, partial(has_index, self._folders, drop)):
            return await self.require(drop)
        return None

    async def run(self, work: Callable[[], ResultT]) -> ResultT:
        """Do something slow in a thread. Raises what it raises."""
        return await self._crew.do(work)

    async def close(self) -> None:
        """Close all handles, when what is being written is written."""
        while busy := [*self._opening.values(), *self._running()]:
            await asyncio.wait(busy)
        if self._timer is not None:
            self._timer.cancel()
        closing = list(self._open.values())
        self._open.clear()
        if closing:
            await asyncio.gather(*(self.run(handle.close) for handle in closing))
        await asyncio.to_thread(self._crew.close)

    async def _join_opening(self, drop: str) -> None:
        """Open a drop once for however many ask for it; that one of them is cancelled does not matter to the others."""
        task = self._opening.get(drop)
        if task is None:
            task = self._opening[drop] = asyncio.create_task(self._open_one(drop))
            task.add_done_callback(lambda done: done.cancelled() or done.exception())
        await asyncio.shield(task)

    async def _open_one(self, drop: str) -> None:
        try:
            await self._find_room()
            making = self._crew.do(partial(self._make, drop, self.remembered.require(drop)))
            self._making.add(making)
            making.add_done_callback(self._making.discard)
            handle = self._open[drop] = await making
            handle.known.learn(*handle.first)
        except sqlite3.Error as error:
            raise index_error(error, f"{self._folders.drop(drop)}/index.sqlite") from error
        except OSError as error:
            raise storage_error(error, f"maildrop {drop} cannot be opened") from error
        finally:
            del self._opening[drop]
        self._watch()

    def _make(self, drop: str, known: Known) -> Handle:
        folder = self._folders.drop(drop)
        if inode(f"{folder}/index.sqlite") is None:
            make_index(self._folders, drop, self._on_step)
            self._reserve.keep()
        make = partial(Handle, folder, self._crew, self._reserve, self._on_step, known)
        return self.turns.slow.timed(drop, make, SLOW_OPENING)

    async def _find_room(self) -> None:
        """Wait until there is room for one more; the one used longest ago makes it. Letters for very many drops at once
        would else take all the descriptors that there are."""
        while (excess := len(self._open) + len(self._making) + 1 - self._most()) > 0:
            idle = [drop for drop, each in self._open.items() if self._is_idle(each) and not each.is_awaited]
            for drop in idle[:excess]:
                self._crew.do(self._open.pop(drop).close)
            busy = self._running()
            if len(idle) >= excess or not (busy or self._making):
                return
            await asyncio.wait([*busy, *self._making], return_when=asyncio.FIRST_COMPLETED)

    def _is_idle(self, handle: Handle) -> bool:
        return handle.running is None and not self.turns.is_at_work(handle.known.drop)

    def _running(self) -> list[asyncio.Future[Any]]:
        """What threads do with handles."""
        return [*self.turns.running, *(each.running for each in self._open.values() if each.running is not None)]

    def _most(self) -> int:
        descriptors, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        by_descriptors = self._limit if descriptors == resource.RLIM_INFINITY else descriptors // DESCRIPTORS_EACH
        return max(1, min(self._limit, by_descriptors))

    def _watch(self) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(REST, self.rest)

    def rest(self) -> None:
        """Close what nobody used since the last time; goes on by itself while there is anything open."""
        self._timer = None
        for drop, handle in list(self._open.items()):
            if not handle.is_fresh and self._is_idle(handle):
                self._crew.do(self._open.pop(drop).close)
            handle.is_fresh = False
        if self._open:
            self._watch()
