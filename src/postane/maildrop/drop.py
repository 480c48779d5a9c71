"""A maildrop store made of an index and a blob side.

Deposit: 1. a large body is spooled and made durable; for each addressee then 2. the body gets a name in the drop,
durably, and 3. the row is written and made durable, which is what a Receipt tells. Commit: 1. the rows are deleted
durably, 2. their blobs are removed. Whatever step is the last one done, no row lacks its body; blobs without a row are
swept when the drop is opened. `sides.Step` has the boundaries.

Must not know: which index and which blob side.
"""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Sequence

from postane.mail.measure import measure
from postane.mail.snapshot import Snapshot

from .base import (
    Addressee,
    Blob,
    Finding,
    FindingKind,
    Holder,
    LeaseLost,
    Letter,
    Lock,
    MaildropError,
    OpenMessage,
    QuotaExceeded,
    Receipt,
    Row,
    Spool,
    StoreDamaged,
    StoreFull,
    Usage,
)
from .sides import ORPHAN_AGE, BlobSide, Entry, Index, Lease, Stored, Totals
from .spool import Body, JoinedSpool, joined_facts
from .verify import check_blobs

INLINE = 64 * 1024
"""Octets of a body that the index takes itself, unless the configuration says otherwise."""

AHEAD_MESSAGES = 16
AHEAD_OCTETS = 128 * 1024
"""What is read in one trip when a client takes one message after the other."""


class JoinedSession:
    """A MaildropSession over two sides."""

    __slots__ = ("_ahead", "_blobs", "_index", "_last", "_lease", "_sizes", "_totals", "snapshot")

    def __init__(self, index: Index, blobs: BlobSide, lease: Lease, totals: Totals) -> None:
        self._index = index
        self._blobs = blobs
        self._lease: Lease | None = lease
        self._totals = totals
        self._sizes: Sequence[int] = ()
        self._last = 0  # the number that was opened last
        self._ahead: dict[int, Stored] = {}  # read in one trip with that one, not yet asked for; by uid
        self.snapshot = Snapshot(totals.messages, totals.octets, totals.last_uid, totals.excess)

    async def load(self) -> None:
        """Fill the snapshot's columns if they are not there."""
        if self.snapshot.is_loaded:
            return
        columns = await self._index.columns(self._held().drop, self._totals)
        if len(columns.uids) != self.snapshot.total:
            raise StoreDamaged(
                "maildrop is damaged",
                f"maildrop {self._held().drop}: {len(columns.uids)} rows where {self.snapshot.total} are counted",
            )
        self._sizes = columns.sizes
        self.snapshot.fill(columns.uids, columns.sizes, columns.uidls, columns.excess)

    async def open_message(self, number: int) -> OpenMessage:
        """Open message `number` of the loaded snapshot."""
        drop = self._held().drop
        uid = self.snapshot.uid(number)
        stored = self._ahead.pop(uid, None) or await self._fetch(drop, number, uid)
        check_stored(drop, stored)
        self._last = number
        rest = await self._blobs.open(drop, stored.blob) if stored.blob else None
        return OpenMessage(stored.facts, stored.head, rest)

    async def commit(self) -> None:
        """Delete, durably, what the snapshot marks. A blob that cannot be removed now is an orphan for the sweep."""
        lease = self._held()
        deleted = self.snapshot.deleted
        if deleted:
            names = await self._index.delete(lease, [self.snapshot.uid(number) for number in deleted])
            if names:
                await self._blobs.remove(lease.drop, names)

    async def close(self) -> None:
        """Give the lease back."""
        self._ahead = {}
        lease, self._lease = self._lease, None
        if lease is not None:
            await lease.release()

    def _held(self) -> Lease:
        if self._lease is None:
            raise LeaseLost("maildrop is closed")
        return self._lease

    async def _fetch(self, drop: str, number: int, uid: int) -> Stored:
        """Read a message, and those behind it where the client seems to take them all."""
        self._ahead = {}
        last = self._last_ahead(number) if number == self._last + 1 and number > 1 else number
        found = await self._index.fetch(drop, uid, self.snapshot.uid(last))
        if not found or found[0].uid != uid:
            raise StoreDamaged("message is damaged", f"maildrop {drop}: message {uid} has no body")
        self._ahead = {stored.uid: stored for stored in found[1:]}
        return found[0]

    def _last_ahead(self, number: int) -> int:
        octets = 0
        last = number
        while last < min(number + AHEAD_MESSAGES, self.snapshot.total):
            octets += self._sizes[last]  # of number last + 1
            if octets > AHEAD_OCTETS:
                break
            last += 1
        return last


