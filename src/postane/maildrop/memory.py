"""A maildrop store that forgets everything: for tests, and for the `pytest` plugin.

It keeps every promise but durability, and passes the same contract suite.

Must not know: files.
"""

import time
from bisect import bisect_left, bisect_right
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace

from postane.mail.measure import measure

from .base import Finding, FindingKind, Holder, Lock, LockPolicy, Receipt, Row, UidlRefused, Usage
from .drop import INLINE, JoinedStore
from .leases import Taken, acquire, taken_over
from .memory_blobs import MemoryBlobs
from .sides import ORPHAN_AGE, Columns, Entry, Lease, Stored, Totals, check_quota
from .uidls import Uidls, check_uidl, format_uidl, new_token, parse_uidl


def memory_store(*, inline: int = INLINE, orphan_age: float = ORPHAN_AGE) -> JoinedStore:
    """A new post office without any drop."""
    return JoinedStore(MemoryIndex(), MemoryBlobs(), inline=inline, orphan_age=orphan_age)


@dataclass(slots=True)
class MemoryDrop:
    """Everything about one drop, in order of uid."""

    token: str = field(default_factory=new_token)
    next_uid: int = 1
    removals: int = 0
    octets: int = 0
    rows: dict[int, Row] = field(default_factory=dict)
    heads: dict[int, bytes] = field(default_factory=dict)
    given: dict[int, str] = field(default_factory=dict)
    deleted: dict[int, Row] = field(default_factory=dict)  # kept; their heads stay among the others

    def totals(self) -> Totals:
        """What it holds now."""
        excess = sum(row.facts.excess or 0 for row in self.rows.values())
        return Totals(len(self.rows), self.octets, self.next_uid - 1, self.removals, excess)


class MemoryLease:
    """A place in the index's book of leases."""

    __slots__ = ("_leases", "drop", "holder", "is_shared")

    def __init__(self, leases: "dict[str, list[MemoryLease]]", drop: str, holder: Holder, *, is_shared: bool) -> None:
        self._leases = leases
        self.drop = drop
        self.holder = holder
        self.is_shared = is_shared
        leases.setdefault(drop, []).append(self)

    @property
    def is_held(self) -> bool:
        """Whether it is still in the book."""
        return self in self._leases.get(self.drop, ())

    def note_use(self, now: float) -> bool:
        """The holder is at work; whether the lease is still its own."""
        self.holder = replace(self.holder, last_seen=now)
        return self.is_held

    async def release(self) -> None:
        """Give it back."""
        self.release_now()

    def release_now(self) -> bool:
        """Give it back: always without waiting."""
        if self.is_held:
            self._leases[self.drop].remove(self)
            if not self._leases[self.drop]:
                del self._leases[self.drop]
        return True


