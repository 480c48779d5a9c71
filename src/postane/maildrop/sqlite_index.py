"""The index side of the embedded store: one SQLite file for each drop.

A deposit and a commit are one transaction each, durable when they are acknowledged (`sides.Step` has the boundaries).
A drop is never taken off the disk: removing it empties its file and leaves its token and its next uid behind, so that
programs that have it open stay right about which file it is, and no unique-id returns.

Must not know: where large bodies are.
"""

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from postane.mail.measure import Facts

from .base import Blob, Finding, Holder, Lock, LockPolicy, Receipt, Row, StoreUnavailable, Usage
from .columns import ColumnCache, KeptColumns, extend
from .folders import Folders, storage_error
from .leases import Taken, acquire
from .listings import DropListings, ListingCache
from .locks import FileLease, LeaseFiles
from .remembered import Known
from .sides import Columns, Entry, Lease, Step, StepHook, Stored, Totals, ignore_step
from .sqlite_deleted import Deleted, delete, restore
from .sqlite_deposit import deposit_job
from .sqlite_drops import mark_removed, names_of_drops
from .sqlite_fence import delete_under, take_over
from .sqlite_handles import Handle, Handles
from .sqlite_schema import connect_reader, index_error
from .sqlite_verify import find_damage, mend_totals
from .sqlite_writer import Job, Transaction
from .takeovers import Takeovers
from .uidls import Uidls, format_uidl

HANDLES = 512
"""Drops that are kept open, unless the configuration says otherwise."""

INLINE_ROWS = 2000
"""Rows that are read on the event loop; more are read in a thread."""

_ROWS_AT_ONCE = 500
_FACTS = "m.octets, m.header_octets, m.is_dotted, m.digest, m.blob, m.blob_octets, m.blob_digest, m.excess"
_FETCH = "SELECT m.uid, m.octets, m.header_octets, m.is_dotted, m.digest, m.excess, b.octets, m.blob, m.blob_octets, m.blob_digest FROM message m JOIN body b USING (uid) WHERE m.uid BETWEEN ? AND ? ORDER BY m.uid"  # noqa: E501
_ROWS = f"SELECT m.uid, {_FACTS}, m.arrived, m.sender, m.uidl, NULL FROM message m WHERE m.uid > ?1 AND (?2 IS NULL OR m.arrived < ?2) ORDER BY m.uid LIMIT ?3"  # noqa: E501, S608
_DELETED = f"SELECT m.uid, {_FACTS}, m.arrived, m.sender, m.uidl, m.deleted FROM deleted m WHERE m.uid > ?1 AND (?2 IS NULL OR m.deleted < ?2) ORDER BY m.uid LIMIT ?3"  # noqa: E501, S608


