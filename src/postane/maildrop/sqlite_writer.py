"""Writes to one index: several jobs to a transaction, in whatever thread it is called, one at a time.

An error of a job is that job's alone; an error of the file undoes the whole transaction. After a failed sync the
connection stays open: its next transaction writes over what may or may not have reached the disk.

Must not know: the event loop.
"""

import contextlib
import os
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from . import sqlite_oneshot as oneshot
from .base import MaildropError, StoreDamaged, StoreFull, StoreUnavailable, Usage
from .folders import inode, storage_error, sync_folder
from .reserve import Reserve
from .sides import Step, StepHook, ignore_step
from .sqlite_log import Log
from .sqlite_oneshot import Row
from .sqlite_schema import LOG_LIMIT, connect_writer, index_error

COMPACT_FREE = 1024
"""Free pages (4 MiB) from which on a file is made smaller, where it holds less than it has free."""

COMPACT_LIVE = 16384
"""Pages in use (64 MiB) from which on it is not: they would all be written again."""

CHECKPOINT = 700
"""Pages in the log, about, from which on they go back into the file when nobody waits for it. At a thousand SQLite puts
them back within a transaction, and whoever waits for that waits for two syncs more."""


@dataclass(slots=True)
class Transaction:
    """The drop as it is inside a write transaction; what is changed here is written at its end."""

    connection: sqlite3.Connection
    token: str
    next_uid: int
    messages: int
    octets: int
    removals: int
    excess: int

    @property
    def usage(self) -> Usage:
        """What the drop holds."""
        return Usage(self.messages, self.octets)


@dataclass(frozen=True, slots=True)
class Job:
    """Something to be written. `work` raises a MaildropError before it changes anything, or not at all.

    Without steps it writes nothing, and only wants to exclude those that do. A deposit may know, from what the drop
    holds, what it gives and the row that says it all: `take` raises a MaildropError, or tells the drop of the message.
    """

    work: Callable[[Transaction], Any]
    written: Step | None = None
    durable: Step | None = None
    take: Callable[[Transaction], tuple[Any, Row]] | None = None

    @property
    def is_removal(self) -> bool:
        """Whether it makes space: then the reserve is there for it."""
        return self.durable is Step.ROWS_GONE


Outcomes = Sequence[object]
"""What each job gave: what its work gave, or an error."""


