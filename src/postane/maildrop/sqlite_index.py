"""The index side of the embedded store: one SQLite file for each drop.

A deposit and a commit are one transaction each, durable when they are acknowledged (`sides.Step` has the boundaries).
A drop is never taken off the disk: removing it empties its file and leaves its token and its next uid behind, so that
programs that have it open stay right about which file it is, and no unique-id returns.

Must not know: where large bodies are.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from .base import Finding, Holder, Lock, LockPolicy, Receipt, Row, StoreUnavailable, Usage
from .columns import ColumnCache, KeptColumns, extend
from .folders import Folders, storage_error
from .leases import Taken, acquire
from .listings import DropListings, ListingCache
from .locks import FileLease, LeaseFiles, give_back, take
from .remembered import Known
from .sides import Columns, Entry, Lease, Step, StepHook, Stored, Totals, ignore_step
from .slow_drops import SlowDrops, TooSlow
from .sqlite_deleted import Deleted, delete, restore
from .sqlite_deposit import deposit_job
from .sqlite_drops import mark_removed, names_of_drops
from .sqlite_fence import delete_under, take_over
from .sqlite_handles import Handles
from .sqlite_rows import DELETED, ROWS, ROWS_AT_ONCE, as_rows, read_apart, stored, usage
from .sqlite_verify import find_damage, mend_totals
from .sqlite_writer import Job, Transaction
from .takeovers import Takeovers
from .uidls import Uidls

HANDLES = 512
"""Drops that are kept open, unless the configuration says otherwise."""

INLINE_ROWS = 2000
"""Rows that are read on the event loop; more are read in a thread."""


class SqliteIndex:
    """An Index of SQLite files."""

    def __init__(
        self, root: Path, *, handles: int = HANDLES, on_step: StepHook = ignore_step, slow: SlowDrops | None = None
    ) -> None:
        self._folders = Folders(root)
        self._handles = Handles(self._folders, handles, on_step, slow or SlowDrops())
        self._turns = self._handles.turns
        self._slow = self._turns.slow
        self._columns = ColumnCache()
        self._listings = ListingCache()
        self._takeovers = Takeovers(self._folders.root)
        self._leases = LeaseFiles(self._takeovers)

    async def open(self, drop: str, holder: Holder, lock: Lock) -> tuple[Lease, Totals]:
        """Take the drop's lease and what it holds now."""

        async def evict() -> FileLease:
            return await take_over(await self._handles.require(drop), drop, holder, self._takeovers.number)

        is_new = self._handles.get(drop) is None
        handle = await self._handles.require(drop)
        lease = await acquire(partial(self._try, drop, handle.lease_path, holder, lock), evict, lock)
        try:
            handle = self._handles.get(drop) or await self._handles.require(drop)  # it may have been closed meanwhile
            totals = await self._turns.ask(drop, handle.checked_totals)
        except BaseException:
            lease.drop_lock()
            raise
        if is_new:
            self._handles.spare(drop)
        return lease, totals

    def open_now(self, drop: str, holder: Holder, lock: Lock) -> tuple[Lease, Totals] | None:
        """The same where nobody has the lease, and the drop is as it was, or its handle is open."""
        known = self._handles.remembered.get(drop)
        if known is None or not self._turns.is_free(drop):
            return None
        begun = time.monotonic()
        try:
            lease = self._take(drop, known.lease_path, holder, lock)
        except StoreUnavailable:
            return None  # `open` finds out why: a folder that somebody has removed is made again there
        if isinstance(lease, Taken):
            return None
        totals = None
        try:
            totals = known.totals() or self._asked(drop, known)
        finally:
            if totals is None:
                lease.drop_lock()
            self._slow.note(drop, time.monotonic() - begun)
        return None if totals is None else (lease, totals)

    def _asked(self, drop: str, known: Known) -> Totals | None:
        handle = self._handles.get(drop)
        if handle is None:
            return None
        moment = known.moment()
        totals = handle.checked_totals()
        known.learn(moment, totals)
        return totals

    async def _try(self, drop: str, path: str, holder: Holder, lock: Lock) -> FileLease | Taken:
        """Try once to take the lease; in a thread where the drop is slow."""
        if self._turns.is_free(drop):
            return self._slow.timed(drop, partial(self._take, drop, path, holder, lock))
        is_shared = lock.policy is LockPolicy.SHARE
        taking = partial(take, drop, path, holder, self._takeovers.number, is_shared=is_shared)
        return await self._turns.ask(drop, taking, give_back=give_back)

    def _take(self, drop: str, path: str, holder: Holder, lock: Lock) -> FileLease | Taken:
        try:
            return self._leases.take(drop, path, holder, is_shared=lock.policy is LockPolicy.SHARE)
        except OSError as error:
            raise storage_error(error, f"maildrop {drop} cannot be locked") from error

    async def totals(self, drop: str) -> Totals:
        """What the drop holds now."""
        handle = await self._handles.require(drop)
        return await self._turns.ask(drop, handle.totals)

    async def columns(self, drop: str, totals: Totals) -> Columns:
        """The columns of the messages that `totals` counted; those of a drop that was read before are kept."""
        handle = await self._handles.require(drop)
        columns = self.columns_now(drop, totals)
        if columns is not None:
            return columns
        work = partial(extend, self._columns.get(handle.token, totals), totals)
        is_much = totals.messages > INLINE_ROWS
        read = partial(read_apart, handle.path, work) if is_much else partial(work, handle.read)
        return self._kept(handle.token, await self._turns.do(drop, read))

    def columns_now(self, drop: str, totals: Totals) -> Columns | None:
        """The same where the drop's handle is open and few rows have to be read."""
        handle = self._handles.get(drop)
        if handle is None:
            return None
        kept = self._columns.get(handle.token, totals)
        if kept.last_uid == totals.last_uid:
            return self._kept(handle.token, kept)
        if totals.messages - len(kept.uids) > INLINE_ROWS or not self._turns.is_free(drop):
            return None
        try:
            return self._kept(handle.token, extend(kept, totals, self._slow.hasty(drop, handle.read)))
        except TooSlow:
            return None

    def _kept(self, token: str, kept: KeptColumns) -> Columns:
        self._columns.put(token, kept)
        listings = DropListings(self._listings, token, kept)
        return Columns(kept.uids, kept.sizes, Uidls(token, kept.uids, kept.given), kept.excess, listings)

    async def fetch(self, drop: str, first: int, last: int) -> list[Stored]:
        """The messages with uids from `first` to `last`."""
        handle = await self._handles.require(drop)
        return await self._turns.ask(drop, partial(stored, handle.read, first, last))

    def fetch_now(self, drop: str, first: int, last: int) -> list[Stored] | None:
        """The same where the drop's handle is open."""
        handle = self._handles.get(drop) if self._turns.is_free(drop) else None
        if handle is None:
            return None
        begun = time.monotonic()
        found = stored(handle.read, first, last)
        self._slow.note(drop, time.monotonic() - begun)
        return found

    def append(self, drop: str, entry: Entry) -> Awaitable[Receipt]:
        """Take a message in, durably."""
        return self.append_now(drop, entry) or self._write_later(drop, deposit_job(drop, entry))

    def append_now(self, drop: str, entry: Entry) -> "asyncio.Future[Receipt] | None":
        """The same where the drop's handle is open."""
        handle = self._handles.get(drop)
        return None if handle is None else handle.write(deposit_job(drop, entry))

    async def _write_later(self, drop: str, job: Job) -> Any:
        return await (await self._handles.require(drop)).write(job)

    async def delete(self, lease: Lease, uids: Sequence[int], kept_since: float | None = None) -> list[str]:
        """Delete messages, durably, or put them out of sight."""
        held = _file_lease(lease)
        ranges = _ranges(uids)
        handle = await self._handles.require(held.drop)
        deleted: Deleted = await delete_under(held, handle, partial(delete, held, ranges, kept_since))
        lines = self._columns.remove(handle.token, ranges, deleted.removals)
        self._listings.cut(handle.token, deleted.removals, lines)
        return deleted.blobs

    async def restore(self, lease: Lease, uids: Sequence[int], arrived: float) -> list[Receipt]:
        """Bring back, durably, what is kept of these."""
        held = _file_lease(lease)
        handle = await self._handles.require(held.drop)
        job = Job(partial(restore, held, uids, arrived), Step.ROW_WRITTEN, Step.ROW_DURABLE)
        receipts: list[Receipt] = await handle.write(job)
        return receipts

    def totals_now(self, drop: str) -> Totals | None:
        """What the drop holds now, where it is as it was, or its handle is open."""
        if not self._turns.is_free(drop):
            return None
        known = self._handles.remembered.get(drop)
        totals = known.totals() if known is not None else None
        if totals is None:
            handle = self._handles.get(drop)
            totals = self._slow.timed(drop, handle.totals) if handle is not None else None
        return totals

    async def usage(self, drop: str) -> Usage:
        """What the drop holds."""
        handle = await self._handles.find(drop)
        if handle is None:
            return Usage(0, 0)
        return await self._turns.ask(drop, partial(usage, handle.totals, handle.read))

    def rows(self, drop: str, before: float | None = None) -> AsyncIterator[Row]:
        """What is known of each message."""
        return self._list(drop, ROWS, before)

    def deleted(self, drop: str, before: float | None = None) -> AsyncIterator[Row]:
        """What is known of each message that was deleted and is kept."""
        return self._list(drop, DELETED, before)

    async def _list(self, drop: str, query: str, before: float | None) -> AsyncIterator[Row]:
        last = 0
        while handle := await self._handles.find(drop):
            token = handle.token
            found = await self._turns.ask(drop, partial(handle.read, query, (last, before, ROWS_AT_ONCE)))
            for row in as_rows(token, found):
                yield row
                last = row.uid
            if len(found) < ROWS_AT_ONCE:
                break

    async def drops(self) -> AsyncIterator[str]:
        """The names of all drops."""
        for name in await self._handles.run(partial(names_of_drops, self._folders)):
            yield name

    async def verify(self, drop: str, lease: Lease | None) -> AsyncIterator[Finding]:
        """What is wrong inside the index; with a lease, totals are mended."""
        path = f"{self._folders.drop(drop)}/index.sqlite"
        if await self._handles.find(drop) is None:
            return
        for finding in await self._handles.run(partial(find_damage, drop, path)):
            yield finding
        if lease is not None:
            handle = await self._handles.require(drop)
            await handle.write(Job(partial(_mend, _file_lease(lease)), Step.ROW_WRITTEN, Step.ROW_DURABLE))

    async def remove(self, lease: Lease) -> None:
        """Empty the drop, and take it off the list of drops."""
        held = _file_lease(lease)
        await delete_under(held, await self._handles.require(held.drop), partial(_delete_all, held))
        handle = await self._handles.require(held.drop)
        await handle.write(Job(partial(mark_removed, handle.folder), Step.ROWS_DELETED, Step.ROWS_GONE))

    async def close(self) -> None:
        """Let go of all handles."""
        self._leases.close()
        await self._handles.close()


def _delete_all(lease: FileLease, now: Transaction) -> Deleted:
    return delete(lease, [(0, now.next_uid)], None, now)


def _mend(lease: FileLease, now: Transaction) -> None:
    if lease.is_held:
        now.messages, now.octets, now.next_uid, now.excess = mend_totals(now.connection, now.next_uid)
        now.removals += 1  # columns that were read before are not trusted any more


def _file_lease(lease: Lease) -> FileLease:
    if not isinstance(lease, FileLease):
        raise TypeError("a lease goes to the index that gave it")
    return lease


def _ranges(uids: Sequence[int]) -> list[tuple[int, int]]:
    """Ascending uids as ranges: whoever deletes at all mostly deletes a run of them."""
    if uids and uids[-1] - uids[0] < len(uids):
        return [(uids[0], uids[-1])]
    ranges: list[tuple[int, int]] = []
    for uid in uids:
        if ranges and uid == ranges[-1][1] + 1:
            ranges[-1] = (ranges[-1][0], uid)
        else:
            ranges.append((uid, uid))
    return ranges
