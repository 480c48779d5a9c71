"""The journal in one SQLite file for all accounts.

One thread has it, and what several accounts record at the same time is one commit. Several processes may use the file
at once, each with other accounts.

Must not know: the tables of a listing.
"""

import os
import time
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from functools import partial
from pathlib import Path

from .base import Counts, Entry, Step
from .locks import RunLock
from .scribe import Database, Scribe
from .sqlite_listing import NUMBERS, STEPS, read_sinks
from .sqlite_run import SqliteRun
from .sqlite_schema import journal_error, open_file

PIECE = 1000
"""Entries that are read at once."""

MARK = "mark of the last run"
"""By what an account's word of it is known."""

_ENTRIES = """
SELECT m.id, a.name, m.key, m.step, m.octets, m.seen, coalesce(m.listed, a.listed, m.seen), m.fetched, m.delivered,
    m.deleted, m.reason, m.attempts, m.sinks
FROM message m NOT INDEXED CROSS JOIN account a ON a.id = m.account
WHERE m.id > ? AND a.name = ? AND {at} ORDER BY m.id LIMIT ?
"""

_COUNTS = "SELECT step, count(*) FROM message WHERE account = ? GROUP BY step"

_PRUNE = (
    "DELETE FROM message WHERE account = ? AND listed IS NOT NULL AND listed < ?",
    "DELETE FROM message WHERE account = (SELECT id FROM account WHERE id = ? AND listed < ?) AND listed IS NULL",
)


class SqliteJournal:
    """See Journal. The file is opened, or made, with the first question; `clock` gives seconds since the epoch."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        self._path = path
        self._locks = path.with_name(f"{path.name}.locks")
        self._clock = clock
        self._scribe = Scribe(partial(open_file, path), partial(journal_error, path))
        self._runs: list[SqliteRun] = []

    async def begin(self, account: str) -> SqliteRun:
        """See Journal."""
        lock = RunLock(self._locks, account)
        try:
            marks = lock.mark, os.urandom(8).hex()
            number, is_suspect = await self._scribe.write(partial(_begin, account, marks))
            lock.keep(marks[1])
        except BaseException:
            lock.close()
            raise
        run = SqliteRun(self._scribe, lock, number, is_suspect, self._clock)
        self._runs = [each for each in self._runs if each.is_going] + [run]
        return run

    async def counts(self) -> Sequence[Counts]:
        """See Journal."""
        return await self._scribe.read(_counts)

    async def entries(self, account: str, *, steps: Collection[Step] = ()) -> AsyncIterator[Entry]:
        """See Journal."""
        at = f"m.step IN ({', '.join(str(NUMBERS[step]) for step in steps)})" if steps else "TRUE"
        statement, after = _ENTRIES.format(at=at), 0
        while found := await self._scribe.read(partial(_entries, statement, (after, account, PIECE))):
            for after, entry in found:  # noqa: B007 - the next piece begins after the last one
                yield entry

    async def forget(self, account: str, keys: Collection[str] | None = None) -> int:
        """See Journal."""
        return await self._alone(account, partial(_forget, account, None if keys is None else list(keys)))

    async def prune(self, account: str, before: float) -> int:
        """See Journal."""
        return await self._alone(account, partial(_prune, account, before))

    async def _alone(self, account: str, work: Callable[[Database], int]) -> int:
        """While nobody runs this account: what a run has listed stays."""
        lock = RunLock(self._locks, account)
        try:
            return await self._scribe.write(work)
        finally:
            lock.close()

    async def close(self) -> None:
        """See Journal. Runs that have not ended stay suspect."""
        try:
            await self._scribe.close()
        finally:
            while self._runs:
                self._runs.pop().release()


def _begin(account: str, marks: tuple[str, str], database: Database) -> tuple[int, bool]:
    """`marks`: of the last run, as the lock's file knows it, and of this one. Who knows another one is an older copy:
    what was delivered since is not in it."""
    database.execute("INSERT OR IGNORE INTO account (name, is_running) VALUES (?, 0)", (account,))
    number, is_running = database.execute("SELECT id, is_running FROM account WHERE name = ?", (account,)).fetchone()
    database.execute("UPDATE account SET is_running = 1 WHERE id = ?", (number,))
    before, now = marks
    known = database.execute("SELECT value FROM word WHERE account = ? AND name = ?", (number, MARK)).fetchone()
    database.execute("INSERT OR REPLACE INTO word VALUES (?, ?, ?)", (number, MARK, now))
    return number, bool(is_running) or (known is not None and before not in ("", *known))


def _counts(database: Database) -> list[Counts]:
    accounts = database.execute("SELECT id, name, last_run, is_running FROM account ORDER BY name").fetchall()
    return [
        Counts(
            name,
            {STEPS[step]: count for step, count in database.execute(_COUNTS, (number,))},
            last_run,
            not is_running,
        )
        for number, name, last_run, is_running in accounts
    ]


def _entries(statement: str, values: tuple[int, str, int], database: Database) -> list[tuple[int, Entry]]:
    return [
        (
            number,
            Entry(
                name,
                key,
                STEPS[step],
                octets,
                seen,
                listed,
                fetched,
                delivered,
                deleted,
                reason,
                attempts,
                read_sinks(sinks),
            ),
        )
        for number, name, key, step, octets, seen, listed, fetched, delivered, deleted, reason, attempts, sinks in (
            database.execute(statement, values)
        )
    ]


def _forget(account: str, keys: Sequence[str] | None, database: Database) -> int:
    found = database.execute("SELECT id FROM account WHERE name = ?", (account,)).fetchone()
    if found is None:
        return 0
    if keys is not None:
        question = "DELETE FROM message WHERE account = ? AND key = ?"
        return database.executemany(question, [(*found, key) for key in keys]).rowcount
    forgotten = database.execute("DELETE FROM message WHERE account = ?", found).rowcount
    database.execute("DELETE FROM account WHERE id = ?", found)
    return forgotten


def _prune(account: str, before: float, database: Database) -> int:
    found = database.execute("SELECT id FROM account WHERE name = ?", (account,)).fetchone()
    return sum(database.execute(each, (*found, before)).rowcount for each in _PRUNE) if found else 0