class JoinedStore:
    """The MaildropStore of an index and a blob side; bodies up to `inline` octets go to the index."""

    def __init__(self, index: Index, blobs: BlobSide, *, inline: int = INLINE, orphan_age: float = ORPHAN_AGE) -> None:
        self._index = index
        self._blobs = blobs
        self._inline = inline
        self._orphan_age = orphan_age
        self._swept: set[str] = set()  # drops that were swept since this process began

    async def open(self, drop: str, holder: Holder, lock: Lock) -> JoinedSession:
        """Take the lease and a snapshot."""
        lease, totals = await self._index.open(drop, holder, lock)
        if drop not in self._swept:
            try:
                await self._sweep(drop, totals)
            except BaseException:
                await lease.release()
                raise
        return JoinedSession(self._index, self._blobs, lease, totals)

    def spool(self) -> JoinedSpool:
        """Begin to take in a message."""
        return JoinedSpool(self._blobs.begin, self._inline)

    async def deposit(
        self, spool: Spool, letter: Letter, addressees: Sequence[Addressee]
    ) -> list[Receipt | MaildropError]:
        """Store what was spooled, durably, for every addressee."""
        if not isinstance(spool, JoinedSpool):
            raise TypeError("a store takes only spools that it made")
        try:
            body = await spool.finish()
        except MaildropError as error:
            return [error for _ in addressees]
        if len(addressees) == 1:
            return [await self._outcome(body, letter, addressees[0])]
        return await asyncio.gather(*(self._outcome(body, letter, addressee) for addressee in addressees))

    async def usage(self, drop: str) -> Usage:
        """What the drop holds."""
        return await self._index.usage(drop)

    def rows(self, drop: str) -> AsyncIterator[Row]:
        """What is known of each message, in order of uid."""
        return self._index.rows(drop)

    def drops(self) -> AsyncIterator[str]:
        """The names of all drops that exist, sorted."""
        return self._index.drops()

    async def verify(self, drop: str, *, repair: bool = False) -> AsyncIterator[Finding]:
        """Everything wrong with a drop. `repair` needs its lease: raises DropInUse."""
        lease: Lease | None = None
        try:
            if repair:
                lease, _ = await self._index.open(drop, _ourselves("verify"), Lock())
            is_sound = True
            async for finding in self._index.verify(drop, lease):
                is_sound = False
                yield finding
                if finding.kind is FindingKind.INDEX_DAMAGED:
                    return
            async for finding in check_blobs(self._index, self._blobs, drop, self._orphan_age):
                yield finding
                # A blob may seem to be an orphan because its row was lost: only an index without fault says so.
                if lease is not None and is_sound and finding.kind is FindingKind.ORPHAN:
                    await self._blobs.remove(drop, [finding.detail])
        except StoreDamaged as error:
            yield Finding(drop, FindingKind.INDEX_DAMAGED, error.log)
        finally:
            if lease is not None:
                await lease.release()

    async def discard(self, drop: str, uids: Sequence[int]) -> None:
        """Remove messages for good, durably."""
        if not uids:
            return
        lease, _ = await self._index.open(drop, _ourselves("housekeeping"), Lock())
        try:
            await self._blobs.remove(drop, await self._index.delete(lease, uids))
        finally:
            await lease.release()

    async def remove(self, drop: str) -> None:
        """Remove a drop and all its messages, durably."""
        lease, _ = await self._index.open(drop, _ourselves("remove"), Lock())
        try:
            names = await self._blobs.names(drop, 0.0)
            await self._index.remove(lease)
            await self._blobs.remove(drop, names)
        finally:
            await lease.release()

    async def close(self) -> None:
        """Let go of all handles."""
        await self._index.close()
        await self._blobs.close()

    async def _outcome(self, body: Body, letter: Letter, addressee: Addressee) -> Receipt | MaildropError:
        try:
            return await self._deposit(body, letter, addressee)
        except MaildropError as error:
            return error

    async def _deposit(self, body: Body, letter: Letter, addressee: Addressee) -> Receipt:
        drop, lead, quota, uidl = addressee.drop, addressee.lead, addressee.quota, addressee.uidl
        if body.upload is None or body.facts is None:
            head = lead + body.octets
            return await self._index.append(drop, Entry(letter, measure(head), head, None, quota, uidl))
        blob = Blob(secrets.token_hex(16), body.facts.octets, body.facts.digest)
        entry = Entry(letter, joined_facts(lead, body.facts), lead, blob, quota, uidl)
        await self._blobs.place(body.upload, drop, blob.name)
        try:
            return await self._index.append(drop, entry)
        except (QuotaExceeded, StoreFull):
            # The row is certainly not there. After other errors it may be: then the blob is left to the sweep.
            await self._blobs.remove(drop, [blob.name])
            raise

    async def _sweep(self, drop: str, totals: Totals) -> None:
        """Remove blobs that a crash left without a row; the lease is held, so no row can go meanwhile.

        An index that does not have all the rows that it counts is damaged: then every blob may be wanted.
        """
        old = await self._blobs.names(drop, self._orphan_age)
        if old:
            rows = [(row.uid, row.blob.name if row.blob else "") async for row in self._index.rows(drop)]
            if sum(uid <= totals.last_uid for uid, _ in rows) != totals.messages:
                return
            known = {name for _, name in rows}
            await self._blobs.remove(drop, [name for name in old if name not in known])
        self._swept.add(drop)


def check_stored(drop: str, stored: Stored) -> None:
    """Whether a message can be given out: what is told of it must be true of it. Raises StoreDamaged."""
    facts, blob = stored.facts, stored.blob
    size = len(stored.head) + (blob.octets if blob else 0)
    if not isinstance(stored.head, bytes) or size != facts.octets or not 0 <= facts.header_octets <= size:
        raise StoreDamaged("message is damaged", f"maildrop {drop}: message {stored.uid} is not as it was stored")


def _ourselves(work: str) -> Holder:
    """Who holds the lease while the operator does something to a drop."""
    return Holder(work, "", "local", time.time())