class SqliteIndex:
    """An Index of SQLite files."""

    def __init__(self, root: Path, *, handles: int = HANDLES, on_step: StepHook = ignore_step) -> None:
        self._folders = Folders(root)
        self._handles = Handles(self._folders, handles, on_step)
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
        lease = await acquire(partial(self._take, drop, handle.lease_path, holder, lock), evict, lock)
        try:
            handle = self._handles.get(drop) or await self._handles.require(drop)  # it may have been closed meanwhile
            handle.check_file()
            totals = handle.totals()
        except BaseException:
            lease.drop_lock()
            raise
        if is_new:
            self._handles.spare(drop)
        return lease, totals

    def open_now(self, drop: str, holder: Holder, lock: Lock) -> tuple[Lease, Totals] | None:
        """The same where nobody has the lease, and the drop is as it was, or its handle is open."""
        known = self._handles.remembered.get(drop)
        if known is None:
            return None
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
        return None if totals is None else (lease, totals)

    def _asked(self, drop: str, known: Known) -> Totals | None:
        handle = self._handles.get(drop)
        if handle is None:
            return None
        moment = known.moment()
        handle.check_file()
        totals = handle.totals()
        known.learn(moment, totals)
        return totals

    def _take(self, drop: str, path: str, holder: Holder, lock: Lock) -> FileLease | Taken:
        try:
            return self._leases.take(drop, path, holder, is_shared=lock.policy is LockPolicy.SHARE)
        except OSError as error:
            raise storage_error(error, f"maildrop {drop} cannot be locked") from error

    async def totals(self, drop: str) -> Totals:
        """What the drop holds now."""
        return (await self._handles.require(drop)).totals()

    async def columns(self, drop: str, totals: Totals) -> Columns:
        """The columns of the messages that `totals` counted; those of a drop that was read before are kept."""
        handle = await self._handles.require(drop)
        columns = self.columns_now(drop, totals)
        if columns is not None:
            return columns
        work = partial(extend, self._columns.get(handle.token, totals), totals)
        return self._kept(handle.token, await self._handles.run(partial(_read_apart, handle.path, work)))

    def columns_now(self, drop: str, totals: Totals) -> Columns | None:
        """The same where the drop's handle is open and few rows have to be read."""
        handle = self._handles.get(drop)
        if handle is None:
            return None
        kept = self._columns.get(handle.token, totals)
        if totals.messages - len(kept.uids) > INLINE_ROWS:
            return None
        return self._kept(handle.token, kept if kept.last_uid == totals.last_uid else extend(kept, totals, handle.read))

    def _kept(self, token: str, kept: KeptColumns) -> Columns:
        self._columns.put(token, kept)
        listings = DropListings(self._listings, token, kept)
        return Columns(kept.uids, kept.sizes, Uidls(token, kept.uids, kept.given), kept.excess, listings)

    async def fetch(self, drop: str, first: int, last: int) -> list[Stored]:
        """The messages with uids from `first` to `last`."""
        found = self.fetch_now(drop, first, last)
        return _stored(await self._handles.require(drop), first, last) if found is None else found

    def fetch_now(self, drop: str, first: int, last: int) -> list[Stored] | None:
        """The same where the drop's handle is open."""
        handle = self._handles.get(drop)
        return _stored(handle, first, last) if handle is not None else None

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
        known = self._handles.remembered.get(drop)
        totals = known.totals() if known is not None else None
        if totals is None:
            handle = self._handles.get(drop)
            totals = handle.totals() if handle is not None else None
        return totals

    async def usage(self, drop: str) -> Usage:
        """What the drop holds."""
        handle = await self._handles.find(drop)
        if handle is None:
            return Usage(0, 0)
        totals = handle.totals()
        newest = handle.read("SELECT arrived FROM message ORDER BY uid DESC LIMIT 1")
        ((messages, octets),) = handle.read("SELECT count(*), coalesce(sum(octets), 0) FROM deleted")
        return Usage(totals.messages, totals.octets, newest[0][0] if newest else None, messages, octets)

    def rows(self, drop: str, before: float | None = None) -> AsyncIterator[Row]:
        """What is known of each message."""
        return self._list(drop, _ROWS, before)

    def deleted(self, drop: str, before: float | None = None) -> AsyncIterator[Row]:
        """What is known of each message that was deleted and is kept."""
        return self._list(drop, _DELETED, before)

    async def _list(self, drop: str, query: str, before: float | None) -> AsyncIterator[Row]:
        last = 0
        while handle := await self._handles.find(drop):
            token = handle.token
            found = handle.read(query, (last, before, _ROWS_AT_ONCE))
            for uid, octets, header, dotted, digest, name, size, check, excess, arrived, sender, uidl, gone in found:
                facts = Facts(octets, header, bool(dotted), digest, excess)
                blob = Blob(name, size, check) if name else None
                yield Row(uid, uidl or format_uidl(token, uid), facts, arrived, sender, blob, gone)
                last = uid
            if len(found) < _ROWS_AT_ONCE:
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


def _stored(handle: Handle, first: int, last: int) -> list[Stored]:
    return [
        Stored(uid, Facts(octets, header, dotted == 1, digest, excess), head, name and Blob(name, size, check))
        for uid, octets, header, dotted, digest, excess, head, name, size, check in handle.read(_FETCH, (first, last))
    ]


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


def _read_apart(path: str, work: "partial[KeptColumns]") -> KeptColumns:
    """Read much on a connection of its own, in a thread: the handle's is the event loop's."""
    try:
        with contextlib.closing(connect_reader(path)) as connection:
            return work(lambda sql, values: connection.execute(sql, values))
    except sqlite3.Error as error:
        raise index_error(error, path) from error
