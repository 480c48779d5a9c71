"""One account's run, recorded in SQLite.

That octets were fetched is not written by itself: it goes with whatever is recorded next, and where that is the
delivery of the same message, it costs nothing.

Must not know: files, how the database is opened.
"""

import sqlite3
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping, Sequence
from typing import TypeVar

from .base import Compared, JournalError, Listed, Step
from .locks import RunLock
from .scribe import Database, Scribe
from .sqlite_listing import Listing, read_sinks, write_sinks

ResultT = TypeVar("ResultT")

PIECE = 2000
"""Messages of a listing that are written at once: less than a tenth of a second, during which others wait."""

WINDOW = 20_000
"""Messages of a listing that are looked at in one go, for the same reason."""

FETCHED_LIMIT = 1000
"""Messages that are fetched and not yet written down at most."""

_NEW = """
INSERT INTO message (account, key, step, octets, seen, listed, {columns}) VALUES (?1, ?2, {step}, 0, ?3, ?3, {values})
ON CONFLICT (account, key) DO UPDATE SET {changes}
"""
_FETCHED = _NEW.format(step=1, columns="fetched", values="?3", changes="step = 1, fetched = ?3")
_DELIVERED = _NEW.format(
    step=2,
    columns="delivered, fetched",
    values="?3, ?4",
    changes="step = 2, delivered = ?3, fetched = coalesce(?4, fetched), reason = '', sinks = ''",
)
_FAILED = _NEW.format(
    step=0, columns="reason, attempts", values="?4, 1", changes="reason = ?4, attempts = attempts + 1"
)
_SKIPPED = _NEW.format(step=3, columns="reason", values="?4", changes="step = 3, reason = ?4")
_DELETED = _NEW.format(step=4, columns="deleted", values="?3", changes="step = 4, deleted = ?3")
_SINK = _NEW.format(step=0, columns="sinks", values="?4", changes="sinks = ?4")

Row = tuple[object, ...]