class Writer:
    """The connection that writes; opened with the first transaction."""

    def __init__(self, folder: str, reserve: Reserve, on_step: StepHook) -> None:
        self._folder = folder
        self._path = f"{folder}/index.sqlite"
        self._reserve = reserve
        self._on_step = on_step
        self._inode = inode(self._path)
        self._connection: sqlite3.Connection | None = None
        self._log = Log(self._path, LOG_LIMIT)
        self._known: Transaction | None = None  # what the drop holds, if nobody else has written since
        self._short: list[Job] = []  # what goes the short way, and is not written yet
        self._raised: BaseException | None = None  # by a step on that way
        self._is_prepared = False  # for deposits of the short way
        self._pages = 0  # in the log since it was last put back, as far as deposits of the short way made them
        self.wants_compacting = False  # something was removed and may have left much free space, or the log is long

    def check_file(self) -> None:
        """Raises StoreUnavailable where the file was taken away or put in from elsewhere since it was opened."""
        if inode(self._path) != self._inode:
            raise StoreUnavailable(
                "maildrop is not available now, try again later",
                f"{self._path} was replaced while in use: restart the programs that use it",
            )

    def commit(self, jobs: Sequence[Job]) -> Outcomes:
        """One transaction for several jobs. An outcome, or an error, for each."""
        outcomes = list(self._attempt(jobs))
        stuck = [at for at, job in enumerate(jobs) if job.is_removal and isinstance(outcomes[at], StoreFull)]
        if stuck and self._reserve.give_up():
            for at, outcome in zip(stuck, self._attempt([jobs[at] for at in stuck]), strict=True):
                outcomes[at] = outcome
        return outcomes

    def _attempt(self, jobs: Sequence[Job]) -> Outcomes:
        try:
            self.check_file()
            self._connection = connection = self._connection or self._connect()
            try:
                return self._take_in(connection, jobs) or self._transact(connection, jobs)
            finally:
                if connection.in_transaction:
                    connection.rollback()
        except sqlite3.Error as error:
            return [index_error(error, self._path)] * len(jobs)
        except OSError as error:
            return [storage_error(error, "cannot write to a maildrop")] * len(jobs)
        except MaildropError as error:
            self._known = None  # of a file that is another one, perhaps
            return [error] * len(jobs)

    def _connect(self) -> sqlite3.Connection:
        self._is_prepared = False
        return connect_writer(self._path)

    def _before_commit(self) -> None:
        """A deposit of the short way is written."""
        try:
            self._tell([self._short.pop(0).written])
        except BaseException as error:
            self._raised = error
            raise

    def _take_in(self, connection: sqlite3.Connection, jobs: Sequence[Job]) -> Outcomes | None:
        """The short way for deposits into a drop of which all is known; None: nothing was done."""
        now, self._known = self._known, None
        if now is None or now.messages == 0 or self._log.is_short():
            return None
        outcomes: list[object] = []
        rows: list[Row] = []
        for job in jobs:
            if job.take is None:
                return None
            try:
                outcome, row = job.take(now)
            except MaildropError:
                return None  # what is known may be out of date: it is asked for again
            outcomes.append(outcome)
            rows.append(row)
        if not self._insert(connection, jobs, rows):
            return None
        self._known = now
        self._tell(job.durable for job in jobs)
        return outcomes

    def _insert(self, connection: sqlite3.Connection, jobs: Sequence[Job], rows: Sequence[Row]) -> bool:
        """Whether they are written, durably; else somebody else has written, and nothing was done."""
        self._short, self._raised = list(jobs), None
        try:
            if not self._is_prepared:
                oneshot.prepare(connection, None if self._on_step is ignore_step else self._before_commit)
                self._is_prepared = True
            if len(rows) == 1:
                oneshot.deposit(connection, rows[0])
            else:
                connection.execute("BEGIN IMMEDIATE")
                oneshot.deposit_all(connection, rows)
                connection.execute("COMMIT")
        except sqlite3.Error as error:
            if self._raised is not None:
                raise self._raised from error
            if not oneshot.is_stale(error):
                raise
            connection.rollback()
            return False
        self._pages += sum(map(oneshot.pages, rows))
        self.wants_compacting = self.wants_compacting or self._pages >= CHECKPOINT
        return True

    def _transact(self, connection: sqlite3.Connection, jobs: Sequence[Job]) -> Outcomes:
        connection.execute("BEGIN IMMEDIATE")
        self._log.make_room()
        row = connection.execute("SELECT token, next_uid, messages, octets, removals, excess FROM meta").fetchone()
        if row is None:
            raise StoreDamaged("maildrop is damaged", f"{self._path}: its totals are missing")
        now = Transaction(connection, *row)
        was_empty = now.messages == 0
        outcomes: list[object] = []
        for job in jobs:
            try:
                outcomes.append(job.work(now))
            except MaildropError as error:
                outcomes.append(error)
        done = [job for job, outcome in zip(jobs, outcomes, strict=True) if not isinstance(outcome, MaildropError)]
        if all(job.durable is None for job in done):
            connection.rollback()
            return outcomes
        connection.execute(
            "UPDATE meta SET next_uid = ?, messages = ?, octets = ?, removals = ?, excess = ?",
            (now.next_uid, now.messages, now.octets, now.removals, now.excess),
        )
        if was_empty and now.messages:
            self._revive()
        self._tell(job.written for job in done)
        connection.execute("COMMIT")
        self._known = now
        self._tell(job.durable for job in done)
        if now.removals != row[4]:
            self.wants_compacting = True
        return outcomes

    def _tell(self, steps: Iterable[Step | None]) -> None:
        for step in steps:
            if step is not None:
                self._on_step(step)

    def _revive(self) -> None:
        """The drop gets its first message: if it was removed once, it is there again."""
        if os.path.exists(f"{self._folder}/removed"):
            os.unlink(f"{self._folder}/removed")
            sync_folder(self._folder)

    def compact(self) -> Outcomes:
        """Give much free space back, and put a long log back into the file, after whoever wrote was answered. Without
        success nothing is lost."""
        self.wants_compacting = False
        is_long = self._pages >= CHECKPOINT
        self._pages = 0 if is_long else self._pages
        with contextlib.suppress(sqlite3.Error):
            if self._connection is not None and _has_much_free(self._connection):
                self._connection.execute("VACUUM")
                self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            elif self._connection is not None and is_long:
                self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        self._reserve.keep()
        return []

    def close(self) -> None:
        """Close the connection. Raises nothing."""
        if self._connection is not None:
            with contextlib.suppress(sqlite3.Error):
                self._connection.close()


def _has_much_free(connection: sqlite3.Connection) -> bool:
    (free,) = connection.execute("PRAGMA freelist_count").fetchone()
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    return bool(free >= COMPACT_FREE and pages - free < min(free, COMPACT_LIVE))
