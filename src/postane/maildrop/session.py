"""One session's drop, read and emptied through the two sides of a store.

Where others share the drop, or have taken it over, what the snapshot tells may be gone: that is found out when it is
missing, and told apart from damage.

Must not know: which index and which blob side.
"""

import time
from collections.abc import Sequence

from postane.mail.snapshot import Snapshot
from postane.wire.phrases import phrase

from .base import Blob, BlobReader, LeaseLost, MaildropError, MessageGone, OpenMessage, StoreDamaged
from .leases import taken_over
from .sides import BlobSide, Columns, Index, Lease, Stored, Totals

AHEAD_MESSAGES = 16
AHEAD_OCTETS = 128 * 1024
"""What is read in one trip when a client takes one message after the other."""


class JoinedSession:
    """A MaildropSession over two sides."""

    __slots__ = ("_ahead", "_blobs", "_index", "_is_keeping", "_last", "_lease", "_sizes", "_totals", "snapshot")

    def __init__(
        self, index: Index, blobs: BlobSide, lease: Lease, totals: Totals, *, is_keeping: bool = False
    ) -> None:
        self._index = index
        self._blobs = blobs
        self._lease: Lease | None = lease
        self._totals = totals
        self._is_keeping = is_keeping
        self._sizes: Sequence[int] = ()
        self._last = 0  # the number that was opened last
        self._ahead: dict[int, Stored] = {}  # read in one trip with that one, not yet asked for; by uid
        self.snapshot = _snapshot(totals)

    def check(self, now: float) -> None:
        """The holder is at work; raises LeaseLost where the lease was taken over."""
        if self._lease is None or not self._lease.note_use(now):
            self._held()
            raise taken_over()

    def load_now(self) -> bool:
        """Fill the snapshot's columns where that needs no waiting; False: await `load`. Raises MaildropError."""
        if self.snapshot.is_loaded:
            return True
        columns = self._index.columns_now(self._held().drop, self._totals)
        if columns is None or len(columns.uids) != self._totals.messages:
            return False
        self._fill(columns)
        return True

    async def load(self) -> None:
        """Fill the snapshot's columns if they are not there."""
        drop = self._held().drop
        while not self.snapshot.is_loaded:
            totals = self._totals
            columns = await self._index.columns(drop, totals)
            if len(columns.uids) == totals.messages:
                self._fill(columns)
                return
            self.check(time.time())
            # Somebody who shares the drop has deleted since the totals were read: begin again with those of now.
            self._totals = await self._index.totals(drop)
            if not self._held().is_shared or self._totals.removals == totals.removals:
                counts = f"{len(columns.uids)} rows where {totals.messages} are counted"
                raise StoreDamaged("maildrop is damaged", f"maildrop {drop}: {counts}")
            self.snapshot = _snapshot(self._totals)

    def _fill(self, columns: Columns) -> None:
        self._sizes = columns.sizes
        self.snapshot.fill(columns.uids, columns.sizes, columns.uidls, columns.excess, columns.listings)

    def ready(self, number: int) -> OpenMessage | None:
        """Open message `number` of the loaded snapshot if it is small, and its drop's index is open."""
        lease = self._lease or self._held()
        uid = self.snapshot.uid(number)
        stored = self._ahead.pop(uid, None)
        if stored is None:
            found = self._index.fetch_now(lease.drop, uid, self._last_ahead(number))
            if found is None:
                return None
            stored = self._take(number, uid, found)
        if stored.blob is not None:
            self._ahead[uid] = stored
            return None
        check_stored(lease.drop, stored)
        self._last = number
        return OpenMessage(stored.facts, stored.head)

    async def open_message(self, number: int) -> OpenMessage:
        """Open message `number` of the loaded snapshot."""
        message = self.ready(number)
        if message is not None:
            return message
        drop = self._held().drop
        uid = self.snapshot.uid(number)
        stored = self._ahead.pop(uid, None)
        if stored is None:
            stored = self._take(number, uid, await self._index.fetch(drop, uid, self._last_ahead(number)))
        check_stored(drop, stored)
        self._last = number
        rest = await self._open_blob(number, stored.blob) if stored.blob else None
        return OpenMessage(stored.facts, stored.head, rest)

    async def commit(self) -> None:
        """Delete, durably, what the snapshot marks. A blob that cannot be removed now is an orphan for the sweep."""
        self.check(time.time())
        lease = self._held()
        uids = self.snapshot.deleted_uids
        if uids:
            names = await self._index.delete(lease, uids, time.time() if self._is_keeping else None)
            if names:
                await self._blobs.remove(lease.drop, names)

    def commit_now(self) -> bool:
        """The same where nothing is marked."""
        if self.snapshot.is_marked:
            return False
        self.check(time.time())
        return True

    async def close(self) -> None:
        """Give the lease back."""
        self._ahead = {}
        lease, self._lease = self._lease, None
        if lease is not None:
            await lease.release()

    def close_now(self) -> bool:
        """The same where the lease can be given back at once."""
        lease = self._lease
        if lease is not None and not lease.release_now():
            return False
        self._ahead = {}
        self._lease = None
        return True

    def _held(self) -> Lease:
        if self._lease is None:
            raise LeaseLost("maildrop is closed")
        return self._lease

    def _take(self, number: int, uid: int, found: Sequence[Stored]) -> Stored:
        """A message out of those that were read in one trip; the others are kept."""
        self._ahead = {stored.uid: stored for stored in found}
        stored = self._ahead.pop(uid, None)
        if stored is None:
            self._ahead = {}
            raise self._missing(number)
        return stored

    async def _open_blob(self, number: int, blob: Blob) -> BlobReader:
        drop, uid = self._held().drop, self.snapshot.uid(number)
        try:
            return await self._blobs.open(drop, blob)
        except StoreDamaged as error:
            if not await self._index.fetch(drop, uid, uid):
                raise self._missing(number) from error
            raise

    def _missing(self, number: int) -> MaildropError:
        """Why a message of the snapshot is not there."""
        lease = self._held()
        if not lease.is_held:
            return taken_over()
        if lease.is_shared:
            return MessageGone(phrase("message {number} was deleted by another session", number=number))
        uid = self.snapshot.uid(number)
        return StoreDamaged("message is damaged", f"maildrop {lease.drop}: message {uid} has no body")

    def _last_ahead(self, number: int) -> int:
        """The uid up to which to read: those behind as well where the client seems to take them all."""
        last = number
        if number == self._last + 1 and number > 1:
            octets = 0
            for size in self._sizes[number : number + AHEAD_MESSAGES]:
                octets += size
                if octets > AHEAD_OCTETS:
                    break
                last += 1
        return self.snapshot.uid(last)


def _snapshot(totals: Totals) -> Snapshot:
    return Snapshot(totals.messages, totals.octets, totals.last_uid, totals.excess)


def check_stored(drop: str, stored: Stored) -> None:
    """Whether a message can be given out: what is told of it must be true of it. Raises StoreDamaged."""
    facts, head, blob = stored.facts, stored.head, stored.blob
    size = len(head) if blob is None else len(head) + blob.octets
    if type(head) is not bytes or size != facts.octets or not 0 <= facts.header_octets <= size:
        raise StoreDamaged("message is damaged", f"maildrop {drop}: message {stored.uid} is not as it was stored")