class SqliteRun:
    """See Run. `is_suspect` is what the account's row said when it began."""

    def __init__(
        self, scribe: Scribe, lock: RunLock, account: int, is_suspect: bool, clock: Callable[[], float]
    ) -> None:
        self._scribe = scribe
        self._lock: RunLock | None = lock
        self._account = account
        self._clock = clock
        self._listing = Listing(f"listing_{account}", account)
        self._has_listing = False
        self._fetched: dict[str, float] = {}  # to be written with what comes next
        self.is_suspect = is_suspect

    async def take_listing(self, listing: AsyncIterator[Sequence[Listed]], *, spared: str = "") -> Sequence[Listed]:
        """See Run."""
        self._has_listing = False
        await self._write([], self._listing.begin)
        gathered: list[Listed] = []
        async for piece in listing:
            gathered += piece
            while len(gathered) >= PIECE:
                await self._add(gathered[:PIECE])
                del gathered[:PIECE]
        await self._add(gathered)
        repeated = await self._write([], lambda database: self._listing.take(database, self._clock(), spared))
        self._has_listing = True
        return repeated

    async def _add(self, listed: Sequence[Listed]) -> None:
        self._check()
        await self._scribe.read(lambda database: self._listing.add(database, listed))

    async def rekey(self, listed: Sequence[Listed]) -> None:
        """See Run."""

        def work(database: Database) -> None:
            self._listing.add(database, listed)
            self._listing.note(database, self._clock())
            self._listing.forget(database)

        await self._write([], work)

    async def compare(self, *, steps: Collection[Step | None], piece: int = 1000) -> AsyncIterator[Sequence[Compared]]:
        """See Run."""
        wanted, after = tuple(steps), 0
        last = await self._read(self._listing.last_number, 0)
        while after < last:
            until = min(after + WINDOW, last)
            nothing: list[Compared] = []
            found = await self._read(_page(self._listing, wanted, (after, until), piece), nothing)
            after = found[-1].listed.number if len(found) == piece else until
            if found:
                yield found

    async def count(self) -> Mapping[Step | None, int]:
        """See Run."""
        return await self._read(self._listing.count, {})

    async def record_fetched(self, keys: Iterable[str]) -> None:
        """See Run."""
        self._check()
        self._fetched |= dict.fromkeys(keys, self._clock())
        if len(self._fetched) > FETCHED_LIMIT:
            await self._flush()

    async def record_sink(self, keys: Iterable[str], sink: str) -> None:
        """See Run."""
        chosen, now = list(keys), self._clock()

        def work(database: Database) -> None:
            for key in chosen:
                row = database.execute(
                    "SELECT sinks FROM message WHERE account = ? AND key = ?", (self._account, key)
                ).fetchone()
                names = dict.fromkeys([*read_sinks(row[0] if row else ""), sink])
                database.execute(_SINK, (self._account, key, now, write_sinks(names)))

        await self._write([], work)

    async def record_delivered(self, keys: Iterable[str]) -> None:
        """See Run."""
        now = self._clock()
        rows = [(self._account, key, now, self._fetched.get(key)) for key in keys]
        await self._write(rows, _many(_DELIVERED, rows))

    async def record_failed(self, reasons: Mapping[str, str]) -> None:
        """See Run."""
        await self._record(_FAILED, reasons.items())

    async def record_skipped(self, reasons: Mapping[str, str]) -> None:
        """See Run."""
        await self._record(_SKIPPED, reasons.items())

    async def record_deleted(self, keys: Iterable[str]) -> None:
        """See Run."""
        await self._record(_DELETED, ((key,) for key in keys))

    async def _record(self, statement: str, told: Iterable[tuple[str, ...]]) -> None:
        now = self._clock()
        rows = [(self._account, key, now, *words) for key, *words in told]
        await self._write([], _many(statement, rows))

    async def remember(self, name: str, value: str) -> None:
        """See Run."""
        statement = "INSERT OR REPLACE INTO word VALUES (?, ?, ?)"
        await self._write([], _many(statement, [(self._account, name, value)]))

    async def recall(self, name: str) -> str | None:
        """See Run."""
        self._check()
        question = "SELECT value FROM word WHERE account = ? AND name = ?"
        found = await self._scribe.read(lambda database: database.execute(question, (self._account, name)).fetchone())
        return found and str(found[0])

    async def finish(self, *, is_clean: bool) -> None:
        """See Run."""
        if self._lock is None:
            return
        try:
            await self._write([], lambda database: self._end(database, is_clean))
        finally:
            self.release()

    @property
    def is_going(self) -> bool:
        """Whether it has not ended."""
        return self._lock is not None

    def release(self) -> None:
        """Let go of the account, whatever is recorded of the run. Idempotent."""
        lock, self._lock = self._lock, None
        if lock is not None:
            lock.close()

    def _end(self, database: Database, is_clean: bool) -> None:
        self._listing.drop(database)
        if is_clean:
            now = self._clock() if self._has_listing else None
            database.execute(
                "UPDATE account SET is_running = 0, last_run = coalesce(?, last_run) WHERE id = ?", (now, self._account)
            )

    async def _read(self, work: Callable[[Database], ResultT], otherwise: ResultT) -> ResultT:
        """What the listing says; something else where there is none."""
        if not self._has_listing:
            return otherwise
        await self._flush()
        return await self._scribe.read(work)

    async def _flush(self) -> None:
        if self._fetched:
            await self._write([], lambda database: None)

    async def _write(self, delivered: Sequence[Row], work: Callable[[Database], ResultT]) -> ResultT:
        """Durably, with what was fetched and is not among the delivered rows."""
        self._check()
        fetched, self._fetched = self._fetched, {}
        rest = fetched.keys() - {row[1] for row in delivered}
        rows = [(self._account, key, fetched[key]) for key in rest]

        def both(database: Database) -> ResultT:
            if rows:
                database.executemany(_FETCHED, rows)
            return work(database)

        try:
            return await self._scribe.write(both)
        except JournalError:
            self._fetched = fetched | self._fetched
            raise

    def _check(self) -> None:
        if self._lock is None:
            raise JournalError("the run of this account is over: begin another one")


def _many(statement: str, rows: Sequence[Row]) -> Callable[[Database], None]:
    def work(database: Database) -> None:
        database.executemany(statement, rows)

    return work


def _page(
    listing: Listing, steps: Collection[Step | None], between: tuple[int, int], limit: int
) -> Callable[[sqlite3.Connection], list[Compared]]:
    return lambda database: listing.page(database, steps, between, limit)