class MemoryIndex:
    """An Index of dicts."""

    def __init__(self) -> None:
        self._drops: dict[str, MemoryDrop] = {}
        self.leases: dict[str, list[MemoryLease]] = {}

    async def open(self, drop: str, holder: Holder, lock: Lock) -> tuple[Lease, Totals]:
        """Take the drop's lease and what it holds now."""

        async def evict() -> MemoryLease:
            self.leases.pop(drop, None)
            return MemoryLease(self.leases, drop, replace(holder, last_seen=time.time()), is_shared=False)

        async def attempt() -> MemoryLease | Taken:
            return self._take(drop, holder, lock)

        lease = await acquire(attempt, evict, lock)
        return lease, self._drops.setdefault(drop, MemoryDrop()).totals()

    def open_now(self, drop: str, holder: Holder, lock: Lock) -> tuple[Lease, Totals] | None:
        """The same where nobody has to be waited for, or evicted."""
        lease = self._take(drop, holder, lock)
        if isinstance(lease, Taken):
            return None
        return lease, self._drops.setdefault(drop, MemoryDrop()).totals()

    def _take(self, drop: str, holder: Holder, lock: Lock) -> MemoryLease | Taken:
        is_shared = lock.policy is LockPolicy.SHARE
        held = self.leases.get(drop)
        if held and not (is_shared and held[-1].is_shared):
            return Taken(held[-1].holder)
        return MemoryLease(self.leases, drop, replace(holder, last_seen=time.time()), is_shared=is_shared)

    async def totals(self, drop: str) -> Totals:
        """What it holds now."""
        return self._drops[drop].totals()

    def totals_now(self, drop: str) -> Totals | None:
        """The same of a drop that exists."""
        held = self._drops.get(drop)
        return None if held is None else held.totals()

    async def columns(self, drop: str, totals: Totals) -> Columns:
        """The columns of the messages that `totals` counted."""
        return self.columns_now(drop, totals)

    def columns_now(self, drop: str, totals: Totals) -> Columns:
        """The same: there is never anything to wait for."""
        held = self._drops[drop]
        rows = [row for row in held.rows.values() if row.uid <= totals.last_uid]
        uids = [row.uid for row in rows]
        excess = {row.uid: row.facts.excess for row in rows if row.facts.excess is not None}
        return Columns(uids, [row.facts.octets for row in rows], Uidls(held.token, uids, dict(held.given)), excess)

    async def fetch(self, drop: str, first: int, last: int) -> list[Stored]:
        """The messages with uids from `first` to `last`."""
        return self.fetch_now(drop, first, last)

    def fetch_now(self, drop: str, first: int, last: int) -> list[Stored]:
        """The same: there is never anything to wait for."""
        held = self._drops[drop]
        uids = list(held.rows)
        wanted = uids[bisect_left(uids, first) : bisect_right(uids, last)]
        return [Stored(uid, held.rows[uid].facts, held.heads[uid], held.rows[uid].blob) for uid in wanted]

    async def append(self, drop: str, entry: Entry) -> Receipt:
        """Take a message in."""
        held = self._drops.setdefault(drop, MemoryDrop())
        check_quota(entry.quota, Usage(len(held.rows), held.octets), entry.facts.octets)
        if entry.uidl is not None:
            check_uidl(entry.uidl)
            own = parse_uidl(held.token, entry.uidl) or 0
            if own >= held.next_uid or any(row.uidl == entry.uidl for row in held.rows.values()):
                raise UidlRefused(f"unique-id {entry.uidl} is in use")
            held.given[held.next_uid] = entry.uidl
        uid = held.next_uid
        held.next_uid += 1
        uidl = entry.uidl or format_uidl(held.token, uid)
        held.rows[uid] = Row(uid, uidl, entry.facts, entry.letter.arrived, entry.letter.sender, entry.blob)
        held.heads[uid] = entry.head
        held.octets += entry.facts.octets
        return Receipt(drop, uid, uidl, entry.facts.octets)

    def append_now(self, drop: str, entry: Entry) -> None:
        """It is done by `append` alone, at once."""

    async def delete(self, lease: Lease, uids: Sequence[int], kept_since: float | None = None) -> list[str]:
        """Delete messages, or put them out of sight."""
        held = self._drops[self._checked(lease)]
        rows = [held.rows.pop(uid) for uid in uids if uid in held.rows]
        for row in rows:
            held.given.pop(row.uid, None)
            held.octets -= row.facts.octets
        held.removals += 1
        if kept_since is not None:
            held.deleted |= {row.uid: replace(row, deleted=kept_since) for row in rows}
            return []
        rows += [held.deleted.pop(uid) for uid in uids if uid in held.deleted]
        for row in rows:
            del held.heads[row.uid]
        return [row.blob.name for row in rows if row.blob]

    async def restore(self, lease: Lease, uids: Sequence[int], arrived: float) -> list[Receipt]:
        """Bring back what is kept of these."""
        drop = self._checked(lease)
        held = self._drops[drop]
        receipts = []
        for old in [uid for uid in uids if uid in held.deleted]:
            uid = held.next_uid
            held.next_uid += 1
            uidl = format_uidl(held.token, uid)
            row = replace(held.deleted.pop(old), uid=uid, uidl=uidl, arrived=arrived, deleted=None)
            held.rows[uid], held.heads[uid] = row, held.heads.pop(old)
            held.octets += row.facts.octets
            receipts.append(Receipt(drop, uid, uidl, row.facts.octets))
        return receipts

    async def usage(self, drop: str) -> Usage:
        """What the drop holds."""
        held = self._drops.get(drop)
        if not held:
            return Usage(0, 0)
        newest = max((row.uid, row.arrived) for row in held.rows.values())[1] if held.rows else None
        deleted = [row.facts.octets for row in held.deleted.values()]
        return Usage(len(held.rows), held.octets, newest, len(deleted), sum(deleted), held.next_uid - 1)

    async def rows(self, drop: str, before: float | None = None) -> AsyncIterator[Row]:
        """What is known of each message."""
        held = self._drops.get(drop)
        for row in list(held.rows.values()) if held else []:
            if before is None or row.arrived < before:
                yield row

    async def deleted(self, drop: str, before: float | None = None) -> AsyncIterator[Row]:
        """What is known of each message that was deleted and is kept."""
        held = self._drops.get(drop)
        for _, row in sorted(held.deleted.items()) if held else []:
            if before is None or (row.deleted is not None and row.deleted < before):
                yield row

    async def drops(self) -> AsyncIterator[str]:
        """The names of all drops."""
        for name in sorted(self._drops):
            yield name

    async def verify(self, drop: str, lease: Lease | None) -> AsyncIterator[Finding]:
        """Whether every head is what was stored."""
        del lease
        held = self._drops.get(drop)
        for uid, row in [*held.rows.items(), *held.deleted.items()] if held else []:
            if measure(held.heads[uid] if held else b"").digest != row.facts.digest:
                yield Finding(drop, FindingKind.BODY_DAMAGED, "head is not what was stored", uid)

    async def remove(self, lease: Lease) -> None:
        """Remove the drop."""
        del self._drops[self._checked(lease)]

    async def close(self) -> None:
        """Nothing to let go of."""

    def _checked(self, lease: Lease) -> str:
        if not isinstance(lease, MemoryLease) or not lease.is_held:
            raise taken_over()
        return lease.drop
