"""The thread that has the database, and what it commits: whatever is asked for while it is busy shares one commit.

A commit waits for the disk, so several accounts that record at the same time wait for it once. A job that fails in
company is done again alone: nobody fails by somebody else's fault.

Must not know: what the jobs do.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from .base import JournalError

ResultT = TypeVar("ResultT")

Database = sqlite3.Connection


@dataclass(frozen=True, slots=True)
class _Job:
    work: Callable[[Database], Any]
    is_writing: bool
    future: "asyncio.Future[Any]"


@dataclass(frozen=True, slots=True)
class _Outcome:
    result: Any = None
    error: JournalError | None = None


class Scribe:
    """Does jobs with a database, one after the other, in transactions. Of one event loop.

    `opens` makes the connection, at the first job; `told` turns an error of the database into ours. A job may be done
    more than once, of which the last one counts. It goes on although nobody waits for it any more. It gives no cursor:
    one that ends in another thread resets a statement that is in use in this one.
    """

    def __init__(self, opens: Callable[[], Database], told: Callable[[sqlite3.Error], JournalError]) -> None:
        self._opens = opens
        self._told = told
        self._database: Database | None = None
        self._thread: ThreadPoolExecutor | None = None
        self._waiting: list[_Job] = []
        self._is_busy = False

    async def write(self, work: Callable[[Database], ResultT]) -> ResultT:
        """Have it done; it is durable when this returns. Raises JournalError."""
        return await self._ask(work, is_writing=True)

    async def read(self, work: Callable[[Database], ResultT]) -> ResultT:
        """The same for what changes only tables that end with the connection, or none. Raises JournalError."""
        return await self._ask(work, is_writing=False)

    async def close(self) -> None:
        """Do what is waiting, and let go. Idempotent; it may be used again."""
        while self._is_busy:
            await self._ask(lambda database: None, is_writing=False)
        thread, self._thread = self._thread, None
        if thread is not None:
            await asyncio.get_running_loop().run_in_executor(thread, self._leave)
            thread.shutdown()

    def _leave(self) -> None:
        database, self._database = self._database, None
        if database is not None:
            database.close()

    def _ask(self, work: Callable[[Database], ResultT], *, is_writing: bool) -> "asyncio.Future[ResultT]":
        future: asyncio.Future[ResultT] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Job(work, is_writing, future))
        if not self._is_busy:
            self._begin()
        return future

    def _begin(self) -> None:
        batch, self._waiting = self._waiting, []
        self._is_busy = True
        self._thread = self._thread or ThreadPoolExecutor(1, "postane-journal")
        done = asyncio.get_running_loop().run_in_executor(self._thread, self._do, batch)
        done.add_done_callback(partial(self._settle, batch))

    def _settle(self, batch: Sequence[_Job], done: "asyncio.Future[list[_Outcome]]") -> None:
        self._is_busy = False
        bug = done.exception()
        outcomes = [] if bug else done.result()
        for number, job in enumerate(batch):
            error = bug or outcomes[number].error
            if job.future.done():
                continue  # nobody waits for it
            if error is not None:
                job.future.set_exception(error)
            else:
                job.future.set_result(outcomes[number].result)
        if self._waiting:
            self._begin()

    # In the thread

    def _do(self, batch: Sequence[_Job]) -> list[_Outcome]:
        try:
            if self._database is None:
                self._database = self._opens()
            return self._commit(self._database, batch)
        except JournalError as error:
            failure = error
        except sqlite3.Error as error:
            failure = self._told(error)
            failure.__cause__ = error.with_traceback(None)  # whose frames may have a cursor
        if len(batch) == 1:
            return [_Outcome(error=failure)]
        return [outcome for job in batch for outcome in self._do([job])]

    def _commit(self, database: Database, batch: Sequence[_Job]) -> list[_Outcome]:
        database.execute("BEGIN IMMEDIATE" if any(job.is_writing for job in batch) else "BEGIN")
        try:
            outcomes = [_Outcome(job.work(database)) for job in batch]
            assert not any(isinstance(each.result, sqlite3.Cursor) for each in outcomes), "see above"
            database.execute("COMMIT")
            return outcomes
        finally:
            if database.in_transaction:
                database.rollback()
